#!/usr/bin/python
"""Ansible module: a target group of instances behind an application load balancer."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import error_code, optional, retry
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: elb_instance_target_group
short_description: Manage a target group of instances that speak HTTP/1.1
description:
  - Creates the group and repairs its health check, attributes and tags. Its targets are not touched.
  - A group of another port or VPC is an error, since AWS cannot change them in place.
  - M(community.aws.elb_target_group) has no check mode and shows no difference.
options:
  name:
    description: The group's name, at most 32 characters.
    type: str
    required: true
  state:
    description: Whether the group exists.
    type: str
    choices: [present, absent]
    default: present
  vpc_id:
    description: The targets' VPC. Required when O(state=present).
    type: str
  port:
    description: The targets' port.
    type: int
    default: 8080
  health_check:
    description: The health check, as ELB's ModifyTargetGroup takes it.
    type: dict
    default: {}
  attributes:
    description: The attributes that count, text by name.
    type: dict
    default: {}
  tags:
    description: The group's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the target group
  elb_instance_target_group:
    name: estancia-dev-processor
    vpc_id: vpc-0123456789abcdef0
    health_check: {HealthCheckPath: /healthz, HealthCheckIntervalSeconds: 10}
    attributes: {deregistration_delay.timeout_seconds: "960"}
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
target_group_arn:
  description: The group's ARN; empty where there is none.
  returned: always
  type: str
"""

# A load balancer that was just deleted holds its target group for some time.
IN_USE_SECONDS = 120


def find(elb: Any, name: str) -> dict[str, Any]:
    """The live group.

    Args:
        elb: A client.
        name: The group's name.

    Returns:
        ELB's description; empty when there is no such group.
    """
    answer = optional(lambda: elb.describe_target_groups(Names=[name]), "TargetGroupNotFound")
    groups = answer["TargetGroups"] if answer else []
    return dict(groups[0]) if groups else {}


def create(plan: Plan, elb: Any, params: dict[str, Any]) -> str:
    """Make the group.

    Args:
        plan: Where the step goes.
        elb: A client.
        params: The module's parameters.

    Returns:
        The group's ARN; empty in check mode.
    """
    request = {
        "Name": params["name"],
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": params["port"],
        "VpcId": params["vpc_id"],
        "TargetType": "instance",
        "Tags": tag_list(params["tags"]),
        **params["health_check"],
    }
    title = f"Target group {params['name']}"
    return str(plan.step(title, {}, request, lambda: _created_arn(elb, request)) or "")


def _created_arn(elb: Any, request: dict[str, Any]) -> str:
    return str(elb.create_target_group(**request)["TargetGroups"][0]["TargetGroupArn"])


def update(plan: Plan, elb: Any, group: dict[str, Any], params: dict[str, Any]) -> None:
    """Repair what differs on a group that exists.

    Args:
        plan: Where the steps go.
        elb: A client.
        group: The live group.
        params: The module's parameters.

    Raises:
        ValueError: The group's port or VPC is another one.
    """
    name, arn, check = params["name"], group["TargetGroupArn"], params["health_check"]
    if (group["Port"], group["VpcId"]) != (params["port"], params["vpc_id"]):
        msg = (
            f"Target group {name} is for port {group['Port']} of {group['VpcId']}, wanted is port {params['port']} of "
            f"{params['vpc_id']}. AWS cannot change that in place: destroy the fleet role's part, then run again."
        )
        raise ValueError(msg)
    plan.converge(
        f"Health check of target group {name}",
        project(group, check),
        check,
        lambda: elb.modify_target_group(TargetGroupArn=arn, **check),
    )
    converge_tags(
        plan,
        f"target group {name}",
        tag_dict(elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]),
        params["tags"],
        add=lambda tags: elb.add_tags(ResourceArns=[arn], Tags=tag_list(tags)),
        remove=lambda keys: elb.remove_tags(ResourceArns=[arn], TagKeys=keys),
    )


def update_attributes(plan: Plan, elb: Any, arn: str, params: dict[str, Any]) -> None:
    """Set the attributes that differ.

    Args:
        plan: Where the step goes.
        elb: A client.
        arn: The group's ARN; empty when it does not exist yet.
        params: The module's parameters.
    """
    wanted = {key: str(value) for key, value in params["attributes"].items()}
    live = tag_dict(elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]) if arn else {}
    plan.converge(
        f"Attributes of target group {params['name']}",
        project(live, wanted),
        wanted,
        lambda: elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=tag_list(wanted)),
    )


def ensure(plan: Plan, elb: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the group what is asked for.

    Args:
        plan: Where the steps go.
        elb: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    group = find(elb, params["name"])
    arn = str(group.get("TargetGroupArn", ""))
    if params["state"] == "present":
        if group:
            update(plan, elb, group, params)
        else:
            arn = create(plan, elb, params)
        update_attributes(plan, elb, arn, params)
        return {"target_group_arn": arn}

    def delete() -> None:
        retry(
            lambda: elb.delete_target_group(TargetGroupArn=arn),
            lambda error: error_code(error) == "ResourceInUse",
            IN_USE_SECONDS,
        )

    if group:
        plan.step(f"Target group {params['name']}", arn, "", delete)
    return {"target_group_arn": ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "vpc_id": {"type": "str"},
            "port": {"type": "int", "default": 8080},
            "health_check": {"type": "dict", "default": {}},
            "attributes": {"type": "dict", "default": {}},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["vpc_id"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("elbv2"), module.params))


if __name__ == "__main__":
    main()
