"""What a JSON document is: records, columns, or no table; found in one pass that keeps no values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from estancia_processor.convert.jsonstream import JsonStream

COLUMNS_LIMIT: Final = 64 << 20
"""An object of arrays is read whole; a larger one is stored without a table."""


@dataclass(frozen=True, slots=True)
class Member:
    """A top-level array.

    Attributes:
        name: of the object's member, "" for the document itself.
        objects: elements that are objects with members.
        others: elements that are none.
        scalars: whether no element is an array or object.
    """

    name: str
    objects: int
    others: int
    scalars: bool

    @property
    def records(self) -> bool:
        """Whether it is an array of records."""
        return self.objects > 0 and self.objects >= self.others


@dataclass(frozen=True, slots=True)
class Shape:
    """What a document is made of.

    Attributes:
        arrays: its top-level arrays.
        others: names of its other members, `type` with its value.
        kind: the value of a member `type`, None without one.
    """

    arrays: tuple[Member, ...]
    others: tuple[str, ...]
    kind: str | None = None

    @property
    def tables(self) -> tuple[Member, ...]:
        """The arrays of records."""
        return tuple(member for member in self.arrays if member.records)

    @property
    def columnar(self) -> bool:
        """Whether it is an object of arrays of the same length, each a column."""
        lengths = {member.objects + member.others for member in self.arrays}
        scalars = all(member.scalars and member.name for member in self.arrays)
        return len(self.arrays) > 1 and len(lengths) == 1 and lengths != {0} and scalars and not self.others


def shape_of(path: Path, start: int, beat: Callable[[str, int], None]) -> Shape:
    """Read a document once.

    Args:
        path: UTF-8.
        start: bytes to skip.
        beat: see `model.Beat`.

    Raises:
        FileFaultError: NOT_READABLE, the JSON is broken.
    """
    with JsonStream(path, start) as stream:
        arrays: list[Member] = []
        others: list[str] = []
        kind: str | None = None
        first = stream.peek()
        if first == "[":
            arrays.append(_array("", stream, beat))
        elif first == "{":
            for name in stream.members():
                if stream.peek() == "[":
                    arrays.append(_array(name, stream, beat))
                    continue
                value = stream.value()
                others.append(name)
                kind = value if name == "type" and isinstance(value, str) else kind
        else:
            stream.value()
        if stream.peek():
            stream.fail("more text follows the document")
    return Shape(tuple(arrays), tuple(others), kind)


def is_record(element: Any) -> bool:
    """Whether an element is an object that holds something."""
    return isinstance(element, dict) and bool(element)


def elements(path: Path, start: int, member: str) -> Iterator[Any]:
    """Yield the elements of a top-level array of a document that `shape_of` has read."""
    with JsonStream(path, start) as stream:
        if not member:
            yield from stream.items()
            return
        for name in stream.members():
            if name == member:
                yield from stream.items()
                return
            stream.value()


def _array(name: str, stream: JsonStream, beat: Callable[[str, int], None]) -> Member:
    objects = others = 0
    scalars = True
    for element in stream.items():
        if is_record(element):
            objects += 1
        else:
            others += 1
        scalars = scalars and not isinstance(element, dict | list)
        if (objects + others) % 10_000 == 0:
            beat("scan", objects + others)
    return Member(name, objects, others, scalars)
