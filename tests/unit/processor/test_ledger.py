import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import estancia_processor
from estancia_processor import ledger as ledger_module
from estancia_processor.attributes import unpack
from estancia_processor.errors import LeaseLostError
from estancia_processor.ledger import DynamoLedger
from estancia_processor.records import Hold

HOLD = Hold("d/a", "v", 1, "lease")


class FakeDynamo:
    def __init__(self, *cancellations: str) -> None:
        self.cancellations = list(cancellations)
        self.sizes: list[int] = []
        self.written: list[dict[str, Any]] = []

    def transact_write_items(self, **request: Any) -> None:
        self.sizes.append(len(request["TransactItems"]))
        self.written += [unpack(entry["Put"]["Item"]) for entry in request["TransactItems"] if "Put" in entry]
        if self.cancellations:
            response: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": self.cancellations.pop(0)}, {"Code": "None"}],
            }
            raise ClientError(response, "TransactWriteItems")


def record(fake: Any, keys: list[str]) -> None:
    DynamoLedger(fake, "table").record(HOLD, keys)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def test_a_conflict_with_a_renewal_is_tried_again() -> None:
    fake = FakeDynamo("TransactionConflict", "TransactionConflict")
    record(fake, ["x"])
    assert len(fake.sizes) == 3


def test_a_conflict_that_lasts_and_a_fault_of_ours_are_raised() -> None:
    with pytest.raises(ClientError):
        record(FakeDynamo(*["TransactionConflict"] * ledger_module.CONFLICT_TRIES), ["x"])
    with pytest.raises(ClientError):
        record(FakeDynamo("ValidationError"), ["x"])


def test_a_failed_condition_is_a_lost_lease() -> None:
    with pytest.raises(LeaseLostError):
        record(FakeDynamo("ConditionalCheckFailed"), ["x"])


def test_a_transaction_takes_99_outputs_and_the_check() -> None:
    fake = FakeDynamo()
    record(fake, [str(number) for number in range(199)])
    assert fake.sizes == [100, 100, 2]


def test_a_recorded_output_names_its_original() -> None:
    fake = FakeDynamo()
    record(fake, ["x"])
    assert fake.written == [
        {"pk": f"out/{HOLD.work}", "sk": "x", "attempt": 1, "raw_key": "d/a", "raw_version_id": "v"}
    ]


def test_the_version_is_the_package_s() -> None:
    project = Path(estancia_processor.__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == estancia_processor.VERSION
