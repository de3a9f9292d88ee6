"""What the deployed queues, ledger and keys are, read back whole: nothing may be added unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.path.account import Account, Statement, words

pytestmark = pytest.mark.without_invariants("nothing is processed")

ACCOUNT = "000000000000"
QUEUES = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:estancia-local-"
RAW_ARN = f"arn:aws:s3:::estancia-local-{ACCOUNT}-eu-west-1-raw"
SWEEP = f"arn:aws:iam::{ACCOUNT}:role/estancia-local-sweep"
KEYS = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/"
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}

# queue: what may differ between queues; and the statements of its policy
QUEUE_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "ingest": {
        "KmsMasterKeyId": f"{KEYS}messaging",
        "VisibilityTimeout": "960",
        "MessageRetentionPeriod": "864000",
        "MaximumMessageSize": "1048576",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "RedrivePolicy": {"deadLetterTargetArn": f"{QUEUES}ingest-dlq", "maxReceiveCount": 1000},
        "RedriveAllowPolicy": {"redrivePermission": "denyAll"},
    },
    "ingest-dlq": {
        "KmsMasterKeyId": f"{KEYS}messaging",
        "VisibilityTimeout": "960",
        "MessageRetentionPeriod": "1209600",
        "MaximumMessageSize": "1048576",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "RedriveAllowPolicy": {"redrivePermission": "byQueue", "sourceQueueArns": [f"{QUEUES}ingest"]},
    },
}
SEND = words("sqs:SendMessage")
QUEUE_POLICIES: dict[str, dict[str, Any]] = {
    "ingest": {
        "RawBucketSends": (
            "Allow", {"Service": "s3.amazonaws.com"}, SEND, words(f"{QUEUES}ingest"),
            {"ArnEquals": {"aws:SourceArn": RAW_ARN}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
        ),
        "NobodyElseSends": (
            "Deny", "*", SEND, words(f"{QUEUES}ingest"),
            {"ArnNotEquals": {"aws:SourceArn": RAW_ARN, "aws:PrincipalArn": [SWEEP]}},
        ),
        "OnlyEncryptedConnections": ("Deny", "*", words("sqs:*"), words(f"{QUEUES}ingest"), NO_TLS),
    },
    "ingest-dlq": {
        "OnlyTheDispatcherSends": (
            "Deny", "*", SEND, words(f"{QUEUES}ingest-dlq"),
            {
                "ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/estancia-local-dispatcher"},
                "Null": {"aws:PrincipalArn": "false"},
            },
        ),
        "OnlyEncryptedConnections": ("Deny", "*", words("sqs:*"), words(f"{QUEUES}ingest-dlq"), NO_TLS),
    },
}  # fmt: skip
MOMENTS = words(
    "QueueArn CreatedTimestamp LastModifiedTimestamp Policy ApproximateNumberOfMessages"
    " ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesDelayed"
)

# index: its keys, and the attributes that it holds beside them
INDEXES = {
    "by_owner": (
        [("owner", "HASH"), ("received_at", "RANGE")],
        "INCLUDE",
        words("dataset error finished_at format rows_in rows_out rows_rejected size status"),
    ),
    "by_status": (
        [("status_shard", "HASH"), ("received_at", "RANGE")],
        "INCLUDE",
        words("attempt attempt_limit dataset dlq_sent_at finished_at status swept_at"),
    ),
}

AUTO_SCALING = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
BY_IAM: Statement = ("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, words("kms:*"), words("*"), {})
KEY_POLICIES: dict[str, dict[str, Any]] = {
    "data": {
        "AccountDecidesByIam": BY_IAM,
        "AutoScalingUsesEncryptedVolumes": (
            "Allow", {"AWS": AUTO_SCALING},
            words("kms:Encrypt kms:Decrypt kms:ReEncrypt* kms:GenerateDataKey* kms:DescribeKey"), words("*"), {},
        ),
        "AutoScalingAttachesEncryptedVolumes": (
            "Allow", {"AWS": AUTO_SCALING}, words("kms:CreateGrant"), words("*"),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    },
    "logs": {
        "AccountDecidesByIam": BY_IAM,
        "CloudWatchLogsEncryptsThisAccountsLogGroups": (
            "Allow", {"Service": "logs.eu-west-1.amazonaws.com"},
            words("kms:Encrypt kms:Decrypt kms:ReEncrypt* kms:GenerateDataKey* kms:Describe*"), words("*"),
            {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/estancia-local/*",
                        f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/estancia-local-*",
                    ],
                },
            },
        ),
    },
    "messaging": {
        "AccountDecidesByIam": BY_IAM,
        "RawBucketSendsToTheQueue": (
            "Allow", {"Service": "s3.amazonaws.com"}, words("kms:GenerateDataKey* kms:Decrypt"), words("*"),
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": {"aws:SourceArn": RAW_ARN}},
        ),
    },
}  # fmt: skip


def test_there_are_no_other_queues_tables_or_keys(account: Account) -> None:
    urls = account.client("sqs").list_queues()["QueueUrls"]
    assert {url.rsplit("/", 1)[1] for url in urls} == {f"estancia-local-{queue}" for queue in QUEUE_ATTRIBUTES}
    assert account.client("dynamodb").list_tables()["TableNames"] == ["estancia-local-ledger"]

    aliases = account.client("kms").list_aliases()["Aliases"]
    assert {alias["AliasName"] for alias in aliases} == {f"alias/estancia-local-{key}" for key in KEY_POLICIES}


@pytest.mark.parametrize("queue", QUEUE_ATTRIBUTES)
def test_a_queue(account: Account, queue: str) -> None:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName=f"estancia-local-{queue}")["QueueUrl"]
    found = account.readable(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])
    assert account.policy(found["Policy"]) == QUEUE_POLICIES[queue]
    documents = {name: json.loads(value) for name, value in found.items() if name.startswith("Redrive")}
    assert {name: value for name, value in (found | documents).items() if name not in MOMENTS} == QUEUE_ATTRIBUTES[
        queue
    ]


def test_the_ledger(account: Account) -> None:
    dynamodb = account.client("dynamodb")
    table = account.readable(dynamodb.describe_table(TableName="estancia-local-ledger")["Table"])
    assert keys(table) == [("pk", "HASH"), ("sk", "RANGE")]
    assert {definition["AttributeType"] for definition in table["AttributeDefinitions"]} == {"S"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": f"{KEYS}data"}
    assert [key for key in ("LocalSecondaryIndexes", "Replicas") if table.get(key)] == []
    assert table.get("StreamSpecification", {}).get("StreamEnabled", False) is False
    projections = {index["IndexName"]: (keys(index), index["Projection"]) for index in table["GlobalSecondaryIndexes"]}
    assert {
        name: (keyed, projection["ProjectionType"], frozenset(projection["NonKeyAttributes"]))
        for name, (keyed, projection) in projections.items()
    } == INDEXES
    backups = dynamodb.describe_continuous_backups(TableName="estancia-local-ledger")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    lives = dynamodb.describe_time_to_live(TableName="estancia-local-ledger")["TimeToLiveDescription"]
    assert lives["TimeToLiveStatus"] == "DISABLED"


def keys(described: Any) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in described["KeySchema"]]


@pytest.mark.parametrize("key", KEY_POLICIES)
def test_a_key(account: Account, key: str) -> None:
    kms = account.client("kms")
    metadata = kms.describe_key(KeyId=f"alias/estancia-local-{key}")["KeyMetadata"]
    assert (metadata["KeyManager"], metadata["KeyState"], metadata["MultiRegion"]) == ("CUSTOMER", "Enabled", False)
    assert (metadata["KeySpec"], metadata["KeyUsage"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    rotation = kms.get_key_rotation_status(KeyId=metadata["KeyId"])
    assert (rotation["KeyRotationEnabled"], rotation["RotationPeriodInDays"]) == (True, 365)
    policy = kms.get_key_policy(KeyId=metadata["KeyId"], PolicyName="default")["Policy"]
    assert account.policy(policy) == KEY_POLICIES[key]
    assert kms.list_grants(KeyId=metadata["KeyId"])["Grants"] == []
