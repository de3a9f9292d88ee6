"""What the sweep does about what it finds. Pure; docs/protocol.md has the sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from estancia_functions.events import Arrived, Event
from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_protocol.job import parse_timestamp
from estancia_protocol.status import Status
from estancia_protocol.timing import ATTEMPTS

QUIET: Final = dt.timedelta(hours=1)
"""Nothing is sent again more often than this."""
EVENT_PATIENCE: Final = dt.timedelta(minutes=15)
"""An event is expected within this time, and the metric of the queue that it waits in."""
UNKNOWN_AGE: Final = dt.timedelta(hours=1)
"""The age of the oldest message where the queue has some and its metric has none."""
NULL_VERSION: Final = "null"


@dataclass(frozen=True, slots=True)
class Output:
    """An output item as the sweep reads it.

    Attributes:
        work: the work id it belongs to.
        key: its processed key.
        attempt: the attempt that recorded it.
        version_id: the version that the attempt put; None until it said so.
        retired: whether it was hidden.
        raw_key: the original's key; None on items older than the attribute.
        raw_version_id: the original's version; None likewise.
    """

    work: str
    key: str
    attempt: int
    version_id: str | None
    retired: bool
    raw_key: str | None
    raw_version_id: str | None


@dataclass(frozen=True, slots=True)
class Repair:
    """What makes a processed key show what it should.

    Attributes:
        remove: versions that a woken worker put; removed for good.
        unhide: late delete markers; removed for good.
        hide: whether a delete marker is needed.
    """

    remove: tuple[str, ...] = ()
    unhide: tuple[str, ...] = ()
    hide: bool = False


class Fate(Enum):
    """What becomes of a copy in the dead-letter queue."""

    KEEP = "keep"
    SEND_AND_KEEP = "send and keep"
    DELETE = "delete"


NOTHING: Final = Repair()


def stuck(item: WorkItem, now: dt.datetime) -> bool:
    """Whether an item's message has to be sent again.

    An item that was just set back is sent at once: it may have no message. Any other one has a message, unless that was
    lost: it is sent once nothing has happened for an hour, and for half of its age, so that a backlog that waits
    for days is not multiplied.

    Args:
        item: any item; one read from an index lacks facts that make it less stuck, never more.
        now: the present moment, UTC.
    """
    if item.status is Status.FAILED and item.dead_lettered:
        return False
    if item.status not in (Status.RECEIVED, Status.PROCESSING, Status.FAILED) or item.received_at is None:
        return False
    if item.status is Status.RECEIVED and item.attempt_limit > ATTEMPTS and item.swept_at is None:
        return True
    received = parse_timestamp(item.received_at)
    return _quiet(received, (item.started_at, item.lease_until, item.swept_at), now)


def lost(entry: Entry, item: WorkItem | None, oldest_message: dt.timedelta, now: dt.datetime) -> bool:
    """Whether an object version or a delete marker has no item because its event was lost.

    Args:
        entry: as listed.
        item: the ledger's item, read after the listing; None if there is none.
        oldest_message: the age of the queue's oldest message, zero if it has none.
        now: the present moment, UTC.
    """
    known = item is not None and (item.status is not None or item.removed)
    if known or entry.version_id == NULL_VERSION:
        return False
    if now - entry.modified <= max(oldest_message, EVENT_PATIENCE):
        return False
    return item is None or item.swept_at is None or _quiet(entry.modified, (item.swept_at,), now)


def as_item(entry: Entry, item: WorkItem | None, received_at: str) -> WorkItem:
    """Return an item of what a listing tells, still without a status.

    Args:
        entry: as listed.
        item: the ledger's item without a status, if there is one.
        received_at: the entry's time as the ledger writes it.
    """
    return WorkItem(
        key=entry.key,
        version_id=entry.version_id,
        size=entry.size,
        etag=entry.etag,
        received_at=received_at,
        swept_at=item.swept_at if item else None,
    )


def fate(facts: Sequence[tuple[Event, WorkItem | None]]) -> Fate:
    """Decide about a copy in the dead-letter queue.

    Args:
        facts: its events, each with the ledger's item of that version, read after the copy was received.
    """
    found = Fate.DELETE
    for event, item in facts:
        if isinstance(event, Arrived):
            if item is None or item.status is None:
                return Fate.SEND_AND_KEEP
            if item.status is Status.FAILED:
                found = Fate.KEEP
        elif item is None or not item.removed:
            return Fate.SEND_AND_KEEP
    return found


def suspicious(output: Output, entries: Sequence[Entry]) -> bool:
    """Whether a processed key may show something else than its output item says.

    Args:
        output: the item, read at any time.
        entries: the key's versions and markers, the newest first; at least one.
    """
    newest = entries[0]
    return not newest.marker if output.retired else newest.version_id != output.version_id


def repair(output: Output, item: WorkItem, winner: str | None, entries: Sequence[Entry]) -> Repair:
    """Decide what makes a processed key show what it should.

    Args:
        output: the output item, read consistently after the listing.
        item: its work item, read consistently after the output item.
        winner: the version of the raw key that counts by items read together with `item`.
        entries: the key's versions and markers, the newest first; at least one.

    Returns:
        Nothing while the item is unfinished, where settling has something to do first, and where the recorded version
        is lost: then nothing that could replace it is touched.
    """
    if not item.final:
        return NOTHING
    if output.retired:
        return Repair(hide=not entries[0].marker)
    if winner != item.version_id or output.attempt != item.attempt:
        return NOTHING
    place = next((n for n, entry in enumerate(entries) if entry.version_id == output.version_id), None)
    newer = entries[:place] if place is not None else ()
    return Repair(
        remove=tuple(entry.version_id for entry in newer if not entry.marker),
        unhide=tuple(entry.version_id for entry in newer if entry.marker),
    )


def _quiet(since: dt.datetime, happened: Sequence[dt.datetime | None], now: dt.datetime) -> bool:
    last = max([since, *(moment for moment in happened if moment)])
    return now - last >= max(QUIET, (now - since) / 2)
