"""A file packed alone into gzip or zip: unpacked to scratch, within bounds."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from estancia_processor.errors import FileFaultError
from estancia_protocol.errors import ErrorCode

CHUNK: Final = 1 << 20
RATIO: Final = 200
SMALL: Final = 1 << 30
"""Content up to here may be packed as tightly as it likes."""
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"


def unpack(path: Path, head: bytes, target: Path, beat: Callable[[str, int], None]) -> dict[str, Any] | None:
    """Unpack a gzip file, or a zip file with a single member.

    Args:
        path: the file.
        head: its first bytes.
        target: where the content goes.
        beat: called often, see `model.Beat`.

    Returns:
        The container's facts; None when it is another kind of file, or a zip file with several members.

    Raises:
        FileFaultError: NOT_READABLE when it is broken or encrypted, ARCHIVE_BOMB when it grows beyond all reason.
    """
    try:
        if head.startswith(GZIP):
            with gzip.open(path) as content:
                _copy(content, target, _limit(path), beat)
            return {"kind": "gzip"}
        if head.startswith(ZIP):
            return _unzip(path, target, beat)
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        message = f"the archive cannot be unpacked: {error}; pack the file again"
        raise FileFaultError(ErrorCode.NOT_READABLE, message) from error
    return None


def _unzip(path: Path, target: Path, beat: Callable[[str, int], None]) -> dict[str, Any] | None:
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir() and not _is_litter(info.filename)]
        if len(members) != 1:
            return None
        if members[0].flag_bits & 1:
            raise FileFaultError(ErrorCode.NOT_READABLE, "the archive is encrypted; pack the file without a password")
        with archive.open(members[0]) as content:
            _copy(content, target, _limit(path), beat)
        return {"kind": "zip", "member": members[0].filename}


def _is_litter(name: str) -> bool:
    """Tell what macOS adds to archives."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _limit(path: Path) -> int:
    return max(SMALL, path.stat().st_size * RATIO)


def _copy(content: IO[bytes] | gzip.GzipFile, target: Path, limit: int, beat: Callable[[str, int], None]) -> None:
    size = 0
    with target.open("wb") as out:
        while chunk := content.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise FileFaultError(ErrorCode.ARCHIVE_BOMB)
            out.write(chunk)
            beat("unpack", 0)
