"""Records that cannot be read: kept with line number, raw text and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import zstandard


class Rejects:
    """Writes rejected records as compressed NDJSON; the file exists only when there are any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._out: Any = None

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, line: int, raw: bytes | str, reason: str, table: str = "main") -> None:
        """Keep a record.

        Args:
            line: where it begins, from 1; for JSON arrays the element's number.
            raw: its text; bytes that are no UTF-8 are written as escapes.
            reason: a sentence.
            table: of which table.
        """
        if self._out is None:
            self._out = zstandard.ZstdCompressor(level=3).stream_writer(self.path.open("wb"))
        text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
        text = text.encode("utf-8", "backslashreplace").decode()
        self._out.write(orjson.dumps({"line": line, "table": table, "reason": reason, "raw": text}) + b"\n")
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        if self._out is not None:
            self._out.close()
            self._out = None
