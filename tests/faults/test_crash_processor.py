"""The processor is killed right after each call that changes something; the platform recovers alone.

The file has a rejected row, so that there are three outputs, and begins a schema.
"""

from __future__ import annotations

import base64
import os

import pytest

from tests.faults.calls import RENEWAL, Call
from tests.faults.case import Case
from tests.faults.crowd import concurrent
from tests.faults.rules import HoldAnswer, Kill, operation

CONTENT = "a,b\n1,x\n2\n3,z\n"
ROWS = [{"a": 1, "b": "x"}, {"a": 3, "b": "z"}]
TABLE = (
    "UpdateItem raw PROCESSING",
    "PutItem schema",
    "TransactWriteItems ConditionCheck raw, Put out x3",
    "PutObject data",
    "PutObject rejects",
    "PutObject reports",
    "TransactWriteItems Update raw PROCESSED, Update out rows sha256 version_id x3",
)
FINISHED = TABLE[-1]


def changing(call: Call) -> bool:
    """Whether a call changes something, beside a slow job's renewal of its lease."""
    return call.changing and call.name != RENEWAL


@concurrent("production")
def test_the_table_is_what_a_processor_changes(case: Case) -> None:
    case.processed(case.put(CONTENT), rows=ROWS)
    assert tuple(call.name for call in case.running.processors.calls(case.name) if changing(call)) == TABLE


@pytest.mark.parametrize("step", range(len(TABLE)), ids=lambda step: f"{step}: {TABLE[step]}")
@concurrent("production")
def test_killed_after(case: Case, step: int) -> None:
    rule = case.at_processor(changing, Kill(), nth=step + 1)
    version = case.put(CONTENT)
    assert case.reached(rule).name == TABLE[step]
    case.processed(version, rows=ROWS, attempt=1 if TABLE[step] == FINISHED else 2)


@concurrent("production")
def test_killed_after_a_renewal(case: Case) -> None:
    """The lease counts from the renewal, so that the takeover comes later by that."""
    held = case.at_processor(operation("GetObject"), HoldAnswer())
    rule = case.at_processor(operation(RENEWAL), Kill())
    version = case.put(CONTENT)
    case.reached(rule)
    held.released.set()
    case.processed(version, rows=ROWS, attempt=2)


@concurrent("production")
def test_killed_after_each_call_of_a_multipart_upload(case: Case) -> None:
    """One large file, killed in three attempts, one after another; the fourth puts it whole.

    An upload without its end shows nothing, and the bucket's lifecycle removes its parts.
    """
    rows = [{"n": n, "text": base64.b64encode(os.urandom(768)).decode()} for n in range(100_000)]
    steps = ("CreateMultipartUpload data", "UploadPart data", "CompleteMultipartUpload data")
    rules = [case.at_processor(operation(step), Kill()) for step in steps]
    version = case.put("n,text\n" + "".join(f"{row['n']},{row['text']}\n" for row in rows))
    for attempt, rule in enumerate(rules, 1):
        case.reached(rule)
        assert case.item(version)["attempt"] == attempt
    case.processed(version, rows=rows, attempt=len(steps) + 1)
    uploaded = {call.name for call in case.running.processors.calls(case.name) if "Upload" in call.operation}
    assert uploaded == set(steps)
