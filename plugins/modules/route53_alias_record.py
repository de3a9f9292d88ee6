#!/usr/bin/python
"""Ansible module: a name in a hosted zone that leads to a load balancer."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, run
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: route53_alias_record
short_description: Manage an alias record of type A
description:
  - Makes the record or leads it to another load balancer. Removing it needs no knowledge of where it leads.
  - M(amazon.aws.route53) calls a record's region O(region), so a play's default region for all AWS modules turns every
    record into a latency record; and it deletes an alias only for one who still knows its target.
options:
  hosted_zone_id:
    description: The hosted zone.
    type: str
    required: true
  name:
    description: The record's whole name.
    type: str
    required: true
  state:
    description: Whether the record exists.
    type: str
    choices: [present, absent]
    default: present
  target_name:
    description: The load balancer's DNS name. Required when O(state=present).
    type: str
  target_zone_id:
    description: The hosted zone of the load balancer's DNS name. Required when O(state=present).
    type: str
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Give the load balancer its name
  route53_alias_record:
    hosted_zone_id: Z0123456789ABCDEFGHIJ
    name: processor.estancia-dev.internal
    target_name: internal-estancia-dev-1234567890.eu-west-1.elb.amazonaws.com
    target_zone_id: Z32O12XQLNTSW2
"""

RETURN = r"""
name:
  description: The record's name.
  returned: always
  type: str
"""


def find(route53: Any, zone: str, name: str) -> dict[str, Any]:
    """The live record.

    Args:
        route53: A client.
        zone: The hosted zone's id.
        name: The record's whole name, with the final dot.

    Returns:
        Route 53's ResourceRecordSet; empty when there is none.
    """
    answer = route53.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType="A", MaxItems="1"
    )
    records = answer["ResourceRecordSets"]
    found = [record for record in records if record["Name"] == name and record["Type"] == "A"]
    return dict(found[0]) if found else {}


def ensure(plan: Plan, route53: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the record what is asked for.

    Args:
        plan: Where the step goes.
        route53: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    zone, name = params["hosted_zone_id"], params["name"].lower().rstrip(".") + "."
    live = find(route53, zone, name)

    def change(action: str, record: dict[str, Any]) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    if params["state"] == "absent":
        if live:
            plan.step(f"Record {name}", live, {}, lambda: change("DELETE", live))
        return {"name": name}
    wanted = {
        "Name": name,
        "Type": "A",
        "AliasTarget": {
            "HostedZoneId": params["target_zone_id"],
            "DNSName": params["target_name"].lower().rstrip(".") + ".",
            "EvaluateTargetHealth": False,
        },
    }
    plan.converge(f"Record {name}", project(live, wanted) if live else {}, wanted, lambda: change("UPSERT", wanted))
    return {"name": name}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "hosted_zone_id": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "target_name": {"type": "str"},
            "target_zone_id": {"type": "str"},
        },
        required_if=[("state", "present", ["target_name", "target_zone_id"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("route53"), module.params))


if __name__ == "__main__":
    main()
