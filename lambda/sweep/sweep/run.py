"""One run of the sweep: what its parts share, and how they share the time."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from estancia_functions.events import message_body
from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_functions.log import logger
from estancia_functions.settling import Settler
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status
from sweep import rules
from sweep.ports import Ledger, Objects, Queues
from sweep.summary import Summary

SLICE: Final = 200
"""Keys that are looked at between two looks at the clock."""
T = TypeVar("T")


class Each(Protocol):
    """Does something with each of many things, several at once."""

    def __call__(self, act: Callable[[T], None], things: Iterable[T]) -> None:
        """Return when all are done; `act` raises nothing."""


@dataclass(slots=True)
class Run:
    """One run.

    Attributes:
        ledger: the ledger.
        objects: the buckets.
        queues: the queues.
        raw_bucket: whose name messages carry.
        clock: the present moment, UTC.
        each: works in threads.
        ends_at: when the last part has to stop, UTC.
        summary: what was done so far.
        faults: how many keys could not be looked at.
        one_in: of how many outputs, by chance, one's original is looked for.
        dice: a random number in [0, 1).
        most: how many keys of each listing are looked at, so that a day's price has a bound.
        settler: settles a key, and counts what that changes.
    """

    ledger: Ledger
    objects: Objects
    queues: Queues
    raw_bucket: str
    clock: Callable[[], dt.datetime]
    each: Each
    ends_at: dt.datetime
    one_in: int = 8
    dice: Callable[[], float] = random.random
    most: int = 10_000
    summary: Summary = field(default_factory=Summary)
    faults: list[str] = field(default_factory=list)
    settler: Settler = field(init=False)

    def __post_init__(self) -> None:
        counted: Any = _Counted(self.ledger, self.objects, self.summary)
        self.settler = Settler(counted, counted, self.clock)

    def share(self, parts: int) -> dt.datetime:
        """Return when the next of so many parts that are left has to stop."""
        now = self.clock()
        return now + (self.ends_at - now) / parts

    def guarded(self, act: Callable[[T], None]) -> Callable[[T], None]:
        """Return an act that logs what goes wrong with one thing, so that the others get their turn."""

        def tried(thing: T) -> None:
            try:
                act(thing)
            except Exception as error:
                self.faults.append(type(error).__name__)
                logger.exception("left for the next sweep", thing=str(thing)[:1000])

        return tried

    def send(self, item: WorkItem, marker: Status | None = None) -> None:
        """Send an item's message and note it.

        The message does no harm whatever has changed: the dispatcher begins with the item. Sent first and noted second,
        so that a crash in between costs a second message and not an hour.
        """
        self.queues.send(message_body(item, self.raw_bucket, marker))
        self.ledger.swept(item, self.clock())
        self.summary.count("sent")
        logger.info("message sent", key=item.key, version_id=item.version_id, outcome=item.status)

    def settle(self, key: str) -> None:
        """Settle a key, and send what that set back: it may have no message."""
        for item in self.settler.settle(key):
            if rules.stuck(item, self.clock()):
                self.send(item)

    def walk(
        self,
        part: str,
        pages: Callable[[str], Iterator[list[list[Entry]]]],
        until: dt.datetime,
        look: Callable[[Sequence[list[Entry]]], None],
    ) -> bool:
        """Go once around a listing, beginning where the last run stopped; two runs at once cost a second look.

        Args:
            part: the cursor's name.
            pages: lists what is behind a key.
            until: when to stop.
            look: looks at some keys, each with its entries.

        Returns:
            Whether all of the listing was seen.
        """
        begun = after = self.ledger.cursor(part)
        moved, looked = bool(begun), 0
        for around in (False, True):
            seen = ""
            for keys in _slices(pages(after)):
                if seen:
                    self.ledger.move_cursor(part, seen, self.clock())
                    moved = True
                    if self.clock() >= until or looked >= self.most:
                        return False
                look(keys)
                looked += len(keys)
                seen = keys[-1][0].key
                if around and seen >= begun:
                    break
            if around or not begun:
                break
            after = ""
        if moved:
            self.ledger.move_cursor(part, "", self.clock())
        return True


def _slices(pages: Iterator[list[list[Entry]]]) -> Iterator[list[list[Entry]]]:
    for page in pages:
        for start in range(0, len(page), SLICE):
            yield page[start : start + SLICE]


class _Counted:
    """The ledger and the buckets as settling uses them; counts the changes."""

    def __init__(self, ledger: Ledger, objects: Objects, summary: Summary) -> None:
        self._ledger = ledger
        self._objects = objects
        self._summary = summary
        self.items = ledger.items
        self.outputs = ledger.outputs
        self.versions = objects.versions

    def retire(self, item: WorkItem, output: RecordedOutput, now: dt.datetime) -> None:
        self._ledger.retire(item, output, now)

    def set_back(self, item: WorkItem) -> bool:
        done = self._ledger.set_back(item)
        if done:
            self._summary.count("set_back")
        return done

    def hide(self, key: str) -> None:
        self._objects.hide(key)
        self._summary.count("hidden")
