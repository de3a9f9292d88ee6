#!/usr/bin/python
"""Ansible module: a service-linked role of the account exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, run
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

DOCUMENTATION = r"""
module: iam_service_linked_role
short_description: Make sure that a service-linked role of the account exists
description:
  - Creates the role that a service uses under its own name when the account does not have it yet.
  - There is no absent state, since the role belongs to the account and others in it may stand on it.
options:
  service:
    description: The service's principal, for example V(autoscaling.amazonaws.com).
    type: str
    required: true
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make sure that Auto Scaling has its role
  iam_service_linked_role:
    service: autoscaling.amazonaws.com
"""

RETURN = r"""
arn:
  description: The role's ARN; empty in check mode when the role does not exist yet.
  returned: always
  type: str
"""


def find(iam: IAMClient, service: str) -> str:
    """The ARN of the role that a service uses by default.

    Roles with a custom suffix (`..._team`) live under the same path and are somebody else's.

    Args:
        iam: A client.
        service: The service's principal.

    Returns:
        The ARN; empty when there is no such role.
    """
    pages = iam.get_paginator("list_roles").paginate(PathPrefix=f"/aws-service-role/{service}/")
    return next((role["Arn"] for page in pages for role in page["Roles"] if "_" not in role["RoleName"]), "")


def ensure(plan: Plan, iam: IAMClient, service: str) -> dict[str, Any]:
    """Create the role where it is missing and wait until IAM shows it.

    Args:
        plan: Where the step goes.
        iam: A client.
        service: The service's principal.

    Returns:
        The module's result.
    """
    arn = find(iam, service)
    if arn:
        return {"arn": arn}

    def create() -> str:
        role = iam.create_service_linked_role(AWSServiceName=service)["Role"]
        iam.get_waiter("role_exists").wait(RoleName=role["RoleName"], WaiterConfig={"Delay": 2, "MaxAttempts": 15})
        return role["Arn"]

    return {"arn": plan.step(f"Service-linked role of {service}", "", f"{service}\n", create) or ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={"service": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("iam"), module.params["service"]))


if __name__ == "__main__":
    main()
