"""What the dispatcher's core asks of the world; the edges fulfil it, and so do the tests' fakes."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dispatcher.decisions import Verdict
from dispatcher.events import Arrived, Removed
from dispatcher.items import WorkItem
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Job
from estancia_protocol.settle import RecordedOutput, Version


@dataclass(frozen=True, slots=True)
class Finished:
    """The item is final; `item` holds its scalar fields."""

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The attempt started and ended by a fault that is not the file's."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing started, as far as this side can tell; `retry_after` is in seconds, 0 where nobody said."""

    reason: str
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Unclear:
    """Another attempt runs, or this one was lost on the way: the item tells; `retry_after` is in seconds."""

    reason: str
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class NotAJob:
    """The processor does not understand the job: a fault of the platform."""

    detail: str


Answer = Finished | AskedAgain | Busy | Unclear | NotAJob


class Processor(Protocol):
    """The fleet behind its load balancer."""

    def post(self, job: Job, seconds: float) -> Answer:
        """Post a job and follow its stream for at most `seconds`."""


class Ledger(Protocol):
    """The ledger's items, each write conditional."""

    def arrived(self, event: Arrived, verdict: Verdict) -> WorkItem:
        """Begin the event's item, or add what an existing one lacks; return it."""

    def removed(self, event: Removed) -> None:
        """Record that a version is gone for good."""

    def read(self, key: str, version_id: str) -> WorkItem:
        """Read an item consistently."""

    def items(self, key: str) -> list[WorkItem]:
        """Read all of a key's items consistently."""

    def outputs(self, item: WorkItem) -> list[RecordedOutput]:
        """Read an item's recorded outputs consistently."""

    def fail(self, item: WorkItem, now: dt.datetime) -> WorkItem | None:
        """Write `FAILED` if the item is as it was read and its lease over; None if it is not."""

    def dead_lettered(self, item: WorkItem, now: dt.datetime) -> None:
        """Note that the dead-letter queue has the item's message, if it is still `FAILED` with the same attempt."""

    def retire(self, item: WorkItem, output: RecordedOutput, now: dt.datetime) -> None:
        """Note that an output was hidden, unless another attempt recorded it meanwhile."""

    def set_back(self, item: WorkItem) -> None:
        """Write `RECEIVED` over `PROCESSED`, if the item is as it was read."""


class Objects(Protocol):
    """The two buckets."""

    def hide(self, key: str) -> None:
        """Put a delete marker on a processed key."""

    def versions(self, key: str) -> list[str]:
        """List the ids of a raw key's versions and delete markers, the newest first."""


class Messages(Protocol):
    """The two queues."""

    def hand_back(self, receipt_handle: str, seconds: int) -> None:
        """Let a message come again after so many seconds."""

    def give_up(self, body: str, reason: str) -> None:
        """Send a body to the dead-letter queue."""


def ordered(versions: Sequence[Version], listing: Sequence[str]) -> list[Version]:
    """Give each version its place in a listing.

    Args:
        versions: as the ledger has them.
        listing: version ids, the newest first, read after them.

    Returns:
        The versions; one that is not listed any more is gone for good, though its event is still on its way.
    """
    place = {version_id: -index for index, version_id in enumerate(listing)}
    return [
        dataclasses.replace(v, removed=v.removed or v.version_id not in place, order=place.get(v.version_id))
        for v in versions
    ]
