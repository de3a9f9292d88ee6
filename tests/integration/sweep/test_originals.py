"""What is stuck, what no event told, and what the dead-letter queue holds: each tried once on the real calls."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

import sweep.run
from estancia_functions.events import Arrived, Removed, message_body
from estancia_functions.items import WorkItem
from estancia_functions.listing import by_key
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status
from tests.integration.sweep.conftest import HOUR, Stage

KEY = "d/2024 a+b/ñ.csv"
DONE = {"complete": True}


@pytest.mark.parametrize(("status", "more"), [(Status.RECEIVED, {}), (Status.PROCESSING, {}), (Status.FAILED, {})])
def test_what_is_stuck_is_sent_again_and_not_twice_within_half_of_its_age(
    stage: Stage, status: Status, more: dict[str, Any]
) -> None:
    version = stage.put(KEY)
    stage.item(KEY, version, status, sequencer="0A", **more)
    assert stage.sweep() == {"sent": 1} | DONE
    (event,) = stage.events()
    assert isinstance(event, Arrived)
    assert (event.key, event.version_id, event.sequencer, event.size) == (KEY, version, "0A", 4)
    assert stage.read(KEY, version).swept_at == stage.now
    assert stage.sweep() == DONE
    stage.now += dt.timedelta(minutes=119)
    assert stage.sweep() == DONE
    stage.now += dt.timedelta(minutes=1)
    assert stage.sweep() == {"sent": 1} | DONE


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (Status.FAILED, {"dlq_sent_at": "2024-03-01T12:00:00.000000Z"}),
        (Status.PROCESSED, {}),
        (Status.REJECTED, {}),
    ],
)
def test_what_is_final_and_told_is_left(stage: Stage, status: Status, more: dict[str, Any]) -> None:
    version = stage.put(KEY)
    stage.item(KEY, version, status, sequencer="0A", **more)
    assert stage.sweep() == DONE
    assert stage.events() == []


def test_work_under_way_is_left_and_a_long_wait_is_not_multiplied(stage: Stage) -> None:
    running, waiting = stage.put("d/running"), stage.put("d/waiting")
    stage.events()
    lease = timestamp(stage.now + dt.timedelta(seconds=40))
    stage.item("d/running", running, Status.PROCESSING, 5 * HOUR, lease_until=lease)
    stage.item("d/waiting", waiting, Status.RECEIVED, 40 * HOUR, swept_at=timestamp(stage.now - 9 * HOUR))
    assert stage.sweep() == DONE


def test_what_was_redriven_is_sent_at_once_and_once(stage: Stage) -> None:
    version = stage.put(KEY)
    stage.item(KEY, version, Status.RECEIVED, attempt=5, attempt_limit=10, age=dt.timedelta(minutes=1))
    assert stage.sweep() == {"sent": 1} | DONE
    assert [event.version_id for event in stage.events()] == [version]
    assert stage.sweep() == DONE


def test_versions_and_markers_without_an_item_are_announced_once_their_events_cannot_come(stage: Stage) -> None:
    first, marker, second = stage.put(KEY), stage.delete(KEY), stage.put(KEY, b"longer\n")
    stage.now += dt.timedelta(minutes=14)
    assert stage.sweep() == DONE
    stage.now += dt.timedelta(minutes=2)
    assert stage.sweep() == {"sent": 3, "found": 3} | DONE
    found = {event.version_id: event for event in stage.events() if isinstance(event, Arrived)}
    assert {name: (event.key, event.marker, event.size) for name, event in found.items()} == {
        first: (KEY, None, 4),
        marker: (KEY, Status.DELETED, None),
        second: (KEY, None, 7),
    }
    assert stage.sweep() == DONE
    stage.now += HOUR
    assert stage.sweep() == {"sent": 3, "found": 3} | DONE


def test_a_version_that_may_still_be_in_the_queue_is_not_announced(stage: Stage) -> None:
    version = stage.put(KEY)
    stage.now += dt.timedelta(minutes=30)
    stage.queues.send("a message of another key")
    stage.now += dt.timedelta(minutes=1)
    assert stage.sweep() == DONE
    stage.aws.sqs.purge_queue(QueueUrl=stage.aws.queue)
    assert stage.sweep() == {"sent": 1, "found": 1} | DONE
    assert [event.version_id for event in stage.events()] == [version]


def test_an_undelete_without_an_event_brings_the_version_back(stage: Stage) -> None:
    version, marker = stage.put(KEY), stage.delete(KEY)
    item = stage.item(KEY, version, Status.PROCESSED, sequencer="01")
    stage.item(KEY, marker, Status.DELETED, sequencer="02")
    key = stage.output(item)
    assert stage.sweep() == {"hidden": 1} | DONE
    assert stage.visible() == {}
    stage.delete(KEY, marker)
    stage.events()
    assert stage.sweep() == {"removals": 1, "set_back": 1, "sent": 1} | DONE
    back = stage.read(KEY, version)
    assert (back.status, back.attempt, back.attempt_limit) == (Status.RECEIVED, 1, 6)
    assert [event.version_id for event in stage.events()] == [version]
    assert stage.read(KEY, marker).removed
    assert stage.ledger.output(item.work, key) is not None
    assert stage.sweep() == DONE


def test_a_removal_without_an_event_is_noted_and_the_older_version_counts_again(stage: Stage) -> None:
    versions = [stage.put(KEY), stage.put(KEY)]
    items = [stage.item(KEY, v, Status.PROCESSED, sequencer=f"0{n}") for n, v in enumerate(versions)]
    outputs = [stage.output(item) for item in items]
    assert stage.sweep() == {"hidden": 1} | DONE
    assert set(stage.visible()) == {outputs[1]}
    stage.delete(KEY, versions[1])
    stage.events()
    assert stage.sweep() == {"removals": 1, "hidden": 1, "set_back": 1, "sent": 1} | DONE
    assert stage.visible() == {}
    assert stage.sweep() == DONE


def test_an_original_of_which_nothing_is_left_takes_its_outputs_with_it(stage: Stage) -> None:
    version = stage.put(KEY)
    item = stage.item(KEY, version, Status.PROCESSED, sequencer="01")
    outputs = {stage.output(item), stage.output(item, "reports/d/{}.json")}
    assert stage.sweep() == DONE
    assert set(stage.visible()) == outputs
    stage.delete(KEY, version)
    assert stage.sweep() == {"removals": 1, "hidden": 2} | DONE
    assert stage.visible() == {}
    assert stage.sweep() == DONE


def test_copies_in_the_dead_letter_queue_are_kept_told_or_deleted(stage: Stage) -> None:
    failed, done, gone = (stage.put(f"d/{name}") for name in ("failed", "done", "gone"))
    stage.delete("d/gone", gone)
    stage.events()
    note: dict[str, Any] = {"dlq_sent_at": timestamp(stage.now)}
    kept = [
        stage.letter(stage.message(stage.item("d/failed", failed, Status.FAILED, sequencer="1", **note))),
        stage.letter("{not json"),
        stage.letter(message_body(WorkItem("d/other", "v1", size=1), "another-bucket")),
    ]
    for _ in range(11):
        stage.letter(stage.message(stage.item("d/done", done, Status.PROCESSED, sequencer="1")))
    unknown = stage.letter(
        message_body(WorkItem("d/unknown", "v9", size=4, received_at=timestamp(stage.now)), stage.aws.raw)
    )
    stage.item("d/gone", gone, Status.PROCESSED, sequencer="1")
    record = json.loads(stage.message(stage.read("d/gone", gone)))["Records"][0] | {"eventName": "ObjectRemoved:Delete"}
    removal = stage.letter(json.dumps({"Records": [record]}))
    assert stage.sweep() == {"sent": 2, "dead_letters_deleted": 11} | DONE
    told = stage.events()
    assert {(type(event), event.version_id) for event in told} == {(Arrived, "v9"), (Removed, gone)}
    stage.item("d/unknown", "v9", Status.REJECTED)
    stage.ledger.gone(stage.read("d/unknown", "v9"), stage.now)
    stage.ledger.gone(stage.read("d/gone", gone), stage.now)
    assert stage.sweep() == {"dead_letters_deleted": 2} | DONE
    assert stage.sweep() == DONE
    letters = stage.letters()
    assert sorted(letters) == sorted(kept)
    assert not {unknown, removal} & set(letters)


def test_a_run_that_ran_out_of_time_goes_on_where_it_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"d/{number}" for number in range(5)]
    for key in keys:
        stage.put(key)
    stage.now += HOUR
    monkeypatch.setattr(sweep.run, "SLICE", 2)
    stage.lasts = dt.timedelta(0)
    seen = []
    for found, after in ((2, "d/1"), (2, "d/3"), (1, "d/1")):
        assert stage.sweep() == {"sent": found, "found": found, "complete": False}
        seen += sorted(event.key for event in stage.events())
        assert stage.cursor("originals") == {"after": after, "swept_at": timestamp(stage.now)}
    assert seen == keys
    stage.lasts = HOUR
    assert stage.sweep() == DONE
    assert stage.cursor("originals") == {"after": "", "swept_at": timestamp(stage.now)}


def test_a_key_may_be_cut_by_a_page(stage: Stage) -> None:
    versions = [stage.put(KEY) for _ in range(3)]
    versions.insert(0, stage.delete(KEY))
    neighbour = stage.put(f"{KEY}.csv")

    def small_pages(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2

    stage.aws.s3.meta.events.register("provide-client-params.s3.ListObjectVersions", small_pages)
    groups = [group for page in stage.objects.originals("") for group in page]
    listed = {group[0].key: [entry.version_id for entry in group] for group in groups}
    assert listed == {KEY: [versions[0], *reversed(versions[1:])], f"{KEY}.csv": [neighbour]}
    assert [group[0].key for page in stage.objects.originals(KEY) for group in page] == [f"{KEY}.csv"]
    assert list(by_key(iter([]))) == []
