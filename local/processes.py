"""Detached processes, remembered by pid and start time so that a recycled pid is never taken for ours."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ProcessRecord:
    """A process that we started: its pid, its start in clock ticks since boot, and what else is worth keeping."""

    pid: int
    start_ticks: int
    started_at: float
    details: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return start_ticks(self.pid) == self.start_ticks

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the process was started."""
        return max(0.0, time.time() - self.started_at)


def start_ticks(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks since boot, or None if it does not run (a zombie does not)."""
    state, ticks = _state_and_start(pid)
    return None if state in ("", "Z", "X") else ticks


def _state_and_start(pid: int) -> tuple[str, int]:
    """Return the state letter and the start of `pid`, an empty letter if there is no such process.

    Source: proc(5), https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, fields 3 and 22.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "", 0
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def read_record(path: Path) -> ProcessRecord | None:
    """Return what the pid file `path` says, or None if it is not there or cannot be read."""
    try:
        return ProcessRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_record(path: Path, record: ProcessRecord) -> None:
    """Write the pid file `path`, whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(record)), encoding="utf-8")
    temporary.replace(path)


def start_detached(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    pid_file: Path,
    details: Mapping[str, str] | None = None,
) -> ProcessRecord:
    """Start `command` in a session of its own, its output appended to `log`, and remember it in `pid_file`."""
    for place in (log.parent, pid_file.parent):
        place.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # A child that has ended already is a zombie until it is waited for, and still tells when it started.
    ticks = _state_and_start(process.pid)[1]
    record = ProcessRecord(process.pid, ticks, time.time(), dict(details or {}))
    write_record(pid_file, record)
    return record


def stop(record: ProcessRecord, *, grace_seconds: float) -> bool:
    """Send SIGTERM to the process and its session, wait, and kill what is left.

    Returns:
        Whether it ended by itself within `grace_seconds`.
    """
    if not record.alive:
        return True
    _send(record, signal.SIGTERM)
    if wait_until(lambda: not _reaped_alive(record), grace_seconds):
        _signal_leftovers(record)
        return True
    _send(record, signal.SIGKILL)
    wait_until(lambda: not _reaped_alive(record), 5)
    _signal_leftovers(record)
    return False


def terminate(records: Sequence[ProcessRecord]) -> None:
    """Send SIGTERM to every one of `records`, so that they end at the same time."""
    for record in records:
        _send(record, signal.SIGTERM)


def wait_until(condition: Callable[[], bool], seconds: float, pause_seconds: float = 0.05) -> bool:
    """Return True as soon as `condition()` does, False after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause_seconds)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """Return the last `lines` of `log`, introduced by its path."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        text = []
    body = "\n".join(f"    {line}" for line in text) or "    (empty)"
    return f"  The end of {log}:\n{body}"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, so that two commands do not start or stop the same processes at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _reaped_alive(record: ProcessRecord) -> bool:
    with suppress(ChildProcessError, OSError):
        os.waitpid(record.pid, os.WNOHANG)
    return record.alive


def _send(record: ProcessRecord, number: signal.Signals) -> None:
    if record.alive:
        with suppress(ProcessLookupError):
            os.kill(record.pid, number)


def _signal_leftovers(record: ProcessRecord) -> None:
    """Kill the children that outlived the leader: its process group carries the leader's pid."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(record.pid, signal.SIGKILL)
