#!/usr/bin/python
"""Ansible module: all endpoints of a VPC, with their policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DOCUMENTATION = r"""
module: ec2_vpc_endpoints
short_description: Manage the endpoints of a VPC as one set
description:
  - Creates what is missing, changes what differs and removes what is not named.
  - M(amazon.aws.ec2_vpc_endpoint) changes only the tags of an endpoint that exists, makes a second one when its
    route tables differ, and cannot say whether private DNS is wanted.
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  endpoints:
    description: The endpoints, at most one for a service.
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description: The service's full name, for example V(com.amazonaws.eu-west-1.s3).
        type: str
        required: true
      type:
        description: Whether routes or network interfaces lead to the service.
        type: str
        choices: [Gateway, Interface]
        default: Gateway
      policy:
        description: The endpoint policy.
        type: json
        required: true
      route_table_ids:
        description: The route tables of a gateway endpoint.
        type: list
        elements: str
        default: []
      subnet_ids:
        description: The subnets of an interface endpoint.
        type: list
        elements: str
        default: []
      security_group_ids:
        description: The security groups of an interface endpoint.
        type: list
        elements: str
        default: []
  name:
    description: The start of the endpoints' Name tags.
    type: str
    required: true
  tags:
    description: The endpoints' tags, exactly, beside the name.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Reach S3 without leaving AWS
  ec2_vpc_endpoints:
    vpc_id: vpc-0123456789abcdef0
    name: estancia-dev
    endpoints:
      - service: com.amazonaws.eu-west-1.s3
        route_table_ids: [rtb-0123456789abcdef0]
        policy: "{{ lookup('ansible.builtin.template', 's3-endpoint-policy.json.j2') }}"
"""

RETURN = r"""
endpoint_ids:
  description: The endpoints' ids by service.
  returned: always
  type: dict
"""

# What EC2 calls the members of an endpoint in a description, a creation and a change.
MEMBERS = {
    "route_table_ids": ("RouteTableIds", "RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
    "subnet_ids": ("SubnetIds", "SubnetIds", "AddSubnetIds", "RemoveSubnetIds"),
    "security_group_ids": ("Groups", "SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
}


def describe(ec2: EC2Client, vpc_id: str) -> dict[str, dict[str, Any]]:
    """The endpoints of a VPC that are there or coming.

    Args:
        ec2: A client.
        vpc_id: The VPC.

    Returns:
        EC2's descriptions by service.
    """
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return {
        endpoint["ServiceName"]: dict(endpoint)
        for page in pages
        for endpoint in page["VpcEndpoints"]
        if endpoint["VpcId"] == vpc_id and str(endpoint["State"]).lower() not in ("deleting", "deleted")
    }


def create(ec2: EC2Client, params: dict[str, Any], endpoint: dict[str, Any], tags: dict[str, str]) -> str:
    """Create one endpoint.

    Args:
        ec2: A client.
        params: The module's parameters.
        endpoint: The wanted endpoint.
        tags: Its tags with the name.

    Returns:
        Its id.
    """
    request: dict[str, Any] = {names[1]: endpoint[key] for key, names in MEMBERS.items() if endpoint[key]}
    if endpoint["type"] == "Interface":
        request["PrivateDnsEnabled"] = True
    answer = ec2.create_vpc_endpoint(
        VpcId=params["vpc_id"],
        ServiceName=endpoint["service"],
        VpcEndpointType=endpoint["type"],
        PolicyDocument=endpoint["policy"],
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tag_list(tags)}],
        **request,
    )
    return answer["VpcEndpoint"]["VpcEndpointId"]


def changes(live: dict[str, Any], endpoint: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What a ModifyVpcEndpoint has to say; a field that EC2 leaves out of a description is no difference.

    Args:
        live: EC2's description.
        endpoint: The wanted endpoint.

    Returns:
        The request's arguments, and the differing fields before and after.
    """
    request: dict[str, Any] = {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for key, (described, _created, added, removed) in MEMBERS.items():
        if described not in live:
            continue
        have = sorted(member["GroupId"] if isinstance(member, dict) else member for member in live[described])
        want = sorted(endpoint[key])
        if have != want:
            before[key], after[key] = have, want
            moves = {added: sorted(set(want) - set(have)), removed: sorted(set(have) - set(want))}
            request.update({name: members for name, members in moves.items() if members})
    policy = json.loads(live.get("PolicyDocument") or endpoint["policy"])
    if compare_policies(policy, json.loads(endpoint["policy"])):
        request["PolicyDocument"] = endpoint["policy"]
        before["policy"], after["policy"] = policy, json.loads(endpoint["policy"])
    if endpoint["type"] == "Interface" and live.get("PrivateDnsEnabled") is False:
        request["PrivateDnsEnabled"] = True
        before["private_dns"], after["private_dns"] = False, True
    return request, before, after


def ensure_one(
    plan: Plan, ec2: EC2Client, params: dict[str, Any], endpoint: dict[str, Any], live: dict[str, Any] | None
) -> str:
    """Bring one endpoint to the wanted state.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.
        endpoint: The wanted endpoint.
        live: EC2's description; None when there is none.

    Returns:
        Its id; empty in check mode when it does not exist yet.
    """
    service = endpoint["service"].rpartition(".")[2]
    tags = {**params["tags"], "Name": f"{params['name']}-{service}"}
    if live is None:
        wanted = {key: value for key, value in endpoint.items() if value}
        return plan.step(f"Endpoint {service}", {}, wanted, lambda: create(ec2, params, endpoint, tags)) or ""
    endpoint_id = str(live["VpcEndpointId"])
    request, before, after = changes(live, endpoint)
    if request:
        modify = ec2.modify_vpc_endpoint
        plan.step(f"Endpoint {service}", before, after, lambda: modify(VpcEndpointId=endpoint_id, **request))
    converge_tags(
        plan,
        f"endpoint {service}",
        tag_dict(live.get("Tags")),
        tags,
        add=lambda pairs: ec2.create_tags(Resources=[endpoint_id], Tags=tag_list(pairs)),
        remove=lambda keys: ec2.delete_tags(Resources=[endpoint_id], Tags=[{"Key": key} for key in keys]),
    )
    return endpoint_id


def remove(ec2: EC2Client, endpoint_id: str) -> None:
    """Delete one endpoint.

    Args:
        ec2: A client.
        endpoint_id: Its id.

    Raises:
        ValueError: When EC2 answers that it could not.
    """
    failed = ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id]).get("Unsuccessful")
    if failed:
        raise ValueError(f"EC2 did not delete the endpoint {endpoint_id}: {failed[0]['Error']['Message']}")


def ensure(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, Any]:
    """Bring all endpoints of the VPC to the wanted state; a type cannot change, so such an endpoint is replaced.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    live = describe(ec2, params["vpc_id"])
    wanted = {endpoint["service"]: endpoint for endpoint in params["endpoints"]}
    for service, found in sorted(live.items()):
        if service in wanted and wanted[service]["type"] == found["VpcEndpointType"]:
            continue
        drop = str(found["VpcEndpointId"])
        plan.step(f"Endpoint {service}", f"{drop}\n", "", lambda endpoint_id=drop: remove(ec2, endpoint_id))
        live = {key: value for key, value in live.items() if key != service}
    ids = {service: ensure_one(plan, ec2, params, endpoint, live.get(service)) for service, endpoint in wanted.items()}
    return {"endpoint_ids": ids}


def main() -> None:
    """Run the module."""
    names = {"type": "list", "elements": "str", "default": []}
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "endpoints": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "service": {"type": "str", "required": True},
                    "type": {"type": "str", "choices": ["Gateway", "Interface"], "default": "Gateway"},
                    "policy": {"type": "json", "required": True},
                    "route_table_ids": names,
                    "subnet_ids": names,
                    "security_group_ids": names,
                },
            },
            "name": {"type": "str", "required": True},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("ec2"), module.params))


if __name__ == "__main__":
    main()
