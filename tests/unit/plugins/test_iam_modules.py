"""A role is exactly what the templates say, within its boundary and IAM's sizes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.iam_documents import check_size, compact
from ansible.module_utils.plan import Plan

from plugins.modules import iam_customer_managed_policy as policy_module
from plugins.modules import iam_service_linked_role as linked_module
from plugins.modules import iam_service_role as role_module

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "1"}}],
}
PERMISSIONS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
OTHER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TAGS = [{"Key": "Name", "Value": "r"}]


def params(**change: Any) -> dict[str, Any]:
    """The parameters of a role with an instance profile."""
    base = {
        "name": "r",
        "description": "Reads",
        "trust": json.dumps(TRUST),
        "boundary": "arn:b",
        "policies": {"permissions": PERMISSIONS},
        "instance_profile": True,
        "state": "present",
        "tags": {"Name": "r"},
    }
    return {**base, **change}


def live(client: Any, **answers: Any) -> Any:
    """A client whose account has the wanted role."""
    role = {
        "Arn": "arn:r",
        "AssumeRolePolicyDocument": TRUST,
        "Description": "Reads",
        "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:b"},
    }
    profile = {"Arn": "arn:p", "InstanceProfileName": "r", "Roles": [{"RoleName": "r"}]}
    base = {
        "get_role": {"Role": role},
        "create_role": {"Role": role},
        "list_role_tags": {"Tags": TAGS},
        "list_role_policies": {"PolicyNames": ["permissions"]},
        "get_role_policy": {"PolicyDocument": PERMISSIONS},
        "list_attached_role_policies": {"AttachedPolicies": []},
        "get_instance_profile": {"InstanceProfile": profile},
        "create_instance_profile": {"InstanceProfile": profile},
        "list_instance_profile_tags": {"Tags": TAGS},
        "list_instance_profiles_for_role": {"InstanceProfiles": [profile]},
    }
    return client(**{**base, **answers})


def test_a_role_as_wanted_is_left_alone(client: Any) -> None:
    iam, plan = live(client), Plan(False)
    assert role_module.ensure(plan, iam, params()) == {"arn": "arn:r", "instance_profile_arn": "arn:p"}
    assert not plan.changed
    assert iam.writes() == []


def test_a_missing_role_is_made_within_its_boundary(client: Any, missing: Any) -> None:
    iam = live(client, get_role=missing, get_instance_profile=missing)
    role_module.ensure(Plan(False), iam, params())
    assert iam.writes() == ["create_role", "put_role_policy", "create_instance_profile", "add_role_to_instance_profile"]
    assert iam.arguments("create_role")["PermissionsBoundary"] == "arn:b"


def test_check_mode_shows_a_new_role_whole(client: Any, missing: Any) -> None:
    iam, plan = live(client, get_role=missing, get_instance_profile=missing), Plan(True)
    role_module.ensure(plan, iam, params())
    assert iam.writes() == []
    assert len(plan.diff) == 3


def test_what_somebody_added_is_taken_away(client: Any) -> None:
    iam = live(
        client,
        list_role_policies={"PolicyNames": ["permissions", "by-hand"]},
        list_attached_role_policies={
            "AttachedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]
        },
    )
    role_module.ensure(Plan(False), iam, params())
    assert iam.writes() == ["delete_role_policy", "detach_role_policy"]
    assert iam.arguments("delete_role_policy")["PolicyName"] == "by-hand"


def test_a_boundary_that_was_removed_comes_back(client: Any) -> None:
    bare = {"Arn": "arn:r", "AssumeRolePolicyDocument": TRUST, "Description": "Reads"}
    iam = live(client, get_role={"Role": bare})
    role_module.ensure(Plan(False), iam, params())
    assert iam.writes() == ["put_role_permissions_boundary"]


def test_a_widened_policy_is_put_right(client: Any) -> None:
    iam = live(client, get_role_policy={"PolicyDocument": OTHER})
    role_module.ensure(Plan(False), iam, params())
    assert json.loads(iam.arguments("put_role_policy")["PolicyDocument"]) == PERMISSIONS


def test_a_role_goes_with_all_that_is_its_own(client: Any) -> None:
    iam = live(client)
    role_module.ensure(Plan(False), iam, params(state="absent"))
    assert iam.writes() == [
        "remove_role_from_instance_profile",
        "delete_role_policy",
        "delete_role",
        "delete_instance_profile",
    ]


def test_a_role_gone_stays_gone(client: Any, missing: Any) -> None:
    plan = Plan(False)
    role_module.ensure(plan, live(client, get_role=missing, get_instance_profile=missing), params(state="absent"))
    assert not plan.changed


def test_a_document_that_is_too_long_is_refused_before_anything_changes(client: Any) -> None:
    iam = live(client)
    long = {"Statement": [{"Resource": "x" * 11000}]}
    with pytest.raises(ValueError, match="IAM takes 10240"):
        role_module.ensure(Plan(False), iam, params(policies={"permissions": long}))
    assert iam.calls == []


def managed(**change: Any) -> dict[str, Any]:
    """The parameters of a managed policy."""
    base = {
        "arn": "arn:aws:iam::1:policy/b",
        "description": "Most",
        "policy": json.dumps(PERMISSIONS),
        "state": "present",
    }
    return {**base, "tags": {"Name": "r"}, **change}


def policy_account(client: Any, document: dict[str, Any]) -> Any:
    """A client whose account has a managed policy with a default and an older version."""
    versions = [{"VersionId": "v2", "IsDefaultVersion": True}, {"VersionId": "v1", "IsDefaultVersion": False}]
    return client(
        get_policy={"Policy": {"Arn": "arn:aws:iam::1:policy/b", "DefaultVersionId": "v2"}},
        get_policy_version={"PolicyVersion": {"Document": document}},
        list_policy_tags={"Tags": TAGS},
        list_policy_versions={"Versions": versions},
    )


def test_a_managed_policy_as_wanted_is_left_alone(client: Any) -> None:
    plan = Plan(False)
    policy_module.ensure(plan, policy_account(client, PERMISSIONS), managed())
    assert not plan.changed


def test_a_new_document_becomes_the_only_one(client: Any) -> None:
    iam = policy_account(client, OTHER)
    policy_module.ensure(Plan(False), iam, managed())
    assert iam.writes() == ["delete_policy_version", "create_policy_version", "delete_policy_version"]


def test_a_managed_policy_is_made_and_goes(client: Any, missing: Any) -> None:
    iam = client(get_policy=missing)
    policy_module.ensure(Plan(False), iam, managed())
    assert iam.writes() == ["create_policy"]
    gone = policy_account(client, PERMISSIONS)
    policy_module.ensure(Plan(False), gone, managed(state="absent"))
    assert gone.writes() == ["delete_policy_version", "delete_policy"]


def test_sizes_count_no_white_space() -> None:
    assert compact('{ "a" : [ 1 ] }') == '{"a":[1]}'
    check_size("It", ["x" * 5], 5)
    with pytest.raises(ValueError, match="It has 6 characters, IAM takes 5"):
        check_size("It", ["x" * 6], 5)


def test_a_services_own_role_is_found_among_those_with_a_suffix(client: Any) -> None:
    roles = [
        {"RoleName": "AWSServiceRoleForAutoScaling_team", "Arn": "arn:2"},
        {"RoleName": "AWSServiceRoleForX", "Arn": "arn:1"},
    ]
    iam, plan = client(list_roles={"Roles": roles}), Plan(False)
    assert linked_module.ensure(plan, iam, "autoscaling.amazonaws.com") == {"arn": "arn:1"}
    assert not plan.changed


def test_a_services_own_role_is_made(client: Any) -> None:
    iam = client(list_roles={"Roles": []}, create_service_linked_role={"Role": {"RoleName": "R", "Arn": "arn:1"}})
    assert linked_module.ensure(Plan(False), iam, "autoscaling.amazonaws.com") == {"arn": "arn:1"}
    assert linked_module.ensure(Plan(True), iam, "autoscaling.amazonaws.com") == {"arn": ""}
