"""What an arrival's event decides by itself; what follows for an item is `estancia_protocol.attempt`'s. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from estancia_functions.events import Arrived
from estancia_protocol.errors import ErrorCode
from estancia_protocol.names import BadKeyError, parse_raw_key
from estancia_protocol.status import Status


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
