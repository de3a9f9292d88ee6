"""The raw bucket against the ledger: versions that no event announced, removals that no event told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_functions.log import logger
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status
from sweep.rules import as_item, lost
from sweep.run import Run

PART = "originals"


def sweep_originals(run: Run, until: dt.datetime) -> bool:
    """Hold every key of the raw bucket against its items, then settle it.

    The listing comes first and the items are read consistently after it, so that a version without an item is one that
    no message was delivered for. Its event may still be under way: it is sent only if it is older than any message.

    Args:
        run: the run.
        until: when to stop.

    Returns:
        Whether the listing's end was reached.
    """
    oldest = run.queues.oldest_message(run.clock())

    def look(entries: list[Entry]) -> None:
        key = entries[0].key
        items = run.ledger.items(key)
        by_version = {item.version_id: item for item in items}
        for entry in entries:
            _find(run, entry, by_version.get(entry.version_id), oldest)
        note_removals(run, key, items, {entry.version_id for entry in entries})
        run.settle(key)

    def look_at_all(keys: Sequence[list[Entry]]) -> None:
        run.each(run.guarded(look), keys)

    return run.walk(PART, run.objects.originals, until, look_at_all)


def note_removals(run: Run, key: str, items: Sequence[WorkItem], listed: Collection[str] = ()) -> None:
    """Note which items' versions are gone for good although no event said so.

    An item may be newer than the listing. One that a second listing, made after the item was read, does not hold is of
    a version that was there and is gone: S3 lists consistently, and a version never comes back.

    Args:
        run: the run.
        key: the raw key.
        items: its items, read consistently.
        listed: versions that were seen at any time.
    """
    absent = [item for item in items if not item.removed and item.version_id not in listed]
    still_there = set(run.objects.versions(key)) if absent else set()
    for item in absent:
        if item.version_id not in still_there and run.ledger.gone(item, run.clock()):
            logger.warning("a removal raised no event", key=key, version_id=item.version_id)
            run.summary.count("removals")


def _find(run: Run, entry: Entry, item: WorkItem | None, oldest: dt.timedelta) -> None:
    if lost(entry, item, oldest, run.clock()):
        logger.warning("an event was lost", key=entry.key, version_id=entry.version_id)
        run.send(as_item(entry, item, timestamp(entry.modified)), Status.DELETED if entry.marker else None)
        run.summary.count("found")
