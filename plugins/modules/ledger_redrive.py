#!/usr/bin/python
"""Ansible module: sets failed items of the ledger back, so that they are processed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, run
from ansible.module_utils.waiting import error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from botocore.exceptions import ClientError

from estancia_functions.ledger import ConditionFailedError, LedgerTable, status_attributes
from estancia_functions.updates import Update
from estancia_protocol import attempt
from estancia_protocol.names import DATASET, dataset_of, work_id, work_pk
from estancia_protocol.status import SHARDS, Status

if TYPE_CHECKING:
    from estancia_functions.items import Attributes

DOCUMENTATION = r"""
module: ledger_redrive
short_description: Set failed items of the ledger back
description:
  - Finds items that are C(FAILED), by the status index or by key, and reads each of them consistently.
  - Writes C(RECEIVED) over each, grants five more attempts, and takes away what the failure left, only if the item is
    still C(FAILED) with the same attempt. The sweep sends what was set back.
options:
  table:
    description: The ledger's name.
    type: str
    required: true
  dataset:
    description: Only items of this dataset; empty for all.
    type: str
    default: ""
  key:
    description: Only items of this key of the raw bucket, decoded; empty for all.
    type: str
    default: ""
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Set all failed items of a dataset back
  ledger_redrive:
    table: estancia-dev-ledger
    dataset: sales
"""

RETURN = r"""
found:
  description: Every item that was FAILED, with key, version_id, attempts, code, message and whether it was removed.
  returned: always
  type: list
  elements: dict
redriven:
  description: How many of them were set back; none in check mode.
  returned: always
  type: int
"""

REMOVED = ("dlq_sent_at", "swept_at", "finished_at", "lease_id", "lease_until")


def check(dataset: str, key: str) -> None:
    """Hold what was asked for to the rules.

    Args:
        dataset: Only its items; empty for all.
        key: Only its items; empty for all.

    Raises:
        ValueError: The dataset breaks the rule, or is not the key's.
    """
    if dataset and not DATASET.fullmatch(dataset):
        msg = f"Dataset {dataset!r} does not match {DATASET.pattern}. Give a dataset's name, or none for all."
        raise ValueError(msg)
    if dataset and key and dataset_of(key) != dataset:
        msg = f"Key {key!r} is of dataset {dataset_of(key)}, not of {dataset!r}. Give the key alone."
        raise ValueError(msg)


def find(client: Any, table: str, dataset: str, key: str) -> list[Attributes]:
    """The failed items, read consistently, the oldest first.

    Args:
        client: A DynamoDB client.
        table: The ledger's name.
        dataset: Only its items; empty for all.
        key: Only its items; empty for all.

    Returns:
        The items as DynamoDB has them.

    Raises:
        ValueError: There is no such table, or the key has no failed version.
    """
    try:
        found = list(of_key(client, table, key) if key else of_index(client, table, dataset))
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        msg = f"There is no table {table}. Is estancia_name right? The platform is made by site.yml."
        raise ValueError(msg) from error
    return sorted(found, key=lambda item: (item["received_at"]["S"], item["pk"]["S"], item["sk"]["S"]))


def of_key(client: Any, table: str, key: str) -> list[Attributes]:
    """The failed versions of a key.

    Args:
        client: A DynamoDB client.
        table: The ledger's name.
        key: The raw key.

    Returns:
        Its failed items.

    Raises:
        ValueError: It has none; the text says what its versions are.
    """
    items = list(LedgerTable(client, table).query(work_pk(key)))
    failed = [item for item in items if is_failed(item)]
    if failed:
        return failed
    known = ", ".join(f"version {item['sk']['S']} is {item.get('status', {'S': 'removed'})['S']}" for item in items)
    says = known or "the ledger does not know it; keys are written as in the bucket, decoded"
    msg = f"Key {key!r} has no FAILED version: {says}. Only what is FAILED is sent again; make check lists the rest."
    raise ValueError(msg)


def of_index(client: Any, table: str, dataset: str) -> Iterator[Attributes]:
    """The failed items of a dataset or of all.

    Args:
        client: A DynamoDB client.
        table: The ledger's name.
        dataset: Only its items; empty for all.

    Yields:
        The items that the index names and that are failed when they are read.
    """
    pages = client.get_paginator("query")
    for shard in range(SHARDS):
        for page in pages.paginate(
            TableName=table,
            IndexName="by_status",
            KeyConditionExpression="status_shard = :shard",
            ExpressionAttributeValues={":shard": {"S": f"{Status.FAILED}#{shard}"}},
        ):
            for entry in page["Items"]:
                place = {"pk": entry["pk"], "sk": entry["sk"]}
                item = client.get_item(TableName=table, Key=place, ConsistentRead=True).get("Item", {})
                if is_failed(item) and dataset in ("", item["dataset"]["S"]):
                    yield item


def is_failed(item: Attributes) -> bool:
    """Whether an item is failed.

    Args:
        item: The item, empty where there is none.

    Returns:
        True for the status FAILED.
    """
    return bool(item) and item.get("status", {}).get("S") == Status.FAILED


def told(item: Attributes) -> dict[str, Any]:
    """What a person needs to know of a failed item.

    Args:
        item: The item.

    Returns:
        Key, version, attempts, error code and message, and whether the version is gone.
    """
    error = item.get("error", {"M": {}})["M"]
    return {
        "key": item["pk"]["S"].removeprefix(work_pk("")),
        "version_id": item["sk"]["S"],
        "attempts": int(item["attempt"]["N"]),
        "code": error.get("code", {}).get("S", ""),
        "message": error.get("message", {}).get("S", ""),
        "removed": "removed_at" in item,
    }


def set_back(ledger: LedgerTable, item: dict[str, Any]) -> bool:
    """Write RECEIVED over FAILED and grant more attempts, if the item is as it was read.

    Args:
        ledger: The ledger.
        item: What `told` says of it.

    Returns:
        False if it has changed meanwhile.
    """
    work, rule = work_id(item["key"], item["version_id"]), attempt.still_failed(item["attempts"])
    update = Update(
        work_pk(item["key"]),
        item["version_id"],
        {**status_attributes(Status.RECEIVED, work), "attempt_limit": attempt.granted(item["attempts"])},
        remove=REMOVED,
        condition=rule.condition,
        values=rule.values,
    )
    try:
        ledger.update(update)
    except ConditionFailedError:
        return False
    return True


def redrive(plan: Plan, client: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Set the failed items back.

    Args:
        plan: Where the steps go.
        client: A DynamoDB client.
        params: The module's parameters.

    Returns:
        The module's result.

    Raises:
        ValueError: What was asked for breaks a rule; nothing was changed.
    """
    check(params["dataset"], params["key"])
    failed = [told(item) for item in find(client, params["table"], params["dataset"], params["key"])]
    ledger, redriven = LedgerTable(client, params["table"]), 0
    for item in failed:
        title = f"Item of {item['key']}, version {item['version_id']}"
        before = {"status": Status.FAILED.value, "attempt_limit": item["attempts"]}
        after = {"status": Status.RECEIVED.value, "attempt_limit": attempt.granted(item["attempts"])}
        redriven += bool(plan.step(title, before, after, lambda item=item: set_back(ledger, item)))
    # Items that someone else redrove in the same moment are no change of this run.
    plan.changed = bool(failed) if plan.check_mode else redriven > 0
    return {"found": failed, "redriven": redriven}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "table": {"type": "str", "required": True},
            "dataset": {"type": "str", "default": ""},
            "key": {"type": "str", "default": "", "no_log": False},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: redrive(plan, module.client("dynamodb"), module.params))


if __name__ == "__main__":
    main()
