"""AWS throttles, refuses or does not answer, or scratch is full: tried again; what truly fails five times says why."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from estancia_protocol.errors import ErrorCode
from tests.faults.case import Case
from tests.faults.concurrency import concurrent
from tests.faults.final_checks import statuses_of_letters
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
    case.processed(version, attempt=2)
    assert case.unchanged(version, rule) == [400] * 5
    case.processed(version, attempt=2)


@contextlib.contextmanager
def small_volume(folder: Path, size: str) -> Iterator[None]:
    """Mount a volume of some size over a folder.

    Raises:
        AssertionError: this user may not mount, so that the test cannot be run.
    """
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "estancia-full", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"NOT RUN: a full volume needs a mount, so root: {done.stderr}"
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", ["1m", "5m"], ids=["while it is fetched", "while it is converted"])
@concurrent("production")
def test_scratch_is_full(case: Case, size: str) -> None:
    """A file of 4 MB finds a volume too small for it, or with no room left for what is made of it."""
    rule = case.at_processor(operation("UpdateItem raw PROCESSING"), HoldAnswer())
    rows = [{"n": n, "text": base64.b64encode(os.urandom(768)).decode()} for n in range(4_000)]
    version = case.put("n,text\n" + "".join(f"{row['n']},{row['text']}\n" for row in rows))
    with small_volume(case.running.scratch_of(case.reached(rule).pid), size):
        rule.released.set()
        error = until(lambda: case.item(version).get("error"), 60, "the attempt ends")
    assert error == {"code": ErrorCode.SCRATCH_FULL.value, "message": ErrorCode.SCRATCH_FULL.sentence}
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
    until(lambda: statuses_of_letters(case.running, case.name) == ["FAILED"], 30, "one dead letter")
    case.running.redriven.add(case.name)
    status, _, said = run_playbook(
        case.running.platform.port, "redrive.yml", "-e", f"estancia_redrive_dataset={case.name}"
    )
    assert status == 0, said
    until(lambda: case.item(version)["status"] == "PROCESSED", 120, "it is processed")
    assert case.processed(version, attempt=6)["attempt_limit"] == 10
