"""The function ended by its time limit, its answers lost, and the embedded AWS restarted in the middle."""

from __future__ import annotations

import os
import signal

import pytest

from local.processes import start_ticks
from tests.faults.case import Case
from tests.faults.conftest import Stacks
from tests.faults.crowd import concurrent
from tests.faults.ending import assert_ended
from tests.faults.rules import Cut, HoldAnswer, operation
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


@concurrent("short")
def test_the_answer_to_the_functions_hiding_is_lost(case: Case) -> None:
    """A second delete marker on a processed key changes nothing that is seen."""
    rule = case.at_function(operation("DeleteObject", "UpdateItem out"), Cut(forward=True), times=2)
    version = case.put()
    case.processed(version)
    case.delete()
    case.hidden(version, seconds=BACK)
    assert len(rule.met) == 2


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
    assert_ended(running)
