"""Attempts: what an item must show before it changes its status, and what the dispatcher does next with it. Pure.

The table of statuses in docs/protocol.md names the rule of each row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estancia_protocol import handback, lease
from estancia_protocol.job import parse_timestamp
from estancia_protocol.rule import Rule
from estancia_protocol.status import Status
from estancia_protocol.timing import ATTEMPTS


@dataclass(frozen=True, slots=True)
class Attempted:
    """A work item as the rules of attempt read it.

    Attributes:
        status: None for an item that only records a removal.
        attempt: how many attempts started; it only grows.
        attempt_limit: how many may.
        lease_id: of the last attempt, random for each start; None before the first.
        lease_until: the end of the last attempt's lease, UTC; None where there is none.
        removed: whether the version is gone for good.
        dead_lettered: whether its message was given to the dead-letter queue.
    """

    status: Status | None
    attempt: int = 0
    attempt_limit: int = ATTEMPTS
    lease_id: str | None = None
    lease_until: dt.datetime | None = None
    removed: bool = False
    dead_lettered: bool = False

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Attempted:
        """Read an item's attributes, given as plain values."""
        status, until = item.get("status"), item.get("lease_until")
        return cls(
            status=Status(status) if status else None,
            attempt=item.get("attempt", 0),
            attempt_limit=item.get("attempt_limit", ATTEMPTS),
            lease_id=item.get("lease_id"),
            lease_until=parse_timestamp(until) if until else None,
            removed="removed_at" in item,
            dead_lettered="dlq_sent_at" in item,
        )

    @property
    def granted_again(self) -> bool:
        """Whether it was final once and waits to be processed again: only redrive and settle raise the limit.

        A version that was removed meanwhile is among them: the processor finishes it as `GONE`.
        """
        return self.status in (Status.RECEIVED, Status.PROCESSING) and self.attempt_limit > ATTEMPTS


def begin() -> Rule[Attempted]:
    """An arrival's first status, whichever it is: there is no item with a status."""
    return Rule(lambda item: item.status is None, "attribute_not_exists(#status)", {})


def start(attempt: int, now: dt.datetime) -> Rule[Attempted]:
    """`PROCESSING`, by the processor: `attempt` is the item's next and within its limit, and no lease is in the way."""
    return Rule(
        lambda item: (
            item.status in (Status.RECEIVED, Status.PROCESSING)
            and item.attempt == attempt - 1
            and item.attempt < item.attempt_limit
            and lease.free(item.lease_until, now)
        ),
        f"#status IN (:received, :processing) AND #attempt = :previous AND #attempt < #attempt_limit AND {lease.FREE}",
        {
            "received": Status.RECEIVED.value,
            "processing": Status.PROCESSING.value,
            "previous": attempt - 1,
            **lease.free_values(now),
        },
    )


def own(attempt: int, lease_id: str) -> Rule[Attempted]:
    """All that a started attempt writes, its outcome too: it is still the item's, by number and by its lease's id."""
    return Rule(
        lambda item: item.status is Status.PROCESSING and began(item, attempt, lease_id),
        "#status = :processing AND #attempt = :attempt AND #lease_id = :lease",
        {"processing": Status.PROCESSING.value, "attempt": attempt, "lease": lease_id},
    )


def began(item: Attempted, attempt: int, lease_id: str) -> bool:
    """Whether the last start is this one: a failed condition that shows it is a success whose answer was lost."""
    return (item.attempt, item.lease_id) == (attempt, lease_id)


def fail(attempt: int, now: dt.datetime) -> Rule[Attempted]:
    """`FAILED`, by the dispatcher: `attempt` is the item's and its last, and the lease is over."""
    return Rule(
        lambda item: (
            item.status is Status.PROCESSING
            and item.attempt == attempt
            and item.attempt_limit <= attempt
            and lease.free(item.lease_until, now)
        ),
        f"#status = :processing AND #attempt = :attempt AND #attempt_limit <= :attempt AND {lease.FREE}",
        {"processing": Status.PROCESSING.value, "attempt": attempt, **lease.free_values(now)},
    )


def still_failed(attempt: int) -> Rule[Attempted]:
    """`RECEIVED`, by redrive, and `dlq_sent_at`, by the dispatcher: `FAILED` with the attempt that was read."""
    return Rule(
        lambda item: item.status is Status.FAILED and item.attempt == attempt,
        "#status = :failed AND #attempt = :attempt",
        {"failed": Status.FAILED.value, "attempt": attempt},
    )


def set_back(attempt: int) -> Rule[Attempted]:
    """`RECEIVED`, by settle: `PROCESSED` with the attempt that was read, and not removed."""
    return Rule(
        lambda item: item.status is Status.PROCESSED and item.attempt == attempt and not item.removed,
        "#status = :processed AND #attempt = :attempt AND attribute_not_exists(#removed_at)",
        {"processed": Status.PROCESSED.value, "attempt": attempt},
    )


def record_output(attempt: int) -> Rule[int | None]:
    """An output's item before its object is put: no later attempt recorded one; None stands for no item."""
    return Rule(
        lambda recorded: recorded is None or recorded <= attempt,
        "attribute_not_exists(#pk) OR #attempt <= :attempt",
        {"attempt": attempt},
    )


def complete_output(attempt: int) -> Rule[int | None]:
    """An output's item after its object was put: the attempt that recorded it is the own."""
    return Rule(lambda recorded: recorded == attempt, "#attempt = :attempt", {"attempt": attempt})


def granted(attempt: int) -> int:
    """Return the `attempt_limit` that redrive and settle give an item that has had so many attempts."""
    return attempt + ATTEMPTS


@dataclass(frozen=True, slots=True)
class Post:
    """Post a job with this attempt's number."""

    attempt: int


@dataclass(frozen=True, slots=True)
class HandBack:
    """Leave the message for so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The last attempt ended without an outcome: write `FAILED`."""


@dataclass(frozen=True, slots=True)
class SendToDeadLetters:
    """The item is `FAILED`, and nobody was told."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The item is final, or only records a removal: settle its key, then delete the message."""


Step = Post | HandBack | GiveUp | SendToDeadLetters | Settle


def next_step(item: Attempted, now: dt.datetime) -> Step:
    """Return what the dispatcher does next with an item, as just read or written consistently, at `now`, UTC."""
    match item.status:
        case Status.RECEIVED:
            return Post(item.attempt + 1)
        case Status.PROCESSING if not lease.free(item.lease_until, now):
            return HandBack(handback.lease_delay(lease.remaining(item.lease_until, now)))
        case Status.PROCESSING:
            return GiveUp() if item.attempt >= item.attempt_limit else Post(item.attempt + 1)
        case Status.FAILED if not item.dead_lettered:
            return SendToDeadLetters()
        case _:
            return Settle()
