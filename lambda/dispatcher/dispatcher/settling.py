"""Settle: carries out what `estancia_protocol.settle.plan` decides about a key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from dispatcher.items import WorkItem
from dispatcher.log import logger
from dispatcher.ports import Ledger, Objects, ordered
from estancia_protocol.settle import Plan, needs_listing, plan
from estancia_protocol.status import Status

_ROUNDS: Final = 5
_WITH_OUTPUTS: Final = (Status.PROCESSED, Status.REJECTED, Status.FAILED)


class UnsettledError(Exception):
    """A key changed under every round of settling; a later delivery settles it."""


class Settler:
    """Makes the outputs of the version that counts, and of no other, visible.

    Args:
        ledger: read consistently, after the write that asked for settling.
        objects: the buckets.
        clock: the present moment, UTC.
    """

    def __init__(self, ledger: Ledger, objects: Objects, clock: Callable[[], dt.datetime]) -> None:
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
        versions = [item.as_version() for item in items.values()]
        if needs_listing(versions):
            versions = ordered(versions, self._objects.versions(key))
        made = [o for item in items.values() if item.status in _WITH_OUTPUTS for o in self._ledger.outputs(item)]
        return plan(versions, made)

    def _carry_out(self, todo: Plan, items: dict[str, WorkItem]) -> None:
        for output in todo.retire:
            # Hidden first: a crash in between costs a second marker, never a visible object noted as hidden.
            self._objects.hide(output.key)
            self._ledger.retire(items[output.version_id], output, self._clock())
            logger.info("output hidden", output_key=output.key, of_version=output.version_id)
        if todo.again and todo.winner:
            self._ledger.set_back(items[todo.winner.version_id])
            logger.info("version counts again, its outputs have to be made again", of_version=todo.winner.version_id)
