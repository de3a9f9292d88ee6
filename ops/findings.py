"""What a check finds, and how long it waits before what may be under way is a violation. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ops.account import Snapshot, Work

PATIENCE: Final = dt.timedelta(minutes=45)
"""Three runs of the sweep: what an event or the sweep is to bring is under way for so long."""
STUCK: Final = dt.timedelta(hours=1)
"""The sweep sends an item again when nothing happened to it for this long, or for half of its age if longer."""
CLOCK_TOLERANCE: Final = dt.timedelta(seconds=2)
RUNBOOK: Final = "docs/runbooks/dead-letters.md"


class Kind(StrEnum):
    """How much a finding weighs."""

    VIOLATION = "violation"
    UNDER_WAY = "under way"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know.

    Attributes:
        invariant: 1 to 4, as docs/protocol.md numbers them.
        kind: whether it is wrong, under way or only worth knowing.
        key: the object's key, or a message's id.
        version_id: its version; empty where there is none.
        rule: what does not hold, in one sentence.
        remedy: what a person does about it.
    """

    invariant: int
    kind: Kind
    key: str
    version_id: str
    rule: str
    remedy: str


@dataclass(frozen=True, slots=True)
class View:
    """A snapshot and the patience with which it is judged.

    Attributes:
        snapshot: what was read.
        patience: how long what an event or the sweep is to bring counts as under way.
    """

    snapshot: Snapshot
    patience: dt.timedelta

    def recent(self, moment: dt.datetime | None) -> bool:
        """Whether something happened so lately that its consequences may be under way."""
        return moment is not None and self.snapshot.ended - moment < self.patience

    def meanwhile(self, moment: dt.datetime) -> bool:
        """Whether something happened while the account was read, so that two reads may differ rightly."""
        return moment >= self.snapshot.began - CLOCK_TOLERANCE

    def settling(self, works: list[Work]) -> bool:
        """Whether a key changed lately and a message may be there that settles it."""
        return self.snapshot.queued > 0 and any(self.recent(work.happened_at) for work in works)

    def left_alone(self, work: Work) -> bool:
        """Whether the sweep should have sent an item again, and did not."""
        last, ended = work.happened_at, self.snapshot.ended
        if last is None:
            return True
        received = dt.datetime.fromisoformat(work.item.received_at) if work.item.received_at else last
        return ended - last > max(STUCK, (ended - received) / 2) + self.patience

    @property
    def sweep(self) -> str:
        """The remedy for what the sweep mends."""
        function = f"{self.snapshot.name}-sweep"
        command = f"aws lambda invoke --function-name {function} --cli-read-timeout 660 answer"
        return f"the next sweep mends it; at once: {command}"


def weigh(wrong: bool) -> Kind:
    """Return the kind of what is either wrong or under way."""
    return Kind.VIOLATION if wrong else Kind.UNDER_WAY
