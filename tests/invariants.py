"""The last line of every test that lets files be processed: the protocol's invariants hold for the whole account."""

from __future__ import annotations

import datetime as dt
import time

from ops.check import lines
from ops.findings import Kind
from ops.invariants import judge
from ops.snapshot import take
from ops.stack import Stack

POLL_SECONDS = 0.5


def assert_invariants(stack: Stack, seconds: float = 60) -> None:
    """Wait until the ingest queue is empty and nothing is unfinished, then assert that nothing is wrong.

    Nothing is excused as under way: no patience, and what still moves at the end fails the test, too.

    Args:
        stack: the deployed stack.
        seconds: how long to wait.

    Raises:
        AssertionError: something is wrong or still under way; the text is what `make check` prints.
    """
    deadline = time.monotonic() + seconds
    while True:
        snapshot = take(stack, letter_wait=0)
        verdict = judge(snapshot, dt.timedelta(0))
        open_ends = [finding for finding in verdict.findings if finding.kind is not Kind.NOTE]
        if not snapshot.queued and not open_ends:
            return
        if time.monotonic() > deadline:
            said = "\n".join(lines(verdict))
            raise AssertionError(f"after {seconds:.0f} s, with {snapshot.queued} messages in the queue:\n{said}")
        time.sleep(POLL_SECONDS)
