"""Connections cut, answers lost, the load balancer's own answers: at most one attempt is lost, and never a file."""

from __future__ import annotations

import pytest

from tests.faults.case import Case
from tests.faults.crowd import concurrent
from tests.faults.rules import Cut, CutStream, Hold, balancer, operation


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


@pytest.mark.parametrize("write", ["UpdateItem raw PROCESSING", "TransactWriteItems", "PutItem schema", "PutObject"])
@concurrent("production")
def test_the_answer_to_a_processors_write_is_lost(case: Case, write: str) -> None:
    """Sent again, each finds its own work done: start, record, schema, put and finish."""
    rule = case.at_processor(operation(write), Cut(forward=True), times=2 if write == "TransactWriteItems" else 1)
    case.processed(case.put())
    assert {call.name.startswith(write) for call in rule.met} == {True}
