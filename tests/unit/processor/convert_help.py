"""Converting bytes in tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from estancia_processor.convert import detect
from estancia_processor.convert.model import Conversion, Source
from estancia_processor.convert.rejects import Rejects
from estancia_processor.writing import write_parquet


@dataclass(frozen=True)
class Converted:
    """A conversion with its rows read back from Parquet."""

    conversion: Conversion
    tables: list[pa.Table]
    rejects: list[dict[str, Any]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The only table's rows."""
        (table,) = self.tables
        return table.to_pylist()

    @property
    def types(self) -> dict[str, str]:
        """The only table's types."""
        (table,) = self.tables
        return {field.name: str(field.type) for field in table.schema}


def convert(body: bytes, folder: Path) -> Converted:
    """Convert bytes and hold the counts to their rules."""
    path = folder / "source"
    path.write_bytes(body)
    with Rejects(folder / "rejects") as rejects:
        conversion = detect.convert(Source(path, folder, rejects, lambda *_: None))
    tables = []
    for number, table in enumerate(conversion.tables):
        schema = pa.schema([(column.name, column.type) for column in table.columns])
        written = folder / f"{number}.parquet"
        assert write_parquet(table, schema, written, lambda *_: None) == table.rows
        assert table.counts.rows_in == table.rows + table.counts.rejected
        tables.append(pq.read_table(written))
    assert sum(table.counts.rejected for table in conversion.tables) == rejects.count
    return Converted(conversion, tables, read_rejects(folder / "rejects"))


def read_rejects(path: Path) -> list[dict[str, Any]]:
    """Read a rejects file, if there is one."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read()
    return [json.loads(line) for line in text.splitlines()]
