"""What every converter takes and gives. A new format is a function from `Source` to `Conversion`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from estancia_processor.convert.rejects import Rejects

Beat = Callable[[str, int], None]
"""Called often with a phase and the rows so far: sends progress, and raises when the worker has to stop."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file's content.

    Attributes:
        path: the bytes on scratch; their name says nothing.
        scratch: a folder for intermediate files, emptied after the attempt.
        rejects: where records that cannot be read go.
        beat: see `Beat`.
    """

    path: Path
    scratch: Path
    rejects: Rejects
    beat: Beat


class Column(Protocol):
    """A column of a table whose whole content has been seen."""

    @property
    def name(self) -> str:
        """The identifier, unique within the table."""

    @property
    def original(self) -> str:
        """The name in the file."""

    @property
    def type(self) -> pa.DataType:
        """The type that the column's values ask for."""

    def fits(self, target: pa.DataType) -> bool:
        """Whether every value can become `target` without loss."""

    def facts(self, target: pa.DataType) -> Mapping[str, Any]:
        """More for the report on a column cast to `target`: null markers, the text's format, notes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """A table's records, counted by a scan that is independent of the parser. Their sum is what the file holds."""

    rows_in: int = 0
    header: int = 0
    preamble: int = 0
    footer: int = 0
    blank: int = 0
    rejected: int = 0

    @property
    def records(self) -> int:
        """All physical records."""
        return self.rows_in + self.header + self.preamble + self.footer + self.blank


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file, ready to be read once more with its final types.

    Attributes:
        name: as the file names it; "main" for a file's only table.
        columns: in file order.
        counts: of the scan.
        rows: that the parser gave.
        read: returns the rows as batches of a schema: for each of its fields, the column of that name or nulls.
    """

    name: str
    columns: Sequence[Column]
    counts: Counts
    rows: int
    read: Callable[[pa.Schema], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a file turned out to be.

    Attributes:
        format: a short name: delimited, json, ndjson, parquet, png, ...
        content_type: the media type.
        tables: none where the content is no table.
        encoding: of a text.
        dialect: of delimited text.
        container: gzip or zip, with the member's name, where the content was packed.
        notes: what a reader of the report should know.
    """

    format: str
    content_type: str
    tables: Sequence[Table] = ()
    encoding: str | None = None
    dialect: Mapping[str, Any] | None = None
    container: Mapping[str, Any] | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def with_metadata(schema: pa.Schema, columns: Sequence[Column]) -> pa.Schema:
    """Return a schema whose fields tell their names in the file."""
    originals = {column.name: column.original for column in columns}
    return pa.schema(
        [f.with_metadata({"original_name": originals[f.name]}) if f.name in originals else f for f in schema]
    )
