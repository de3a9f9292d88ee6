"""`make check` on the deployed stack: what is damaged by hand is named, nothing else is, and mended it holds again."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from demo.files import Upload
from estancia_functions.events import message_body
from estancia_functions.items import WorkItem
from estancia_protocol import names
from tests.integration.path.conftest import ROOT, Deployment
from tests.integration.path.damage import (
    GHOST,
    Found,
    Target,
    changed,
    ghost_item,
    hidden,
    letter,
    put,
    shown_again,
    without_item,
)

MakeFile = Callable[[str, str, bytes | str], Upload]
STRAY = "data/checked/main/schema=1/ingest_date=2026-01-01/stray.parquet"


@pytest.fixture(scope="module")
def target(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Target:
    path = tmp_path_factory.mktemp("checked") / "a.csv"
    made = []
    for number in (1, 2):
        path.write_text(f"n\n{number}\n")
        made += deployment.put(Upload(path, "checked", path.name))
    return Target(deployment, *made)


def test_nothing_is_found_on_a_stack_that_was_left_alone(target: Target) -> None:
    assert target.found() == []


def test_a_missing_item_is_found(target: Target) -> None:
    with without_item(target, target.place):
        assert target.found() == [(1, target.new.key, "is in the raw bucket and has no item")]


def test_an_item_of_no_version_is_found(target: Target) -> None:
    with ghost_item(target):
        assert target.found() == [(1, GHOST, "is not in the raw bucket, but its item is not removed")]


def test_a_wrong_dataset_is_found(target: Target) -> None:
    with changed(target, dataset="elsewhere"):
        assert target.found() == [(1, target.new.key, "is of dataset checked, but its item says elsewhere")]


def test_counts_that_do_not_add_up_are_found(target: Target) -> None:
    with changed(target, rows_out=Decimal(7)):
        assert target.found() == [
            (2, target.new.key, "its item has 1 rows in, but 7 out and 0 rejected"),
            (
                2,
                target.new.key,
                f"its report {target.report} has 1 in, 1 out, 0 rejected, its item 1 in, 7 out, 0 rejected",
            ),
        ]


def test_a_stray_object_is_found(target: Target) -> None:
    with put(target, STRAY):
        # As long as it is younger than the reading, it may be under way.
        assert eventually_found(target) == [(3, STRAY, "shows, but no output item names it")]


def eventually_found(target: Target) -> Found:
    """Look again until what was done lies more than the clocks' tolerance before the reading."""
    deadline = dt.datetime.now() + dt.timedelta(seconds=10)
    while not (found := target.found()):
        assert dt.datetime.now() < deadline
    return found


def test_a_hidden_output_is_found(target: Target) -> None:
    with hidden(target, target.table):
        ((invariant, key, rule),) = eventually_found(target)
    assert (invariant, key) == (3, target.table)
    assert rule.startswith("is a winner's output, but is hidden by delete marker ")


def test_what_a_woken_worker_put_is_found(target: Target) -> None:
    with put(target, target.table):
        ((invariant, key, rule),) = eventually_found(target)
    assert (invariant, key) == (3, target.table)
    assert rule.endswith(" shows in its place")


def test_a_retired_output_that_shows_is_found(target: Target) -> None:
    (key,) = target.old.outputs
    with shown_again(target, key):
        assert eventually_found(target) == [(3, key, "shows, but is no winner's output")]


def test_a_missing_output_item_is_found(target: Target) -> None:
    item = target.output_item()
    with without_item(target, {"pk": item["pk"], "sk": item["sk"]}):
        assert eventually_found(target) == [
            (3, target.new.key, "names 2 outputs, but the ledger has 1 of them"),
            (3, target.table, "shows, but no output item names it"),
        ]


def test_garbage_among_the_dead_letters_is_found_and_stays(target: Target) -> None:
    with letter(target.deployment, "garbage") as message:
        ((invariant, key, rule),) = target.found()
    assert (invariant, key) == (4, message)
    assert rule.startswith("is a dead letter that nobody refused and that cannot be read: ")


def test_a_refused_message_is_no_violation(target: Target) -> None:
    with letter(target.deployment, "garbage", "refused: the message is no S3 event"):
        assert target.found() == []


def test_a_letter_of_a_processed_item_is_found(target: Target) -> None:
    item = WorkItem(target.new.key, target.new.version_id, size=1, etag="e", received_at="2026-01-01T00:00:00Z")
    with letter(target.deployment, message_body(item, target.stack.bucket("raw"))) as message:
        rule = f"has dead letter {message}, but its item is PROCESSED, not FAILED"
        assert target.found() == [(4, target.new.key, rule)]


def test_a_failed_item_without_letter_is_found(target: Target) -> None:
    with ghost_item(target):
        sent = dt.datetime.now(dt.UTC).isoformat()
        place = {"pk": names.work_pk(GHOST), "sk": "gone"}
        target.stack.ledger.update_item(
            Key=place,
            UpdateExpression="SET #s = :failed, dlq_sent_at = :sent, removed_at = :sent",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":failed": "FAILED", ":sent": sent},
        )
        assert target.found() == [(4, GHOST, "is FAILED, and its dead letter is not in the dead-letter queue")]


def test_work_that_even_the_sweep_left_alone_is_found(target: Target) -> None:
    old = "2026-01-01T00:00:00.000000Z"
    with ghost_item(target):
        place = {"pk": names.work_pk(GHOST), "sk": "gone"}
        item: dict[str, Any] = {**place, "status": "PROCESSING", "attempt": 1, "attempt_limit": 5, "lease_until": old}
        times = {"received_at": old, "started_at": old, "removed_at": old, "dataset": "checked", "sequencer": "1"}
        target.stack.ledger.put_item(Item={**item, **times})
        rule = "is PROCESSING, attempt 1 of 5, lease until 2026-01-01 00:00:00 UTC"
        assert target.found() == [(4, GHOST, rule)]


def make_check(deployment: Deployment, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "ops.check", "--inventory", "inventory/local", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_make_check_says_what_is_wrong_and_what_to_do(target: Target) -> None:
    assert make_check(target.deployment)[0] == 0
    with without_item(target, target.place):
        patient = make_check(target.deployment)
        status, text = make_check(target.deployment, "--patience", "0")
    assert (patient[0], "Under way (1)" in patient[1]) == (0, True), patient[1]
    assert status == 1, text
    lines = text.splitlines()
    assert [line[:51].split() for line in lines[1:5]] == [
        ["1", *["every", "version", "has", "one", "item", "1", "WRONG"]],
        ["2", *["counts", "add", "up", "holds"]],
        ["3", *["what", "shows", "is", "the", "winners'", "outputs", "holds"]],
        ["4", *["nothing", "is", "stuck", "or", "lost", "holds"]],
    ]
    assert lines[6:] == [
        "Wrong (1)",
        f"[1] {target.new.key} (version {target.new.version_id}) is in the raw bucket and has no item",
        "    -> the next sweep mends it; at once: "
        "aws lambda invoke --function-name estancia-local-sweep --cli-read-timeout 660 answer",
        "",
        "1 violation.",
    ]


def test_an_account_that_cannot_be_read_is_said_with_its_remedy(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_check(deployment, "--inventory", "inventory/nowhere")[0] == 2
    monkeypatch.setenv("ESTANCIA_LOCAL_PORT", "4821")
    status, text = make_check(deployment)
    assert (status, "make local-up" in text, "Traceback" in text) == (2, True, False), text


def test_all_versions_have_their_items(target: Target) -> None:
    found = target.stack.ledger.query(KeyConditionExpression=Key("pk").eq(target.place["pk"]))["Items"]
    assert {str(item["sk"]) for item in found} == {target.old.version_id, target.new.version_id}
