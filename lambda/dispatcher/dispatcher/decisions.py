"""What to do about an event, and about an item. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from estancia_functions.events import Arrived
from estancia_functions.items import WorkItem
from estancia_protocol import handback
from estancia_protocol.errors import ErrorCode
from estancia_protocol.names import BadKeyError, parse_raw_key
from estancia_protocol.status import Status
from estancia_protocol.timing import TAKEOVER_GRACE


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status that an arrival begins with.

    Attributes:
        status: of the new item.
        code: why it is `REJECTED`, else None.
        detail: what of this object broke the rule; empty without a code.
    """

    status: Status
    code: ErrorCode | None = None
    detail: str = ""


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
    """The item is final: settle its key, then delete the message."""


Step = Post | HandBack | GiveUp | SendToDeadLetters | Settle
_SETTLE: Final = Settle()


def judge(event: Arrived, max_bytes: int) -> Verdict:
    """Decide an arrival from its event alone.

    `ARCHIVED` is not decided here: no documented field of the event tells the storage class; the processor's read does.

    Args:
        event: what arrived.
        max_bytes: the platform's limit.
    """
    if event.marker:
        return Verdict(event.marker)
    try:
        parse_raw_key(event.key)
    except BadKeyError as error:
        return Verdict(Status.REJECTED, ErrorCode.BAD_KEY, str(error))
    if event.size == 0:
        return Verdict(Status.REJECTED, ErrorCode.EMPTY_FILE, ErrorCode.EMPTY_FILE.sentence)
    if event.size is not None and event.size > max_bytes:
        detail = f"The object has {event.size} bytes, the limit is {max_bytes}. {ErrorCode.TOO_LARGE.sentence}"
        return Verdict(Status.REJECTED, ErrorCode.TOO_LARGE, detail)
    return Verdict(Status.RECEIVED)


def decide(item: WorkItem, now: dt.datetime) -> Step:
    """Decide what an item needs next.

    Args:
        item: as just read or written, consistently.
        now: the present moment, UTC.
    """
    match item.status:
        case Status.RECEIVED:
            return Post(item.attempt + 1)
        case Status.PROCESSING:
            return _about_attempt(item, now)
        case Status.FAILED if not item.dead_lettered:
            return SendToDeadLetters()
        case _:
            return _SETTLE


def _about_attempt(item: WorkItem, now: dt.datetime) -> Step:
    remaining = (item.lease_until - now).total_seconds() if item.lease_until else -TAKEOVER_GRACE
    if remaining > -TAKEOVER_GRACE:
        return HandBack(handback.lease_delay(remaining))
    return GiveUp() if item.attempt >= item.attempt_limit else Post(item.attempt + 1)
