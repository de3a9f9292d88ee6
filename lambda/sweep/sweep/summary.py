"""What a run of the sweep did, counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class Summary:
    """The function's answer; a run that found nothing to do has zeros only.

    Attributes:
        sent: messages sent to the ingest queue, again or for the first time.
        found: among them those for object versions that the ledger did not know.
        removals: versions noted as removed for good although no event said so.
        set_back: versions that count again and whose outputs have to be made again.
        hidden: outputs that were visible and should not be.
        shown: outputs that were hidden by a late delete marker.
        versions_removed: versions of outputs that a woken worker put after its end.
        dead_letters_deleted: copies in the dead-letter queue that told nothing any more.
        complete: whether every part reached its end in this run.
    """

    sent: int = 0
    found: int = 0
    removals: int = 0
    set_back: int = 0
    hidden: int = 0
    shown: int = 0
    versions_removed: int = 0
    dead_letters_deleted: int = 0
    complete: bool = False
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def count(self, name: str) -> None:
        """Add one; safe from several threads."""
        with self._counting:
            setattr(self, name, getattr(self, name) + 1)

    def as_json(self) -> dict[str, int | bool]:
        """Return the answer's members."""
        return {member.name: getattr(self, member.name) for member in fields(self) if member.compare}
