"""The parts of a DynamoDB table: how they are written, read and changed."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.plan import Plan
from ansible.module_utils.waiting import error_code, optional, retry, wait_until

ACTIVE_SECONDS = 600
INDEX_SECONDS = 3600


def key_schema(keys: dict[str, Any]) -> list[dict[str, str]]:
    """The schema of a table's or an index's keys.

    Args:
        keys: `hash_key` and `range_key`.

    Returns:
        DynamoDB's KeySchema.
    """
    return [
        {"AttributeName": keys["hash_key"], "KeyType": "HASH"},
        {"AttributeName": keys["range_key"], "KeyType": "RANGE"},
    ]


def index_request(index: dict[str, Any]) -> dict[str, Any]:
    """An index as DynamoDB takes it.

    Args:
        index: One of the module's indexes.

    Returns:
        DynamoDB's GlobalSecondaryIndex.
    """
    return {
        "IndexName": index["name"],
        "KeySchema": key_schema(index),
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": sorted(index["include"])},
    }


def definitions(params: dict[str, Any]) -> list[dict[str, str]]:
    """The definition of every attribute that is a key somewhere.

    Args:
        params: The module's parameters.

    Returns:
        DynamoDB's AttributeDefinitions.
    """
    names = {keys[kind] for keys in [params, *params["indexes"]] for kind in ("hash_key", "range_key")}
    return [{"AttributeName": name, "AttributeType": "S"} for name in sorted(names)]


def describe(dynamodb: Any, name: str) -> dict[str, Any]:
    """The live table.

    Args:
        dynamodb: A client.
        name: The table's name.

    Returns:
        DynamoDB's description; empty when there is no such table.
    """
    answer = optional(lambda: dynamodb.describe_table(TableName=name), "ResourceNotFoundException")
    return dict(answer["Table"]) if answer else {}


def wait_active(dynamodb: Any, name: str, seconds: float) -> None:
    """Wait until the table and all its indexes can be used and changed.

    Args:
        dynamodb: A client.
        name: The table's name.
        seconds: How long to wait, in seconds.
    """

    def active() -> bool:
        table = describe(dynamodb, name)
        states = [
            table.get("TableStatus"),
            *(index["IndexStatus"] for index in table.get("GlobalSecondaryIndexes", [])),
        ]
        return set(states) == {"ACTIVE"}

    wait_until(active, f"table {name} and its indexes are active", seconds)


def update_indexes(plan: Plan, dynamodb: Any, table: dict[str, Any], params: dict[str, Any]) -> None:
    """Add the indexes that are missing, one at a time as DynamoDB demands.

    Args:
        plan: Where the steps go.
        dynamodb: A client.
        table: The live table.
        params: The module's parameters.

    Raises:
        ValueError: A live index has other keys or another projection.
    """
    live = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    for index in params["indexes"]:
        wanted = index_request(index)
        found = live.get(index["name"])
        if found is None:
            request = {
                "TableName": params["name"],
                "AttributeDefinitions": definitions(params),
                "GlobalSecondaryIndexUpdates": [{"Create": wanted}],
            }

            def add(request: dict[str, Any] = request) -> None:
                dynamodb.update_table(**request)
                wait_active(dynamodb, params["name"], INDEX_SECONDS)

            plan.step(f"Index {index['name']} of table {params['name']}", {}, wanted, add)
            continue
        attributes = sorted(found["Projection"].get("NonKeyAttributes", []))
        if (found["KeySchema"], attributes) != (wanted["KeySchema"], wanted["Projection"]["NonKeyAttributes"]):
            msg = (
                f"Index {index['name']} of table {params['name']} has the keys {found['KeySchema']} and the attributes "
                f"{attributes}. AWS cannot change an index in place: give the new one another name, or delete the old."
            )
            raise ValueError(msg)


def update_recovery(plan: Plan, dynamodb: Any, params: dict[str, Any], created: bool) -> None:
    """Turn point-in-time recovery on or off, and set its period.

    Args:
        plan: Where the step goes.
        dynamodb: A client.
        params: The module's parameters.
        created: True when the table does not exist yet or was just made.
    """
    name, days = params["name"], params["recovery_days"]
    live = 0
    if not created:
        answer = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = answer.get("PointInTimeRecoveryDescription", {})
        enabled = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
        live = recovery.get("RecoveryPeriodInDays", 35) if enabled else 0
    wanted: dict[str, Any] = {"PointInTimeRecoveryEnabled": days > 0}
    if days:
        wanted["RecoveryPeriodInDays"] = days

    def action() -> None:
        # A new table answers ContinuousBackupsUnavailableException until its backups are being enabled.
        retry(
            lambda: dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=wanted),
            lambda error: error_code(error) == "ContinuousBackupsUnavailableException",
            180,
        )

    plan.converge(f"Recovery period of table {name}, in days", str(live), str(days), action)
