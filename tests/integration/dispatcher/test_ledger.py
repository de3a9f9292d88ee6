"""The ledger's conditions as DynamoDB judges them, and the unit tests' fake held to the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.decisions import Verdict
from dispatcher.ledger import DispatcherLedger
from estancia_functions.events import Arrived, Removed
from estancia_functions.items import WorkItem
from estancia_functions.ledger import MissingItemError
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import timestamp
from estancia_protocol.names import outputs_pk, work_id, work_pk
from estancia_protocol.status import Status
from tests.integration.dispatcher.conftest import Aws
from tests.unit.dispatcher.fakes import NOON, FakeLedger, seconds

KEY = "flights/2024/a b+ñ.csv"
RECEIVED = Verdict(Status.RECEIVED)
ARRIVAL = Arrived(KEY, "v1", None, "0A", 100, "e1", "principal:AWS:AROAX:alice", NOON)
REMOVAL = Removed(KEY, "v1", NOON)
Write = Callable[[WorkItem], None]


class Both:
    """Makes each call on DynamoDB and on the fake, and checks that they answer alike."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.real, self.fake = aws, DispatcherLedger(aws.dynamodb, aws.table), FakeLedger()

    def call(self, name: str, *arguments: Any) -> Any:
        real, fake = (getattr(ledger, name)(*arguments) for ledger in (self.real, self.fake))
        assert real == fake
        return real

    def item(self) -> WorkItem:
        item: WorkItem = self.call("read", KEY, "v1")
        return item

    def process(self, status: Status, attempt: int, lease: dt.datetime | None = None, limit: int = 5) -> WorkItem:
        """Change the item as a processor or redrive would."""
        changed = dataclasses.replace(
            self.item(), status=status, attempt=attempt, lease_until=lease, attempt_limit=limit
        )
        self.fake.put(changed)
        values = {":s": {"S": status.value}, ":a": {"N": str(attempt)}, ":l": {"N": str(limit)}}
        until = ", lease_until = :u" if lease else " REMOVE lease_until"
        self.aws.dynamodb.update_item(
            TableName=self.aws.table,
            Key={"pk": {"S": work_pk(KEY)}, "sk": {"S": "v1"}},
            UpdateExpression=f"SET #s = :s, attempt = :a, attempt_limit = :l{until}",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues=values | ({":u": {"S": timestamp(lease)}} if lease else {}),
        )
        return changed

    def attributes(self) -> dict[str, Any]:
        found = self.aws.dynamodb.get_item(TableName=self.aws.table, Key={"pk": {"S": work_pk(KEY)}, "sk": {"S": "v1"}})
        return {name: next(iter(value.values())) for name, value in found["Item"].items()}

    def record(self, output: str, attempt: int) -> None:
        self.fake.record(KEY, "v1", output, attempt)
        pk = outputs_pk(work_id(KEY, "v1"))
        item = {"pk": {"S": pk}, "sk": {"S": output}, "attempt": {"N": str(attempt)}, "version_id": {"S": "p"}}
        self.aws.dynamodb.put_item(TableName=self.aws.table, Item=item)


@pytest.fixture
def ledger(aws: Aws) -> Both:
    return Both(aws)


def test_an_arrival_has_exactly_the_attributes_of_the_protocol(ledger: Both) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    shard = int(work_id(KEY, "v1")[0], 16)
    assert ledger.attributes() == {
        "pk": f"raw/{KEY}",
        "sk": "v1",
        "status": "RECEIVED",
        "status_shard": f"RECEIVED#{shard}",
        "attempt": "0",
        "attempt_limit": "5",
        "received_at": "2024-03-01T12:00:00.000000Z",
        "owner": "principal:AWS:AROAX:alice",
        "dataset": "flights",
        "sequencer": "0A",
        "size": "100",
        "etag": "e1",
    }


def test_a_rejection_says_why_and_when(ledger: Both) -> None:
    verdict = Verdict(Status.REJECTED, ErrorCode.TOO_LARGE, "too large")
    ledger.call("arrived", ARRIVAL, verdict)
    attributes = ledger.attributes()
    error = {"code": {"S": "TOO_LARGE"}, "message": {"S": "too large"}}
    assert (attributes["status"], attributes["error"]) == ("REJECTED", error)
    assert attributes["finished_at"] == attributes["received_at"]


def test_a_second_arrival_changes_nothing(ledger: Both) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    ledger.process(Status.PROCESSED, 2)
    before = ledger.attributes()
    late = dataclasses.replace(ARRIVAL, sequencer="0B", size=7, owner="principal:other", time=NOON + seconds(5))
    assert ledger.call("arrived", late, Verdict(Status.DELETED)).status is Status.PROCESSED
    assert ledger.attributes() == before


def test_an_arrival_adds_the_sequencer_that_a_resent_one_did_not_know(ledger: Both) -> None:
    ledger.call("arrived", dataclasses.replace(ARRIVAL, sequencer=None), RECEIVED)
    ledger.process(Status.PROCESSED, 1)
    found = ledger.call("arrived", ARRIVAL, RECEIVED)
    assert (found.status, found.sequencer) == (Status.PROCESSED, "0A")


def test_a_removal_before_the_arrival_has_no_status_and_the_arrival_keeps_it(ledger: Both) -> None:
    ledger.call("removed", REMOVAL)
    assert set(ledger.attributes()) == {"pk", "sk", "removed_at"}
    ledger.call("removed", dataclasses.replace(REMOVAL, time=NOON + seconds(9)))
    found = ledger.call("arrived", ARRIVAL, RECEIVED)
    assert (found.status, found.removed, found.sequencer) == (Status.RECEIVED, True, "0A")
    assert ledger.attributes()["removed_at"] == timestamp(NOON)


def test_a_removal_after_the_arrival_leaves_its_status(ledger: Both) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    ledger.call("removed", REMOVAL)
    assert (ledger.item().status, ledger.item().removed) == (Status.RECEIVED, True)


@pytest.mark.parametrize(
    ("status", "attempt", "lease", "limit", "given_up"),
    [
        (Status.PROCESSING, 5, -10, 5, True),
        (Status.PROCESSING, 5, None, 5, True),
        (Status.PROCESSING, 5, -9, 5, False),
        (Status.PROCESSING, 5, -60, 6, False),
        (Status.PROCESSING, 6, -60, 6, False),
        (Status.PROCESSED, 5, -60, 5, False),
    ],
    ids=["over", "no lease", "grace", "limit raised", "another attempt", "finished"],
)
def test_an_item_is_given_up_only_as_it_was_read(
    ledger: Both, status: Status, attempt: int, lease: int | None, *, limit: int, given_up: bool
) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    read = ledger.process(Status.PROCESSING, 5, NOON - seconds(60))
    ledger.process(status, attempt, None if lease is None else NOON + seconds(lease), limit)
    failed = ledger.call("fail", read, NOON)
    assert (failed is not None) is given_up
    assert ledger.item().status is (Status.FAILED if given_up else status)
    if given_up:
        attributes = ledger.attributes()
        assert attributes["error"]["code"] == {"S": "LOST_ATTEMPT"}
        assert attributes["status_shard"].startswith("FAILED#")
        assert {"lease_id", "lease_until"} & set(attributes) == set()


@pytest.mark.parametrize(("status", "attempt", "noted"), [(Status.FAILED, 5, True), (Status.RECEIVED, 5, False)])
def test_the_dead_letter_is_noted_only_while_failed(ledger: Both, status: Status, attempt: int, noted: bool) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    read = ledger.process(Status.FAILED, 5)
    ledger.process(status, attempt)
    ledger.call("dead_lettered", read, NOON)
    assert ledger.item().dead_lettered is noted


@pytest.mark.parametrize(("attempt", "removed", "again"), [(2, False, True), (3, False, False), (2, True, False)])
def test_a_version_is_set_back_only_as_it_was_read(ledger: Both, attempt: int, removed: bool, again: bool) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    read = ledger.process(Status.PROCESSED, 2)
    ledger.process(Status.PROCESSED, attempt)
    if removed:
        ledger.call("removed", REMOVAL)
    ledger.call("set_back", read)
    item = ledger.item()
    assert (item.status, item.attempt_limit) == ((Status.RECEIVED, 7) if again else (Status.PROCESSED, 5))
    assert item.set_back is again


@pytest.mark.parametrize(("attempt", "retired"), [(1, True), (2, False)])
def test_an_output_is_retired_only_for_the_attempt_that_was_read(ledger: Both, attempt: int, retired: bool) -> None:
    ledger.call("arrived", ARRIVAL, RECEIVED)
    item = ledger.process(Status.PROCESSED, 1)
    ledger.record("data/x.parquet", 1)
    (read,) = ledger.call("outputs", item)
    ledger.record("data/x.parquet", attempt)
    ledger.call("retire", item, read, NOON)
    ledger.call("retire", item, read, NOON + seconds(5))
    (found,) = ledger.call("outputs", item)
    assert (found.attempt, found.retired) == (attempt, retired)


def test_all_items_of_a_key_are_read_and_none_of_its_neighbours(ledger: Both) -> None:
    for version in ("v1", "v2", "v3"):
        ledger.call("arrived", dataclasses.replace(ARRIVAL, version_id=version), RECEIVED)
    ledger.call("arrived", dataclasses.replace(ARRIVAL, key=f"{KEY}.bak"), RECEIVED)
    assert {item.version_id for item in ledger.call("items", KEY)} == {"v1", "v2", "v3"}


def test_a_missing_item_is_named(aws: Aws) -> None:
    with pytest.raises(MissingItemError, match="no-such"):
        DispatcherLedger(aws.dynamodb, aws.table).read(KEY, "no-such")
