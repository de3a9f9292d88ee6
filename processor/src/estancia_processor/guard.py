"""What a worker asks between steps: may I go on, and what does the client hear?"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from estancia_processor.clock import Clock
from estancia_processor.errors import RetryError
from estancia_processor.lease import Lease
from estancia_protocol.errors import ErrorCode


class Guard:
    """Lease and deadline of one attempt, its progress and its timings."""

    def __init__(
        self, lease: Lease, deadline: dt.datetime, clock: Clock, progress: Callable[[dict[str, Any]], None]
    ) -> None:
        """Begin to count.

        Args:
            lease: of the attempt.
            deadline: when it must have ended, UTC; counted by monotonic time from now.
            clock: wall and monotonic time.
            progress: keeps the latest facts for the stream.
        """
        self.lease = lease
        self._clock = clock
        self._progress = progress
        self._ends = clock.monotonic() + (deadline - clock.now()).total_seconds()
        self._facts: dict[str, Any] = {"phase": "start", "rows": 0}
        self.timings: dict[str, float] = {}

    def check(self) -> None:
        """Raise when the attempt has to stop.

        Raises:
            LeaseLostError: the lease is over.
            RetryError: DEADLINE.
        """
        self.lease.check()
        if self._clock.monotonic() >= self._ends:
            raise RetryError(ErrorCode.DEADLINE)

    def beat(self, phase: str, rows: int) -> None:
        """Note progress, then check."""
        self._facts = {"phase": phase, "rows": rows}
        self._progress(self._facts)
        self.check()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Check, then time a phase."""
        self.beat(name, int(self._facts["rows"]))
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = round(self.timings.get(name, 0.0) + time.perf_counter() - begun, 4)
