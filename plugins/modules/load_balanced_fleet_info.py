#!/usr/bin/python
"""Ansible module: the ids of a fleet behind a load balancer, by its names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.plan import Plan, run, tag_dict
from ansible.module_utils.waiting import optional
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: load_balanced_fleet_info
short_description: Look up a load balancer, its target group, Auto Scaling group and imported certificate
description:
  - Answers in one task what four modules of the collections answer in four, two of which fail where something is
    missing.
options:
  load_balancer:
    description: The load balancer's name.
    type: str
    required: true
  target_group:
    description: The target group's name.
    type: str
    required: true
  autoscaling_group:
    description: The Auto Scaling group's name.
    type: str
    required: true
  certificate:
    description: The C(Name) tag of the certificate that was imported into ACM.
    type: str
    required: true
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Look the fleet up
  load_balanced_fleet_info:
    load_balancer: estancia-dev
    target_group: estancia-dev-processor
    autoscaling_group: estancia-dev-processor
    certificate: estancia-dev-processor
"""

RETURN = r"""
load_balancer:
  description: Its C(arn), C(dns_name), C(hosted_zone_id) and C(vpc_id); all empty where there is none.
  returned: always
  type: dict
target_group_arn:
  description: The target group's ARN; empty where there is none.
  returned: always
  type: str
targets:
  description: How many targets are registered.
  returned: always
  type: int
autoscaling_group_exists:
  description: Whether the Auto Scaling group is there.
  returned: always
  type: bool
certificate:
  description: Its C(arn), C(pem) and C(days_left); empty and -1 where there is none.
  returned: always
  type: dict
"""

KEY_TYPES = ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


def load_balancer(elb: Any, name: str) -> dict[str, str]:
    """The load balancer's ids.

    Args:
        elb: A client.
        name: Its name.

    Returns:
        The module's `load_balancer`.
    """
    answer = optional(lambda: elb.describe_load_balancers(Names=[name]), "LoadBalancerNotFound")
    found = answer["LoadBalancers"] if answer else []
    live = found[0] if found else {}
    return {
        "arn": live.get("LoadBalancerArn", ""),
        "dns_name": live.get("DNSName", ""),
        "hosted_zone_id": live.get("CanonicalHostedZoneId", ""),
        "vpc_id": live.get("VpcId", ""),
    }


def certificate(acm: Any, name: str, now: datetime) -> dict[str, Any]:
    """The imported certificate that lasts longest.

    Args:
        acm: A client.
        name: Its `Name` tag.
        now: The present time.

    Returns:
        The module's `certificate`; whole days left, rounded down.
    """
    pages = acm.get_paginator("list_certificates").paginate(Includes={"keyTypes": KEY_TYPES})
    arns = [item["CertificateArn"] for page in pages for item in page["CertificateSummaryList"]]
    tags = {arn: tag_dict(acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]) for arn in arns}
    named = [arn for arn in arns if tags[arn].get("Name") == name]
    details = [acm.describe_certificate(CertificateArn=arn)["Certificate"] for arn in named]
    imported = [item for item in details if item.get("Type") == "IMPORTED" and item.get("NotAfter")]
    if not imported:
        return {"arn": "", "pem": "", "days_left": -1}
    best = max(imported, key=lambda item: item["NotAfter"])
    pem = acm.get_certificate(CertificateArn=best["CertificateArn"])["Certificate"]
    return {"arn": best["CertificateArn"], "pem": pem, "days_left": (best["NotAfter"] - now).days}


def read(clients: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """What is there of the fleet.

    Args:
        clients: Clients of elbv2, autoscaling and acm.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    elb = clients["elbv2"]
    answer = optional(lambda: elb.describe_target_groups(Names=[params["target_group"]]), "TargetGroupNotFound")
    arn = answer["TargetGroups"][0]["TargetGroupArn"] if answer and answer["TargetGroups"] else ""
    name = params["autoscaling_group"]
    groups = clients["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return {
        "load_balancer": load_balancer(elb, params["load_balancer"]),
        "target_group_arn": arn,
        "targets": len(elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]) if arn else 0,
        "autoscaling_group_exists": bool(groups),
        "certificate": certificate(clients["acm"], params["certificate"], datetime.now(UTC)),
    }


def main() -> None:
    """Run the module."""
    names = ("load_balancer", "target_group", "autoscaling_group", "certificate")
    module = AnsibleAWSModule(
        argument_spec={name: {"type": "str", "required": True} for name in names},
        supports_check_mode=True,
    )

    def work(_plan: Plan) -> dict[str, Any]:
        return read({name: module.client(name) for name in ("elbv2", "autoscaling", "acm")}, module.params)

    run(module, work)


if __name__ == "__main__":
    main()
