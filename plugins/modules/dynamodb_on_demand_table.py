#!/usr/bin/python
"""Ansible module: a DynamoDB table on demand, encrypted, recoverable and protected."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.dynamodb_table import (
    ACTIVE_SECONDS,
    definitions,
    describe,
    index_request,
    key_schema,
    update_indexes,
    update_recovery,
    wait_active,
)
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: dynamodb_on_demand_table
short_description: Manage a DynamoDB table that is billed on demand
description:
  - Creates the table with its indexes, key, tags and deletion protection in one call, then turns on point-in-time
    recovery; afterwards repairs what differs.
  - A missing index is added. An index of other keys or another projection is an error, since AWS cannot change one
    in place.
  - M(community.aws.dynamodb_table) knows neither encryption nor deletion protection nor point-in-time recovery.
options:
  name:
    description: The table's name.
    type: str
    required: true
  state:
    description: Whether the table exists. Deleting it takes its deletion protection away first.
    type: str
    choices: [present, absent]
    default: present
  hash_key:
    description: Name of the hash key, a string. Required when O(state=present).
    type: str
  range_key:
    description: Name of the range key, a string. Required when O(state=present).
    type: str
  indexes:
    description: The global secondary indexes; all keys are strings.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The index's name.
        type: str
        required: true
      hash_key:
        description: Name of its hash key.
        type: str
        required: true
      range_key:
        description: Name of its range key.
        type: str
        required: true
      include:
        description: The attributes that it holds beside all keys.
        type: list
        elements: str
        required: true
  kms_master_key_arn:
    description: ARN of the key that encrypts the table. Required when O(state=present).
    type: str
  deletion_protection:
    description: Whether the table refuses to be deleted.
    type: bool
    default: true
  recovery_days:
    description: Days to which the table can be taken back to any second, 1 to 35; 0 for none.
    type: int
    default: 35
  tags:
    description: The table's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the table
  dynamodb_on_demand_table:
    name: estancia-dev-ledger
    hash_key: pk
    range_key: sk
    indexes:
      - {name: by_owner, hash_key: owner, range_key: received_at, include: [status, dataset]}
    kms_master_key_arn: "{{ encryption_result.data_key_arn }}"
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
table_arn:
  description: The table's ARN; empty where there is none.
  returned: always
  type: str
"""


def create(plan: Plan, dynamodb: Any, params: dict[str, Any]) -> str:
    """Make the table.

    Args:
        plan: Where the step goes.
        dynamodb: A client.
        params: The module's parameters.

    Returns:
        The table's ARN; empty in check mode.
    """
    request = {
        "TableName": params["name"],
        "AttributeDefinitions": definitions(params),
        "KeySchema": key_schema(params),
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": params["kms_master_key_arn"]},
        "DeletionProtectionEnabled": params["deletion_protection"],
        "Tags": tag_list(params["tags"]),
    }
    if params["indexes"]:
        request["GlobalSecondaryIndexes"] = [index_request(index) for index in params["indexes"]]

    def action() -> str:
        arn = str(dynamodb.create_table(**request)["TableDescription"]["TableArn"])
        wait_active(dynamodb, params["name"], ACTIVE_SECONDS)
        return arn

    return str(plan.step(f"Table {params['name']}", {}, request, action) or "")


def update_table(plan: Plan, dynamodb: Any, table: dict[str, Any], params: dict[str, Any]) -> None:
    """Change billing, key and protection, one call each as DynamoDB demands.

    Args:
        plan: Where the steps go.
        dynamodb: A client.
        table: The live table.
        params: The module's parameters.
    """
    name = params["name"]

    def change(**request: Any) -> None:
        dynamodb.update_table(TableName=name, **request)
        wait_active(dynamodb, name, ACTIVE_SECONDS)

    plan.converge(
        f"Billing of table {name}",
        table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "PAY_PER_REQUEST",
        lambda: change(BillingMode="PAY_PER_REQUEST"),
    )
    encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": params["kms_master_key_arn"]}
    plan.converge(
        f"Key of table {name}",
        table.get("SSEDescription", {}).get("KMSMasterKeyArn", ""),
        params["kms_master_key_arn"],
        lambda: change(SSESpecification=encryption),
    )
    plan.converge(
        f"Deletion protection of table {name}",
        str(table.get("DeletionProtectionEnabled", False)),
        str(params["deletion_protection"]),
        lambda: change(DeletionProtectionEnabled=params["deletion_protection"]),
    )


def remove(plan: Plan, dynamodb: Any, table: dict[str, Any]) -> None:
    """Delete the table, whatever protects it.

    Args:
        plan: Where the steps go.
        dynamodb: A client.
        table: The live table.
    """
    name = table["TableName"]

    def unprotect() -> None:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        wait_active(dynamodb, name, ACTIVE_SECONDS)

    def delete() -> None:
        dynamodb.delete_table(TableName=name)
        wait_until(lambda: not describe(dynamodb, name), f"table {name} is gone", ACTIVE_SECONDS)

    if table.get("DeletionProtectionEnabled"):
        plan.step(f"Deletion protection of table {name}", "True", "False", unprotect)
    plan.step(f"Table {name}", name, "", delete)


def ensure(plan: Plan, dynamodb: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the table what is asked for.

    Args:
        plan: Where the steps go.
        dynamodb: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    table = describe(dynamodb, params["name"])
    if params["state"] == "absent":
        if table:
            remove(plan, dynamodb, table)
        return {"table_arn": ""}
    if not table:
        arn = create(plan, dynamodb, params)
        update_recovery(plan, dynamodb, params, created=True)
        return {"table_arn": arn}
    update_table(plan, dynamodb, table, params)
    update_indexes(plan, dynamodb, table, params)
    update_recovery(plan, dynamodb, params, created=False)
    arn = table["TableArn"]
    converge_tags(
        plan,
        f"table {params['name']}",
        tag_dict(dynamodb.list_tags_of_resource(ResourceArn=arn).get("Tags")),
        params["tags"],
        add=lambda tags: dynamodb.tag_resource(ResourceArn=arn, Tags=tag_list(tags)),
        remove=lambda keys: dynamodb.untag_resource(ResourceArn=arn, TagKeys=keys),
    )
    return {"table_arn": arn}


def main() -> None:
    """Run the module."""
    index = {name: {"type": "str", "required": True, "no_log": False} for name in ("name", "hash_key", "range_key")}
    index["include"] = {"type": "list", "elements": "str", "required": True}
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "hash_key": {"type": "str", "no_log": False},
            "range_key": {"type": "str", "no_log": False},
            "indexes": {"type": "list", "elements": "dict", "default": [], "options": index},
            "kms_master_key_arn": {"type": "str", "no_log": False},
            "deletion_protection": {"type": "bool", "default": True},
            "recovery_days": {"type": "int", "default": 35},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["hash_key", "range_key", "kms_master_key_arn"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("dynamodb"), module.params))


if __name__ == "__main__":
    main()
