"""JSON to tables: arrays of records, newline-delimited records, objects of arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final, cast

import pyarrow as pa

from estancia_processor.convert.arrow import nulls
from estancia_processor.convert.identifiers import identifiers
from estancia_processor.convert.jsoncount import count_elements
from estancia_processor.convert.jsonshape import COLUMNS_LIMIT, Member, elements, is_record, shape_of
from estancia_processor.convert.jsonstream import DECODER
from estancia_processor.convert.jsontypes import JsonTyping, text_of
from estancia_processor.convert.model import Conversion, Counts, Source, Table
from estancia_processor.convert.text import Text

BATCH: Final = 5000
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """A column of JSON values. Implements `model.Column`."""

    name: str
    original: str
    typing: JsonTyping

    @property
    def type(self) -> pa.DataType:
        """The type that the values ask for."""
        return self.typing.type

    def fits(self, target: pa.DataType) -> bool:
        """Whether every value can become `target` without loss."""
        return self.typing.fits(target)

    def facts(self, target: pa.DataType) -> Mapping[str, Any]:
        """Whether values of several types became text."""
        facts: dict[str, Any] = {}
        if self.typing.mixed:
            facts["note"] = "values of several types, kept as text"
        if self.typing.strings.format and target != pa.string():
            facts["text_format"] = self.typing.strings.format
        return facts


def convert(source: Source, text: Text) -> Conversion:
    """Read a JSON document.

    Args:
        source: the file.
        text: its text.

    Returns:
        A table for each array of records; none where the document holds no records.

    Raises:
        FileFaultError: NOT_READABLE, the JSON is broken.
    """
    shape = shape_of(text.path, text.start, source.beat)
    counts = count_elements(text.path, text.start) if shape.arrays else []
    counted = {member.name: n for member, n in zip(shape.arrays, counts, strict=False)}
    tables: list[Table] = []
    if shape.columnar and text.path.stat().st_size <= COLUMNS_LIMIT:
        tables = [_columns(text, counted[shape.arrays[0].name])]
    for member in shape.tables:
        forced = ("geometry",) if shape.kind == "FeatureCollection" else ()
        tables.append(_records(source, text, member, counted.get(member.name, 0), forced))
    names = [m.name for m in shape.arrays if m not in shape.tables and not shape.columnar] + list(shape.others)
    notes = [] if tables else ["a JSON document without records: stored as it is, without a table"]
    if tables and names:
        notes = [f"members that are in no table: {', '.join(names[:50])}"]
    return Conversion("json", "application/json", tables, text.encoding, notes=notes)


def convert_lines(source: Source, text: Text) -> Conversion:
    """Read newline-delimited JSON; lines that are no objects go to the rejects.

    Args:
        source: the file.
        text: its text.
    """
    counts = {"rejected": 0, "blank": 0}

    def record(line: bytes, number: int, *, first: bool) -> Record | None:
        if not line.strip():
            counts["blank"] += first
            return None
        try:
            value = DECODER.decode(line.decode())
        except (ValueError, RecursionError):
            value = None
        if is_record(value):
            return cast("Record", value)
        if first:
            counts["rejected"] += 1
            source.rejects.add(number, line.rstrip(b"\r\n"), "the line is no JSON object with members")
        return None

    def read(*, first: bool) -> Iterator[Record]:
        with text.path.open("rb") as content:
            content.seek(text.start)
            for number, line in enumerate(content, 1):
                value = record(line, number, first=first)
                if value is not None:
                    yield value

    columns, rows = _type(lambda: read(first=True), source, ())
    lines = _lines(text) - counts["blank"]
    total = Counts(rows_in=lines, blank=counts["blank"], rejected=counts["rejected"])
    table = Table("main", columns, total, rows, lambda schema: _read(lambda: read(first=False), columns, schema))
    return Conversion("ndjson", "application/x-ndjson", (table,), text.encoding)


def is_lines(text: Text) -> bool:
    """Whether a text that begins with a brace is newline-delimited JSON: most of its first lines are objects."""
    lines = [line for line in text.head().split("\n") if line.strip()][:20]
    objects = sum(_is_object(line) for line in lines)
    return objects * 2 > len(lines) and len(lines) > 1


def _is_object(line: str) -> bool:
    try:
        return is_record(json.loads(line))
    except (ValueError, RecursionError):
        return False


def _lines(text: Text) -> int:
    """Count lines by their ends."""
    count, last = 0, b"\n"
    with text.path.open("rb") as content:
        content.seek(text.start)
        while chunk := content.read(1 << 20):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _records(source: Source, text: Text, member: Member, counted: int, forced: Sequence[str]) -> Table:
    name = member.name or "main"

    def read(*, first: bool) -> Iterator[Record]:
        for number, element in enumerate(elements(text.path, text.start, member.name), 1):
            if is_record(element):
                yield element
            elif first:
                raw = text_of(element) or "null"
                source.rejects.add(number, raw, f"element {number} of the array is no object with members", name)

    columns, rows = _type(lambda: read(first=True), source, forced)
    counts = Counts(rows_in=counted, rejected=member.others)
    return Table(name, columns, counts, rows, lambda schema: _read(lambda: read(first=False), columns, schema))


def _columns(text: Text, counted: int) -> Table:
    document = DECODER.decode(text.path.read_bytes()[text.start :].decode())
    typings = {name: JsonTyping() for name in document}
    for name, values in document.items():
        typings[name].add(values)
    columns = _named(typings)
    rows = len(next(iter(document.values())))

    def records() -> Iterator[Record]:
        return (dict(zip(document, values, strict=True)) for values in zip(*document.values(), strict=True))

    return Table("main", columns, Counts(rows_in=counted), rows, lambda schema: _read(records, columns, schema))


def _type(
    records: Callable[[], Iterable[Record]], source: Source, forced: Sequence[str]
) -> tuple[list[JsonColumn], int]:
    """Read all records once; return their columns and number."""
    typings: dict[str, JsonTyping] = {}
    rows = 0
    for batch in _batches(records()):
        for name in dict.fromkeys(chain.from_iterable(batch)):
            typing = typings.setdefault(name, JsonTyping())
            if name in forced:
                typing.force_text()
            typing.add([record.get(name) for record in batch])
        rows += len(batch)
        source.beat("convert", rows)
    return _named(typings), rows


def _named(typings: Mapping[str, JsonTyping]) -> list[JsonColumn]:
    names = identifiers(list(typings))
    return [JsonColumn(name, original, typing) for name, (original, typing) in zip(names, typings.items(), strict=True)]


def _read(
    records: Callable[[], Iterable[Record]], columns: Sequence[JsonColumn], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    by_name = {column.name: column for column in columns}
    for batch in _batches(records()):
        arrays = [_cast(batch, by_name.get(field.name), field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast(batch: Sequence[Record], column: JsonColumn | None, target: pa.DataType) -> pa.Array[Any]:
    if column is None:
        empty: pa.Array[Any] = nulls(len(batch), target)
        return empty
    return column.typing.cast([record.get(column.original) for record in batch], target)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch
