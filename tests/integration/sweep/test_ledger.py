"""The sweep's conditions as DynamoDB judges them, and the unit tests' fake held to the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from estancia_functions.items import WorkItem
from estancia_protocol.job import timestamp
from estancia_protocol.names import work_id
from estancia_protocol.status import Status
from sweep.ledger import SweepLedger, ThrottledError
from tests.integration.sweep.conftest import HOUR, Stage
from tests.unit.sweep.fakes import SweepFakeLedger

KEY, VERSION = "d/a b+ñ.csv", "v1"


@pytest.mark.parametrize(
    ("changed", "noted"),
    [
        ({}, True),
        ({"status": Status.PROCESSING}, False),
        ({"attempt": 2}, False),
        ({"swept_at": dt.timedelta(hours=1)}, False),
    ],
)
@pytest.mark.parametrize("swept_before", [False, True])
def test_that_an_item_was_sent_is_noted_only_if_it_is_as_read(
    stage: Stage, changed: dict[str, Any], swept_before: bool, noted: bool
) -> None:
    more: dict[str, Any] = {"swept_at": timestamp(stage.now - 3 * HOUR)} if swept_before else {}
    read = stage.item(KEY, VERSION, Status.RECEIVED, **more)
    if "swept_at" in changed:
        changed = {"swept_at": stage.now - changed["swept_at"]}
    now = dataclasses.replace(read, **changed)
    written = more | ({"swept_at": timestamp(now.swept_at)} if now.swept_at else {})
    stage.item(KEY, VERSION, now.status or Status.RECEIVED, **(written | {"attempt": now.attempt}))
    fake = SweepFakeLedger()
    fake.put(now)
    assert stage.ledger.swept(read, stage.now) is noted
    assert fake.swept(read, stage.now) is noted
    assert stage.read(KEY, VERSION) == fake.work[KEY, VERSION]
    assert stage.read(KEY, VERSION).swept_at == (stage.now if noted else now.swept_at)


def test_a_version_without_an_item_gets_one_without_a_status_that_the_dispatcher_s_begins(stage: Stage) -> None:
    fake = SweepFakeLedger()
    seen = WorkItem(KEY, VERSION, size=4, etag="e", received_at=timestamp(stage.now))
    for ledger in (stage.ledger, fake):
        assert ledger.find(KEY, VERSION) is None
        assert ledger.swept(seen, stage.now)
        assert not ledger.swept(seen, stage.now + HOUR)
        assert ledger.find(KEY, VERSION) == WorkItem(KEY, VERSION, swept_at=stage.now)
    stage.item(KEY, VERSION, Status.RECEIVED)
    assert not stage.ledger.swept(dataclasses.replace(seen, swept_at=stage.now), stage.now)


def test_a_removal_is_noted_once_and_only_on_an_item(stage: Stage) -> None:
    fake, item = SweepFakeLedger(), WorkItem(KEY, VERSION)
    for ledger in (stage.ledger, fake):
        assert not ledger.gone(item, stage.now)
        assert ledger.find(KEY, VERSION) is None
    fake.put(stage.item(KEY, VERSION, Status.PROCESSED))
    for ledger in (stage.ledger, fake):
        assert ledger.gone(item, stage.now)
        assert not ledger.gone(item, stage.now)
    assert stage.read(KEY, VERSION) == fake.work[KEY, VERSION]


class Throttled:
    """A client that leaves all but the first key of a batch unread, as often as it is told."""

    def __init__(self, client: Any, table: str, times: int) -> None:
        self.client, self.table, self.times = client, table, times

    def batch_get_item(self, **request: Any) -> Any:
        keys = request["RequestItems"][self.table]["Keys"]
        if self.times == 0:
            return self.client.batch_get_item(**request)
        self.times -= 1
        answer = self.client.batch_get_item(RequestItems={self.table: {"Keys": keys[:1]}})
        return answer | {"UnprocessedKeys": {self.table: {"Keys": keys[1:]}}}


def test_outputs_are_read_in_batches_and_what_a_throttled_table_left_out_again(stage: Stage) -> None:
    items = [WorkItem(KEY, f"v{number}", attempt=1) for number in range(3)]
    names = [(item.work, stage.output(item)) for item in items]
    names += [(work_id(KEY, "none"), f"data/none-{number}") for number in range(150)]
    for times in (0, 2):
        client: Any = Throttled(stage.aws.dynamodb, stage.aws.table, times)
        found = SweepLedger(client, stage.aws.table).recorded(names)
        assert {name: output.raw_version_id for name, output in found.items()} == {
            name: item.version_id for name, item in zip(names, items, strict=False)
        }
    client = Throttled(stage.aws.dynamodb, stage.aws.table, 100)
    with pytest.raises(ThrottledError, match=stage.aws.table):
        SweepLedger(client, stage.aws.table).recorded(names)
