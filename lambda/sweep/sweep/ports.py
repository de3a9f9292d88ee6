"""What the sweep's parts ask of the world; the edges fulfil it, and so do the tests' fakes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_functions.settling import SettlingLedger, SettlingObjects
from estancia_protocol.status import Status
from sweep.rules import Output


@dataclass(frozen=True, slots=True)
class Copy:
    """A message of the dead-letter queue.

    Attributes:
        receipt_handle: names this delivery of it.
        body: its text.
    """

    receipt_handle: str
    body: str


class Ledger(SettlingLedger, Protocol):
    """The ledger's items, each write conditional."""

    def with_status(self, status: Status) -> Iterator[WorkItem]:
        """Read the status index, which lags behind and lacks attributes."""

    def find(self, key: str, version_id: str) -> WorkItem | None:
        """Read an item consistently; None if there is none."""

    def swept(self, item: WorkItem, now: dt.datetime) -> bool:
        """Note that an item's message was sent, if the item is as it was read; return whether it was."""

    def gone(self, item: WorkItem, now: dt.datetime) -> bool:
        """Note that an item's version is gone for good, if nobody did; return whether nobody had."""

    def recorded(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Output]:
        """Read output items by work id and processed key, not consistently."""

    def output(self, work: str, key: str) -> Output | None:
        """Read an output item consistently; None if there is none."""

    def cursor(self, part: str) -> str:
        """Read the key behind which a part goes on; empty to begin anew."""

    def move_cursor(self, part: str, after: str, now: dt.datetime) -> None:
        """Note behind which key a part goes on."""


class Objects(SettlingObjects, Protocol):
    """The two buckets."""

    def originals(self, after: str) -> Iterator[list[list[Entry]]]:
        """List the raw bucket's versions behind a key: pages of keys, each with its entries, the newest first."""

    def outputs(self, after: str) -> Iterator[list[list[Entry]]]:
        """List the versions of all processed keys behind a key, likewise."""

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove a version or a delete marker of a processed key for good."""


class Queues(Protocol):
    """The two queues."""

    def send(self, body: str) -> None:
        """Send a message to the ingest queue."""

    def oldest_message(self, now: dt.datetime) -> dt.timedelta:
        """Return an age that no message of the ingest queue exceeds; zero for an empty queue."""

    def receive_copies(self) -> list[Copy]:
        """Receive copies of the dead-letter queue and hide them for longer than a run lasts; empty at the end."""

    def delete_copy(self, copy: Copy) -> None:
        """Delete a copy that was received."""

    def release_copies(self, copies: Iterable[Copy]) -> None:
        """Make copies visible again."""
