"""Settle: carries out what `estancia_protocol.settle.plan` decides about a key."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from estancia_functions.items import WorkItem
from estancia_functions.log import logger
from estancia_protocol.settle import Plan, RecordedOutput, Version, needs_listing, plan
from estancia_protocol.status import Status

_ROUNDS: Final = 5
_WITH_OUTPUTS: Final = (Status.PROCESSED, Status.REJECTED, Status.FAILED)


class SettlingLedger(Protocol):
    """What settling asks of the ledger."""

    def items(self, key: str) -> list[WorkItem]:
        """Read all of a key's items consistently."""

    def outputs(self, item: WorkItem) -> list[RecordedOutput]:
        """Read an item's recorded outputs consistently."""

    def retire(self, item: WorkItem, output: RecordedOutput, now: dt.datetime) -> None:
        """Note that an output was hidden, unless another attempt recorded it meanwhile."""

    def set_back(self, item: WorkItem) -> bool:
        """Write `RECEIVED` over `PROCESSED`, if the item is as it was read; return whether it was."""


class SettlingObjects(Protocol):
    """What settling asks of the two buckets."""

    def hide(self, key: str) -> None:
        """Put a delete marker on a processed key."""

    def versions(self, key: str) -> list[str]:
        """List the ids of a raw key's versions and delete markers, the newest first."""


class UnsettledError(Exception):
    """A key changed under every round of settling; a later delivery settles it."""


class Settler:
    """Makes the outputs of the version that counts, and of no other, visible.

    Args:
        ledger: read consistently, after the write that asked for settling.
        objects: the buckets.
        clock: the present moment, UTC.
    """

    def __init__(self, ledger: SettlingLedger, objects: SettlingObjects, clock: Callable[[], dt.datetime]) -> None:
        self._ledger = ledger
        self._objects = objects
        self._clock = clock

    def settle(self, key: str) -> list[WorkItem]:
        """Settle a key, and look again after each change: another message's settling may have crossed it.

        Args:
            key: the raw key.

        Returns:
            Items that were set back, now or earlier, and still have to be processed again.

        Raises:
            UnsettledError: the key did not come to rest.
        """
        for _ in range(_ROUNDS):
            items = {item.version_id: item for item in self._ledger.items(key)}
            todo = self._plan(key, items)
            if not todo.retire and not todo.again:
                return [item for item in items.values() if item.set_back]
            self._carry_out(todo, items)
        raise UnsettledError(f"key {key!r} changed during all of {_ROUNDS} rounds of settling")

    def _plan(self, key: str, items: dict[str, WorkItem]) -> Plan:
        versions = self._versions(key, items.values())
        made = [o for item in items.values() if item.status in _WITH_OUTPUTS for o in self._ledger.outputs(item)]
        return plan(versions, made)

    def winner(self, key: str, items: Sequence[WorkItem]) -> str | None:
        """Return the version that counts.

        Args:
            key: the raw key.
            items: all of its items, just read consistently.
        """
        found = plan(self._versions(key, items), ()).winner
        return found.version_id if found else None

    def _versions(self, key: str, items: Iterable[WorkItem]) -> list[Version]:
        versions = [item.as_version() for item in items]
        return ordered(versions, self._objects.versions(key)) if needs_listing(versions) else versions

    def _carry_out(self, todo: Plan, items: dict[str, WorkItem]) -> None:
        for output in todo.retire:
            # Hidden first: a crash in between costs a second marker, never a visible object noted as hidden.
            self._objects.hide(output.key)
            self._ledger.retire(items[output.version_id], output, self._clock())
            logger.info("output hidden", output_key=output.key, of_version=output.version_id)
        if todo.again and todo.winner:
            self._ledger.set_back(items[todo.winner.version_id])
            logger.info("version counts again, its outputs have to be made again", of_version=todo.winner.version_id)


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
