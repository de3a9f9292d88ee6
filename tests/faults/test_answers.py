"""Connections cut, answers lost, the load balancer's own answers: at most one attempt is lost, and never a file."""

from __future__ import annotations

import time

import pytest

from estancia_protocol.timing import HEADER_PATIENCE
from tests.faults.case import Case, quiet
from tests.faults.concurrency import concurrent
from tests.faults.rules import Action, Cut, CutStream, Hold, HoldAnswer, balancer, operation
from tests.waiting import until


@concurrent("production")
def test_nothing_goes_wrong(case: Case) -> None:
    case.processed(case.put())


@pytest.mark.parametrize("status", [502, 503, 504])
@concurrent("production")
def test_the_load_balancer_answers_itself(case: Case, status: int) -> None:
    """An answer without the processor's header is busy, whatever its status: no attempt was started."""
    rule = case.at_function(operation("Process"), balancer(status))
    case.processed(case.put())
    assert len(rule.met) == 1


@concurrent("production")
def test_the_request_of_a_job_is_lost(case: Case) -> None:
    rule = case.at_function(operation("Process"), Cut(forward=False))
    case.processed(case.put())
    assert len(rule.met) == 1


@concurrent("production")
def test_the_answer_to_a_job_is_lost(case: Case) -> None:
    """The job runs on by itself; the next delivery finds it done."""
    rule = case.at_function(operation("Process"), Cut(forward=True))
    case.processed(case.put())
    assert len(rule.met) == 1


@concurrent("production")
def test_the_stream_is_cut_after_its_first_line(case: Case) -> None:
    rule = case.at_function(operation("Process"), CutStream(1))
    case.processed(case.put())
    assert len(rule.met) == 1


@concurrent("production")
def test_the_stream_is_cut_after_the_output_and_before_the_ledger(case: Case) -> None:
    """The job goes on without a listener, and the next delivery finds it done."""
    put = case.at_processor(operation("PutObject reports"), Hold())
    cut = case.at_function(operation("Process"), CutStream(2))
    version = case.put()
    case.reached(put)
    case.reached(cut)
    assert case.item(version)["status"] == "PROCESSING"
    put.released.set()
    case.processed(version)


@pytest.mark.parametrize(
    "write",
    [
        "UpdateItem raw PROCESSING",
        "PutItem schema",
        "TransactWriteItems ConditionCheck raw, Put out",
        "PutObject data",
        "PutObject reports",
        "TransactWriteItems Update raw PROCESSED",
    ],
)
@concurrent("production")
def test_the_answer_to_a_processors_write_is_lost(case: Case, write: str) -> None:
    """Sent again, each finds its own work done: start, schema, record, put and finish."""
    rule = case.at_processor(operation(write), Cut(forward=True))
    case.processed(case.put())
    assert len(rule.met) == 1


@pytest.mark.parametrize("action", [Hold(), HoldAnswer()], ids=["request", "answer"])
@concurrent("production")
def test_no_header_comes_within_ten_seconds(case: Case, action: Action) -> None:
    """That is busy too: the message is handed back; the request may still arrive, and its job run, much later."""
    rule = case.at_function(operation("Process"), action)
    version = case.put()
    case.reached(rule)
    started = time.monotonic()
    handed_back = operation("ChangeMessageVisibility")
    until(lambda: any(map(handed_back, case.running.functions.calls(case.name))), 30, "the message is handed back")
    assert time.monotonic() - started > HEADER_PATIENCE - 1
    case.processed(version)
    quiet(case)
    assert (len(rule.met), len(case.unchanged(version, rule))) == (1, 1)
