"""Ledger, buckets and clock in memory, with the conditions of the real ones."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from estancia_processor import VERSION
from estancia_processor.clock import Clock
from estancia_processor.errors import FileFaultError, LeaseLostError
from estancia_processor.lease import Lease
from estancia_processor.records import (
    CompletedOutput,
    Held,
    Hold,
    Output,
    SchemaVersion,
    Settled,
    StartAnswer,
    Started,
    Unknown,
)
from estancia_processor.storage import Fetched, Stored
from estancia_protocol import attempt, lease
from estancia_protocol.attempt import Attempted
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@dataclass
class FakeTime:
    """Time that passes only when told to."""

    seconds: float = 0.0

    @property
    def clock(self) -> Clock:
        """Both clocks."""
        return Clock(now=lambda: NOON + dt.timedelta(seconds=self.seconds), monotonic=lambda: self.seconds)


@dataclass
class MemoryLedger:
    """Implements `records.Ledger`."""

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    output_items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    versions: dict[tuple[str, str], list[SchemaVersion]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    finished_at: dt.datetime | None = None
    created: tuple[str, dt.datetime] | None = None
    race: Callable[[], None] | None = None

    def receive(self, key: str, version: str, **changes: Any) -> None:
        """Write the dispatcher's item."""
        self.items[key, version] = {"status": "RECEIVED", "attempt": 0, "attempt_limit": 5} | changes

    def start(self, hold: Hold, now: dt.datetime, instance_id: str) -> StartAnswer:
        self._note("start")
        item = self.items.get((hold.key, hold.version_id), {})
        if "status" not in item:
            return Unknown()
        if Status(item["status"]).final:
            return Settled(item)
        if not attempt.start(hold.attempt, now).allows(Attempted.of(item)):
            return Held(item)
        item |= {"status": "PROCESSING", "attempt": hold.attempt, "lease_id": hold.lease_id, "instance_id": instance_id}
        item |= {"lease_until": timestamp(lease.taken_at(now)), "processor_version": VERSION}
        return Started(item)

    def renew(self, hold: Hold, now: dt.datetime) -> None:
        self._note("renew")
        self._own(hold)["lease_until"] = timestamp(lease.taken_at(now))

    def outputs(self, work: str) -> Sequence[Output]:
        self._note("outputs")
        return [Output(key, item["attempt"]) for (pk, key), item in self.output_items.items() if pk == work]

    def record(self, hold: Hold, keys: Sequence[str]) -> None:
        self._note("record")
        self._own(hold)
        for key in keys:
            self.output_items[hold.work, key] = {"attempt": hold.attempt}

    def finish(
        self, hold: Hold, outputs: Sequence[CompletedOutput], changes: Mapping[str, Any], now: dt.datetime
    ) -> Mapping[str, Any]:
        self._note("finish")
        self.finished_at = now
        item = self._own(hold)
        for output in outputs:
            recorded = self.output_items[hold.work, output.key]
            assert recorded["attempt"] == hold.attempt
            recorded |= {"version_id": output.version_id, "rows": output.rows}
        item.pop("error", None)
        item |= changes
        return dict(changes)

    def give_back(self, hold: Hold, error: Mapping[str, str], now: dt.datetime) -> None:
        self._note("give_back")
        self._own(hold).update(error=dict(error), lease_until=timestamp(now))

    def schemas(self, dataset: str, table: str) -> Sequence[SchemaVersion]:
        self._note("schemas")
        return sorted(self.versions.get((dataset, table), []), key=lambda version: -version.number)

    def add_schema(self, dataset: str, table: str, version: SchemaVersion, work: str, now: dt.datetime) -> bool:
        self._note("add_schema")
        self.created = (work, now)
        if self.race:
            race, self.race = self.race, None
            race()
        there = self.versions.setdefault((dataset, table), [])
        if any(known.number == version.number for known in there):
            return False
        there.append(version)
        return True

    def reachable(self) -> None:
        self._note("reachable")

    def _own(self, hold: Hold) -> dict[str, Any]:
        item = self.items[hold.key, hold.version_id]
        if not hold.own.allows(Attempted.of(item)):
            raise LeaseLostError
        return item

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call in self.failures:
            raise self.failures[call]


@dataclass
class MemoryStorage:
    """Implements `storage.Storage`."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    put_objects: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before_put: Callable[[str], None] = lambda _: None

    def fetch(self, key: str, version_id: str, target: Path, check: Callable[[], None]) -> Fetched:
        check()
        if (key, version_id) not in self.objects:
            raise FileFaultError(ErrorCode.GONE)
        body = self.objects[key, version_id]
        target.write_bytes(body)
        return Fetched(len(body), "etag", NOON, hashlib.sha256(body).hexdigest())

    def put(self, key: str, source: Path, content_type: str, lease: Lease) -> Stored:
        self.before_put(key)
        lease.wait_for_margin()
        self.calls.append(key)
        self.put_objects[key] = source.read_bytes()
        self.types[key] = content_type
        return Stored("v", "sha")

    def reachable(self) -> None:
        """Always."""
