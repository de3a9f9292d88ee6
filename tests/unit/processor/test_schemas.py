import functools

import pyarrow as pa
import pytest

from estancia_processor import schemas
from estancia_processor.convert.parquet import TypedColumn
from estancia_processor.errors import RetryError
from estancia_processor.schemas import Chosen
from tests.unit.processor.fakes import NOON, MemoryLedger


def columns(**types: pa.DataType) -> list[TypedColumn]:
    return [TypedColumn(name, name.upper(), data_type) for name, data_type in types.items()]


def choose(ledger: MemoryLedger, recorded: int | None = None, **types: pa.DataType) -> Chosen:
    return schemas.choose(ledger, "d", "main", columns(**types), work="w", now=NOON, recorded=recorded)


def test_the_newest_that_loses_nothing_is_chosen_not_only_the_last() -> None:
    ledger = MemoryLedger()
    assert choose(ledger, a=pa.int64()).number == 1
    assert choose(ledger, a=pa.string()).number == 2
    assert choose(ledger, a=pa.int64(), b=pa.string()).number == 3
    assert choose(ledger, a=pa.int32()).number == 3
    assert choose(ledger, a=pa.string()).number == 2
    assert choose(ledger, recorded=1, a=pa.int32()).number == 1
    assert choose(ledger, recorded=2, a=pa.int64()).number == 3
    assert choose(ledger, b=pa.string()).number == 3


def test_the_version_tells_its_columns() -> None:
    ledger = MemoryLedger()
    nested = pa.struct([("x, y", pa.list_(pa.timestamp("us", "UTC")))])
    chosen = choose(ledger, a=nested)
    (version,) = ledger.versions["d", "main"]
    assert [(c.name, c.original) for c in version.columns] == [("a", "A")]
    assert choose(ledger, a=nested).schema == chosen.schema == pa.schema([("a", nested)])


def win(ledger: MemoryLedger, data_type: pa.DataType) -> None:
    choose(ledger, a=data_type)


def test_the_loser_of_a_race_reads_and_fits_again() -> None:
    ledger = MemoryLedger()
    ledger.race = functools.partial(win, ledger, pa.int64())
    assert choose(ledger, a=pa.int32()).number == 1
    ledger.race = functools.partial(win, ledger, pa.bool_())
    assert choose(ledger, a=pa.string()).number == 3
    assert [version.number for version in ledger.versions["d", "main"]] == [1, 2, 3]


def test_a_race_that_is_never_won_is_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = MemoryLedger()
    monkeypatch.setattr(ledger, "add_schema", lambda *_: False)
    with pytest.raises(RetryError, match="d/main"):
        choose(ledger, a=pa.int64())
