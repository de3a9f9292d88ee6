"""The lease: when an attempt's is over for others, and when for the worker that holds it. Pure.

Others read `lease_until` by their wall clock, and wait `TAKEOVER_GRACE` longer. The holder counts by monotonic time
from before its last renewal was sent. With clocks wrong by at most `CLOCK_TOLERANCE` no two hold a lease at once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Final

from estancia_protocol import timing
from estancia_protocol.job import timestamp

FREE: Final = "(attribute_not_exists(#lease_until) OR #lease_until <= :free)"
"""`free` as a condition; its value is in `free_values`."""


def taken_at(now: dt.datetime) -> dt.datetime:
    """Return the `lease_until` of a lease that is taken, or renewed, now."""
    return now + dt.timedelta(seconds=timing.LEASE)


def remaining(until: dt.datetime | None, now: dt.datetime) -> float:
    """Return the seconds until `lease_until`, negative after it; without a lease the takeover's grace is over."""
    return (until - now).total_seconds() if until else -float(timing.TAKEOVER_GRACE)


def free(until: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether another worker may take over: there is no lease, or it has been over for the grace."""
    return remaining(until, now) <= -timing.TAKEOVER_GRACE


def free_values(now: dt.datetime) -> dict[str, str]:
    """Return the value in `FREE`; the ledger's times sort as text."""
    return {"free": timestamp(now - dt.timedelta(seconds=timing.TAKEOVER_GRACE))}


@dataclass(frozen=True, slots=True)
class Holding:
    """A lease as its holder counts it; all times are monotonic seconds.

    Attributes:
        ends: when it is over.
        lost: whether the ledger said that it is another's.
    """

    ends: float
    lost: bool = False

    @classmethod
    def begun(cls, sent: float) -> Holding:
        """Return the lease of a start that was sent then."""
        return cls(sent + timing.LEASE)

    def renewed(self, sent: float, answered: float) -> Holding:
        """Return the lease after a renewal; one that was answered too late revives nothing."""
        return dataclasses.replace(self, ends=sent + timing.LEASE) if self.remaining(answered) > 0 else self

    def taken_away(self) -> Holding:
        """Return the lease after the ledger said that the attempt is another's."""
        return dataclasses.replace(self, lost=True)

    def remaining(self, at: float) -> float:
        """Return for how many seconds it still lasts, 0 when it is over or lost."""
        return 0.0 if self.lost else max(0.0, self.ends - at)

    def may_put(self, at: float) -> bool:
        """Whether so much of it remains that an object may be put."""
        return self.remaining(at) >= timing.LEASE_MARGIN

    def renew_in(self, at: float) -> float:
        """Return the seconds until it is to be renewed."""
        return max(0.0, self.ends - timing.LEASE + timing.LEASE_RENEWAL - at)
