#!/usr/bin/python
"""Ansible module: a customer-managed IAM policy with exactly one document, shown as a difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.iam_documents import check_size, compact
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import PolicyTypeDef

DOCUMENTATION = r"""
module: iam_customer_managed_policy
short_description: Manage a customer-managed IAM policy and show the difference of its document
description:
  - Keeps one version of the policy; older ones are removed once the new one is the default.
  - M(amazon.aws.iam_managed_policy) does the same without showing what changes, and lists every policy to find one.
options:
  arn:
    description: The policy's ARN.
    type: str
    required: true
  description:
    description: What the policy is for. IAM fixes it at the creation.
    type: str
    default: ""
  policy:
    description: The document. Required when O(state=present). At most 6144 characters without white space.
    type: json
  state:
    description: Whether the policy shall exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: The policy's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Write the boundary
  iam_customer_managed_policy:
    arn: "arn:aws:iam::{{ estancia_account_id }}:policy/{{ estancia_name }}-boundary"
    policy: "{{ lookup('ansible.builtin.template', 'boundary.json.j2') }}"
"""

RETURN = r"""
arn:
  description: The policy's ARN.
  returned: always
  type: str
"""


def find(iam: IAMClient, arn: str) -> PolicyTypeDef | None:
    """The policy, if it exists.

    Args:
        iam: A client.
        arn: The policy's ARN.

    Returns:
        The policy; None when there is none.
    """
    try:
        return iam.get_policy(PolicyArn=arn)["Policy"]
    except iam.exceptions.NoSuchEntityException:
        return None


def drop_versions(iam: IAMClient, arn: str) -> None:
    """Remove every version but the default one.

    Args:
        iam: A client.
        arn: The policy's ARN.
    """
    for page in iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn):
        for version in page["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


def create(iam: IAMClient, name: str, document: str, params: dict[str, Any]) -> None:
    """Create the policy.

    Args:
        iam: A client.
        name: The policy's name.
        document: Its document.
        params: The module's parameters.
    """
    tags = tag_list(params["tags"])
    iam.create_policy(PolicyName=name, PolicyDocument=document, Description=params["description"], Tags=tags)


def replace(iam: IAMClient, arn: str, document: str) -> None:
    """Make a document the policy's only one; IAM keeps five versions, so old ones go first.

    Args:
        iam: A client.
        arn: The policy's ARN.
        document: The new document.
    """
    drop_versions(iam, arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    drop_versions(iam, arn)


def remove(iam: IAMClient, arn: str) -> None:
    """Delete the policy with its versions.

    Args:
        iam: A client.
        arn: The policy's ARN.
    """
    drop_versions(iam, arn)
    iam.delete_policy(PolicyArn=arn)


def ensure(plan: Plan, iam: IAMClient, params: dict[str, Any]) -> dict[str, Any]:
    """Bring the policy to the wanted state.

    Args:
        plan: Where the steps go.
        iam: A client.
        params: The module's parameters.

    Returns:
        The module's result.

    Raises:
        ValueError: When the document is longer than IAM takes.
    """
    arn = params["arn"]
    name = arn.rpartition("/")[2]
    policy = find(iam, arn)
    if params["state"] == "absent":
        if policy:
            plan.step(f"Policy {name}", f"{arn}\n", "", lambda: remove(iam, arn))
        return {"arn": arn}
    document = compact(params["policy"])
    check_size(f"The managed policy {name}", [document], 6144)
    wanted = json.loads(document)
    if policy is None:
        plan.step(f"Policy {name}", {}, wanted, lambda: create(iam, name, document, params))
        return {"arn": arn}
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    live = version["Document"]
    if compare_policies(live, wanted):
        plan.step(f"Policy {name}", live, wanted, lambda: replace(iam, arn, document))
    converge_tags(
        plan,
        f"policy {name}",
        tag_dict(iam.list_policy_tags(PolicyArn=arn).get("Tags")),
        params["tags"],
        add=lambda tags: iam.tag_policy(PolicyArn=arn, Tags=tag_list(tags)),
        remove=lambda keys: iam.untag_policy(PolicyArn=arn, TagKeys=keys),
    )
    return {"arn": arn}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "arn": {"type": "str", "required": True},
            "description": {"type": "str", "default": ""},
            "policy": {"type": "json"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["policy"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("iam"), module.params))


if __name__ == "__main__":
    main()
