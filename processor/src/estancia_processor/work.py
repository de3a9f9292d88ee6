"""Jobs in threads: slots, draining, and what a stream needs to know of a job. The runner knows nothing of this."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from estancia_processor import logs
from estancia_processor.jobs import Runner, Running
from estancia_processor.metrics import Metrics
from estancia_processor.records import StartAnswer
from estancia_protocol.job import Job, Line

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Handle:
    """A job on its way.

    Attributes:
        done: its last line.
        facts: the latest progress.
    """

    done: Future[Line] = field(default_factory=Future)
    facts: dict[str, Any] = field(default_factory=lambda: {"phase": "start", "rows": 0})


@dataclass(frozen=True, slots=True)
class NoSlot:
    """Every slot has a job."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The process is about to end and takes no more jobs."""


class Workshop:
    """Runs at most so many jobs at once."""

    def __init__(self, runner: Runner, slots: int, metrics: Metrics) -> None:
        self._runner = runner
        self._slots = slots
        self._metrics = metrics
        self._busy = 0
        self._changed = threading.Condition()
        self.draining = False

    def take(self, job: Job) -> Handle | StartAnswer | NoSlot | Draining:
        """Start a job in a thread of its own if there is a slot and the ledger lets it.

        Args:
            job: what was asked.

        Returns:
            The job's handle, or why it did not start. Errors of AWS pass through.
        """
        with self._changed:
            if self.draining:
                return Draining()
            if self._busy >= self._slots:
                return NoSlot()
            self._busy += 1
            self._metrics.busy.set(self._busy)
        try:
            running = self._runner.start(job)
            if isinstance(running, Running):
                handle = Handle()
                threading.Thread(target=self._run, args=(running, handle), name="job").start()
                return handle
        except BaseException:
            self._free()
            raise
        self._free()
        return running

    def drain(self) -> None:
        """Take no more jobs."""
        with self._changed:
            self.draining = True

    def wait(self) -> None:
        """Wait until no job runs; each ends by its deadline."""
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0)

    def _run(self, running: Running, handle: Handle) -> None:
        job = running.job
        logs.context.set({"request_id": job.request_id, "key": job.key, "attempt": job.attempt})
        begun = time.monotonic()
        _log.info("started")

        def progress(facts: dict[str, Any]) -> None:
            handle.facts = facts

        try:
            line = self._runner.run(running, progress)
            seconds = time.monotonic() - begun
            self._metrics.ended(line, seconds)
            _log.info("ended after %.3f s: %s", seconds, line)
            handle.done.set_result(line)
        except BaseException as error:
            handle.done.set_exception(error)
            raise
        finally:
            self._free()

    def _free(self) -> None:
        with self._changed:
            self._busy -= 1
            self._metrics.busy.set(self._busy)
            self._changed.notify_all()
