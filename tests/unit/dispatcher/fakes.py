"""The world as the dispatcher's core sees it, in memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from dispatcher.decisions import Verdict
from dispatcher.messages import Message
from dispatcher.ports import Answer
from estancia_functions.events import Arrived, Removed
from estancia_functions.items import WorkItem
from estancia_protocol import attempt, settle
from estancia_protocol.job import Job, timestamp
from estancia_protocol.names import work_id
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status

NOON = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
RAW = "estancia-test-raw"


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def s3_record(
    name: str, key: str, version_id: str | None, sequencer: str | None = "01", **changes: Any
) -> dict[str, Any]:
    """A record as S3 writes it; `changes` are members of `object`, those that are None are left out."""
    described: dict[str, Any] = {"key": key, "versionId": version_id, "sequencer": sequencer}
    if name.startswith("ObjectCreated"):
        described |= {"size": 100, "eTag": "e1"}
    described |= changes
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2024-03-01T11:59:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:alice"},
        "s3": {
            "bucket": {"name": RAW},
            "object": {member: value for member, value in described.items() if value is not None},
        },
    }


def s3_body(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


def queue_message(body: str, sent_at: dt.datetime = NOON, message_id: str = "m1", receives: int = 1) -> Message:
    return Message(message_id, f"receipt-{message_id}", body, sent_at, receives)


class Clock:
    """The present moment, moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, number: float) -> None:
        self.now += seconds(number)


class FakeLedger:
    """The ledger in a dict, each write with the real one's conditions."""

    def __init__(self) -> None:
        self.work: dict[tuple[str, str], WorkItem] = {}
        self.made: dict[str, dict[str, RecordedOutput]] = {}
        self.noted: list[tuple[str, dt.datetime]] = []

    def arrived(self, event: Arrived, verdict: Verdict) -> WorkItem:
        there = self.work.get((event.key, event.version_id), WorkItem(event.key, event.version_id))
        facts: dict[str, Any] = {
            "sequencer": event.sequencer,
            "size": event.size,
            "etag": event.etag,
            "owner": event.owner,
            "received_at": timestamp(event.time),
        }
        absent = {name: value for name, value in facts.items() if getattr(there, name) is None}
        return self.put(dataclasses.replace(there, **absent, status=there.status or verdict.status))

    def removed(self, event: Removed) -> None:
        there = self.work.get((event.key, event.version_id), WorkItem(event.key, event.version_id))
        self.put(dataclasses.replace(there, removed=True))

    def read(self, key: str, version_id: str) -> WorkItem:
        return self.work[key, version_id]

    def items(self, key: str) -> list[WorkItem]:
        return [item for (found, _), item in self.work.items() if found == key]

    def outputs(self, item: WorkItem) -> list[RecordedOutput]:
        return list(self.made.get(item.work, {}).values())

    def fail(self, item: WorkItem, now: dt.datetime) -> WorkItem | None:
        there = self.work[item.key, item.version_id]
        if not attempt.fail(item.attempt, now).allows(there.as_attempted()):
            return None
        return self.put(dataclasses.replace(there, status=Status.FAILED, lease_until=None))

    def dead_lettered(self, item: WorkItem, now: dt.datetime) -> None:
        there = self.work[item.key, item.version_id]
        if attempt.still_failed(item.attempt).allows(there.as_attempted()):
            self.noted.append(("dlq_sent_at", now))
            self.put(dataclasses.replace(there, dead_lettered=True))

    def retire(self, item: WorkItem, output: RecordedOutput, now: dt.datetime) -> None:
        there = self.made[item.work][output.key]
        if settle.retire(output.attempt).allows(there):
            self.noted.append(("retired_at", now))
            self.made[item.work][output.key] = dataclasses.replace(there, retired=True)

    def set_back(self, item: WorkItem) -> bool:
        there = self.work[item.key, item.version_id]
        if not attempt.set_back(item.attempt).allows(there.as_attempted()):
            return False
        fresh = dataclasses.replace(there, attempt_limit=attempt.granted(item.attempt), lease_until=None, swept_at=None)
        self.put(dataclasses.replace(fresh, status=Status.RECEIVED))
        return True

    def put(self, item: WorkItem) -> WorkItem:
        self.work[item.key, item.version_id] = item
        return item

    def record(self, key: str, version_id: str, output_key: str, attempt: int, *, retired: bool = False) -> None:
        recorded = RecordedOutput(version_id, output_key, attempt, retired)
        self.made.setdefault(work_id(key, version_id), {})[output_key] = recorded


class FakeObjects:
    """What is visible in the processed bucket, and the raw bucket's versions, the newest first."""

    def __init__(self) -> None:
        self.visible: set[str] = set()
        self.hidden: list[str] = []
        self.listing: dict[str, list[str]] = {}
        self.listed: list[str] = []

    def hide(self, key: str) -> None:
        self.visible.discard(key)
        self.hidden.append(key)

    def versions(self, key: str) -> list[str]:
        self.listed.append(key)
        return self.listing.get(key, [])


class FakeMessages:
    """What was handed back and what was given up."""

    def __init__(self) -> None:
        self.back: list[tuple[str, int]] = []
        self.given_up: list[tuple[str, str]] = []

    def hand_back(self, receipt_handle: str, seconds: int) -> None:
        self.back.append((receipt_handle, seconds))

    def give_up(self, body: str, reason: str) -> None:
        self.given_up.append((body, reason))


class FakeProcessor:
    """Answers each job by a function of it, and keeps the jobs."""

    def __init__(self, answer: Callable[[Job], Answer]) -> None:
        self.answer = answer
        self.jobs: list[Job] = []
        self.patience: list[float] = []

    def post(self, job: Job, seconds: float) -> Answer:
        self.jobs.append(job)
        self.patience.append(seconds)
        return self.answer(job)
