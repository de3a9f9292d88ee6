"""Keeps the lease of one attempt: renewed by a timer of its own; what counts is `estancia_protocol.lease`'s."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from typing import Final

from estancia_processor.clock import Clock
from estancia_processor.errors import LeaseLostError
from estancia_protocol import timing
from estancia_protocol.lease import Holding

RETRY_PAUSE: Final = 3.0
"""Seconds between tries of a renewal that got no answer."""
_log = logging.getLogger(__name__)


class Lease:
    """How long this worker may go on. Safe to use from several threads."""

    def __init__(self, renew: Callable[[dt.datetime], None], clock: Clock, begun: float) -> None:
        """Take over a lease that a start just wrote.

        Args:
            renew: extends the lease in the ledger from a moment; raises LeaseLostError when it is lost.
            clock: wall and monotonic time.
            begun: monotonic time from before the start was sent.
        """
        self._renew = renew
        self._clock = clock
        self._holding = Holding.begun(begun)
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._timer = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._timer.join(timing.LEASE_RENEWAL)

    def remaining(self) -> float:
        """Return for how many seconds the lease still lasts, 0 when it is lost."""
        with self._changed:
            return self._holding.remaining(self._clock.monotonic())

    def check(self) -> None:
        """Raise LeaseLostError when the lease is over."""
        if self.remaining() <= 0:
            raise LeaseLostError

    def wait_for_margin(self) -> None:
        """Wait until enough of the lease remains to put an object.

        Raises:
            LeaseLostError: it ran out instead.
        """
        with self._changed:
            while not self._holding.may_put(self._clock.monotonic()):
                self.check()
                self._changed.wait(timeout=0.2)

    def tick(self) -> float:
        """Renew once; return the seconds until the next try."""
        sent, now = self._clock.monotonic(), self._clock.now()
        try:
            self._renew(now)
        except LeaseLostError:
            return self._become(Holding.taken_away)
        except Exception:
            _log.warning("the lease could not be renewed; %.0f s remain", self.remaining(), exc_info=True)
            return RETRY_PAUSE
        return self._become(lambda holding: holding.renewed(sent, self._clock.monotonic()))

    def _become(self, change: Callable[[Holding], Holding]) -> float:
        with self._changed:
            self._holding = change(self._holding)
            self._changed.notify_all()
            return self._holding.renew_in(self._clock.monotonic())

    def _keep(self) -> None:
        pause = self._holding.renew_in(self._clock.monotonic())
        while not self._stopped.wait(pause) and self.remaining() > 0:
            pause = self.tick()
