"""Queues and the table: whole from the first call, left alone when right, nothing done in check mode."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.plan import Plan

from plugins.modules import dynamodb_on_demand_table as table
from plugins.modules import sqs_queue_info, ssm_parameter_info
from plugins.modules import sqs_standard_queue as queue
from tests.unit.plugins.scripted import Scripted, refusal

TAGS = {"Name": "x"}
TAG_SET = [{"Key": "Name", "Value": "x"}]

# Queues


def queue_params(**change: Any) -> dict[str, Any]:
    base = {
        "name": "q",
        "state": "present",
        "kms_master_key_id": "arn:k",
        "visibility_timeout": 960,
        "message_retention_period": 864000,
        "policy": '{"Statement": []}',
        "redrive_policy": '{"deadLetterTargetArn": "arn:d", "maxReceiveCount": 1000}',
        "redrive_allow_policy": None,
        "tags": TAGS,
    }
    return {**base, **change}


def live_queue(**attributes: str) -> Scripted:
    live = {
        "KmsMasterKeyId": "arn:k",
        "VisibilityTimeout": "960",
        "MessageRetentionPeriod": "864000",
        "Policy": '{"Statement": []}',
        "RedrivePolicy": '{"maxReceiveCount": "1000", "deadLetterTargetArn": "arn:d"}',
    }
    return Scripted(
        get_queue_url={"QueueUrl": "https://q"},
        get_queue_attributes={"Attributes": live | attributes},
        list_queue_tags={"Tags": TAGS},
    )


def test_a_queue_is_made_whole_in_one_call() -> None:
    sqs = Scripted(get_queue_url=refusal("QueueDoesNotExist"), create_queue={"QueueUrl": "https://q"})
    assert queue.ensure(Plan(check_mode=False), sqs, queue_params()) == {"queue_url": "https://q"}
    assert sqs.writes() == ["create_queue"]
    sent = sqs.sent("create_queue")
    assert sent["tags"] == TAGS
    assert set(sent["Attributes"]) == {
        "KmsMasterKeyId",
        "MessageRetentionPeriod",
        "Policy",
        "RedrivePolicy",
        "VisibilityTimeout",
    }


def test_a_queue_that_is_right_is_left_alone() -> None:
    sqs, plan = live_queue(), Plan(check_mode=False)
    queue.ensure(plan, sqs, queue_params())
    assert (plan.changed, sqs.writes()) == (False, [])


def test_encryption_that_was_taken_off_comes_back() -> None:
    sqs, plan = live_queue(KmsMasterKeyId=""), Plan(check_mode=False)
    queue.ensure(plan, sqs, queue_params())
    assert sqs.sent("set_queue_attributes")["Attributes"]["KmsMasterKeyId"] == "arn:k"


def test_check_mode_makes_no_queue_and_says_what_it_would_make() -> None:
    sqs, plan = Scripted(get_queue_url=refusal("QueueDoesNotExist")), Plan(check_mode=True)
    assert queue.ensure(plan, sqs, queue_params()) == {"queue_url": ""}
    assert (plan.changed, sqs.writes()) == (True, [])


def test_a_queue_is_deleted_once() -> None:
    gone = refusal("AWS.SimpleQueueService.NonExistentQueue")
    sqs = Scripted(get_queue_url=[{"QueueUrl": "https://q"}, gone])
    queue.ensure(Plan(check_mode=False), sqs, queue_params(state="absent"))
    again = Plan(check_mode=False)
    queue.ensure(again, sqs, queue_params(state="absent"))
    assert (sqs.writes(), again.changed) == (["delete_queue"], False)


def test_missing_names_answer_empty_text() -> None:
    sqs: Any = Scripted(get_queue_url=refusal("QueueDoesNotExist"))
    assert sqs_queue_info.urls(sqs, ["q"]) == {"urls": {"q": ""}}
    ssm: Any = Scripted(get_parameters={"Parameters": [{"Name": "a", "Value": "1"}]})
    assert ssm_parameter_info.read(ssm, ["a", "b"]) == {"values": {"a": "1", "b": ""}}


# The table


def table_params(**change: Any) -> dict[str, Any]:
    base = {
        "name": "t",
        "state": "present",
        "hash_key": "pk",
        "range_key": "sk",
        "indexes": [{"name": "i", "hash_key": "owner", "range_key": "at", "include": ["b", "a"]}],
        "kms_master_key_arn": "arn:k",
        "deletion_protection": True,
        "recovery_days": 35,
        "tags": TAGS,
    }
    return {**base, **change}


def live_table(**change: Any) -> dict[str, Any]:
    index = {
        "IndexName": "i",
        "IndexStatus": "ACTIVE",
        "KeySchema": [
            {"AttributeName": "owner", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["b", "a"]},
    }
    base = {
        "TableName": "t",
        "TableArn": "arn:t",
        "TableStatus": "ACTIVE",
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "SSEDescription": {"KMSMasterKeyArn": "arn:k"},
        "DeletionProtectionEnabled": True,
        "GlobalSecondaryIndexes": [index],
    }
    return {**base, **change}


def account(**change: Any) -> Scripted:
    recovery = {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35}
    return Scripted(
        describe_table={"Table": live_table(**change)},
        describe_continuous_backups={"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}},
        list_tags_of_resource={"Tags": TAG_SET},
    )


def test_a_table_is_made_protected_and_recoverable() -> None:
    dynamodb = Scripted(
        describe_table=[refusal("ResourceNotFoundException"), {"Table": live_table()}],
        create_table={"TableDescription": {"TableArn": "arn:t"}},
    )
    assert table.ensure(Plan(check_mode=False), dynamodb, table_params()) == {"table_arn": "arn:t"}
    assert dynamodb.writes() == ["create_table", "update_continuous_backups"]
    sent = dynamodb.sent("create_table")
    assert sent["DeletionProtectionEnabled"] is True
    assert sent["SSESpecification"]["KMSMasterKeyId"] == "arn:k"
    assert [item["AttributeName"] for item in sent["AttributeDefinitions"]] == ["at", "owner", "pk", "sk"]
    wanted = dynamodb.sent("update_continuous_backups")["PointInTimeRecoverySpecification"]
    assert wanted == {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35}


def test_a_table_that_is_right_is_left_alone() -> None:
    dynamodb, plan = account(), Plan(check_mode=False)
    table.ensure(plan, dynamodb, table_params())
    assert (plan.changed, dynamodb.writes()) == (False, [])


def test_each_change_is_a_call_of_its_own() -> None:
    dynamodb = account(DeletionProtectionEnabled=False, SSEDescription={})
    table.ensure(Plan(check_mode=False), dynamodb, table_params(recovery_days=7))
    assert dynamodb.writes() == ["update_table", "update_table", "update_continuous_backups"]


def test_a_missing_index_is_added_and_another_one_is_an_error() -> None:
    dynamodb = account(GlobalSecondaryIndexes=[])
    table.ensure(Plan(check_mode=False), dynamodb, table_params())
    assert "Create" in dynamodb.sent("update_table")["GlobalSecondaryIndexUpdates"][0]
    other = table_params(indexes=[{"name": "i", "hash_key": "owner", "range_key": "at", "include": ["lease"]}])
    with pytest.raises(ValueError, match="cannot change an index in place"):
        table.ensure(Plan(check_mode=False), account(), other)


def test_a_protected_table_is_unprotected_before_it_goes() -> None:
    gone = refusal("ResourceNotFoundException")
    dynamodb = Scripted(describe_table=[{"Table": live_table()}, {"Table": live_table()}, gone])
    table.ensure(Plan(check_mode=False), dynamodb, table_params(state="absent"))
    assert dynamodb.writes() == ["update_table", "delete_table"]
