#!/usr/bin/python
"""Ansible module: the route tables of a VPC as one exact set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DOCUMENTATION = r"""
module: ec2_route_tables
short_description: Manage the route tables of a VPC as one exact set
description:
  - Each table has its subnets and at most one route of its own, the default one; routes of gateway endpoints stay.
  - A subnet that moves to another table is never without one. Tables that are not named are removed, but for the main.
  - M(amazon.aws.ec2_vpc_route_table) leaves a subnet that moves on the main table, waits five seconds for each table
    and shows no difference.
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  tables:
    description: The tables.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The table's Name tag.
        type: str
        required: true
      subnet_ids:
        description: The subnets that use the table.
        type: list
        elements: str
        default: []
      default_target:
        description: The NAT or internet gateway that takes what leaves the VPC; nothing leaves without one.
        type: str
        default: ""
  tags:
    description: The tables' tags, exactly, beside the name.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Send what leaves through the NAT gateway
  ec2_route_tables:
    vpc_id: vpc-0123456789abcdef0
    tables:
      - name: estancia-dev-private-eu-west-1a
        subnet_ids: [subnet-0123456789abcdef0]
        default_target: nat-0123456789abcdef0
"""

RETURN = r"""
table_ids:
  description: The tables' ids by name; empty strings in check mode for those that do not exist yet.
  returned: always
  type: dict
"""

ANYWHERE = "0.0.0.0/0"


def describe(ec2: EC2Client, vpc_id: str) -> list[dict[str, Any]]:
    """The route tables of a VPC, without the main one.

    Args:
        ec2: A client.
        vpc_id: The VPC.

    Returns:
        EC2's descriptions.
    """
    pages = ec2.get_paginator("describe_route_tables").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    tables: list[dict[str, Any]] = [dict(table) for page in pages for table in page["RouteTables"]]
    return [table for table in tables if not any(link.get("Main") for link in table["Associations"])]


def links(tables: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Which table each subnet uses.

    Args:
        tables: EC2's descriptions.

    Returns:
        The table's id and the association's, by subnet.
    """
    return {
        link["SubnetId"]: (table["RouteTableId"], link["RouteTableAssociationId"])
        for table in tables
        for link in table["Associations"]
        if link.get("SubnetId")
    }


def own_routes(table: dict[str, Any]) -> dict[str, str]:
    """The routes that somebody wrote, without the VPC's own and those of gateway endpoints.

    Args:
        table: EC2's description.

    Returns:
        The target by destination range.
    """
    routes = {}
    for route in table.get("Routes", []):
        target = route.get("NatGatewayId") or route.get("GatewayId") or "other"
        if "DestinationCidrBlock" in route and target != "local" and not target.startswith("vpce-"):
            routes[route["DestinationCidrBlock"]] = target
    return routes


def create(ec2: EC2Client, vpc_id: str, tags: dict[str, str]) -> str:
    """Create a table and wait until EC2 shows it.

    Args:
        ec2: A client.
        vpc_id: The VPC.
        tags: Its tags with the name.

    Returns:
        Its id.
    """
    specification: Any = [{"ResourceType": "route-table", "Tags": tag_list(tags)}]
    table_id = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=specification)["RouteTable"]["RouteTableId"]
    # Read after write is only eventual: the first routes and associations would answer NotFound.
    AWSRetry.jittered_backoff(retries=8, delay=1, catch_extra_error_codes=["InvalidRouteTableID.NotFound"])(
        ec2.describe_route_tables
    )(RouteTableIds=[table_id])
    return table_id


def write_routes(ec2: EC2Client, table_id: str, before: dict[str, str], after: dict[str, str]) -> None:
    """Make a table's own routes the wanted ones.

    Args:
        ec2: A client.
        table_id: The table.
        before: Targets by destination, live.
        after: Targets by destination, wanted.
    """
    for destination, target in after.items():
        kind = "NatGatewayId" if target.startswith("nat-") else "GatewayId"
        arguments: Any = {"RouteTableId": table_id, "DestinationCidrBlock": destination, kind: target}
        if destination not in before:
            ec2.create_route(**arguments)
        elif before[destination] != target:
            ec2.replace_route(**arguments)
    for destination in sorted(set(before) - set(after)):
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock=destination)


def link(ec2: EC2Client, table_id: str, subnet_id: str, association_id: str) -> None:
    """Let a subnet use a table, without a moment between two.

    Args:
        ec2: A client.
        table_id: The table.
        subnet_id: The subnet.
        association_id: The subnet's association with another table; empty when it uses the main one.
    """
    if association_id:
        ec2.replace_route_table_association(AssociationId=association_id, RouteTableId=table_id)
    else:
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)


def ensure_one(
    plan: Plan, ec2: EC2Client, table: dict[str, Any], live: dict[str, Any], used: dict[str, tuple[str, str]]
) -> None:
    """Bring one table's routes and subnets to the wanted state.

    Args:
        plan: Where the steps go.
        ec2: A client.
        table: The wanted table.
        live: EC2's description, or a stub of a new one.
        used: Which table each subnet uses.
    """
    table_id, name = live["RouteTableId"], table["name"]
    before = own_routes(live)
    after = {ANYWHERE: table["default_target"]} if table["default_target"] else {}
    plan.converge(f"Routes of {name}", before, after, lambda: write_routes(ec2, table_id, before, after))
    for subnet_id in table["subnet_ids"]:
        current, association = used.get(subnet_id, ("", ""))
        plan.converge(
            f"Route table of {subnet_id}",
            f"{current or 'main'}\n",
            f"{table_id}\n",
            lambda subnet=subnet_id, old=association: link(ec2, table_id, subnet, old),
        )


def remove(ec2: EC2Client, table: dict[str, Any]) -> None:
    """Delete a table; its subnets go back to the main one.

    Args:
        ec2: A client.
        table: EC2's description.
    """
    for _table_id, association in links([table]).values():
        ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=table["RouteTableId"])


def ensure(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, Any]:
    """Bring all tables of the VPC to the wanted state.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    tables = describe(ec2, params["vpc_id"])
    used = links(tables)
    live = {tag_dict(table.get("Tags")).get("Name", table["RouteTableId"]): table for table in tables}
    ids: dict[str, str] = {}
    for table in params["tables"]:
        name = table["name"]
        tags = {**params["tags"], "Name": name}
        found = live.pop(name, None)
        if found is None:
            title = f"Route table {name}"
            made = plan.step(title, "", f"{name}\n", lambda tags=tags: create(ec2, params["vpc_id"], tags))
            ids[name] = made or ""
            found = {"RouteTableId": made or f"({name})", "Tags": tag_list(tags)}
        else:
            ids[name] = found["RouteTableId"]
        resources = [found["RouteTableId"]]
        converge_tags(
            plan,
            f"route table {name}",
            tag_dict(found.get("Tags")),
            tags,
            add=lambda pairs, to=resources: ec2.create_tags(Resources=to, Tags=tag_list(pairs)),
            remove=lambda keys, to=resources: ec2.delete_tags(Resources=to, Tags=[{"Key": key} for key in keys]),
        )
        ensure_one(plan, ec2, table, found, used)
    for name, table in sorted(live.items()):
        plan.step(f"Route table {name}", f"{name}\n", "", lambda gone=table: remove(ec2, gone))
    return {"table_ids": ids}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "tables": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "subnet_ids": {"type": "list", "elements": "str", "default": []},
                    "default_target": {"type": "str", "default": ""},
                },
            },
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("ec2"), module.params))


if __name__ == "__main__":
    main()
