"""What finds and removes an IAM role with its instance profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import InstanceProfileTypeDef, RoleTypeDef


def find_role(iam: IAMClient, name: str) -> RoleTypeDef | None:
    """The role, if it exists.

    Args:
        iam: A client.
        name: The role's name.

    Returns:
        The role; None when there is none.
    """
    try:
        return iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None


def find_profile(iam: IAMClient, name: str) -> InstanceProfileTypeDef | None:
    """The instance profile, if it exists.

    Args:
        iam: A client.
        name: The instance profile's name.

    Returns:
        The instance profile; None when there is none.
    """
    try:
        return iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        return None


def remove(iam: IAMClient, name: str) -> None:
    """Delete a role with its policies, and the instance profile of its name.

    Args:
        iam: A client.
        name: The role's name.
    """
    for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)


def ensure_absent(plan: Plan, iam: IAMClient, name: str) -> dict[str, Any]:
    """Take the role and its instance profile away, whichever of them is left.

    Args:
        plan: Where the steps go.
        iam: A client.
        name: The role's name.

    Returns:
        The module's result.
    """
    if find_role(iam, name):
        plan.step(f"Role {name}", f"{name}\n", "", lambda: remove(iam, name))
    if find_profile(iam, name):
        delete = iam.delete_instance_profile
        plan.step(f"Instance profile {name}", f"{name}\n", "", lambda: delete(InstanceProfileName=name))
    return {"arn": "", "instance_profile_arn": ""}
