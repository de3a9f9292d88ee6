"""A function's code as a zip file on this machine."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

# Lambda takes larger zips only through S3.
ZIP_LIMIT_BYTES = 50 * 1024 * 1024


def read_zip(path: str) -> tuple[bytes, str]:
    """The code and its checksum.

    Args:
        path: The zip's path.

    Returns:
        The bytes, and their SHA-256 in base64.

    Raises:
        ValueError: There is no such file, or it is too large to be uploaded directly.
    """
    file = Path(path)
    if not file.is_file():
        msg = f"{path}: there is no such zip. Build it first with `python lambda/build.py`."
        raise ValueError(msg)
    code = file.read_bytes()
    if len(code) >= ZIP_LIMIT_BYTES:
        msg = f"{path} has {len(code)} bytes; Lambda takes less than {ZIP_LIMIT_BYTES} directly. Leave packages out."
        raise ValueError(msg)
    return code, base64.b64encode(hashlib.sha256(code).digest()).decode()
