#!/usr/bin/python
"""Ansible module: a VPC by its name, with what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import run, tag_dict
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DOCUMENTATION = r"""
module: vpc_network_info
short_description: Find a VPC by its Name tag, with its subnets, groups, endpoints, gateways and private zone
description:
  - One call where the collection takes seven info modules, each followed by a lookup in its answer.
  - A VPC that does not exist is answered by empty values, so that a caller can tell without an error.
options:
  name:
    description: The VPC's Name tag.
    type: str
    required: true
  zone_name:
    description: The private hosted zone to look for among those of the VPC, without the final dot.
    type: str
    required: true
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Find the network
  vpc_network_info:
    name: estancia-dev
    zone_name: estancia-dev.internal
  register: network
"""

RETURN = r"""
vpc_id:
  description: The VPC's id; empty when there is none.
  returned: always
  type: str
vpc_cidr:
  description: Its address range.
  returned: always
  type: str
subnets:
  description: Its subnets in the order of their zones.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The subnet's id.
      type: str
    name:
      description: Its Name tag.
      type: str
    zone:
      description: Its availability zone.
      type: str
    cidr:
      description: Its address range.
      type: str
security_groups:
  description: The ids of its security groups by group name.
  returned: always
  type: dict
endpoints:
  description: Its endpoints, each with id, service and type.
  returned: always
  type: list
  elements: dict
nat_gateways:
  description: Its NAT gateways that are there or coming, each with id and subnet_id.
  returned: always
  type: list
  elements: dict
internet_gateway_id:
  description: Its internet gateway; empty when there is none.
  returned: always
  type: str
interface_ids:
  description: The network interfaces that still stand in it.
  returned: always
  type: list
  elements: str
function_interface_ids:
  description: Those of them that belong to functions.
  returned: always
  type: list
  elements: str
hosted_zone_id:
  description: The private hosted zone's id; empty when there is none.
  returned: always
  type: str
"""

EMPTY: dict[str, Any] = {
    "vpc_id": "",
    "vpc_cidr": "",
    "subnets": [],
    "security_groups": {},
    "endpoints": [],
    "nat_gateways": [],
    "internet_gateway_id": "",
    "interface_ids": [],
    "function_interface_ids": [],
    "hosted_zone_id": "",
}


def subnets(ec2: EC2Client, only: list[Any]) -> list[dict[str, str]]:
    """The subnets of a VPC.

    Args:
        ec2: A client.
        only: The filter for the VPC.

    Returns:
        Id, name and zone of each, ordered by zone and name.
    """
    found = [
        {
            "id": subnet["SubnetId"],
            "name": tag_dict(subnet.get("Tags")).get("Name", ""),
            "zone": subnet["AvailabilityZone"],
            "cidr": subnet["CidrBlock"],
        }
        for page in ec2.get_paginator("describe_subnets").paginate(Filters=only)
        for subnet in page["Subnets"]
    ]
    return sorted(found, key=lambda subnet: (subnet["zone"], subnet["name"]))


def endpoints(ec2: EC2Client, vpc_id: str, only: list[Any]) -> list[dict[str, str]]:
    """The endpoints of a VPC.

    Args:
        ec2: A client.
        vpc_id: The VPC.
        only: The filter for it.

    Returns:
        Id, service and type of each.
    """
    return [
        {"id": endpoint["VpcEndpointId"], "service": endpoint["ServiceName"], "type": endpoint["VpcEndpointType"]}
        for page in ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=only)
        for endpoint in page["VpcEndpoints"]
        if endpoint["VpcId"] == vpc_id and str(endpoint["State"]).lower() not in ("deleting", "deleted")
    ]


def is_functions(card: Any) -> bool:
    """Whether Lambda made a network interface for a function.

    Args:
        card: The interface, as EC2 describes it.

    Returns:
        True by its type, or by the description that Lambda gives it; Terraform's AWS provider finds them so, too.
    """
    described = str(card.get("Description", ""))
    return card.get("InterfaceType") == "lambda" or described.startswith("AWS Lambda VPC ENI")


def interfaces(ec2: EC2Client, vpc_id: str, only: list[Any]) -> dict[str, list[str]]:
    """The network interfaces that stand in a VPC.

    Args:
        ec2: A client.
        vpc_id: The VPC.
        only: The filter for it.

    Returns:
        All of them, and those of functions, as the module's result names them.
    """
    found = ec2.get_paginator("describe_network_interfaces").paginate(Filters=only).build_full_result()
    cards = [card for card in found["NetworkInterfaces"] if card["VpcId"] == vpc_id]
    functions = [card["NetworkInterfaceId"] for card in cards if is_functions(card)]
    return {"interface_ids": [card["NetworkInterfaceId"] for card in cards], "function_interface_ids": functions}


def hosted_zone(module: AnsibleAWSModule, vpc_id: str, zone_name: str) -> str:
    """The id of a private hosted zone of the VPC.

    Args:
        module: The module, for a client and the region.
        vpc_id: The VPC.
        zone_name: The zone's name, without the final dot.

    Returns:
        The id; empty when there is none.
    """
    route53 = module.client("route53")
    zones = route53.list_hosted_zones_by_vpc(VPCId=vpc_id, VPCRegion=module.region)["HostedZoneSummaries"]
    found = [str(zone["HostedZoneId"]) for zone in zones if zone["Name"].rstrip(".") == zone_name]
    return found[0].rpartition("/")[2] if found else ""


def look(module: AnsibleAWSModule, name: str, zone_name: str) -> dict[str, Any]:
    """Find the VPC and what stands in it.

    Args:
        module: The module, for its clients.
        name: The VPC's Name tag.
        zone_name: The private zone's name.

    Returns:
        The module's result.

    Raises:
        ValueError: When several VPCs carry the name.
    """
    ec2 = module.client("ec2")
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]
    if not vpcs:
        return EMPTY
    if len(vpcs) > 1:
        ids = ", ".join(vpc["VpcId"] for vpc in vpcs)
        raise ValueError(
            f"{len(vpcs)} VPCs are named {name} ({ids}): rename or remove those that are not the platform's."
        )
    vpc_id = vpcs[0]["VpcId"]
    only = [{"Name": "vpc-id", "Values": [vpc_id]}]
    groups = ec2.get_paginator("describe_security_groups").paginate(Filters=only).build_full_result()["SecurityGroups"]
    states = [*only, {"Name": "state", "Values": ["pending", "available"]}]
    gateways = ec2.get_paginator("describe_nat_gateways").paginate(Filters=states).build_full_result()["NatGateways"]
    doors = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc_id]}])
    return {
        "vpc_id": vpc_id,
        "vpc_cidr": vpcs[0]["CidrBlock"],
        "subnets": subnets(ec2, only),
        "security_groups": {group["GroupName"]: group["GroupId"] for group in groups},
        "endpoints": endpoints(ec2, vpc_id, only),
        "nat_gateways": [{"id": gateway["NatGatewayId"], "subnet_id": gateway["SubnetId"]} for gateway in gateways],
        "internet_gateway_id": next((door["InternetGatewayId"] for door in doors["InternetGateways"]), ""),
        **interfaces(ec2, vpc_id, only),
        "hosted_zone_id": hosted_zone(module, vpc_id, zone_name),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={"name": {"type": "str", "required": True}, "zone_name": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    run(module, lambda _plan: look(module, module.params["name"], module.params["zone_name"]))


if __name__ == "__main__":
    main()
