"""Delimited text: delimiter, preamble and header, judged by the beginning of a file. Types never are."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

DELIMITERS: Final = (",", "\t", ";", "|")
SAMPLE: Final = 500
PREAMBLE: Final = 20
"""At most so many lines before the header are taken for a preamble."""
WORDS: Final = 4
"""A line of a single column has at most so many spaces; more is prose."""
_QUOTED: Final = re.compile(r'"[^"]*"')
_FIELD: Final = re.compile(r'(?:(?<=[,;\t|\n])|\A)"[^"]*+(?:""[^"]*+)*+"(?=[,;\t|\r\n]|\Z)')
"""A whole quoted field, whose line ends are none of the record."""
_NUMBER: Final = re.compile(r"[-+]?(\d+([.,]\d*)?|\.\d+)([eE][-+]?\d+)?%?")
_DATE: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_YEAR: Final = re.compile(r"(1[89]|20)\d\d")
_MISSING: Final = frozenset({"na", "n/a", "nan", "null", "none", "-"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited text is written.

    Attributes:
        delimiter: between fields.
        columns: how many fields a record has.
        header: whether the first record names the columns.
        preamble: lines before the first record.
        numeric: for each column, whether the sample's fields are numbers.
    """

    delimiter: str
    columns: int
    header: bool
    preamble: int
    numeric: tuple[bool, ...]

    def facts(self) -> dict[str, Any]:
        """The dialect for the report."""
        return {"delimiter": self.delimiter, "quote": '"', "header": self.header, "preamble_lines": self.preamble}


def sniff(head: str) -> Dialect | None:
    """Judge how a text is delimited.

    Args:
        head: its beginning, whole lines.

    Returns:
        The dialect, None when the text is no table.
    """
    flat = _FIELD.sub(lambda field: field[0].replace("\n", " "), head)
    lines = [line.removesuffix("\r") for line in flat.split("\n")[: SAMPLE + PREAMBLE]]
    filled = [line for line in lines if line.strip()][:SAMPLE]
    if not filled:
        return None
    delimiter, count = _delimiter(filled)
    if not count and not _single_column(filled):
        return None
    first = next(i for i, line in enumerate(lines) if line.strip() and _count(line, delimiter) == count)
    before = [line for line in lines[:first] if line.strip()]
    preamble = first if count and first <= PREAMBLE and all(not _count(line, delimiter) for line in before) else 0
    rows = _rows([line for line in lines[preamble:] if _count(line, delimiter) == count], delimiter, count + 1)
    numeric = tuple(_numeric([row[i] for row in rows[1:]]) for i in range(count + 1)) if rows else ()
    if delimiter == "," and not any(numeric) and _prose(rows):
        return None
    leading = next((line for line in lines[preamble:] if line.strip()), "")
    header = bool(rows) and _count(leading, delimiter) == count and _is_header(rows[0], numeric)
    return Dialect(delimiter, count + 1, header, preamble, numeric or (False,) * (count + 1))


def _delimiter(lines: Sequence[str]) -> tuple[str, int]:
    best, best_score = (",", 0), (0.0, 0)
    for delimiter in DELIMITERS:
        count, times = Counter(_count(line, delimiter) for line in lines).most_common(1)[0]
        share = times / len(lines)
        if count and share >= (0.5 if count > 1 else 0.6) and (share, count) > best_score:
            best, best_score = (delimiter, count), (share, count)
    return best


def _count(line: str, delimiter: str) -> int:
    return (_QUOTED.sub("", line) if '"' in line else line).count(delimiter)


def _single_column(lines: Sequence[str]) -> bool:
    return len(lines) > 1 and all(
        line.count(" ") <= WORDS
        and not line.startswith("<")
        and not any(d in _QUOTED.sub("", line) for d in DELIMITERS)
        for line in lines
    )


def _prose(rows: Sequence[Sequence[str]]) -> bool:
    """Whether commas part sentences: a space after each, and several words between them."""
    fields = [field for row in rows for field in row]
    spaced = all(not field or field.startswith(" ") for row in rows for field in row[1:])
    return spaced and sum(len(field.split()) for field in fields) >= 2.5 * len(fields)


def _rows(lines: Sequence[str], delimiter: str, columns: int) -> list[list[str]]:
    rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    return [row for row in rows if len(row) == columns]


def _numeric(fields: Sequence[str]) -> bool:
    filled = [field for field in fields if field]
    return len(filled) > 1 and sum(bool(_NUMBER.fullmatch(field)) for field in filled) * 10 >= len(filled) * 9


def _is_header(first: Sequence[str], numeric: Sequence[bool]) -> bool:
    """Judge a first record: names are no values, but years may name columns and an index needs no name.

    Names that repeat or are empty are names only above numbers.
    """
    names = first[1:] if not first[0].strip() else first
    values = [name for name in names if _NUMBER.fullmatch(name.strip()) or _DATE.fullmatch(name.strip())]
    if any(not _YEAR.fullmatch(name) for name in values) or len(values) == len(first):
        return False
    odd = len(set(names)) < len(names) or not all(name.strip() for name in names)
    if odd and any(name.strip().lower() in _MISSING for name in names):
        return False
    if any(below and name.strip() and not _NUMBER.fullmatch(name) for name, below in zip(first, numeric, strict=True)):
        return True
    return not odd and len(values) not in {1, 2} and all(len(name) <= 80 for name in names)
