"""What the deployed buckets, log groups and parameters are, read back whole: nothing may be added unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.path.account import Account, words
from tests.integration.path.conftest import Deployment
from tests.integration.path.holdings import added, holdings, pending

pytestmark = pytest.mark.without_invariants("nothing is processed")

ACCOUNT = "000000000000"
PREFIX = f"estancia-local-{ACCOUNT}-eu-west-1-"
QUEUES = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:estancia-local-"
KEYS = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/"
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}
HEADER = "s3:x-amz-server-side-encryption"

# Where data lies: under the data key, with the bucket's key; logs can only be written under S3's own.
UNDER_THE_DATA_KEY = {
    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"{KEYS}data"},
    "BucketKeyEnabled": True,
}
UNDER_S3S_KEY = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
ENCRYPTION: dict[str, Any] = {
    "raw": UNDER_THE_DATA_KEY,
    "processed": UNDER_THE_DATA_KEY,
    "artifacts": UNDER_THE_DATA_KEY,
    "logs": UNDER_S3S_KEY,
}
NOT_PUBLIC = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
EVERYTHING: dict[str, Any] = {"Filter": {"Prefix": ""}, "Status": "Enabled"}
UNFINISHED = {"ID": "abort-unfinished-uploads", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
LIFECYCLE: dict[str, list[dict[str, Any]]] = {
    "raw": [
        UNFINISHED,
        {"ID": "older-versions", "NoncurrentVersionExpiration": {"NoncurrentDays": 365}},
        {"ID": "originals", "Transitions": [{"Days": 90, "StorageClass": "GLACIER_IR"}]},
    ],
    "processed": [
        UNFINISHED,
        {
            "ID": "older-versions",
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
    ],
    "artifacts": [
        UNFINISHED,
        {
            "ID": "older-versions",
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
        },
    ],
    "logs": [
        UNFINISHED,
        {"ID": "expire", "Expiration": {"Days": 365}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    ],
}
ACCESS_LOGS = {
    "TargetBucket": f"{PREFIX}logs",
    "TargetPrefix": "s3/",
    "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
}
LOGGING = {"raw": ACCESS_LOGS, "processed": ACCESS_LOGS, "artifacts": ACCESS_LOGS, "logs": None}
NOTIFICATIONS: dict[str, dict[str, Any]] = {
    "raw": {
        "QueueConfigurations": [
            {
                "Id": "ingest",
                "QueueArn": f"{QUEUES}ingest",
                "Events": ["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            },
        ],
        "EventBridgeConfiguration": {},
    },
    "processed": {},
    "artifacts": {},
    "logs": {},
}


def transport(bucket: str) -> dict[str, Any]:
    whole = words(f"arn:aws:s3:::{bucket} arn:aws:s3:::{bucket}/*")
    return {
        "OnlyEncryptedConnections": ("Deny", "*", words("s3:*"), whole, NO_TLS),
        "OnlyModernTls": ("Deny", "*", words("s3:*"), whole, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    }


def data_policy(bucket: str) -> dict[str, Any]:
    """A wrong header is refused; none at all is right, since the bucket then encrypts by its default."""
    refusals: dict[str, Any] = {
        "NoOtherEncryption": {"Null": {HEADER: "false"}, "StringNotEquals": {HEADER: "aws:kms"}},
        "NoOtherKey": {
            "Null": {f"{HEADER}-aws-kms-key-id": "false"},
            "ArnNotEquals": {f"{HEADER}-aws-kms-key-id": f"{KEYS}data"},
        },
        "NoManagedKey": {"Null": {HEADER: "false", f"{HEADER}-aws-kms-key-id": "true"}},
        "NoCustomerProvidedKey": {"Null": {f"{HEADER}-customer-algorithm": "false"}},
    }
    objects = words(f"arn:aws:s3:::{bucket}/*")
    return transport(bucket) | {
        sid: ("Deny", "*", words("s3:PutObject"), objects, condition) for sid, condition in refusals.items()
    }


BUCKET_POLICIES: dict[str, dict[str, Any]] = {
    "raw": data_policy(f"{PREFIX}raw"),
    "processed": data_policy(f"{PREFIX}processed"),
    "artifacts": data_policy(f"{PREFIX}artifacts"),
    "logs": transport(f"{PREFIX}logs")
    | {
        "BucketsWriteAccessLogs": (
            "Allow", {"Service": "logging.s3.amazonaws.com"},
            words("s3:PutObject"), words(f"arn:aws:s3:::{PREFIX}logs/s3/*"),
            {
                "ArnEquals": {
                    "aws:SourceArn": [f"arn:aws:s3:::{PREFIX}{source}" for source in ("raw", "processed", "artifacts")],
                },
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
            },
        ),
        "LoadBalancersWriteAccessLogs": (
            "Allow", {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            words("s3:PutObject"), words(f"arn:aws:s3:::{PREFIX}logs/elb/AWSLogs/{ACCOUNT}/*"),
            {
                "ArnLikeIfExists": {
                    "aws:SourceArn": f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:loadbalancer/*",
                },
            },
        ),
    },
}  # fmt: skip

# log group: days, key
LOG_GROUPS = {
    "/aws/lambda/estancia-local-dispatcher": (90, f"{KEYS}logs"),
    "/aws/lambda/estancia-local-sweep": (90, f"{KEYS}logs"),
    "/estancia-local/flow-logs": (30, f"{KEYS}logs"),
}
PARAMETERS = {
    "/estancia-local/processor/certificate": ("String", "Standard", "text"),
    "/estancia-local/processor/settings": ("String", "Standard", "text"),
}
SETTINGS = {
    "AWS_REGION": "eu-west-1",
    "ESTANCIA_LEDGER_TABLE": "estancia-local-ledger",
    "ESTANCIA_PROCESSED_BUCKET": f"{PREFIX}processed",
    "ESTANCIA_RAW_BUCKET": f"{PREFIX}raw",
    "ESTANCIA_SLOTS": 2,
}


# How many there are of each kind beside what the account held at first; of a VPC's parts one each is AWS's default.
HELD = {
    "buckets": 4,
    "queues": 2,
    "tables": 1,
    "functions": 2,
    "event source mappings": 1,
    "rules": 1,
    "load balancers": 1,
    "listeners": 1,
    "target groups": 1,
    "networks": 1,
    "subnets": 3,
    "security groups": 5,
    "network ACLs": 3,
    "route tables": 4,
    "internet gateways": 1,
    "NAT gateways": 1,
    "addresses": 1,
    "endpoints": 2,
    "flow logs": 1,
    "launch templates": 1,
    "hosted zones": 1,
    "certificates": 1,
    "roles": 6,
    "policies": 1,
    "instance profiles": 1,
    "log groups": 3,
    "keys": 3,
    "key aliases": 3,
    "parameters": 2,
}


def test_the_account_holds_this_and_nothing_else(deployment: Deployment, account: Account) -> None:
    found = added(deployment.at_first, holdings(account))
    found["keys"] = {key for key in found["keys"] if not pending(account, key)}
    assert {kind: len(names) for kind, names in found.items()} == HELD, found


def test_there_are_no_other_buckets(account: Account) -> None:
    assert {bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]} == {
        f"{PREFIX}{purpose}" for purpose in ENCRYPTION
    }


@pytest.mark.parametrize("purpose", ENCRYPTION)
def test_a_bucket(account: Account, purpose: str) -> None:
    s3, bucket = account.client("s3"), PREFIX + purpose
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    assert account.readable(encryption) == {"Rules": [ENCRYPTION[purpose]]}
    assert account.readable(s3.get_bucket_versioning(Bucket=bucket)) == {"Status": "Enabled"}
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == NOT_PUBLIC
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert ownership == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert account.policy(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == BUCKET_POLICIES[purpose]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rules == [EVERYTHING | rule for rule in LIFECYCLE[purpose]]
    assert s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled") == LOGGING[purpose]
    notifications = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert account.readable(notifications) == NOTIFICATIONS[purpose]


@pytest.mark.parametrize("setting", ["cors", "website", "replication"])
@pytest.mark.parametrize("purpose", ENCRYPTION)
def test_a_bucket_has_no_other_door(account: Account, purpose: str, setting: str) -> None:
    with pytest.raises(ClientError, match=r"does not exist|does not have|was not found"):
        getattr(account.client("s3"), f"get_bucket_{setting}")(Bucket=PREFIX + purpose)


def test_log_groups(account: Account) -> None:
    groups = account.readable(account.client("logs").describe_log_groups()["logGroups"])
    assert {g["logGroupName"]: (g.get("retentionInDays"), g.get("kmsKeyId")) for g in groups} == LOG_GROUPS


def test_parameters(account: Account) -> None:
    ssm = account.client("ssm")
    found = ssm.describe_parameters()["Parameters"]
    assert {entry["Name"]: (entry["Type"], entry["Tier"], entry["DataType"]) for entry in found} == PARAMETERS
    assert json.loads(ssm.get_parameter(Name="/estancia-local/processor/settings")["Parameter"]["Value"]) == SETTINGS
