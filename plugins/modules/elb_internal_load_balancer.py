#!/usr/bin/python
"""Ansible module: an internal application load balancer with one HTTPS listener."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import error_code, optional, retry, wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: elb_internal_load_balancer
short_description: Manage an internal application load balancer that listens with HTTPS on 443 alone
description:
  - Makes the load balancer, its attributes and its listener; a listener on another port is removed.
  - Deleting it takes its deletion protection away first, and waits until it is gone.
  - M(amazon.aws.elb_application_lb) shows no difference and does not delete what is protected.
options:
  name:
    description: The load balancer's name, at most 32 characters.
    type: str
    required: true
  state:
    description: Whether the load balancer exists.
    type: str
    choices: [present, absent]
    default: present
  subnets:
    description: The subnets' ids, in two zones at least.
    type: list
    elements: str
    default: []
  security_groups:
    description: The security groups' ids.
    type: list
    elements: str
    default: []
  attributes:
    description: The attributes that count, text by name.
    type: dict
    default: {}
  certificate_arn:
    description: The certificate that the listener shows. Required when O(state=present).
    type: str
  ssl_policy:
    description: The listener's security policy. Required when O(state=present).
    type: str
  target_group_arn:
    description: Where the listener forwards to.
    type: str
  tags:
    description: The tags of load balancer and listener, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the load balancer
  elb_internal_load_balancer:
    name: estancia-dev
    subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    security_groups: [sg-0123456789abcdef0]
    certificate_arn: "{{ certificate_arn }}"
    ssl_policy: ELBSecurityPolicy-TLS13-1-3-2021-06
    target_group_arn: "{{ target_group_arn }}"
"""

RETURN = r"""
arn:
  description: The load balancer's ARN; empty where there is none.
  returned: always
  type: str
dns_name:
  description: Its DNS name; empty where there is none.
  returned: always
  type: str
hosted_zone_id:
  description: The hosted zone of its DNS name; empty where there is none.
  returned: always
  type: str
"""

PORT = 443
SECONDS = 600
SEEN_LATER = ("CertificateNotFound", "InvalidConfigurationRequest")
SEEN_SECONDS = 60


def find(elb: Any, name: str) -> dict[str, Any]:
    """The live load balancer.

    Args:
        elb: A client.
        name: Its name.

    Returns:
        ELB's description; empty when there is no such load balancer.
    """
    answer = optional(lambda: elb.describe_load_balancers(Names=[name]), "LoadBalancerNotFound")
    found = answer["LoadBalancers"] if answer else []
    return dict(found[0]) if found else {}


def create(plan: Plan, elb: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the load balancer and wait until it is active.

    Args:
        plan: Where the step goes.
        elb: A client.
        params: The module's parameters.

    Returns:
        ELB's description; empty in check mode.
    """
    name = params["name"]
    request = {
        "Name": name,
        "Scheme": "internal",
        "Type": "application",
        "IpAddressType": "ipv4",
        "Subnets": params["subnets"],
        "SecurityGroups": params["security_groups"],
        "Tags": tag_list(params["tags"]),
    }

    def action() -> dict[str, Any]:
        elb.create_load_balancer(**request)
        wait_until(lambda: find(elb, name)["State"]["Code"] == "active", f"load balancer {name} is active", SECONDS)
        return find(elb, name)

    return plan.step(f"Load balancer {name}", {}, request, action) or {}


def update(plan: Plan, elb: Any, live: dict[str, Any], params: dict[str, Any]) -> None:
    """Repair where a live load balancer stands, and its tags.

    Args:
        plan: Where the steps go.
        elb: A client.
        live: The live load balancer.
        params: The module's parameters.
    """
    arn, name = live["LoadBalancerArn"], params["name"]
    plan.converge(
        f"Subnets of load balancer {name}",
        sorted(zone["SubnetId"] for zone in live["AvailabilityZones"]),
        sorted(params["subnets"]),
        lambda: elb.set_subnets(LoadBalancerArn=arn, Subnets=params["subnets"]),
    )
    plan.converge(
        f"Security groups of load balancer {name}",
        sorted(live["SecurityGroups"]),
        sorted(params["security_groups"]),
        lambda: elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=params["security_groups"]),
    )
    converge_tags(
        plan,
        f"load balancer {name}",
        tag_dict(elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]),
        params["tags"],
        add=lambda tags: elb.add_tags(ResourceArns=[arn], Tags=tag_list(tags)),
        remove=lambda keys: elb.remove_tags(ResourceArns=[arn], TagKeys=keys),
    )


def patiently(call: Callable[[], Any]) -> Any:
    """Call until a bucket policy or a certificate that was made seconds ago is seen."""
    return retry(call, lambda error: error_code(error) in SEEN_LATER, SEEN_SECONDS)


def update_attributes(plan: Plan, elb: Any, arn: str, params: dict[str, Any]) -> None:
    """Set the attributes that differ.

    Args:
        plan: Where the step goes.
        elb: A client.
        arn: The load balancer's ARN; empty when it does not exist yet.
        params: The module's parameters.
    """
    wanted = {key: str(value) for key, value in params["attributes"].items()}
    live = tag_dict(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]) if arn else {}

    def action() -> None:
        patiently(lambda: elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=tag_list(wanted)))

    plan.converge(f"Attributes of load balancer {params['name']}", project(live, wanted), wanted, action)


def update_listener(plan: Plan, elb: Any, arn: str, params: dict[str, Any]) -> None:
    """Make the one listener what is asked for, and remove any other.

    Args:
        plan: Where the steps go.
        elb: A client.
        arn: The load balancer's ARN; empty when it does not exist yet.
        params: The module's parameters.
    """
    title = f"Listener of load balancer {params['name']}"
    wanted = {
        "Protocol": "HTTPS",
        "Port": PORT,
        "SslPolicy": params["ssl_policy"],
        "Certificates": [{"CertificateArn": params["certificate_arn"]}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": params["target_group_arn"]}],
    }
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"] if arn else []
    for listener in listeners:
        listener_arn = listener["ListenerArn"]
        if listener["Port"] == PORT:
            plan.converge(
                title,
                project(listener, wanted),
                wanted,
                lambda arn=listener_arn: patiently(lambda: elb.modify_listener(ListenerArn=arn, **wanted)),
            )
        else:
            other = f"{title} on port {listener['Port']}"
            plan.step(other, other, "", lambda listener_arn=listener_arn: elb.delete_listener(ListenerArn=listener_arn))
    if not any(listener["Port"] == PORT for listener in listeners):
        request = {**wanted, "LoadBalancerArn": arn, "Tags": tag_list(params["tags"])}
        plan.step(title, {}, wanted, lambda: patiently(lambda: elb.create_listener(**request)))


def remove(plan: Plan, elb: Any, live: dict[str, Any]) -> None:
    """Delete the load balancer, whatever protects it.

    Args:
        plan: Where the step goes.
        elb: A client.
        live: The live load balancer.
    """
    arn, name = live["LoadBalancerArn"], live["LoadBalancerName"]
    unprotected = tag_list({"deletion_protection.enabled": "false"})

    def delete() -> None:
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=unprotected)
        elb.delete_load_balancer(LoadBalancerArn=arn)
        wait_until(lambda: not find(elb, name), f"load balancer {name} is gone", SECONDS)

    plan.step(f"Load balancer {name}", arn, "", delete)


def ensure(plan: Plan, elb: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the load balancer what is asked for.

    Args:
        plan: Where the steps go.
        elb: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    live = find(elb, params["name"])
    if params["state"] == "absent":
        if live:
            remove(plan, elb, live)
        return dict.fromkeys(("arn", "dns_name", "hosted_zone_id"), "")
    if live:
        update(plan, elb, live, params)
    live = live or create(plan, elb, params)
    arn = live.get("LoadBalancerArn", "")
    update_attributes(plan, elb, arn, params)
    update_listener(plan, elb, arn, params)
    return {
        "arn": live.get("LoadBalancerArn", ""),
        "dns_name": live.get("DNSName", ""),
        "hosted_zone_id": live.get("CanonicalHostedZoneId", ""),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "subnets": {"type": "list", "elements": "str", "default": []},
            "security_groups": {"type": "list", "elements": "str", "default": []},
            "attributes": {"type": "dict", "default": {}},
            "certificate_arn": {"type": "str"},
            "ssl_policy": {"type": "str"},
            "target_group_arn": {"type": "str"},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["certificate_arn", "ssl_policy", "target_group_arn"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("elbv2"), module.params))


if __name__ == "__main__":
    main()
