"""Whether the first job could run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from estancia_processor.clock import ClockCheck
from estancia_processor.records import Ledger
from estancia_processor.storage import Storage

_log = logging.getLogger(__name__)


class Readiness:
    """Asks what a job needs."""

    def __init__(self, ledger: Ledger, storage: Storage, clock_check: ClockCheck, scratch: Path) -> None:
        self._ledger = ledger
        self._storage = storage
        self._clock_check = clock_check
        self._scratch = scratch

    def ask_the_ledger(self) -> str | None:
        """Make one call to the ledger, whose answer's date the clock is compared with; return why it failed."""
        return _tried(self._ledger.reachable)

    def check(self) -> dict[str, str | None]:
        """Return for each need why it is not met, None where it is."""
        found = {
            "ledger": self.ask_the_ledger(),
            "buckets": _tried(self._storage.reachable),
            "scratch": _tried(self._write),
        }
        wrong = f"the clock is wrong by {self._clock_check.error:.1f} s; synchronize it"
        return found | {"clock": None if self._clock_check.sound else wrong}

    def _write(self) -> None:
        path = self._scratch / ".ready"
        path.write_bytes(os.urandom(16))
        path.unlink()


def _tried(call: Callable[[], None]) -> str | None:
    try:
        call()
    except Exception as error:
        _log.warning("not ready: %s", error)
        return f"{type(error).__name__}: {error}"[:300]
    return None
