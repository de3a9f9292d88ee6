"""What the dispatcher's core asks of the world; the edges fulfil it, and so do the tests' fakes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dispatcher.decisions import Verdict
from estancia_functions.events import Arrived, Removed
from estancia_functions.items import WorkItem
from estancia_functions.settling import SettlingLedger
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Job


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


class Ledger(SettlingLedger, Protocol):
    """The ledger's items, each write conditional."""

    def arrived(self, event: Arrived, verdict: Verdict) -> WorkItem:
        """Begin the event's item, or add what an existing one lacks; return it."""

    def removed(self, event: Removed) -> None:
        """Record that a version is gone for good."""

    def read(self, key: str, version_id: str) -> WorkItem:
        """Read an item consistently."""

    def fail(self, item: WorkItem, now: dt.datetime) -> WorkItem | None:
        """Write `FAILED` if the item is as it was read and its lease over; None if it is not."""

    def dead_lettered(self, item: WorkItem, now: dt.datetime) -> None:
        """Note that the dead-letter queue has the item's message, if it is still `FAILED` with the same attempt."""


class Messages(Protocol):
    """The two queues."""

    def hand_back(self, receipt_handle: str, seconds: int) -> None:
        """Let a message come again after so many seconds."""

    def give_up(self, body: str, reason: str) -> None:
        """Send a body to the dead-letter queue."""
