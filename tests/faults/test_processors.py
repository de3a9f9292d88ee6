"""A processor killed or stopped in the middle of a file: another takes over, and the woken one changes nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.faults.case import Case
from tests.faults.crowd import concurrent
from tests.faults.ending import sweep
from tests.faults.rules import Hold, HoldAnswer, Rule, operation

TAKEN_OVER = 120.0


def woken(rule: Rule) -> None:
    """Wake the processor that a rule met, let its request go, and give it time for what it still wants to do."""
    rule.released.set()
    os.kill(rule.met[0].pid, signal.SIGCONT)
    time.sleep(20)


def stopped(case: Case, rule: Rule) -> None:
    """Stop the processor that a rule meets."""
    os.kill(case.reached(rule).pid, signal.SIGSTOP)


@pytest.mark.parametrize("moment", ["GetObject", "PutObject data", "TransactWriteItems Update raw PROCESSED"])
@concurrent("production")
def test_killed_in_the_middle(case: Case, moment: str) -> None:
    """Whether its last request still arrives or not: here it does."""
    rule = case.at_processor(operation(moment), Hold())
    version = case.put()
    case.running.kill(case.reached(rule).pid)
    started = time.monotonic()
    if not moment.startswith("Transact"):
        rule.released.set()
    case.processed(version, attempt=2, seconds=TAKEN_OVER)
    assert time.monotonic() - started < TAKEN_OVER
    rule.released.set()


@concurrent("production")
def test_stopped_while_it_reads_and_woken_later(case: Case) -> None:
    rule = case.at_processor(operation("GetObject"), HoldAnswer())
    version = case.put()
    stopped(case, rule)
    case.processed(version, attempt=2, seconds=TAKEN_OVER)
    before = case.everything(version)
    woken(rule)
    assert case.everything(version) == before
    case.processed(version, attempt=2)


@concurrent("production")
def test_stopped_in_its_put_and_woken_later(case: Case) -> None:
    """S3 knows no fence: the late put arrives, under the same key, and nothing else; the sweep takes it away."""
    rule = case.at_processor(operation("PutObject data"), Hold())
    version = case.put()
    stopped(case, rule)
    case.processed(version, attempt=2, seconds=TAKEN_OVER)
    before = case.everything(version)
    woken(rule)
    after = case.everything(version)
    (late,) = [v for key, held in after["versions"].items() for v in held if v not in before["versions"][key]]
    assert {**after, "versions": None} == {**before, "versions": None}
    case.processed(version, attempt=2)
    sweep(case.running)
    assert late not in str(case.everything(version)["versions"])
    case.processed(version, attempt=2)


@concurrent("production")
def test_stopped_before_it_finishes_and_woken_later(case: Case) -> None:
    """Its last transaction is conditional on its attempt, and refused, also when it is sent again."""
    rule = case.at_processor(operation("TransactWriteItems Update raw PROCESSED"), Hold())
    version = case.put()
    stopped(case, rule)
    case.processed(version, attempt=2, seconds=TAKEN_OVER)
    before = case.everything(version)
    woken(rule)
    assert case.everything(version) == before
    case.processed(version, attempt=2)
