#!/usr/bin/python
"""Ansible module: a service-linked role of the account exists."""

from __future__ import annotations

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
  name:
    description: The role's name, which the service fixes, for example V(AWSServiceRoleForAutoScaling).
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
    name: AWSServiceRoleForAutoScaling
"""

RETURN = r"""
arn:
  description: The role's ARN; empty in check mode when the role does not exist yet.
  returned: always
  type: str
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, run
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def role_arn(iam: IAMClient, name: str) -> str:
    """The ARN of a role.

    Args:
        iam: A client.
        name: The role's name.

    Returns:
        The ARN; empty when there is no such role.
    """
    try:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        return ""


def ensure(plan: Plan, iam: IAMClient, service: str, name: str) -> dict[str, Any]:
    """Create the role where it is missing and wait until IAM shows it.

    Args:
        plan: Where the step goes.
        iam: A client.
        service: The service's principal.
        name: The role's name.

    Returns:
        The module's result.
    """
    arn = role_arn(iam, name)
    if arn:
        return {"arn": arn}

    def create() -> str:
        try:
            iam.create_service_linked_role(AWSServiceName=service)
        except iam.exceptions.InvalidInputException:
            # The service itself may have made it since it was read; the waiter decides.
            plan.doing = f"Waiting for the service-linked role {name} of {service}"
        iam.get_waiter("role_exists").wait(RoleName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 15})
        return role_arn(iam, name)

    title = f"Service-linked role {name} of {service}"
    return {"arn": plan.step(title, "", f"{name}\n", create) or ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={"service": {"type": "str", "required": True}, "name": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("iam"), module.params["service"], module.params["name"]))


if __name__ == "__main__":
    main()
