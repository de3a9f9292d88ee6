#!/usr/bin/python
"""Ansible module: the security groups of a VPC as one exact set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.security_group_rules import Rule, permission, rules_of, show
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DOCUMENTATION = r"""
module: ec2_security_groups
short_description: Manage the security groups of a VPC as one exact set
description:
  - Makes the groups first and their rules then, so that groups can name each other in a circle.
  - A group named here has exactly the rules named here; the VPC's default group has none.
  - New rules are added before old ones go, so that a change interrupts nothing that both allow.
  - M(amazon.aws.ec2_security_group) takes a task for each group and the default one, each of which waits.
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  groups:
    description: The groups.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The group's name.
        type: str
        required: true
      description:
        description: What stands in the group. EC2 fixes it at the creation.
        type: str
        required: true
      ingress:
        description: What may come in, see O(groups[].egress).
        type: list
        elements: dict
        default: []
      egress:
        description:
          - What may go out. Each rule has C(port) (TCP), C(description) and one of C(group) (a name among these),
            C(prefix_list) (its name) and C(cidr).
        type: list
        elements: dict
        default: []
  state:
    description: With V(absent) the groups are emptied, then deleted; the default group stays as it is.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: The groups' tags, exactly, beside the name.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Let one call the other
  ec2_security_groups:
    vpc_id: vpc-0123456789abcdef0
    groups:
      - name: caller
        description: Calls
        egress:
          - {port: 443, group: called, description: The service}
      - {name: called, description: Answers}
"""

RETURN = r"""
group_ids:
  description: The groups' ids by name; empty strings in check mode for those that do not exist yet.
  returned: always
  type: dict
"""

DIRECTIONS = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}


def describe(ec2: EC2Client, vpc_id: str) -> dict[str, dict[str, Any]]:
    """The security groups of a VPC.

    Args:
        ec2: A client.
        vpc_id: The VPC.

    Returns:
        EC2's descriptions by name.
    """
    pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return {group["GroupName"]: dict(group) for page in pages for group in page["SecurityGroups"]}


def prefix_lists(ec2: EC2Client, groups: list[dict[str, Any]]) -> dict[str, str]:
    """The ids of the prefix lists that rules name.

    Args:
        ec2: A client.
        groups: The wanted groups.

    Returns:
        Ids by name.

    Raises:
        ValueError: When a name is not known in the region.
    """
    rules = [rule for group in groups for way in DIRECTIONS for rule in group[way]]
    names = sorted({rule["prefix_list"] for rule in rules if rule.get("prefix_list")})
    if not names:
        return {}
    pages = ec2.get_paginator("describe_prefix_lists").paginate(Filters=[{"Name": "prefix-list-name", "Values": names}])
    found = {item["PrefixListName"]: item["PrefixListId"] for page in pages for item in page["PrefixLists"]}
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"The region has no prefix list named {', '.join(missing)}: check the rules' prefix_list.")
    return found


def create(ec2: EC2Client, vpc_id: str, group: dict[str, Any], tags: dict[str, str]) -> str:
    """Create a group and wait until EC2 shows it.

    Args:
        ec2: A client.
        vpc_id: The VPC.
        group: The wanted group.
        tags: Its tags with the name.

    Returns:
        Its id.
    """
    answer = ec2.create_security_group(
        GroupName=group["name"],
        Description=group["description"],
        VpcId=vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tag_list(tags)}],
    )
    ec2.get_waiter("security_group_exists").wait(GroupIds=[answer["GroupId"]])
    return answer["GroupId"]


def converge_rules(
    plan: Plan, ec2: EC2Client, live: dict[str, Any], wanted: dict[str, dict[Rule, str]], titles: dict[str, str]
) -> None:
    """Give a group exactly these rules.

    Args:
        plan: Where the steps go.
        ec2: A client.
        live: EC2's description.
        wanted: Descriptions by rule, for each direction.
        titles: What the differences show in place of groups' and lists' ids.
    """
    calls: dict[str, tuple[Any, Any]] = {
        "ingress": (ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress),
        "egress": (ec2.authorize_security_group_egress, ec2.revoke_security_group_egress),
    }
    group_id = live["GroupId"]
    for way, key in DIRECTIONS.items():
        have, want = rules_of(live.get(key, [])), wanted[way]
        missing = [permission(rule, want[rule]) for rule in sorted(set(want) - set(have))]
        surplus = [have[rule] for rule in sorted(set(have) - set(want))]
        allow, revoke = calls[way]

        def apply(add: Any = missing, drop: Any = surplus, allow: Any = allow, revoke: Any = revoke) -> None:
            if add:
                allow(GroupId=group_id, IpPermissions=add)
            if drop:
                revoke(GroupId=group_id, IpPermissions=drop)

        title = f"Rules of {live['GroupName']}, {way}"
        plan.converge(title, show(have, titles), show(want, titles), apply)


def ensure_groups(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make the groups that are missing, and everybody's tags right.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        EC2's descriptions by name, afterwards.
    """
    vpc_id, groups = params["vpc_id"], params["groups"]
    live = describe(ec2, vpc_id)
    for group in groups:
        tags = {**params["tags"], "Name": group["name"]}
        found = live.get(group["name"])
        if found is None:
            title = f"Security group {group['name']}"
            plan.step(
                title, "", f"{group['description']}\n", lambda new=group, tags=tags: create(ec2, vpc_id, new, tags)
            )
            continue
        ids = [found["GroupId"]]
        converge_tags(
            plan,
            f"security group {group['name']}",
            tag_dict(found.get("Tags")),
            tags,
            add=lambda pairs, ids=ids: ec2.create_tags(Resources=ids, Tags=tag_list(pairs)),
            remove=lambda keys, ids=ids: ec2.delete_tags(Resources=ids, Tags=[{"Key": key} for key in keys]),
        )
    if any(group["name"] not in live for group in groups):
        return describe(ec2, vpc_id)
    return live


def ensure_present(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, Any]:
    """Make the groups, then their rules; empty the default group.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    groups = params["groups"]
    lists = prefix_lists(ec2, groups)
    live = ensure_groups(plan, ec2, params)
    names = {group["name"]: live.get(group["name"], {}).get("GroupId", f"({group['name']})") for group in groups}
    titles = {identifier: name for name, identifier in {**names, **lists}.items()}
    for group in groups:
        wanted = {
            way: {Rule.wanted(rule, names, lists): rule["description"] for rule in group[way]} for way in DIRECTIONS
        }
        stub = {"GroupName": group["name"], "GroupId": names[group["name"]]}
        converge_rules(plan, ec2, live.get(group["name"], stub), wanted, titles)
    if "default" in live:
        converge_rules(plan, ec2, live["default"], {"ingress": {}, "egress": {}}, titles)
    return {"group_ids": {group["name"]: live.get(group["name"], {}).get("GroupId", "") for group in groups}}


def ensure_absent(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, Any]:
    """Empty the groups, since they name each other, then delete them.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    names = [group["name"] for group in params["groups"]]
    live = [group for name, group in describe(ec2, params["vpc_id"]).items() if name in names]
    titles = {group["GroupId"]: group["GroupName"] for group in live}
    for group in live:
        converge_rules(plan, ec2, group, {"ingress": {}, "egress": {}}, titles)
    for group in live:
        drop = group["GroupId"]
        title = f"Security group {group['GroupName']}"
        plan.step(title, f"{drop}\n", "", lambda group_id=drop: ec2.delete_security_group(GroupId=group_id))
    return {"group_ids": {}}


def main() -> None:
    """Run the module."""
    rules = {"type": "list", "elements": "dict", "default": []}
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "groups": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "description": {"type": "str", "required": True},
                    "ingress": rules,
                    "egress": rules,
                },
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    work = ensure_present if module.params["state"] == "present" else ensure_absent
    run(module, lambda plan: work(plan, module.client("ec2"), module.params))


if __name__ == "__main__":
    main()
