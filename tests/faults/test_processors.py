"""A processor killed or stopped in the middle of a file: another takes over, and the woken one changes nothing."""

from __future__ import annotations

import os
import time
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

import pytest

from estancia_protocol import names
from tests.faults.case import Case
from tests.faults.concurrency import concurrent
from tests.faults.final_checks import sweep
from tests.faults.rules import Hold, operation
from tests.waiting import until

TAKEN_OVER = 120.0
PUT, FINISH = "PutObject data", "TransactWriteItems Update raw PROCESSED"


def wake(case: Case, pid: int, version: str) -> None:
    """Wake a stopped processor, and wait until it has given its attempt up and had time for what may follow."""
    os.kill(pid, SIGCONT)
    work = names.work_id(case.key(), version)
    until(lambda: not case.running.scratch_folders(f"job-{work}-1-*"), 60, "the woken attempt has ended")
    time.sleep(5)


@pytest.mark.parametrize(
    ("harm", "moment", "arrives"),
    [
        (SIGKILL, "GetObject", "before"),
        (SIGKILL, PUT, "before"),
        (SIGKILL, FINISH, "after"),
        (SIGSTOP, "GetObject", "after"),
        (SIGSTOP, PUT, "after"),
        (SIGSTOP, FINISH, "after"),
    ],
    ids=lambda value: value.name if isinstance(value, Signals) else value,
)
@concurrent("production")
def test_another_takes_over(case: Case, harm: Signals, moment: str, arrives: str) -> None:
    """Its last request arrives before the takeover or after it; a finish that arrives after it is refused.

    S3 knows no fence: a late put arrives, under the same key, and nothing else; the sweep takes it away.
    """
    rule = case.at_processor(operation(moment), Hold())
    version = case.put()
    pid = case.reached(rule).pid
    os.kill(pid, harm)
    harmed = time.monotonic()
    if arrives == "before":
        case.passed(rule)
    case.processed(version, attempt=2, seconds=TAKEN_OVER)
    assert time.monotonic() - harmed < TAKEN_OVER
    before = case.everything(version)
    answered = case.passed(rule)
    if harm == SIGSTOP:
        wake(case, pid, version)
    after = case.everything(version)
    late = [v for key, kept in after["versions"].items() for v in kept if v not in before["versions"][key]]
    assert {**after, "versions": None} == {**before, "versions": None}
    if (moment, arrives) == (PUT, "after"):
        assert len(late) == 1
        assert sweep(case.running)["versions_removed"] == 1
        after = case.everything(version)
    assert after["versions"] == before["versions"]
    assert answered == [400] if moment == FINISH else answered[0] in (200, 206)
    case.processed(version, attempt=2)
