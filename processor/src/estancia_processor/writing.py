"""A table's rows to a Parquet file on scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from estancia_processor.convert.model import Beat, Table, with_metadata

ROW_GROUP_ROWS: Final = 1 << 18
ROW_GROUP_BYTES: Final = 64 << 20


def write_parquet(table: Table, schema: pa.Schema, path: Path, beat: Beat) -> int:
    """Cast a table to a schema and write it, row groups of at most 262,144 rows or about 64 MiB.

    Args:
        table: the rows.
        schema: the types.
        path: the file to make.
        beat: called for each batch.

    Returns:
        The rows that the file holds by its own footer.
    """
    pending: list[pa.RecordBatch] = []
    rows = size = written = 0
    told = with_metadata(schema, table.columns)
    with pq.ParquetWriter(path, told, compression="zstd") as writer:
        for batch in table.read(schema):
            pending.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
                _flush(writer, pending, told)
                written, rows, size = written + rows, 0, 0
            beat("write", written + rows)
        if pending:
            _flush(writer, pending, told)
    return int(pq.read_metadata(path).num_rows)


def _flush(writer: pq.ParquetWriter, pending: list[pa.RecordBatch], schema: pa.Schema) -> None:
    batches = [pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in pending]
    writer.write_table(pa.Table.from_batches(batches, schema), row_group_size=ROW_GROUP_ROWS)
    pending.clear()
