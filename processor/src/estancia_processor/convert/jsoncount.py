"""Counts the elements of a JSON document's top-level arrays by its brackets alone, independent of the parser."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Final

_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_BRACKET: Final = re.compile(rb'([^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+)([\[\]{}])', re.DOTALL)
_STRINGS: Final = re.compile(_STRING, re.DOTALL)


def count_elements(path: Path, start: int) -> list[int]:
    """Count the elements of each top-level array, in order: of the document itself, or of an object's members.

    Args:
        path: a well-formed UTF-8 JSON document that is an array or object.
        start: bytes to skip.
    """
    counts: list[int] = []
    stack = b""
    commas = 0
    filled = False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for match in _BRACKET.finditer(content, start):
            before, bracket = match.groups()
            inside = stack in {b"[", b"{["}
            if inside and before:
                bare = _STRINGS.sub(b"0", before)
                commas += bare.count(b",")
                filled = filled or bool(bare.strip())
            if bracket in b"[{":
                filled = filled or inside
                stack += bracket
                if stack in {b"[", b"{["}:
                    commas, filled = 0, False
            else:
                if inside:
                    counts.append(commas + 1 if filled else 0)
                stack = stack[:-1]
    return counts
