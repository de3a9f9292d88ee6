"""AWS throttles, refuses or does not answer, or scratch is full: tried again; what truly fails five times says why."""

from __future__ import annotations

import resource
from typing import Any

import pytest

from tests.faults.case import Case
from tests.faults.crowd import concurrent
from tests.faults.ending import dead_letters
from tests.faults.rules import (
    KMS_DENIED,
    LEDGER_FAILS,
    LEDGER_THROTTLES,
    SLOW_DOWN,
    Answer,
    Hold,
    HoldAnswer,
    operation,
)
from tests.integration.path.conftest import run_playbook
from tests.waiting import until

FAILS_FIVE_TIMES = 330.0


@pytest.mark.parametrize(
    ("moment", "answer", "times", "attempt"),
    [
        ("GetObject", SLOW_DOWN, 3, 1),
        ("PutObject", SLOW_DOWN, 3, 1),
        ("PutObject", SLOW_DOWN, 4, 2),
        ("GetObject", KMS_DENIED, 1, 2),
        ("PutObject", KMS_DENIED, 1, 2),
        ("UpdateItem raw PROCESSING", LEDGER_FAILS, 5, 1),
        ("UpdateItem raw PROCESSING", LEDGER_THROTTLES, 5, 1),
        ("TransactWriteItems", LEDGER_THROTTLES, 3, 1),
        ("TransactWriteItems ConditionCheck", LEDGER_FAILS, 5, 2),
        ("TransactWriteItems Update raw PROCESSED", LEDGER_FAILS, 5, 2),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@concurrent("production")
def test_a_processor_is_refused(case: Case, moment: str, answer: Answer, times: int, attempt: int) -> None:
    """Short refusals are sat out within an attempt; longer ones end it; before its start none is counted."""
    rule = case.at_processor(operation(moment), answer, times=times)
    case.processed(case.put(), attempt=attempt)
    assert len(rule.met) == times


@pytest.mark.parametrize("moment", ["UpdateItem raw RECEIVED", "Query"])
@concurrent("production")
def test_the_function_is_refused(case: Case, moment: str) -> None:
    """More often than its client tries: the message comes again, and no attempt is lost."""
    rule = case.at_function(operation(moment), LEDGER_FAILS, times=4)
    case.processed(case.put())
    # Settling begins when the file is processed already.
    until(lambda: len(rule.met) == 4, 60, "it was refused four times")


@concurrent("production")
def test_a_ledger_that_does_not_answer(case: Case) -> None:
    """What it was asked arrives late, after the next attempt: refused, since it is conditional on its attempt."""
    rule = case.at_processor(operation("TransactWriteItems ConditionCheck"), Hold(), times=5)
    version = case.put()
    item = case.processed(version, attempt=2)
    rule.released.set()
    assert len(rule.met) == 5
    assert case.processed(version, attempt=2) == item


@concurrent("production")
def test_scratch_is_full(case: Case) -> None:
    """RLIMIT_FSIZE of the running processor stands for a full volume: it needs no mount, and so no root."""
    rule = case.at_processor(operation("UpdateItem raw PROCESSING"), HoldAnswer())
    rows = [{"n": n, "text": f"row {n:09d} of a file that does not fit"} for n in range(60_000)]
    content = "n,text\n" + "".join(f"{row['n']},{row['text']}\n" for row in rows)
    version = case.put(content)
    pid = case.reached(rule).pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    rule.released.set()
    error: dict[str, Any] = until(lambda: case.item(version).get("error", {}), 60, "the attempt ends")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert error["code"] == "SCRATCH_FULL"
    case.processed(version, rows=rows, attempt=2)


@concurrent("production")
def test_a_job_that_truly_fails_five_times_and_is_redriven(case: Case) -> None:
    """FAILED, once in the dead-letter queue, and an item that says why; redriven, it is processed."""
    rule = case.at_processor(operation("PutObject"), KMS_DENIED, times=5)
    version = case.put()
    item = case.final(version, seconds=FAILS_FIVE_TIMES)
    assert (item["status"], item["attempt"], item["attempt_limit"]) == ("FAILED", 5, 5)
    assert item["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "kms:GenerateDataKey" in item["error"]["message"]
    until(lambda: "dlq_sent_at" in case.item(version), 30, "the dead-letter queue was told")
    assert (len(rule.met), case.visible(version)) == (5, set())
    assert dead_letters(case.running, case.name) == ["FAILED"]
    status, _, said = run_playbook(
        case.running.platform.port, "redrive.yml", "-e", f"estancia_redrive_dataset={case.name}"
    )
    assert status == 0, said
    until(lambda: case.item(version)["status"] == "PROCESSED", 120, "it is processed")
    assert case.processed(version, attempt=6)["attempt_limit"] == 10
