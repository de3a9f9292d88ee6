"""The processor is killed right after each call that changes something; the platform recovers alone.

The usual file has a rejected row, so that there are three outputs, and begins a schema.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest

from tests.faults.calls import RENEWAL, Call
from tests.faults.case import Case, quiet
from tests.faults.concurrency import concurrent
from tests.faults.rules import KMS_DENIED, HoldAnswer, Kill, operation

CONTENT = "a,b\n1,x\n2\n3,z\n"
ROWS = [{"a": 1, "b": "x"}, {"a": 3, "b": "z"}]
BROKEN = '{"a": [{"b": 1},'
MANY = {f"t{number:02d}": [{"a": number}] for number in range(100)}
START = "UpdateItem raw PROCESSING"
SCHEMA = "PutItem schema"
RECORD = "TransactWriteItems ConditionCheck raw, Put out x3"
FINISH = "TransactWriteItems Update raw PROCESSED, Update out rows sha256 version_id x3"
GIVE_BACK = "UpdateItem raw error lease_until"
# The calls of a file that is processed, of one whose first attempt is given back, of one that is rejected, and of one
# with 101 outputs, more than a transaction takes.
TABLES: dict[str, tuple[str, ...]] = {
    "processed": (START, SCHEMA, RECORD, "PutObject data", "PutObject rejects", "PutObject reports", FINISH),
    "given back": (
        START, SCHEMA, RECORD, "PutObject data", GIVE_BACK,
        START, RECORD, "PutObject data", "PutObject rejects", "PutObject reports", FINISH,
    ),
    "rejected": (START, "TransactWriteItems Update raw REJECTED"),
    "many": (
        START, *[SCHEMA] * 100,
        "TransactWriteItems ConditionCheck raw, Put out x99", "TransactWriteItems ConditionCheck raw, Put out x2",
        *["PutObject data"] * 100, "PutObject reports",
        "TransactWriteItems ConditionCheck raw, Update out rows sha256 version_id x99",
        "TransactWriteItems Update raw PROCESSED, Update out rows sha256 version_id x2",
    ),
}  # fmt: skip
# A call that is made in the same situation as in a table above is tried there.
TRIED: dict[str, tuple[int, ...]] = {
    "processed": tuple(range(len(TABLES["processed"]))),
    "given back": (TABLES["given back"].index(GIVE_BACK),),
    "rejected": tuple(range(len(TABLES["rejected"]))),
    "many": (101, 102, 204, 205),
}
STEPS = [(kind, step) for kind, steps in TRIED.items() for step in steps]


def changing(call: Call) -> bool:
    """Whether a call changes something, beside a slow job's renewal of its lease."""
    return call.changing and call.name != RENEWAL


def prepare(case: Case, kind: str) -> None:
    """Set what makes a file of a kind what it is; before the rule that kills, which counts all calls."""
    if kind == "given back":
        case.at_processor(operation("PutObject data"), KMS_DENIED)


def put(case: Case, kind: str) -> str:
    """Upload a file of a kind."""
    contents = {"rejected": BROKEN, "many": json.dumps(MANY)}
    return case.put(contents.get(kind, CONTENT))


def ended(case: Case, kind: str, version: str, attempt: int) -> None:
    """Hold the file to its outcome."""
    if kind == "rejected":
        item = case.final(version)
        facts = (item["status"], item["attempt"], item["error"]["code"], case.outputs(version), case.visible(version))
        assert facts == ("REJECTED", attempt, "NOT_READABLE", [], set()), item
        return
    wanted: dict[str, Any] = {"tables": MANY} if kind == "many" else {"rows": ROWS}
    case.processed(version, attempt=attempt, **wanted)


@pytest.mark.parametrize("kind", TABLES)
@concurrent("production")
def test_the_table_is_what_a_processor_changes(case: Case, kind: str) -> None:
    prepare(case, kind)
    ended(case, kind, put(case, kind), 2 if kind == "given back" else 1)
    quiet(case)
    assert tuple(call.name for call in case.running.processors.calls(case.name) if changing(call)) == TABLES[kind]


@pytest.mark.parametrize(("kind", "step"), STEPS, ids=[f"{kind} {step}: {TABLES[kind][step]}" for kind, step in STEPS])
@concurrent("production")
def test_killed_after(case: Case, kind: str, step: int) -> None:
    prepare(case, kind)
    rule = case.at_processor(changing, Kill(), nth=step + 1)
    version = put(case, kind)
    assert case.reached(rule).name == TABLES[kind][step]
    finished = step + 1 == len(TABLES[kind])
    ended(case, kind, version, 1 if finished else 2)


@concurrent("production")
def test_killed_after_a_renewal(case: Case) -> None:
    """The lease counts from the renewal, so that the takeover comes later by that."""
    held = case.at_processor(operation("GetObject"), HoldAnswer())
    rule = case.at_processor(operation(RENEWAL), Kill())
    version = case.put(CONTENT)
    case.reached(rule)
    held.released.set()
    case.processed(version, rows=ROWS, attempt=2)


def refuse_a_part(case: Case, killed: int) -> None:
    """Refuse the next attempt's first part; the killed one sent two at once, and its second may come only now."""
    case.at_processor(lambda call: call.operation == "UploadPart" and call.pid != killed, KMS_DENIED)


@concurrent("production")
def test_killed_after_each_call_of_a_multipart_upload(case: Case) -> None:
    """One large file, killed in four attempts, one after another; the fifth puts it whole.

    An upload without its end shows nothing, and the bucket's lifecycle removes its parts. The third attempt gives its
    upload up, since a part is refused.
    """
    rows = [{"n": n, "text": base64.b64encode(os.urandom(768)).decode()} for n in range(100_000)]
    steps = (
        "CreateMultipartUpload data",
        "UploadPart data",
        "AbortMultipartUpload data",
        "CompleteMultipartUpload data",
    )
    rules = [case.at_processor(operation(step), Kill()) for step in steps]
    version = case.put("n,text\n" + "".join(f"{row['n']},{row['text']}\n" for row in rows))
    for attempt, (step, rule) in enumerate(zip(steps, rules, strict=True), 1):
        killed = case.reached(rule)
        assert case.item(version)["attempt"] == attempt
        if step == "UploadPart data":
            refuse_a_part(case, killed.pid)
    case.processed(version, rows=rows, attempt=len(steps) + 1, seconds=300)
    uploaded = {call.name for call in case.running.processors.calls(case.name) if "Upload" in call.operation}
    assert uploaded == set(steps)
