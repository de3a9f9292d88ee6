"""A bucket is configured as a whole, each part compared first; what it holds is deleted only when asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.plan import Plan

from plugins.modules import s3_private_bucket as bucket
from tests.unit.plugins.scripted import Scripted, refusal

TAGS = {"Name": "x"}
TAG_SET = [{"Key": "Name", "Value": "x"}]

# Buckets


def bucket_params(**change: Any) -> dict[str, Any]:
    base = {
        "name": "b",
        "state": "present",
        "purge": False,
        "encryption": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}},
        "versioning": True,
        "policy": '{"Statement": [{"Action": "s3:*"}]}',
        "lifecycle": [{"ID": "a", "Status": "Enabled"}],
        "logging": {"TargetBucket": "logs"},
        "notifications": {
            "QueueConfigurations": [{"Id": "i", "QueueArn": "arn:q", "Events": ["b", "a"]}],
            "EventBridgeConfiguration": {},
        },
        "tags": TAGS,
    }
    return {**base, **change}


def live_bucket(**change: Any) -> Scripted:
    block = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BlockedEncryptionTypes": {}}
    answers = {
        "get_bucket_encryption": {"ServerSideEncryptionConfiguration": {"Rules": [rule]}},
        "get_public_access_block": {"PublicAccessBlockConfiguration": dict.fromkeys(block, True)},
        "get_bucket_ownership_controls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        "get_bucket_versioning": {"Status": "Enabled"},
        "get_bucket_policy": {"Policy": '{"Statement": {"Action": ["s3:*"]}}'},
        "get_bucket_tagging": {"TagSet": [*TAG_SET, {"Key": "aws:x", "Value": "1"}]},
        "get_bucket_lifecycle_configuration": {"Rules": [{"ID": "a", "Status": "Enabled", "Filter": {}}]},
        "get_bucket_logging": {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}},
        "get_bucket_notification_configuration": {
            "ResponseMetadata": {},
            "EventBridgeConfiguration": {},
            "QueueConfigurations": [{"Id": "i", "QueueArn": "arn:q", "Events": ["a", "b"]}],
        },
    }
    return Scripted(**(answers | change))


def test_a_new_bucket_gets_every_part() -> None:
    s3 = Scripted(
        head_bucket=[refusal("404"), {}],
        get_bucket_encryption=refusal("ServerSideEncryptionConfigurationNotFoundError"),
        get_public_access_block=refusal("NoSuchPublicAccessBlockConfiguration"),
        get_bucket_ownership_controls=refusal("OwnershipControlsNotFoundError"),
        get_bucket_policy=refusal("NoSuchBucketPolicy"),
        get_bucket_tagging=refusal("NoSuchTagSet"),
        get_bucket_lifecycle_configuration=refusal("NoSuchLifecycleConfiguration"),
    )
    bucket.ensure(Plan(check_mode=False), s3, bucket_params())
    assert s3.writes() == [
        "create_bucket",
        "put_public_access_block",
        "put_bucket_ownership_controls",
        "put_bucket_encryption",
        "put_bucket_versioning",
        "put_bucket_policy",
        "put_bucket_tagging",
        "put_bucket_lifecycle_configuration",
        "put_bucket_logging",
        "put_bucket_notification_configuration",
    ]
    sent = s3.sent("put_bucket_notification_configuration")["NotificationConfiguration"]
    assert sent["EventBridgeConfiguration"] == {}


def test_a_bucket_that_is_right_is_left_alone() -> None:
    s3, plan = live_bucket(), Plan(check_mode=False)
    bucket.ensure(plan, s3, bucket_params())
    assert (plan.changed, s3.writes()) == (False, [])


def test_an_event_bridge_entry_that_was_dropped_comes_back() -> None:
    s3 = live_bucket(get_bucket_notification_configuration={})
    bucket.ensure(Plan(check_mode=False), s3, bucket_params())
    assert s3.writes() == ["put_bucket_notification_configuration"]


def test_tags_of_aws_itself_survive_ours() -> None:
    s3 = live_bucket()
    bucket.ensure(Plan(check_mode=False), s3, bucket_params(tags={"Name": "y"}))
    keys = [tag["Key"] for tag in s3.sent("put_bucket_tagging")["Tagging"]["TagSet"]]
    assert sorted(keys) == ["Name", "aws:x"]


def test_check_mode_asks_a_missing_bucket_nothing() -> None:
    s3, plan = Scripted(head_bucket=refusal("404")), Plan(check_mode=True)
    bucket.ensure(plan, s3, bucket_params())
    assert [name for name, _ in s3.calls] == ["head_bucket"]
    assert len(plan.diff) == 10


def test_somebody_elses_bucket_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="another account has the name"):
        bucket.ensure(Plan(check_mode=False), Scripted(head_bucket=refusal("403")), bucket_params())


def test_a_bucket_that_holds_something_stays() -> None:
    s3, plan = Scripted(list_object_versions={"DeleteMarkers": [{}]}), Plan(check_mode=False)
    assert bucket.ensure(plan, s3, bucket_params(state="absent")) == {"kept": True}
    assert (plan.changed, s3.writes()) == (False, [])


def test_purging_deletes_versions_and_markers() -> None:
    page = {
        "Versions": [{"Key": "a", "VersionId": "1"}],
        "DeleteMarkers": [{"Key": "a", "VersionId": "2"}],
    }
    s3 = Scripted(list_object_versions=page)
    assert bucket.ensure(Plan(check_mode=False), s3, bucket_params(state="absent", purge=True)) == {"kept": False}
    objects = s3.sent("delete_objects")["Delete"]["Objects"]
    assert objects == [{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}]
    assert s3.writes() == ["delete_objects", "delete_bucket"]


def test_what_cannot_be_purged_is_named() -> None:
    locked = {"Errors": [{"Key": "a", "Message": "locked"}]}
    s3 = Scripted(list_object_versions={"Versions": [{"Key": "a", "VersionId": "1"}]}, delete_objects=locked)
    with pytest.raises(ValueError, match="the first a: locked"):
        bucket.ensure(Plan(check_mode=False), s3, bucket_params(state="absent", purge=True))


def test_policies_travel_as_they_were_given() -> None:
    s3 = live_bucket(get_bucket_policy=refusal("NoSuchBucketPolicy"))
    bucket.ensure(Plan(check_mode=False), s3, bucket_params())
    assert json.loads(s3.sent("put_bucket_policy")["Policy"]) == {"Statement": [{"Action": "s3:*"}]}
