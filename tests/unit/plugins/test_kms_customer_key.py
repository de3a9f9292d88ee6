"""A key follows its alias; one that is pending deletion is replaced, never revived."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible.module_utils.plan import Plan

from plugins.modules import kms_customer_key as module
from plugins.modules import kms_customer_key_info as info

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]})
DATE = datetime.datetime(2026, 12, 24, tzinfo=datetime.UTC)


def params(**change: Any) -> dict[str, Any]:
    """The module's parameters, a key to be there."""
    base = {
        "alias": "x-data",
        "state": "present",
        "description": "Data",
        "policy": POLICY,
        "rotation": True,
        "pending_window": 30,
        "tags": {"Name": "x-data"},
    }
    return {**base, **change}


NEW = {"KeyMetadata": {"KeyId": "k2", "Arn": "arn:k2", "KeyState": "Enabled"}}


def live(client: Any, state: str = "Enabled", **answers: Any) -> Any:
    """A client whose account has the wanted key."""
    key = {"KeyId": "k1", "Arn": "arn:k1", "KeyState": state, "Description": "Data"}
    made = {"KeyMetadata": {"KeyId": "k2", "Arn": "arn:k2"}}
    base = {
        "describe_key": {"KeyMetadata": key},
        "get_key_policy": {"Policy": POLICY},
        "get_key_rotation_status": {"KeyRotationEnabled": True},
        "list_resource_tags": {"Tags": [{"TagKey": "Name", "TagValue": "x-data"}]},
        "schedule_key_deletion": {"DeletionDate": DATE},
        "create_key": made,
    }
    return client(**{**base, **answers})


def test_a_missing_key_is_made_with_its_alias_and_rotates(client: Any, missing: Any) -> None:
    kms = live(client, describe_key=[missing, NEW])
    result = module.ensure(Plan(False), kms, params())
    assert result["key_arn"] == "arn:k2"
    assert kms.writes() == ["create_key", "create_alias", "enable_key_rotation"]
    assert kms.arguments("create_alias") == {"AliasName": "alias/x-data", "TargetKeyId": "k2"}


def test_check_mode_makes_nothing(client: Any, missing: Any) -> None:
    kms, plan = live(client, describe_key=missing), Plan(True)
    assert module.ensure(plan, kms, params())["key_arn"] == ""
    assert kms.writes() == []
    assert plan.changed


def test_a_key_as_wanted_is_left_alone(client: Any) -> None:
    kms, plan = live(client), Plan(False)
    assert module.ensure(plan, kms, params(alias="alias/x-data"))["key_arn"] == "arn:k1"
    assert not plan.changed
    assert kms.writes() == []


def test_a_key_pending_deletion_is_replaced(client: Any) -> None:
    pending = {"KeyMetadata": {"KeyId": "k1", "Arn": "arn:k1", "KeyState": "PendingDeletion"}}
    kms = live(client, describe_key=[pending, NEW])
    assert module.ensure(Plan(False), kms, params())["key_arn"] == "arn:k2"
    assert kms.writes() == ["create_key", "update_alias", "enable_key_rotation"]


def test_a_disabled_key_is_not_enabled_behind_somebodys_back(client: Any) -> None:
    with pytest.raises(ValueError, match="Disabled"):
        module.ensure(Plan(False), live(client, state="Disabled"), params())


def test_what_differs_is_changed(client: Any) -> None:
    kms = live(
        client, get_key_rotation_status={"KeyRotationEnabled": False}, get_key_policy={"Policy": '{"Statement": []}'}
    )
    module.ensure(Plan(False), kms, params(description="Other", tags={"Name": "x-data", "More": "1"}))
    assert kms.writes() == ["update_key_description", "put_key_policy", "enable_key_rotation", "tag_resource"]


def test_a_retired_key_loses_its_alias(client: Any) -> None:
    kms = live(client)
    result = module.ensure(Plan(False), kms, params(state="absent", pending_window=7))
    assert kms.writes() == ["schedule_key_deletion", "delete_alias"]
    assert kms.arguments("schedule_key_deletion")["PendingWindowInDays"] == 7
    assert result["deletion_date"] == DATE.isoformat()


def test_a_key_gone_stays_gone(client: Any, missing: Any) -> None:
    kms, plan = live(client, describe_key=missing), Plan(False)
    module.ensure(plan, kms, params(state="absent"))
    assert not plan.changed


def test_an_alias_of_a_key_pending_deletion_has_no_key(client: Any, missing: Any) -> None:
    assert info.by_alias(live(client), "x-data") == "arn:k1"
    assert info.by_alias(live(client, state="PendingDeletion"), "x-data") == ""
    assert info.by_alias(live(client, describe_key=missing), "x-data") == ""


def test_pending_keys_are_found_by_their_tags(client: Any) -> None:
    key = {"KeyMetadata": {"Arn": "arn:k1", "KeyState": "PendingDeletion", "DeletionDate": DATE}}
    kms = live(client, list_keys={"Keys": [{"KeyId": "k1"}]}, describe_key=key)
    assert info.pending(kms, {"Name": "x-data"}) == [
        {"key_arn": "arn:k1", "name": "x-data", "deletion_date": DATE.isoformat()}
    ]
    assert info.pending(kms, {"Name": "other"}) == []
