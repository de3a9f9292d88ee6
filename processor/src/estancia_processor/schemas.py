"""Which schema version a file's table is cast to: the newest that loses nothing, else a new one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from estancia_processor.convert.model import Column
from estancia_processor.errors import RetryError
from estancia_processor.records import Ledger, SchemaColumn, SchemaVersion
from estancia_protocol.errors import ErrorCode

TRIES: Final = 20
"""Races for the next number that one worker takes part in."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A schema version to cast to.

    Attributes:
        number: its number.
        schema: its Arrow schema.
    """

    number: int
    schema: pa.Schema


def choose(
    ledger: Ledger,
    dataset: str,
    table: str,
    columns: Sequence[Column],
    *,
    work: str,
    now: dt.datetime,
    recorded: int | None,
) -> Chosen:
    """Find or write the schema version for a table.

    Args:
        ledger: where versions are.
        dataset: the raw key's dataset.
        table: the table's name.
        columns: the file's columns.
        work: the work id, noted in a new version.
        now: the wall clock, UTC.
        recorded: the number that an earlier attempt recorded for this file, so that its keys stay the same.

    Returns:
        The version.

    Raises:
        RetryError: SERVICE_UNAVAILABLE, others were faster twenty times.
    """
    for _ in range(TRIES):
        versions = ledger.schemas(dataset, table)
        fitting = [chosen for chosen in map(_read, versions) if fits(columns, chosen.schema)]
        first = next((chosen for chosen in fitting if chosen.number == recorded), None)
        if first or fitting:
            return first or fitting[0]
        version = _own(columns, versions[0].number + 1 if versions else 1)
        if ledger.add_schema(dataset, table, version, work, now):
            return _read(version)
    raise RetryError(
        ErrorCode.SERVICE_UNAVAILABLE, f"no schema number of {dataset}/{table} could be won; it has five tries"
    )


def fits(columns: Sequence[Column], schema: pa.Schema) -> bool:
    """Whether a schema has every column of a table, each with a type that loses no value; others become null."""
    types = {field.name: field.type for field in schema}
    return all(column.name in types and column.fits(types[column.name]) for column in columns)


def _own(columns: Sequence[Column], number: int) -> SchemaVersion:
    own = pa.schema([(column.name, column.type) for column in columns])
    described = tuple(SchemaColumn(c.name, str(c.type), c.original) for c in columns)
    return SchemaVersion(number, described, own.serialize().to_pybytes())


def _read(version: SchemaVersion) -> Chosen:
    return Chosen(version.number, pa.ipc.read_schema(pa.py_buffer(version.arrow)))
