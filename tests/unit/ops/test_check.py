"""What `make check` prints, when it looks twice, and with which status it ends."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ops import check, snapshot
from ops.account import Snapshot
from ops.findings import PATIENCE
from ops.stack import ROOT
from tests.unit.ops.accounts import account, original
from tests.unit.ops.damage import GARBAGE, GOOD

LOST = account(raw=(*GOOD.raw, original("sales/d.csv", "1")))
BUSY = account(raw=(*GOOD.raw, original("sales/e.csv", "1")), queued=1)


def look(*snapshots: Snapshot) -> tuple[list[str], list[float]]:
    """Return what is printed for these readings, one after the other, and the waits between them."""
    waits: list[float] = []
    left = list(snapshots)
    verdict = check.look(lambda: left.pop(0), PATIENCE, waits.append)
    assert left == []
    return list(check.lines(verdict)), waits


def test_an_account_that_holds_takes_one_look_and_six_lines() -> None:
    lines, waits = look(GOOD)
    assert waits == []
    assert lines == [
        "1  every version has one item            holds     5 versions and delete markers, 5 items",
        "2  counts add up                         holds     3 processed items, 1 reports",
        "3  what shows is the winners' outputs    holds     2 objects show, of 1 keys that have a processed version",
        "4  nothing is stuck or lost              holds     0 unfinished, 1 FAILED (redrive.yml --check lists them), "
        "1 dead letters, 0 of them refused",
        "",
        "All four invariants hold.",
    ]


def test_what_stays_wrong_is_printed_with_rule_and_remedy() -> None:
    lines, waits = look(LOST, LOST)
    assert waits == [check.LOOK_AGAIN]
    assert lines[0] == "1  every version has one item            1 WRONG   6 versions and delete markers, 5 items"
    assert lines[4:] == [
        "",
        "Wrong (1)",
        "[1] sales/d.csv (version 1) is in the raw bucket and has no item",
        "    -> the next sweep mends it; at once: "
        "aws lambda invoke --function-name estancia-dev-sweep --cli-read-timeout 660 answer",
        "",
        "1 violation.",
    ]


def test_what_was_only_a_moment_between_two_reads_is_not_printed() -> None:
    lines, _ = look(LOST, GOOD)
    assert lines[-1] == "All four invariants hold."


def test_what_is_new_at_the_second_look_waits_for_the_next_check() -> None:
    both = account(raw=LOST.raw, letters=(*GOOD.letters, GARBAGE))
    lines, _ = look(LOST, both)
    assert [line for line in lines if line.startswith("[")] == [
        "[1] sales/d.csv (version 1) is in the raw bucket and has no item"
    ]


def test_what_is_under_way_is_printed_and_all_holds() -> None:
    lines, waits = look(BUSY)
    assert waits == []
    assert "Under way (1)" in lines
    assert lines[-1] == "All four invariants hold."


def run(monkeypatch: pytest.MonkeyPatch, take: Any, *arguments: str) -> int:
    monkeypatch.setattr(snapshot, "take", take)
    monkeypatch.setattr(check, "LOOK_AGAIN", 0.0)
    monkeypatch.setattr("sys.argv", ["check", *arguments])
    return check.main()


@pytest.mark.parametrize(("read", "status"), [(GOOD, 0), (BUSY, 0), (LOST, 1)])
def test_the_exit_status_says_whether_all_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], read: Snapshot, status: int
) -> None:
    assert run(monkeypatch, lambda _stack: read) == status
    assert capsys.readouterr().out.startswith("estancia-local in account 000000000000, eu-west-1\n")


def test_patience_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    young = account(raw=(*GOOD.raw, original("sales/d.csv", "1", at=GOOD.ended - dt.timedelta(seconds=60))))
    assert run(monkeypatch, lambda _stack: young) == 0
    assert run(monkeypatch, lambda _stack: young, "--patience", "30") == 1


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Scan")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("AccessDeniedException"), "The caller needs the actions that ops/snapshot.py lists"),
        (refusal("ExpiredTokenException"), "Renew the credentials"),
        (refusal("ResourceNotFoundException"), "Is the platform deployed?"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "make local-up"),
        (KeyError("attempt"), "the ledger holds what is no item of docs/protocol.md: KeyError: 'attempt'"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_account_that_cannot_be_read_has_status_two_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, said: str
) -> None:
    def take(_stack: object) -> Snapshot:
        raise error

    assert run(monkeypatch, take) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_inventory_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, lambda _stack: GOOD, "--inventory", str(Path("inventory/none"))) == 2
    assert "name inventory/local, inventory/dev or inventory/prod" in capsys.readouterr().err


def test_the_list_of_iam_actions_is_what_is_called() -> None:
    """Every call of the modules that read has its action in the list, and the list has no other."""
    text = "".join((ROOT / "ops" / name).read_text() for name in ("snapshot.py", "letters.py", "stack.py"))
    used = {name for name in aws_calls() if f".{name}(" in text or f'get_paginator("{name}")' in text}
    assert used == {
        "scan",
        "list_object_versions",
        "get_object",
        "get_queue_url",
        "get_queue_attributes",
        "receive_message",
        "change_message_visibility_batch",
    }
    # Keys are used by the services with the caller's right, and S3 tells what is missing only to who may list.
    assert len(snapshot.ACTIONS) == len(used) + 2


def aws_calls() -> set[str]:
    """The names of all calls of the three services, as boto3 writes them."""
    names: set[str] = set()
    for service in ("s3", "sqs", "dynamodb"):
        client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        names |= set(client.meta.method_to_api_mapping)
    return names
