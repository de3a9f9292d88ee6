"""The report of a file: what it was, what became of it, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from estancia_processor import VERSION
from estancia_processor.convert.model import Conversion, Table
from estancia_processor.records import Hold
from estancia_processor.schemas import Chosen
from estancia_processor.storage import Fetched


@dataclass(frozen=True, slots=True)
class Written:
    """A table on scratch, ready to be put.

    Attributes:
        name: the table's name in keys.
        key: the processed key.
        path: the Parquet file.
        rows: that it holds.
        table: what it was made from.
        chosen: its schema version.
    """

    name: str
    key: str
    path: Path
    rows: int
    table: Table
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class Totals:
    """A file's counts over all its tables.

    Attributes:
        rows_in: records that hold data.
        rows_out: rows written.
        rows_rejected: records in the rejects.
    """

    rows_in: int
    rows_out: int
    rows_rejected: int


def build(
    hold: Hold,
    fetched: Fetched,
    conversion: Conversion,
    *,
    written: Sequence[Written],
    totals: Totals,
    timings: Mapping[str, float],
) -> dict[str, Any]:
    """Return the report as it is written to `reports/<dataset>/<w>.json`."""
    return {
        "key": hold.key,
        "version_id": hold.version_id,
        "work": hold.work,
        "attempt": hold.attempt,
        "size": fetched.size,
        "sha256": fetched.sha256,
        "format": conversion.format,
        "content_type": conversion.content_type,
        "encoding": conversion.encoding,
        "dialect": conversion.dialect,
        "container": conversion.container,
        "notes": list(conversion.notes),
        **asdict(totals),
        "records_physical": sum(w.table.counts.records for w in written),
        "tables": [_table(w) for w in written],
        "seconds": dict(timings),
        "processor_version": VERSION,
        "arrow_version": pa.__version__,
    }


def _table(written: Written) -> dict[str, Any]:
    counts = written.table.counts
    types = {field.name: field.type for field in written.chosen.schema}
    return {
        "name": written.name,
        "key": written.key,
        "schema": written.chosen.number,
        "rows_in": counts.rows_in,
        "rows_out": written.rows,
        "rows_rejected": counts.rejected,
        "header": counts.header,
        "preamble": counts.preamble,
        "footer": counts.footer,
        "blank": counts.blank,
        "records_physical": counts.records,
        "columns": [
            {"name": c.name, "original": c.original, "type": str(types[c.name]), **c.facts(types[c.name])}
            for c in written.table.columns
        ],
    }
