"""Parquet to a table: types as the file has them, rows read row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from estancia_processor.convert.arrow import nulls, pc
from estancia_processor.convert.identifiers import identifiers
from estancia_processor.convert.jsontypes import plain
from estancia_processor.convert.model import Conversion, Counts, Source, Table
from estancia_processor.errors import FileFaultError
from estancia_protocol.errors import ErrorCode

BATCH: Final = 64 << 10
MAGIC: Final = b"PAR1"
_SIMPLER: Final = {pa.large_string(): pa.string(), pa.string_view(): pa.string(), pa.large_binary(): pa.binary()}


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column that has a type already. Implements `model.Column`."""

    name: str
    original: str
    type: pa.DataType

    def fits(self, target: pa.DataType) -> bool:
        """Whether every value of the type is one of `target`."""
        if target == self.type:
            return True
        if pa.types.is_integer(self.type) and pa.types.is_integer(target):
            narrower = self.type.bit_width < target.bit_width
            return narrower and (pa.types.is_signed_integer(target) or not pa.types.is_signed_integer(self.type))
        return bool(pa.types.is_float32(self.type) and pa.types.is_float64(target))

    def facts(self, target: pa.DataType) -> Mapping[str, Any]:
        """Whether the column was widened."""
        return {} if target == self.type else {"type_in_file": str(self.type)}


def convert(source: Source) -> Conversion:
    """Read a Parquet file.

    Args:
        source: the file.

    Raises:
        FileFaultError: NOT_READABLE, the footer is broken.
    """
    try:
        with pq.ParquetFile(source.path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise _broken(error) from error
    names = identifiers(schema.names)
    columns = [TypedColumn(n, f.name, _simpler(f.type)) for n, f in zip(names, schema, strict=True)]
    table = Table("main", columns, Counts(rows_in=rows), rows, lambda target: _read(source.path, columns, target))
    return Conversion("parquet", "application/vnd.apache.parquet", (table,) if columns else ())


def _read(path: Path, columns: Sequence[TypedColumn], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    at = {column.name: i for i, column in enumerate(columns)}
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                arrays = [
                    pc.cast(batch.column(at[f.name]), f.type) if f.name in at else nulls(batch.num_rows, f.type)
                    for f in schema
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowException, OSError) as error:
        raise _broken(error) from error


def _simpler(data_type: Any) -> Any:
    if pa.types.is_dictionary(data_type):
        data_type = data_type.value_type
    return plain(_SIMPLER.get(data_type, data_type))


def _broken(error: Exception) -> FileFaultError:
    return FileFaultError(ErrorCode.NOT_READABLE, f"the Parquet file cannot be read: {error}; write it again")
