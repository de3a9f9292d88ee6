"""Redrive as an operator types it: a file that failed is listed, set back, sent again and processed.

It fails truly but for the waiting: with all processors stopped, its item is given five attempts that ended without a
word; the dispatcher itself then writes FAILED and sends the dead letter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.files import Upload
from demo.outcomes import put, work_item
from estancia_protocol import names
from estancia_protocol.status import Status, status_shard
from ops.snapshot import take
from tests.integration.path.conftest import PROCESSORS, Deployment
from tests.integration.path.damage import letter
from tests.waiting import until

MakeFile = Callable[[str, str, bytes | str], Upload]
LONG_AGO = "2026-01-01T00:00:00.000000Z"
KEY = "redriven/lost.csv"
HEAD = "estancia-local in account 000000000000, eu-west-1: FAILED items of "
LOST = "The processor stopped answering in the middle of the file; it has five tries."
LIMITS = ("-e", f"estancia_redrive_key={KEY}")


def summary(text: str) -> list[str]:
    """Return the lines that the playbook's last task says."""
    shown = text.rpartition("TASK [Say what was sent again]")[2].partition("PLAY RECAP")[0]
    return list(yaml.safe_load(shown.partition("=>")[2])["msg"])


def fail(deployment: Deployment, path: Path) -> str:
    """Upload a file and let it fail; its version."""
    path.write_text("a\n1\n")
    deployment.platform.fleet_down()
    version = put(deployment.stack, Upload(path, "redriven", path.name))
    until(lambda: item_of(deployment, version).get("status") == Status.RECEIVED)
    deployment.stack.ledger.update_item(
        Key={"pk": names.work_pk(KEY), "sk": version},
        UpdateExpression="SET #s = :s, status_shard = :shard, attempt = :five, lease_until = :past, started_at = :past",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":s": Status.PROCESSING,
            ":shard": status_shard(Status.PROCESSING, names.work_id(KEY, version)),
            ":five": 5,
            ":past": LONG_AGO,
        },
    )
    until(lambda: "dlq_sent_at" in item_of(deployment, version))
    deployment.platform.fleet_up(PROCESSORS)
    return version


@pytest.fixture(scope="module")
def failed(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A version that failed, with its dead letter; its id."""
    return fail(deployment, tmp_path_factory.mktemp("redriven") / "lost.csv")


def item_of(deployment: Deployment, version: str) -> dict[str, Any]:
    return work_item(deployment.stack, KEY, version)


def letters(deployment: Deployment) -> int:
    return len(take(deployment.stack, letter_wait=0).letters)


def test_check_mode_lists_what_failed_and_changes_nothing(deployment: Deployment, failed: str) -> None:
    before = item_of(deployment, failed)
    assert (before["status"], letters(deployment)) == ("FAILED", 1)
    status, numbers, text = deployment.playbook("redrive.yml", "--check", "--diff")
    assert (status, numbers["changed"]) == (0, 1), text
    assert summary(text) == [
        f"{HEAD}all datasets (check mode: nothing was changed)",
        "",
        f"- {KEY}",
        f"  version {failed}, 5 attempts",
        f"  LOST_ATTEMPT: {LOST}",
        "",
        "1 would be set back and sent again, with five more attempts each. Run it without --check.",
    ]
    assert "+attempt_limit: 10" in text.replace('"', "").replace("    ", ""), text
    assert item_of(deployment, failed) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-e", "estancia_redrive_dataset=No-Dataset"), "Dataset 'No-Dataset' does not match [a-z][a-z0-9_]{0,62}."),
        (("-e", "estancia_redrive_key=redriven/none.csv"), "Key 'redriven/none.csv' has no FAILED version"),
        ((*LIMITS, "-e", "estancia_redrive_dataset=other"), f"Key '{KEY}' is of dataset redriven, not of 'other'."),
        (("-e", "estancia_name=estancia-none"), "There is no function estancia-none-sweep in account 000000000000"),
    ],
)
def test_bad_input_is_named_and_nothing_is_changed(
    deployment: Deployment, failed: str, arguments: tuple[str, ...], said: str
) -> None:
    before = item_of(deployment, failed)
    status, numbers, text = deployment.playbook("redrive.yml", *arguments)
    assert (status != 0, numbers["changed"]) == (True, 0), text
    assert said in " ".join(text.split()), text
    assert item_of(deployment, failed) == before


def test_another_datasets_failures_are_left_alone(deployment: Deployment, failed: str) -> None:
    status, numbers, text = deployment.playbook("redrive.yml", "-e", "estancia_redrive_dataset=other")
    assert (status, numbers["changed"]) == (0, 0), text
    assert summary(text) == [f"{HEAD}dataset other", "", "There are none."]
    assert item_of(deployment, failed)["status"] == "FAILED"


@pytest.mark.without_invariants("the dead letter goes with the next sweep")
def test_what_failed_is_sent_again_and_processed(deployment: Deployment, failed: str) -> None:
    status, numbers, text = deployment.playbook("redrive.yml", *LIMITS)
    assert (status, numbers["changed"]) == (0, 2), text
    assert summary(text) == [
        f"{HEAD}{KEY}",
        "",
        f"- {KEY}",
        f"  version {failed}, 5 attempts",
        f"  LOST_ATTEMPT: {LOST}",
        "",
        "1 of 1 set back, with five more attempts each.",
        "Messages that the sweep sent: 1. See how they end: make check INVENTORY=inventory/local",
    ]
    until(lambda: item_of(deployment, failed)["status"] == Status.PROCESSED)
    item = item_of(deployment, failed)
    assert (item["attempt"], item["attempt_limit"], "dlq_sent_at" in item, "error" in item) == (6, 10, False, False)


def test_the_dead_letter_is_gone_after_the_next_sweep(deployment: Deployment, failed: str) -> None:
    swept = deployment.sweep()
    assert (swept["complete"], letters(deployment)) == (True, 0), swept


def test_a_refused_message_outlives_the_sweep(deployment: Deployment, failed: str) -> None:
    with letter(deployment, "garbage", "refused: the message is no S3 event"):
        swept = deployment.sweep()
        assert (swept["dead_letters_deleted"], swept["complete"], letters(deployment)) == (0, True, 1)


def test_a_second_run_changes_nothing(deployment: Deployment, failed: str) -> None:
    status, numbers, text = deployment.playbook("redrive.yml")
    assert (status, numbers["changed"]) == (0, 0), text
    assert summary(text) == [f"{HEAD}all datasets", "", "There are none."]
    assert item_of(deployment, failed)["status"] == "PROCESSED"


def test_a_sweep_that_cannot_run_is_said_and_makes_up_for_it_later(
    deployment: Deployment, failed: str, tmp_path: Path
) -> None:
    version = fail(deployment, tmp_path / "lost.csv")
    functions = deployment.stack.session.client("lambda", endpoint_url=deployment.stack.endpoint)
    name = f"{deployment.stack.name}-sweep"
    handler = functions.get_function_configuration(FunctionName=name)["Handler"]
    functions.update_function_configuration(FunctionName=name, Handler="sweep.handler.nothing")
    status, _, text = deployment.playbook("redrive.yml")
    functions.update_function_configuration(FunctionName=name, Handler=handler)
    said = " ".join(text.split())
    assert (status != 0, "1 items are set back, but the sweep did not answer: " in said) == (True, True), text
    assert (
        "its next run on schedule sends them; if none comes, its log group is /aws/lambda/estancia-local-sweep" in said
    )
    assert item_of(deployment, version)["status"] == Status.RECEIVED
    assert deployment.sweep()["sent"] == 1
    until(lambda: item_of(deployment, version)["status"] == Status.PROCESSED)
    assert deployment.sweep()["complete"] is True
