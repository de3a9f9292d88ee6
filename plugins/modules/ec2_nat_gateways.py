#!/usr/bin/python
"""Ansible module: the NAT gateways of a VPC as one exact set, each with a tagged address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DOCUMENTATION = r"""
module: ec2_nat_gateways
short_description: Manage the NAT gateways of a VPC as one set
description:
  - Makes one public NAT gateway in each subnet named; removes those elsewhere and releases their addresses, if told to.
  - M(amazon.aws.ec2_vpc_nat_gateway) takes an address without tags, works on one gateway and removes it only by id.
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  name:
    description: The start of the Name tags of all gateways and addresses of the set.
    type: str
    required: true
  gateways:
    description: The gateways, at most one for a subnet.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The Name tag of the gateway and of its address; begins with O(name).
        type: str
        required: true
      subnet_id:
        description: The public subnet that it stands in.
        type: str
        required: true
  purge:
    description: Whether gateways elsewhere in the VPC and addresses that no gateway of the set has are removed.
    type: bool
    default: true
  wait_seconds:
    description: How long a gateway may take to come or to go.
    type: int
    default: 600
  tags:
    description: The tags of gateways and addresses, exactly, beside the name.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make one NAT gateway
  ec2_nat_gateways:
    vpc_id: vpc-0123456789abcdef0
    name: estancia-dev-nat
    gateways:
      - name: estancia-dev-nat-eu-west-1a
        subnet_id: subnet-0123456789abcdef0
"""

RETURN = r"""
gateway_ids:
  description: The gateways' ids in the order of O(gateways); empty strings in check mode for those to be made.
  returned: always
  type: list
  elements: str
"""


def describe(ec2: EC2Client, vpc_id: str) -> dict[str, dict[str, Any]]:
    """The NAT gateways of a VPC that are there or coming.

    Args:
        ec2: A client.
        vpc_id: The VPC.

    Returns:
        EC2's descriptions by subnet.
    """
    only: Any = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "state", "Values": ["pending", "available"]}]
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filters=only)
    return {gateway["SubnetId"]: dict(gateway) for page in pages for gateway in page["NatGateways"]}


def addresses(ec2: EC2Client, prefix: str) -> dict[str, dict[str, Any]]:
    """The elastic addresses of the set.

    Args:
        ec2: A client.
        prefix: The start of their Name tags.

    Returns:
        EC2's descriptions by Name tag.
    """
    found = ec2.describe_addresses(Filters=[{"Name": "tag:Name", "Values": [f"{prefix}*"]}])["Addresses"]
    named = {tag_dict(address.get("Tags")).get("Name", ""): dict(address) for address in found}
    return {name: address for name, address in named.items() if name.startswith(prefix)}


def create(
    ec2: EC2Client, gateway: dict[str, str], tags: dict[str, str], address: dict[str, Any] | None, wait: int
) -> str:
    """Create a gateway with an address of its own and wait until it is available.

    Args:
        ec2: A client.
        gateway: The wanted gateway.
        tags: Its tags with the name.
        address: An address that an earlier run took for it; None to take one.
        wait: Seconds that it may take.

    Returns:
        Its id.
    """

    def specification(kind: str) -> Any:
        return [{"ResourceType": kind, "Tags": tag_list(tags)}]

    allocation = (address or ec2.allocate_address(Domain="vpc", TagSpecifications=specification("elastic-ip")))[
        "AllocationId"
    ]
    answer = ec2.create_nat_gateway(
        SubnetId=gateway["subnet_id"], AllocationId=allocation, TagSpecifications=specification("natgateway")
    )
    gateway_id = answer["NatGateway"]["NatGatewayId"]
    config: Any = {"Delay": 5, "MaxAttempts": max(1, wait // 5)}
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[gateway_id], WaiterConfig=config)
    return gateway_id


def remove(ec2: EC2Client, gateway_id: str, wait: int) -> None:
    """Delete a gateway and wait until its address is free.

    Args:
        ec2: A client.
        gateway_id: The gateway.
        wait: Seconds that it may take.
    """
    ec2.delete_nat_gateway(NatGatewayId=gateway_id)
    config: Any = {"Delay": 5, "MaxAttempts": max(1, wait // 5)}
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[gateway_id], WaiterConfig=config)


def ensure(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, Any]:
    """Bring gateways and addresses to the wanted state.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    live, taken, wait = describe(ec2, params["vpc_id"]), addresses(ec2, params["name"]), params["wait_seconds"]
    ids: list[str] = []
    for gateway in params["gateways"]:
        name = gateway["name"]
        tags = {**params["tags"], "Name": name}
        address = taken.pop(name, None)
        found = live.pop(gateway["subnet_id"], None)
        if found is None:
            title = f"NAT gateway {name}"
            make = (gateway, tags, address, wait)
            ids.append(plan.step(title, "", f"{name}\n", lambda make=make: create(ec2, *make)) or "")
            continue
        ids.append(found["NatGatewayId"])
        own = {found["NatGatewayId"]: found, **({address["AllocationId"]: address} if address else {})}
        for resource, description in own.items():
            converge_tags(
                plan,
                resource,
                tag_dict(description.get("Tags")),
                tags,
                add=lambda pairs, to=resource: ec2.create_tags(Resources=[to], Tags=tag_list(pairs)),
                remove=lambda keys, to=resource: ec2.delete_tags(Resources=[to], Tags=[{"Key": key} for key in keys]),
            )
    if params["purge"]:
        purge(plan, ec2, live, taken, wait)
    return {"gateway_ids": ids}


def purge(plan: Plan, ec2: EC2Client, live: dict[str, Any], taken: dict[str, Any], wait: int) -> None:
    """Remove gateways that nobody wants, then the addresses that they had.

    Args:
        plan: Where the steps go.
        ec2: A client.
        live: The gateways, by subnet.
        taken: The addresses, by name.
        wait: Seconds that a gateway may take to go.
    """
    for gateway in live.values():
        drop = gateway["NatGatewayId"]
        plan.step(f"NAT gateway {drop}", f"{drop}\n", "", lambda gateway_id=drop: remove(ec2, gateway_id, wait))
    for name, address in taken.items():
        free = address["AllocationId"]
        plan.step(
            f"Address {name}", f"{free}\n", "", lambda allocation=free: ec2.release_address(AllocationId=allocation)
        )


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": text,
            "name": text,
            "gateways": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": text, "subnet_id": text},
            },
            "purge": {"type": "bool", "default": True},
            "wait_seconds": {"type": "int", "default": 600},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("ec2"), module.params))


if __name__ == "__main__":
    main()
