"""Redrive: only what is FAILED, one conditional write each, nothing in check mode, and clear words for bad input."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.module_utils.plan import Plan
from botocore.exceptions import ClientError

from estancia_protocol.names import work_id
from estancia_protocol.status import SHARDS, Status, status_shard
from plugins.modules import ledger_redrive
from tests.unit.plugins.scripted import Scripted, refusal

TABLE = "estancia-dev-ledger"


def item(key: str, version: str = "v1", status: str = "FAILED", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "pk": {"S": f"raw/{key}"},
        "sk": {"S": version},
        "status": {"S": status},
        "attempt": {"N": "5"},
        "dataset": {"S": key.partition("/")[0]},
        "received_at": {"S": "2026-03-01T12:00:00.000000Z"},
        "error": {"M": {"code": {"S": "LOST_ATTEMPT"}, "message": {"S": "It stopped answering."}}},
    }
    return {**made, **more}


def ledger(*items: dict[str, Any], update: Any = None) -> Scripted:
    """A client whose index and table hold the items; the index still names what was FAILED a moment ago."""
    by_place = {(found["pk"]["S"], found["sk"]["S"]): found for found in items}

    def query(**arguments: Any) -> dict[str, Any]:
        if "IndexName" not in arguments:
            return {"Items": [f for f in items if f["pk"] == arguments["ExpressionAttributeValues"][":pk"]]}
        shard = arguments["ExpressionAttributeValues"][":shard"]["S"]
        return {"Items": [f for f in items if shard_of(f) == shard]}

    def get_item(**arguments: Any) -> dict[str, Any]:
        assert arguments["ConsistentRead"] is True
        return {"Item": by_place[arguments["Key"]["pk"]["S"], arguments["Key"]["sk"]["S"]]}

    return Scripted(query=query, get_item=get_item, update_item=update or {"Attributes": {}})


def shard_of(found: dict[str, Any]) -> str | None:
    key = found["pk"]["S"].removeprefix("raw/")
    return status_shard(Status.FAILED, work_id(key, found["sk"]["S"]))


def redrive(
    client: Scripted, *, check_mode: bool = False, dataset: str = "", key: str = ""
) -> tuple[Plan, dict[str, Any]]:
    plan = Plan(check_mode)
    return plan, ledger_redrive.redrive(plan, client, {"table": TABLE, "dataset": dataset, "key": key})


def test_a_failed_item_is_set_back_in_one_conditional_write() -> None:
    client = ledger(item("sales/a.csv"))
    plan, result = redrive(client)
    assert (plan.changed, result["redriven"]) == (True, 1)
    assert [name for name, _ in client.calls if name == "update_item"] == ["update_item"]
    sent = client.sent("update_item")
    shard = status_shard(Status.RECEIVED, work_id("sales/a.csv", "v1"))
    assert sent["UpdateExpression"] == (
        "SET #status = :new_status, #status_shard = :new_status_shard, #attempt_limit = :new_attempt_limit"
        " REMOVE #dlq_sent_at, #swept_at, #finished_at, #lease_id, #lease_until"
    )
    assert sent["ConditionExpression"] == "#status = :failed AND #attempt = :attempt"
    assert sent["ExpressionAttributeValues"] == {
        ":new_status": {"S": "RECEIVED"},
        ":new_status_shard": {"S": shard},
        ":new_attempt_limit": {"N": "10"},
        ":failed": {"S": "FAILED"},
        ":attempt": {"N": "5"},
    }


def test_what_failed_is_told() -> None:
    _, result = redrive(ledger(item("sales/a.csv", removed_at={"S": "2026-03-01T12:00:00.000000Z"})))
    assert result["found"] == [
        {
            "key": "sales/a.csv",
            "version_id": "v1",
            "attempts": 5,
            "code": "LOST_ATTEMPT",
            "message": "It stopped answering.",
            "removed": True,
        }
    ]


def test_check_mode_lists_and_shows_the_difference_and_writes_nothing() -> None:
    client = ledger(item("sales/a.csv"), item("other/b.csv"))
    plan, result = redrive(client, check_mode=True)
    assert (plan.changed, result["redriven"], len(result["found"]), len(plan.diff)) == (True, 0, 2, 2)
    assert {name for name, _ in client.calls} == {"query", "get_item"}


def test_every_shard_is_asked() -> None:
    client = ledger()
    plan, result = redrive(client)
    asked = [call["ExpressionAttributeValues"][":shard"]["S"] for name, call in client.calls if name == "query"]
    assert asked == [f"FAILED#{n}" for n in range(SHARDS)]
    assert (plan.changed, result) == (False, {"found": [], "redriven": 0})


def test_a_dataset_limits_what_is_set_back() -> None:
    _, result = redrive(ledger(item("sales/a.csv"), item("other/b.csv")), dataset="other")
    assert [found["key"] for found in result["found"]] == ["other/b.csv"]


def test_a_key_limits_what_is_set_back_to_its_failed_versions() -> None:
    client = ledger(item("sales/a.csv"), item("sales/a.csv", "v2", "PROCESSED"), item("sales/b.csv"))
    _, result = redrive(client, key="sales/a.csv")
    assert [(found["key"], found["version_id"]) for found in result["found"]] == [("sales/a.csv", "v1")]


def test_the_index_may_lag_behind_the_table() -> None:
    _, result = redrive(ledger(item("sales/a.csv", status="RECEIVED")))
    assert result["found"] == []


def test_an_item_that_changed_meanwhile_is_left_alone() -> None:
    plan, result = redrive(ledger(item("sales/a.csv"), update=refusal("ConditionalCheckFailedException")))
    assert (plan.changed, result["redriven"], len(result["found"])) == (False, 0, 1)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"dataset": "No-Dataset"},
            "Dataset 'No-Dataset' does not match [a-z][a-z0-9_]{0,62}. Give a dataset's name, or none for all.",
        ),
        (
            {"dataset": "sales", "key": "other/b.csv"},
            "Key 'other/b.csv' is of dataset other, not of 'sales'. Give the key alone.",
        ),
        (
            {"key": "sales/a.csv"},
            "Key 'sales/a.csv' has no FAILED version: version v1 is PROCESSED. "
            "Only what is FAILED is sent again; make check lists the rest.",
        ),
        (
            {"key": "sales/none.csv"},
            "Key 'sales/none.csv' has no FAILED version: the ledger does not know it; keys are written as in the "
            "bucket, decoded. Only what is FAILED is sent again; make check lists the rest.",
        ),
    ],
)
def test_bad_input_is_named_with_rule_and_remedy(params: dict[str, str], message: str) -> None:
    client = ledger(item("sales/a.csv", status="PROCESSED"))
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        redrive(client, dataset=params.get("dataset", ""), key=params.get("key", ""))
    assert str(refused.value) == message
    assert "update_item" not in {name for name, _ in client.calls}


def test_a_platform_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"There is no table estancia-dev-ledger\. Is estancia_name right"):
        redrive(Scripted(query=refusal("ResourceNotFoundException")))


def test_other_refusals_pass_through() -> None:
    with pytest.raises(ClientError):
        redrive(Scripted(query=refusal("AccessDeniedException")))
