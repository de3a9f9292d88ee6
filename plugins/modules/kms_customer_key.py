#!/usr/bin/python
"""Ansible module: a customer-managed KMS key and its alias, with the whole key policy shown as a difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef

DOCUMENTATION = r"""
module: kms_customer_key
short_description: Manage a customer-managed KMS key by its alias
description:
  - Creates, updates or retires a symmetric encryption key that is known by one alias.
  - An alias whose key is pending deletion gets a new key; the old one stays pending.
  - A disabled key is an error, since somebody disabled it on purpose.
  - M(amazon.aws.kms_key) would revive a key that is pending deletion, leaves its alias and shows no difference.
options:
  alias:
    description: The alias, with or without the leading V(alias/).
    type: str
    required: true
  state:
    description: With V(absent) the key is scheduled for deletion and the alias removed at once.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What the key is for.
    type: str
    default: ""
  policy:
    description: The key policy. Required when O(state=present).
    type: json
  rotation:
    description: Whether KMS replaces the key's material every year.
    type: bool
    default: true
  pending_window:
    description: Days between the removal and the deletion of the key, 7 to 30.
    type: int
    default: 30
  tags:
    description: The key's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the key for data
  kms_customer_key:
    alias: estancia-dev-data
    description: Data of estancia-dev
    policy: "{{ lookup('ansible.builtin.template', 'data-key-policy.json.j2') }}"
    tags: "{{ estancia_tags }}"

- name: Retire it
  kms_customer_key:
    alias: estancia-dev-data
    state: absent
    pending_window: 7
"""

RETURN = r"""
key_arn:
  description: The key's ARN; empty where there is none.
  returned: always
  type: str
deletion_date:
  description: When KMS deletes the retired key (ISO 8601); empty otherwise.
  returned: always
  type: str
"""


# A principal of the policy that was made seconds ago is malformed, and a new key not found, until KMS sees it.
until_seen = AWSRetry.jittered_backoff(
    retries=8,
    delay=3,
    max_delay=15,
    catch_extra_error_codes=["MalformedPolicyDocumentException", "NotFoundException"],
)

ALIAS_SECONDS = 120
"""How long a new alias may take to be seen."""


def find(kms: KMSClient, alias: str) -> KeyMetadataTypeDef | None:
    """The key that an alias names, whatever its state.

    Args:
        kms: A client.
        alias: The alias, `alias/...`.

    Returns:
        The key's metadata; None when the alias does not exist.
    """
    try:
        return kms.describe_key(KeyId=alias)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return None


def key_id_of(kms: KMSClient, alias: str) -> str:
    """Ask which key an alias names.

    Args:
        kms: A client.
        alias: The alias, `alias/...`.

    Returns:
        The key's id; empty when the alias is not seen.
    """
    key = find(kms, alias)
    return key["KeyId"] if key else ""


def create(plan: Plan, kms: KMSClient, alias: str, params: dict[str, Any], replaces: bool) -> str:
    """Make a key and let the alias name it.

    Args:
        plan: Where the step goes.
        kms: A client.
        alias: The alias, `alias/...`.
        params: The module's parameters.
        replaces: True when the alias exists and names a key that is pending deletion.

    Returns:
        The key's ARN; empty in check mode.
    """

    def action() -> str:
        tags = tag_list(params["tags"], "TagKey", "TagValue")
        key = until_seen(kms.create_key)(Policy=params["policy"], Description=params["description"], Tags=tags)
        key_id = key["KeyMetadata"]["KeyId"]
        if replaces:
            until_seen(kms.update_alias)(AliasName=alias, TargetKeyId=key_id)
        else:
            until_seen(kms.create_alias)(AliasName=alias, TargetKeyId=key_id)
        if params["rotation"]:
            until_seen(kms.enable_key_rotation)(KeyId=key_id)
        wait_until(lambda: key_id_of(kms, alias) == key_id, f"{alias} names its new key", ALIAS_SECONDS)
        return str(key["KeyMetadata"]["Arn"])

    wanted = {
        "description": params["description"],
        "policy": json.loads(params["policy"]),
        "rotation": params["rotation"],
        "tags": params["tags"],
    }
    return plan.step(f"Key {alias}", {}, wanted, action) or ""


def check_enabled(key: KeyMetadataTypeDef, alias: str) -> None:
    """Refuse a key that somebody disabled.

    Args:
        key: The key's metadata.
        alias: The alias, for the message.

    Raises:
        ValueError: When the key is not enabled.
    """
    if key["KeyState"] != "Enabled":
        raise ValueError(
            f"The key of {alias} ({key['KeyId']}) is {key['KeyState']}. Somebody did that on purpose: "
            f"enable it again with `aws kms enable-key --key-id {key['KeyId']}`, or retire it."
        )


def update(plan: Plan, kms: KMSClient, alias: str, key: KeyMetadataTypeDef, params: dict[str, Any]) -> None:
    """Change what differs on a key in use.

    Args:
        plan: Where the steps go.
        kms: A client.
        alias: The alias, for the differences' headers.
        key: The key's metadata.
        params: The module's parameters.
    """
    key_id = key["KeyId"]
    check_enabled(key, alias)
    plan.converge(
        f"Description of {alias}",
        key["Description"],
        params["description"],
        lambda: kms.update_key_description(KeyId=key_id, Description=params["description"]),
    )
    live = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
    wanted = json.loads(params["policy"])
    if compare_policies(live, wanted):
        plan.step(
            f"Policy of {alias}",
            live,
            wanted,
            lambda: kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=params["policy"]),
        )
    rotation = str(kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"])
    rotate = kms.enable_key_rotation if params["rotation"] else kms.disable_key_rotation
    plan.converge(f"Rotation of {alias}", rotation, str(params["rotation"]), lambda: rotate(KeyId=key_id))
    converge_tags(
        plan,
        alias,
        tag_dict(kms.list_resource_tags(KeyId=key_id).get("Tags"), "TagKey", "TagValue"),
        params["tags"],
        add=lambda tags: kms.tag_resource(KeyId=key_id, Tags=tag_list(tags, "TagKey", "TagValue")),
        remove=lambda keys: kms.untag_resource(KeyId=key_id, TagKeys=keys),
    )


def retire(plan: Plan, kms: KMSClient, alias: str, key: KeyMetadataTypeDef, window: int) -> str:
    """Schedule a key's deletion and take its alias away, so that a later run makes a new one.

    Args:
        plan: Where the steps go.
        kms: A client.
        alias: The alias, `alias/...`.
        key: The key's metadata.
        window: Days until KMS deletes the key.

    Returns:
        When KMS deletes the key (ISO 8601); empty in check mode.
    """
    deletion = key.get("DeletionDate")
    if key["KeyState"] != "PendingDeletion":
        answer = plan.step(
            f"Key {alias}",
            f"{key['KeyState']}\n",
            f"Pending deletion, {window} days\n",
            lambda: kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=window),
        )
        deletion = answer["DeletionDate"] if answer else None
    plan.step(f"Alias {alias}", f"{key['KeyId']}\n", "", lambda: kms.delete_alias(AliasName=alias))
    return deletion.isoformat() if deletion else ""


def ensure(plan: Plan, kms: KMSClient, params: dict[str, Any]) -> dict[str, Any]:
    """Bring the key to the wanted state.

    Args:
        plan: Where the steps go.
        kms: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    alias = "alias/" + params["alias"].removeprefix("alias/")
    key = find(kms, alias)
    if params["state"] == "absent":
        deletion = retire(plan, kms, alias, key, params["pending_window"]) if key else ""
        return {"key_arn": key["Arn"] if key else "", "deletion_date": deletion}
    if key is None or key["KeyState"] == "PendingDeletion":
        return {"key_arn": create(plan, kms, alias, params, key is not None), "deletion_date": ""}
    update(plan, kms, alias, key, params)
    return {"key_arn": key["Arn"], "deletion_date": ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "alias": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "description": {"type": "str", "default": ""},
            "policy": {"type": "json"},
            "rotation": {"type": "bool", "default": True},
            "pending_window": {"type": "int", "default": 30},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["policy"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("kms"), module.params))


if __name__ == "__main__":
    main()
