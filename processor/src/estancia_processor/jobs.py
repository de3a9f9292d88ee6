"""One attempt at one file, in the protocol's order. Knows no HTTP and no thread but the lease's."""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from estancia_processor.attempt import Attempt
from estancia_processor.clock import Clock
from estancia_processor.errors import FileFaultError, LeaseLostError, RetryError
from estancia_processor.faults import as_retry
from estancia_processor.guard import Guard
from estancia_processor.lease import Lease
from estancia_processor.records import Hold, Ledger, StartAnswer, Started, outcome_of
from estancia_processor.storage import Storage
from estancia_protocol.job import Job, Line, Outcome, Retry
from estancia_protocol.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX: Final = "job-"
"""Folders of attempts on scratch begin with it; nothing else there is touched."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A started job.

    Attributes:
        job: what was asked.
        hold: what writes are conditional on.
        item: the work item as it was started.
        lease: renewed while the job runs.
    """

    job: Job
    hold: Hold
    item: Mapping[str, Any]
    lease: Lease


class Runner:
    """Starts and runs jobs."""

    def __init__(self, ledger: Ledger, storage: Storage, scratch: Path, clock: Clock, instance_id: str) -> None:
        """Keep the edges.

        Args:
            ledger: the ledger.
            storage: the buckets.
            scratch: a folder for this process alone.
            clock: wall and monotonic time.
            instance_id: written to the items.
        """
        self._ledger = ledger
        self._storage = storage
        self._scratch = scratch
        self._clock = clock
        self._instance_id = instance_id

    def clean(self) -> list[str]:
        """Remove what earlier processes left on scratch; return the folders' names."""
        leftovers = sorted(path for path in self._scratch.glob(f"{PREFIX}*") if path.is_dir())
        for path in leftovers:
            shutil.rmtree(path)
        return [path.name for path in leftovers]

    def start(self, job: Job) -> Running | StartAnswer:
        """Try to start a job; the ledger says whether it may.

        Args:
            job: what was asked.

        Returns:
            The running job, or the ledger's answer where it may not start.
        """
        hold = Hold.of(job, secrets.token_hex(16))
        begun = self._clock.monotonic()
        answer = self._ledger.start(hold, self._clock.now(), self._instance_id)
        if not isinstance(answer, Started):
            return answer
        lease = Lease(lambda now: self._ledger.renew(hold, now), self._clock, begun)
        return Running(job, hold, answer.item, lease)

    def run(self, running: Running, progress: Callable[[dict[str, Any]], None]) -> Line:
        """Run a started job to its end.

        Args:
            running: from `start`.
            progress: keeps the latest facts for the stream.

        Returns:
            The stream's last line. Never raises: what is not the file's fault is a retry.
        """
        with running.lease:
            guard = Guard(running.lease, running.job.deadline, self._clock, progress)
            try:
                with self._folder(running.hold) as folder:
                    fields = self._settle(running, guard, folder)
                item = {name: value for name, value in running.item.items() if name != "error"}
                return Outcome(outcome_of({**item, **fields}))
            except Exception as error:
                fault = as_retry(error)
        # Only now: a renewal that is still on its way would lengthen the lease that is given back.
        return self._give_back(running, fault)

    def _settle(self, running: Running, guard: Guard, folder: Path) -> Mapping[str, Any]:
        """Return the item's final fields as written."""
        attempt = Attempt(running.hold, running.job, guard, folder)
        try:
            return attempt.run(self._ledger, self._storage, self._clock)
        except FileFaultError as fault:
            _log.info("rejected: %s", fault)
            guard.check()
            error = {"code": fault.code.value, "message": fault.message}
            changes = {"status": Status.REJECTED.value, "error": error, **attempt.facts}
            return self._ledger.finish(running.hold, [], changes, self._clock.now())

    def _give_back(self, running: Running, fault: RetryError) -> Retry:
        """Record an error that is not the file's and end the lease, unless the lease is another's."""
        if not isinstance(fault, LeaseLostError):
            error = {"code": fault.code.value, "message": fault.message}
            try:
                self._ledger.give_back(running.hold, error, self._clock.now())
            except Exception:
                _log.warning("the error could not be recorded; the lease runs out by itself", exc_info=True)
        return Retry(fault.code, fault.message)

    @contextmanager
    def _folder(self, hold: Hold) -> Iterator[Path]:
        path = self._scratch / f"{PREFIX}{hold.work}-{hold.attempt}-{hold.lease_id[:8]}"
        path.mkdir()
        try:
            yield path
        finally:
            try:
                shutil.rmtree(path)
            except OSError:
                _log.exception("%s could not be removed; the next start of the service tries again", path)
