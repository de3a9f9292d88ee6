#!/usr/bin/python
"""Ansible module: the whole of one IAM role that a service assumes: trust, boundary, permissions, instance profile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.module_utils.iam_documents import check_size, compact
from ansible.module_utils.iam_roles import ensure_absent, find_profile, find_role
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef


DOCUMENTATION = r"""
module: iam_service_role
short_description: Manage an IAM role as a whole, exactly
description:
  - One role with its trust policy, permissions boundary, inline policies and, if wanted, an instance profile.
  - Exact, so inline policies that are not named and all attached managed policies are taken away.
  - Retries where IAM does not see yet what was made a moment ago.
  - With the collection this takes three modules a role, none of which shows the trust policy's difference or
    notices an inline policy that somebody added.
options:
  name:
    description: The role's name, and the instance profile's.
    type: str
    required: true
  description:
    description: Who the principal is.
    type: str
    default: ""
  trust:
    description: The trust policy. Required when O(state=present). At most 2048 characters.
    type: json
  boundary:
    description: The ARN of the permissions boundary. Required when O(state=present).
    type: str
  policies:
    description: The inline policies, documents by name. At most 10240 characters in sum.
    type: dict
    default: {}
  instance_profile:
    description: Whether the role has an instance profile of its name.
    type: bool
    default: false
  state:
    description: Whether the role shall exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: The tags of the role and of its instance profile, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the dispatcher's role
  iam_service_role:
    name: estancia-dev-dispatcher
    trust: "{{ lookup('ansible.builtin.template', 'lambda-trust.json.j2') }}"
    boundary: "{{ boundary_arn }}"
    policies:
      ledger: "{{ lookup('ansible.builtin.template', 'ledger.json.j2') }}"
"""

RETURN = r"""
arn:
  description: The role's ARN; empty in check mode when it does not exist yet.
  returned: always
  type: str
instance_profile_arn:
  description: The instance profile's ARN; empty when there is none.
  returned: always
  type: str
"""
# IAM answers these for seconds after a policy or a role that the call names was made.
RETRY = AWSRetry.jittered_backoff(
    retries=8, delay=2, max_delay=10, catch_extra_error_codes=["NoSuchEntity", "MalformedPolicyDocument"]
)


def create(plan: Plan, iam: IAMClient, params: dict[str, Any]) -> str:
    """Create the role without permissions and wait until IAM shows it.

    Args:
        plan: Where the step goes.
        iam: A client.
        params: The module's parameters.

    Returns:
        The role's ARN; empty in check mode.
    """

    def action() -> str:
        role = RETRY(iam.create_role)(
            RoleName=params["name"],
            AssumeRolePolicyDocument=params["trust"],
            Description=params["description"],
            PermissionsBoundary=params["boundary"],
            Tags=tag_list(params["tags"]),
        )
        iam.get_waiter("role_exists").wait(RoleName=params["name"], WaiterConfig={"Delay": 2, "MaxAttempts": 15})
        return str(role["Role"]["Arn"])

    wanted = {"trust": json.loads(params["trust"]), "boundary": params["boundary"], "tags": params["tags"]}
    return plan.step(f"Role {params['name']}", {}, wanted, action) or ""


def update(plan: Plan, iam: IAMClient, role: RoleTypeDef, params: dict[str, Any]) -> None:
    """Change what differs on the role itself.

    Args:
        plan: Where the steps go.
        iam: A client.
        role: The live role.
        params: The module's parameters.
    """
    name = params["name"]
    live, wanted = role["AssumeRolePolicyDocument"], json.loads(params["trust"])
    if compare_policies(live, wanted):
        plan.step(
            f"Trust policy of {name}",
            live,
            wanted,
            lambda: RETRY(iam.update_assume_role_policy)(RoleName=name, PolicyDocument=params["trust"]),
        )
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    plan.converge(
        f"Boundary of {name}",
        f"{boundary}\n",
        f"{params['boundary']}\n",
        lambda: RETRY(iam.put_role_permissions_boundary)(RoleName=name, PermissionsBoundary=params["boundary"]),
    )
    plan.converge(
        f"Description of {name}",
        role.get("Description", ""),
        params["description"],
        lambda: iam.update_role(RoleName=name, Description=params["description"]),
    )
    converge_tags(
        plan,
        f"role {name}",
        tag_dict(iam.list_role_tags(RoleName=name).get("Tags")),
        params["tags"],
        add=lambda tags: iam.tag_role(RoleName=name, Tags=tag_list(tags)),
        remove=lambda keys: iam.untag_role(RoleName=name, TagKeys=keys),
    )


def converge_policies(plan: Plan, iam: IAMClient, name: str, policies: dict[str, str], exists: bool) -> None:
    """Give the role exactly these inline policies and no managed one.

    Args:
        plan: Where the steps go.
        iam: A client.
        name: The role's name.
        policies: Compact documents by name.
        exists: False when the role was made a moment ago, or would be.
    """
    live = iam.list_role_policies(RoleName=name)["PolicyNames"] if exists else []
    for policy, document in policies.items():
        wanted = json.loads(document)
        before: Any = {}
        if policy in live:
            before = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            if not compare_policies(before, wanted):
                continue
        put = RETRY(iam.put_role_policy)
        arguments = {"RoleName": name, "PolicyName": policy, "PolicyDocument": document}
        plan.step(f"Inline policy {policy} of {name}", before, wanted, lambda call=put, given=arguments: call(**given))
    for policy in sorted(set(live) - set(policies)):
        drop = {"RoleName": name, "PolicyName": policy}
        plan.step(
            f"Inline policy {policy} of {name}", f"{policy}\n", "", lambda given=drop: iam.delete_role_policy(**given)
        )
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] if exists else []:
        detach = {"RoleName": name, "PolicyArn": attached["PolicyArn"]}
        title = f"Managed policy of {name}"
        plan.step(title, f"{attached['PolicyArn']}\n", "", lambda given=detach: iam.detach_role_policy(**given))


def converge_profile(plan: Plan, iam: IAMClient, params: dict[str, Any]) -> str:
    """Make sure of the instance profile of the role's name.

    Args:
        plan: Where the steps go.
        iam: A client.
        params: The module's parameters.

    Returns:
        The instance profile's ARN; empty in check mode when it does not exist yet.
    """
    name = params["name"]
    profile = find_profile(iam, name)
    if profile is None:

        def create_profile() -> str:
            made = iam.create_instance_profile(InstanceProfileName=name, Tags=tag_list(params["tags"]))
            iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=name)
            RETRY(iam.add_role_to_instance_profile)(InstanceProfileName=name, RoleName=name)
            return made["InstanceProfile"]["Arn"]

        arn: str = plan.step(f"Instance profile {name}", "", f"{name}\n", create_profile) or ""
        return arn
    if name not in [role["RoleName"] for role in profile["Roles"]]:
        plan.step(
            f"Role of instance profile {name}",
            "",
            f"{name}\n",
            lambda: RETRY(iam.add_role_to_instance_profile)(InstanceProfileName=name, RoleName=name),
        )
    converge_tags(
        plan,
        f"instance profile {name}",
        tag_dict(iam.list_instance_profile_tags(InstanceProfileName=name).get("Tags")),
        params["tags"],
        add=lambda tags: iam.tag_instance_profile(InstanceProfileName=name, Tags=tag_list(tags)),
        remove=lambda keys: iam.untag_instance_profile(InstanceProfileName=name, TagKeys=keys),
    )
    return str(profile["Arn"])


def ensure(plan: Plan, iam: IAMClient, params: dict[str, Any]) -> dict[str, Any]:
    """Bring the role to the wanted state.

    Args:
        plan: Where the steps go.
        iam: A client.
        params: The module's parameters.

    Returns:
        The module's result.

    Raises:
        ValueError: When a document is longer than IAM takes.
    """
    name = params["name"]
    if params["state"] == "absent":
        gone: dict[str, Any] = ensure_absent(plan, iam, name)
        return gone
    policies = {key: compact(json.dumps(value)) for key, value in params["policies"].items()}
    params["trust"] = compact(params["trust"])
    check_size(f"The trust policy of {name}", [params["trust"]], 2048)
    check_size(f"The inline policies of {name}", list(policies.values()), 10240)
    role = find_role(iam, name)
    if role is None:
        arn = create(plan, iam, params)
    else:
        arn = role["Arn"]
        update(plan, iam, role, params)
    converge_policies(plan, iam, name, policies, role is not None)
    profile = converge_profile(plan, iam, params) if params["instance_profile"] else ""
    return {"arn": arn, "instance_profile_arn": profile}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "default": ""},
            "trust": {"type": "json"},
            "boundary": {"type": "str"},
            "policies": {"type": "dict", "default": {}},
            "instance_profile": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["trust", "boundary"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("iam"), module.params))


if __name__ == "__main__":
    main()
