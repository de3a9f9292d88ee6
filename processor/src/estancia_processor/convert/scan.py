"""Records of delimited text, told apart strictly, so that a damaged record never takes its neighbours along.

A field is quoted from its first to its last character or not at all; a quote inside an unquoted field is a character.
A record whose quotes do not close like that is damaged: its first line alone goes to the rejects, and reading goes on
with the next line. So does a record over several lines each of which is a record by itself: there, one damaged quote
was closed by another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from estancia_processor.convert.dialect import Dialect
from estancia_processor.convert.model import Counts
from estancia_processor.convert.rejects import Rejects

LONGEST: Final = 1 << 20
"""A record over several lines is at most so many bytes long."""
_NUMBER: Final = re.compile(rb"\s*[-+]?(\d+([.,]\d*)?|\.\d+)([eE][-+]?\d+)?%?\s*")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A block without what cannot be read.

    Attributes:
        records: the bytes of whole records, in order.
        count: how many they are.
        consumed: how much of the block was dealt with; the rest belongs before the next block.
        lines: line ends in the consumed part.
    """

    records: bytes
    count: int
    consumed: int
    lines: int


class Scanner:
    """Walks blocks record by record; counts what it sees."""

    def __init__(self, dialect: Dialect, rejects: Rejects) -> None:
        self._dialect = dialect
        self._rejects = rejects
        self.counts = Counts()
        mark = re.escape(dialect.delimiter.encode())
        field = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^"' + mark + rb"\r\n][^" + mark + rb"\r\n]*+)?+"
        self._field = re.compile(rb"(?:^|" + mark + rb")" + field)
        self.record = re.compile(field + rb"(?:" + mark + field + rb")*+\r?\n")
        self._open = re.compile(rb"(?:" + field + mark + rb')*+"[^"]*+(?:""[^"]*+)*+\Z')

    def plain(self, block: bytes) -> None:
        """Count a block in which each line is a record."""
        self._count(rows_in=block.count(b"\n"))

    def walk(self, block: bytes, line: int, *, last: bool) -> Cleaned:
        """Part a block into records, blank lines and rejects.

        Args:
            block: bytes that begin with a record and end with a line end.
            line: the number of its first line.
            last: whether nothing follows.

        Returns:
            The records that can be read.
        """
        kept: list[bytes] = []
        start = position = lines = count = 0
        while position < len(block):
            end, verdict = self._next(block, position, last=last)
            if end == position:
                break
            text = block[position:end]
            if verdict is None:
                count += 1
            else:
                kept.append(block[start:position])
                start = end
                if verdict:
                    self._rejects.add(line + lines, text.rstrip(b"\r\n"), verdict)
                    self._count(rows_in=1, rejected=1)
                else:
                    self._count(blank=1)
            lines += text.count(b"\n")
            position = end
        kept.append(block[start:position])
        self._count(rows_in=count)
        return Cleaned(b"".join(kept), count, position, lines)

    def _next(self, block: bytes, position: int, *, last: bool) -> tuple[int, str | None]:
        """Return where the next record ends and why it cannot be read: None when it can, "" for a blank line."""
        line_end = block.find(b"\n", position) + 1 or len(block)
        match = self.record.match(block, position, position + LONGEST)
        if match is None or match.end() == position:
            ends_open = len(block) - position < LONGEST and self._open.match(block, position)
            if ends_open and not last:
                return position, None
            return line_end, "a quotation mark is missing or out of place"
        text = match[0]
        if not text.strip():
            return match.end(), ""
        if match.end() > line_end and self._swallowed(text):
            return line_end, "a quotation mark is missing: the lines that follow are records of their own"
        return match.end(), self._fault(text)

    def _fault(self, text: bytes) -> str | None:
        fields = text.count(self._dialect.delimiter.encode()) + 1 if b'"' not in text else self._fields(text)
        if fields != self._dialect.columns:
            return f"{fields} fields instead of {self._dialect.columns}"
        if not text.isascii():
            try:
                text.decode()
            except UnicodeDecodeError:
                return "bytes that are no UTF-8"
        return None

    def _fields(self, text: bytes) -> int:
        return sum(1 for _ in self._field.finditer(text.rstrip(b"\r\n")))

    def _swallowed(self, text: bytes) -> bool:
        """Whether each line of a record looks like a record by itself, quotes left aside."""
        if self._dialect.columns < 3 and not any(self._dialect.numeric):
            return False
        mark = self._dialect.delimiter.encode()
        for line in text.rstrip(b"\r\n").split(b"\n"):
            fields = line.replace(b'"', b"").split(mark)
            if len(fields) != self._dialect.columns:
                return False
            numbers = zip(fields, self._dialect.numeric, strict=True)
            if any(numeric and field.strip() and not _NUMBER.fullmatch(field) for field, numeric in numbers):
                return False
        return True

    def _count(self, **more: int) -> None:
        self.counts = replace(self.counts, **{name: getattr(self.counts, name) + n for name, n in more.items()})
