"""Time: what the processor believes, and how far AWS disagrees."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from estancia_protocol import timing


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks, replaceable in tests.

    Attributes:
        now: the wall clock, UTC.
        monotonic: seconds that never jump.
    """

    now: Callable[[], dt.datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic


class ClockCheck:
    """Compares the wall clock with the Date header of AWS's answers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._local = threading.local()
        self._error = 0.0

    @property
    def error(self) -> float:
        """By how many seconds, at least, the wall clock was wrong at the last answer."""
        return self._error

    @property
    def sound(self) -> bool:
        """Whether the clock is good enough to hold leases."""
        return self._error <= timing.CLOCK_TOLERANCE

    def watch(self, client: Any) -> None:
        """Observe every call of a boto3 client."""
        client.meta.events.register("before-send", self._sent)
        client.meta.events.register("after-call", self._answered)

    def observe(self, date: str, sent: dt.datetime, received: dt.datetime) -> None:
        """Take one answer into account.

        Args:
            date: its Date header; its second is cut off, so the true time lies within the second that follows it.
            sent: when the request was sent by the wall clock, UTC.
            received: when the answer came.
        """
        stamp = parsedate_to_datetime(date)
        ahead = (sent - stamp).total_seconds() - 1.0
        behind = (stamp - received).total_seconds()
        self._error = max(ahead, behind, 0.0)

    def _sent(self, **_: Any) -> None:
        self._local.sent = self._clock.now()

    def _answered(self, http_response: Any = None, **_: Any) -> None:
        sent = getattr(self._local, "sent", None)
        date = http_response.headers.get("date") if http_response is not None else None
        if sent is not None and date:
            self.observe(date, sent, self._clock.now())
