"""The function ended by its time limit, its answers lost, and the embedded AWS restarted in the middle."""

from __future__ import annotations

import os
import signal
import time

import pytest

from estancia_protocol.errors import ErrorCode
from local.processes import start_ticks
from tests.faults.case import Case, quiet
from tests.faults.concurrency import concurrent
from tests.faults.conftest import Stacks
from tests.faults.final_checks import assert_final
from tests.faults.rules import Cut, Hold, HoldAnswer, operation
from tests.waiting import until

BACK = 300.0


@concurrent("short")
def test_ended_by_its_time_limit(case: Case) -> None:
    """The function hangs: Lambda ends it after 60 s here (900 s by default), and its message comes back after 120 s.

    The processor went on meanwhile, so that there is one attempt.
    """
    rule = case.at_function(operation("Process"), HoldAnswer())
    version = case.put()
    pid = case.reached(rule).pid
    os.kill(pid, signal.SIGSTOP)
    rule.released.set()
    case.processed(version)
    until(lambda: start_ticks(pid) is None, 90, "Lambda ended the function")
    until(lambda: len(rule.met) + len(_later(case, pid)) > 1, BACK, "the message came back")
    case.processed(version)


def _later(case: Case, pid: int) -> list[int]:
    return [call.pid for call in case.running.functions.calls(case.name) if call.pid != pid]


@pytest.mark.parametrize("write", ["UpdateItem raw RECEIVED", "Process"])
@concurrent("short")
def test_the_answer_to_the_functions_write_is_lost(case: Case, write: str) -> None:
    rule = case.at_function(operation(write), Cut(forward=True))
    case.processed(case.put(), seconds=BACK)
    assert len(rule.met) == 1


@pytest.mark.parametrize(
    ("write", "nth"),
    [("DeleteObject data", 1), ("UpdateItem out", 1), ("DeleteObject reports", 1), ("UpdateItem out", 2)],
)
@concurrent("short")
def test_the_answer_to_the_functions_hiding_is_lost(case: Case, write: str, nth: int) -> None:
    """A second delete marker on a processed key changes nothing that is seen."""
    rule = case.at_function(operation(write), Cut(forward=True), nth=nth)
    version = case.put()
    case.processed(version)
    case.delete()
    case.hidden(version, seconds=BACK)
    assert len(rule.met) == 1


@concurrent("short")
def test_an_attempt_reaches_its_deadline(case: Case) -> None:
    """30 s before the function's end, here 30 s after its begin: a retry with DEADLINE, and the next one processes."""
    rule = case.at_processor(operation("GetObject"), HoldAnswer(), times=1000)
    version = case.put()
    case.reached(rule)
    time.sleep(30.5)
    rule.nth, rule.times = 1, 0
    rule.released.set()
    error = until(lambda: case.item(version).get("error"), 60, "the attempt ends")
    assert error == {"code": ErrorCode.DEADLINE.value, "message": ErrorCode.DEADLINE.sentence}
    case.processed(version, attempt=2, seconds=BACK)


@concurrent("short")
def test_a_ledger_is_silent_towards_the_function(case: Case) -> None:
    """As often as its client asks, 8 s each: the message comes back, and what was asked arrives when all is done."""
    rule = case.at_function(operation("UpdateItem raw RECEIVED"), Hold(), times=4)
    version = case.put()
    until(lambda: len(rule.met) == 4, BACK, "it was asked four times")
    case.processed(version, seconds=BACK)
    quiet(case)
    assert case.unchanged(version, rule) == [400] * 4


def test_the_embedded_aws_is_restarted_in_the_middle(made: Stacks) -> None:
    """Functions end with it; what was acknowledged stays, and the messages come back after 120 s here."""
    running = made.of("short")
    cases = [Case(running, f"case_restarted{number}") for number in range(4)]
    rules = [case.at_processor(operation("GetObject"), HoldAnswer()) for case in cases]
    versions = [case.put() for case in cases]
    for case, rule in zip(cases, rules, strict=True):
        case.reached(rule)
    running.platform.restart()
    for rule in rules:
        rule.released.set()
    for case, version in zip(cases, versions, strict=True):
        item = case.final(version, seconds=BACK)
        case.processed(version, attempt=int(item["attempt"]), seconds=BACK)
        assert int(item["attempt"]) <= 2
    assert_final(running)
