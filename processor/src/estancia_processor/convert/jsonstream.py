"""JSON read value by value, so that a file of any length needs little memory."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn

from estancia_processor.errors import FileFaultError
from estancia_protocol.errors import ErrorCode

CHUNK: Final = 4 << 20
SURE_LENGTH: Final = 16
_SPACE: Final = re.compile(r"[ \t\r\n\ufeff]*")


def exact_number(text: str) -> float | Decimal:
    """Return a JSON number with a point or exponent as a double if that is exact, else as a decimal.

    Args:
        text: the number as written.
    """
    number = float(text)
    if len(text) <= SURE_LENGTH and math.isfinite(number):
        return number
    written = Decimal(text)
    return number if math.isfinite(number) and Decimal(repr(number)) == written else written


DECODER: Final = json.JSONDecoder(parse_float=exact_number)


class JsonStream:
    """A cursor over a JSON text.

    Attributes:
        taken: characters before the buffer, so that `place` counts from the beginning.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        """Open a text.

        Args:
            path: a UTF-8 file.
            start: bytes to skip.
        """
        # The stream closes it; it lives as long as the cursor.
        self._file = path.open(encoding="utf-8", errors="backslashreplace")
        self._file.seek(start)
        self._buffer = ""
        self._at = 0
        self._ended = False
        self.taken = 0

    def __enter__(self) -> JsonStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def place(self) -> int:
        """The cursor's distance from the beginning, in characters."""
        return self.taken + self._at

    def peek(self) -> str:
        """Return the next character that is no space, "" at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill(CHUNK):
                return ""

    def take(self, expected: str) -> None:
        """Step over one character.

        Raises:
            FileFaultError: NOT_READABLE, another one is there.
        """
        found = self.peek()
        if found != expected:
            self.fail(f"{expected!r} expected, {found!r} found")
        self._at += 1

    def value(self) -> Any:
        """Read a whole value.

        Raises:
            FileFaultError: NOT_READABLE, it is broken or cut off.
        """
        if not self.peek():
            self.fail("the text ends where a value should be")
        while True:
            try:
                found, end = DECODER.raw_decode(self._buffer, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if not self._fill(len(self._buffer) - self._at + CHUNK):
                    self.fail(str(error))
                continue
            if end == len(self._buffer) and self._fill(CHUNK):
                continue
            self._at = end
            return found

    def items(self) -> Iterator[Any]:
        """Read an array, yielding its elements."""
        self.take("[")
        while self.peek() != "]":
            yield self.value()
            if self.peek() != "]":
                self.take(",")
        self.take("]")

    def members(self) -> Iterator[str]:
        """Read an object, yielding each name; the caller reads the value."""
        self.take("{")
        while self.peek() != "}":
            name = self.value()
            if not isinstance(name, str):
                self.fail("an object's member has no name")
            self.take(":")
            yield name
            if self.peek() != "}":
                self.take(",")
        self.take("}")

    def fail(self, reason: str) -> NoReturn:
        """Raise NOT_READABLE, telling the place."""
        message = f"the JSON is broken at character {self.place + 1}: {reason}; repair the file and upload it"
        raise FileFaultError(ErrorCode.NOT_READABLE, message)

    def _fill(self, size: int) -> bool:
        if self._ended:
            return False
        more = self._file.read(size)
        self._ended = not more
        self.taken += self._at
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)
