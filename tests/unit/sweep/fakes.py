"""The world as the sweep's core sees it, in memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_protocol.names import work_id
from estancia_protocol.status import Status
from sweep.ports import Copy
from sweep.rules import Output
from tests.unit.dispatcher.fakes import Clock, FakeLedger, FakeObjects

T = TypeVar("T")


class SweepFakeLedger(FakeLedger):
    """The ledger in a dict, with what only the sweep asks of it."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: dict[str, str] = {}
        """By output key the version that the recording attempt said it put."""
        self.cursors: dict[str, str] = {}
        self.originals: dict[str, tuple[str, str]] = {}

    def record(self, key: str, version_id: str, output_key: str, attempt: int, *, retired: bool = False) -> None:
        super().record(key, version_id, output_key, attempt, retired=retired)
        self.puts.pop(output_key, None)
        self.originals[work_id(key, version_id)] = key, version_id

    def with_status(self, status: Status) -> Iterator[WorkItem]:
        for item in list(self.work.values()):
            if item.status is status:
                yield dataclasses.replace(item, lease_until=None, started_at=None)

    def find(self, key: str, version_id: str) -> WorkItem | None:
        return self.work.get((key, version_id))

    def swept(self, item: WorkItem, now: dt.datetime) -> bool:
        there = self.work.get((item.key, item.version_id), WorkItem(item.key, item.version_id))
        same = (there.status, there.swept_at) == (item.status, item.swept_at)
        if not same or (item.status and there.attempt != item.attempt):
            return False
        self.put(dataclasses.replace(there, swept_at=now))
        return True

    def gone(self, item: WorkItem, now: dt.datetime) -> bool:
        there = self.work.get((item.key, item.version_id))
        if there is None or there.removed:
            return False
        self.noted.append(("removed_at", now))
        self.put(dataclasses.replace(there, removed=True))
        return True

    def recorded(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Output]:
        found = {(work, key): self.output(work, key) for work, key in names}
        return {name: output for name, output in found.items() if output}

    def output(self, work: str, key: str) -> Output | None:
        made = self.made.get(work, {}).get(key)
        if made is None:
            return None
        return Output(work, key, made.attempt, self.puts.get(key), made.retired, *self.originals[work])

    def cursor(self, part: str) -> str:
        return self.cursors.get(part, "")

    def move_cursor(self, part: str, after: str, now: dt.datetime) -> None:
        self.noted.append((part, now))
        self.cursors[part] = after


class SweepFakeObjects(FakeObjects):
    """Both buckets with all their versions; a page holds so many keys."""

    def __init__(self, clock: Clock, page: int = 1) -> None:
        super().__init__()
        self.page = page
        self.clock = clock
        self.raw: dict[str, list[Entry]] = {}
        self.processed: dict[str, list[Entry]] = {}
        self.made = 0

    def shown(self) -> dict[str, str]:
        """By visible key the version that shows."""
        return {key: found[0].version_id for key, found in self.processed.items() if found and not found[0].marker}

    def put(self, key: str, *, marker: bool = False) -> str:
        """Put an output, or a delete marker on it; return the version."""
        self.made += 1
        entry = Entry(key, f"p{self.made}", marker, self.clock(), None if marker else 1)
        self.processed.setdefault(key, []).insert(0, entry)
        self.visible = set(self.shown())
        return entry.version_id

    def hide(self, key: str) -> None:
        self.put(key, marker=True)
        self.hidden.append(key)

    def versions(self, key: str) -> list[str]:
        return [entry.version_id for entry in self.raw.get(key, [])]

    def originals(self, after: str) -> Iterator[list[list[Entry]]]:
        yield from self.pages(self.raw, after)

    def outputs(self, after: str) -> Iterator[list[list[Entry]]]:
        yield from self.pages(self.processed, after)

    def pages(self, bucket: dict[str, list[Entry]], after: str) -> Iterator[list[list[Entry]]]:
        groups = [list(found) for key, found in sorted(bucket.items()) if key > after and found]
        for start in range(0, len(groups), self.page):
            yield groups[start : start + self.page]

    def remove_version(self, key: str, version_id: str) -> None:
        self.processed[key] = [entry for entry in self.processed[key] if entry.version_id != version_id]
        self.visible = set(self.shown())


class FakeQueues:
    """The ingest queue as a list of bodies, the dead-letter queue as another."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.dead_letters: list[str] = []
        self.taken: dict[str, str] = {}
        self.deliveries = 0
        self.oldest: dt.datetime | None = None

    def send(self, body: str) -> None:
        self.sent.append(body)

    def oldest_message(self, now: dt.datetime) -> dt.timedelta:
        return now - self.oldest if self.oldest else dt.timedelta()

    def receive_copies(self) -> list[Copy]:
        some, self.dead_letters = self.dead_letters[:10], self.dead_letters[10:]
        copies = [Copy(f"receipt-{self.deliveries + n}", body) for n, body in enumerate(some)]
        self.deliveries += len(some)
        self.taken |= {copy.receipt_handle: copy.body for copy in copies}
        return copies

    def delete_copy(self, copy: Copy) -> None:
        del self.taken[copy.receipt_handle]

    def release_copies(self, copies: Iterable[Copy]) -> None:
        self.dead_letters += [self.taken.pop(copy.receipt_handle) for copy in copies]


def one_by_one(act: Callable[[T], None], things: Iterable[T]) -> None:
    for thing in things:
        act(thing)
