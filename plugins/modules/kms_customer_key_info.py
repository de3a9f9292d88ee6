#!/usr/bin/python
"""Ansible module: the keys behind aliases, and the keys that wait for their deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import run, tag_dict
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

DOCUMENTATION = r"""
module: kms_customer_key_info
short_description: Find customer-managed KMS keys by alias, and those that are pending deletion by tag
description:
  - Answers for several aliases with one call each, where M(amazon.aws.kms_key_info) reads every key of the account.
options:
  aliases:
    description: Aliases, with or without the leading V(alias/).
    type: list
    elements: str
    default: []
  pending_with_tags:
    description: List the keys that are pending deletion and carry all of these tags; nothing is listed without it.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Look up two keys
  kms_customer_key_info:
    aliases: [estancia-dev-data, estancia-dev-logs]

- name: List what KMS still keeps
  kms_customer_key_info:
    pending_with_tags:
      Project: estancia
"""

RETURN = r"""
keys:
  description: The ARN of each alias's key, by alias as given; empty where there is none or it is pending deletion.
  returned: always
  type: dict
pending:
  description: Keys that are pending deletion.
  returned: always
  type: list
  elements: dict
  contains:
    key_arn:
      description: The key's ARN.
      type: str
    name:
      description: The key's Name tag; empty where it has none.
      type: str
    deletion_date:
      description: When KMS deletes the key (ISO 8601).
      type: str
"""


def by_alias(kms: KMSClient, alias: str) -> str:
    """The ARN of a usable key.

    Args:
        kms: A client.
        alias: The alias, with or without `alias/`.

    Returns:
        The ARN; empty when there is none or it is pending deletion.
    """
    try:
        key = kms.describe_key(KeyId="alias/" + alias.removeprefix("alias/"))["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return ""
    return "" if key["KeyState"] == "PendingDeletion" else key["Arn"]


def pending(kms: KMSClient, wanted: dict[str, str]) -> list[dict[str, str]]:
    """The keys that wait for their deletion.

    Args:
        kms: A client.
        wanted: Tags that a key must carry to be listed.

    Returns:
        ARN, name and date of each, the earliest first.
    """
    found = []
    for page in kms.get_paginator("list_keys").paginate():
        for entry in page["Keys"]:
            key = kms.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]
            if key["KeyState"] != "PendingDeletion":
                continue
            tags = tag_dict(kms.list_resource_tags(KeyId=entry["KeyId"]).get("Tags"), "TagKey", "TagValue")
            if wanted.items() <= tags.items():
                date = key["DeletionDate"].isoformat()
                found.append({"key_arn": key["Arn"], "name": tags.get("Name", ""), "deletion_date": date})
    return sorted(found, key=lambda key: key["deletion_date"])


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "aliases": {"type": "list", "elements": "str", "default": []},
            "pending_with_tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )

    def work(_plan: Any) -> dict[str, Any]:
        kms = module.client("kms")
        wanted = module.params["pending_with_tags"]
        keys = {alias: by_alias(kms, alias) for alias in module.params["aliases"]}
        return {"keys": keys, "pending": pending(kms, wanted) if wanted else []}

    run(module, work)


if __name__ == "__main__":
    main()
