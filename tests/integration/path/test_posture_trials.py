"""What the deployed policies refuse, by trial: principals that may do anything else, and the deployed roles' own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.path.account import Account
from tests.integration.path.conftest import Deployment

TRIES = "posture-trials"
PROBE = "posture/probe.txt"
UNCHANGED = pytest.mark.without_invariants("what is refused changes nothing")
REFUSED = {"AccessDenied", "AccessDeniedException"}
DATA_KEY, OTHER_KEY = "alias/estancia-local-data", "alias/estancia-local-messaging"

# what a writer says about encryption: the key that it names (None: none), other headers, whether it may write
WRITES: dict[str, tuple[str | None, dict[str, Any], bool]] = {
    "nothing": (None, {}, True),
    "the data key": (DATA_KEY, {"ServerSideEncryption": "aws:kms"}, True),
    "S3's own keys": (None, {"ServerSideEncryption": "AES256"}, False),
    "KMS without a key": (None, {"ServerSideEncryption": "aws:kms"}, False),
    "KMS twice": (DATA_KEY, {"ServerSideEncryption": "aws:kms:dsse"}, False),
    "another key": (OTHER_KEY, {"ServerSideEncryption": "aws:kms"}, False),
    "a key of its own": (None, {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}, False),
}
WORK = {"pk": {"S": "work#posture"}, "sk": {"S": "none"}}
TABLE = {"TableName": "estancia-local-ledger"}
BY_OWNER: dict[str, Any] = TABLE | {
    "IndexName": "by_owner",
    "KeyConditionExpression": "#o = :o",
    "ExpressionAttributeNames": {"#o": "owner"},
    "ExpressionAttributeValues": {":o": {"S": "x"}},
}
# principal, service, operation, arguments; "{...}" is put in by the test
FORBIDDEN: list[tuple[str, str, str, dict[str, Any]]] = [
    ("processor", "dynamodb", "delete_item", TABLE | {"Key": WORK}),
    ("processor", "dynamodb", "scan", TABLE),
    ("processor", "dynamodb", "update_table", TABLE | {"DeletionProtectionEnabled": False}),
    ("processor", "sqs", "receive_message", {"QueueUrl": "{ingest}"}),
    ("processor", "sqs", "delete_message", {"QueueUrl": "{ingest}", "ReceiptHandle": "none"}),
    ("processor", "sqs", "send_message", {"QueueUrl": "{ingest-dlq}", "MessageBody": "x"}),
    ("processor", "ssm", "put_parameter", {"Name": "/estancia-local/processor/settings", "Value": "{}"}),
    ("processor", "kms", "schedule_key_deletion", {"KeyId": "{data}"}),
    ("processor", "kms", "decrypt", {"KeyId": "{data}", "CiphertextBlob": "{ciphertext}"}),
    ("dispatcher", "dynamodb", "delete_item", TABLE | {"Key": WORK}),
    ("dispatcher", "dynamodb", "put_item", TABLE | {"Item": WORK}),
    ("dispatcher", "dynamodb", "scan", TABLE),
    ("dispatcher", "sqs", "send_message", {"QueueUrl": "{ingest}", "MessageBody": "x"}),
    ("dispatcher", "sqs", "receive_message", {"QueueUrl": "{ingest-dlq}"}),
    ("dispatcher", "sqs", "purge_queue", {"QueueUrl": "{ingest}"}),
    ("dispatcher", "ssm", "get_parameter", {"Name": "/estancia-local/processor/settings"}),
    ("dispatcher", "kms", "schedule_key_deletion", {"KeyId": "{data}"}),
    ("dispatcher", "kms", "decrypt", {"KeyId": "{messaging}", "CiphertextBlob": "{ciphertext}"}),
    ("sweep", "dynamodb", "delete_item", TABLE | {"Key": WORK}),
    ("sweep", "dynamodb", "put_item", TABLE | {"Item": WORK}),
    ("sweep", "dynamodb", "scan", TABLE),
    ("sweep", "dynamodb", "query", BY_OWNER),
    ("sweep", "sqs", "send_message", {"QueueUrl": "{ingest-dlq}", "MessageBody": "x"}),
    ("sweep", "sqs", "receive_message", {"QueueUrl": "{ingest}"}),
    ("sweep", "sqs", "purge_queue", {"QueueUrl": "{ingest-dlq}"}),
    ("sweep", "ssm", "get_parameter", {"Name": "/estancia-local/processor/settings"}),
    ("sweep", "lambda", "invoke", {"FunctionName": "estancia-local-dispatcher"}),
    ("sweep", "cloudwatch", "put_metric_data", {"Namespace": "x", "MetricData": [{"MetricName": "x"}]}),
    ("sweep", "kms", "schedule_key_deletion", {"KeyId": "{data}"}),
    ("sweep", "kms", "decrypt", {"KeyId": "{messaging}", "CiphertextBlob": "{ciphertext}"}),
]
OUTPUT = "data/posture/main/none.parquet"
# S3 sends such a message when a notification is configured; the dispatcher knows that it asks for nothing.
NO_WORK = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
YEAR_2020, NEXT_DAY = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)
AGE: dict[str, Any] = {
    "Namespace": "AWS/SQS",
    "MetricName": "ApproximateAgeOfOldestMessage",
    "Dimensions": [{"Name": "QueueName", "Value": "estancia-local-ingest"}],
    "StartTime": YEAR_2020,
    "EndTime": NEXT_DAY,
    "Period": 3600,
    "Statistics": ["Maximum"],
}
# service: operation, arguments; what the sweep must be able to do
SWEEPS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "dynamodb": [
        ("get_item", TABLE | {"Key": WORK}),
        ("batch_get_item", {"RequestItems": {"estancia-local-ledger": {"Keys": [WORK]}}}),
        (
            "query",
            BY_OWNER
            | {
                "IndexName": "by_status",
                "ExpressionAttributeNames": {"#o": "status_shard"},
            },
        ),
    ],
    "sqs": [
        ("get_queue_attributes", {"QueueUrl": "{ingest}", "AttributeNames": ["ApproximateNumberOfMessages"]}),
        ("send_message", {"QueueUrl": "{ingest}", "MessageBody": NO_WORK}),
        ("get_queue_attributes", {"QueueUrl": "{ingest-dlq}", "AttributeNames": ["ApproximateNumberOfMessages"]}),
        ("receive_message", {"QueueUrl": "{ingest-dlq}", "VisibilityTimeout": 0}),
    ],
    "s3": [
        ("list_object_versions", {"Bucket": "{raw}"}),
        ("list_object_versions", {"Bucket": "{processed}"}),
    ],
    "cloudwatch": [("get_metric_statistics", AGE)],
}


@pytest.fixture(scope="module")
def anything(account: Account) -> Iterator[boto3.Session]:
    """The session of a role whose own policy allows everything; the role is gone afterwards."""
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = iam.create_role(RoleName=TRIES, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=TRIES, PolicyName="all", PolicyDocument=document(allowed))
    held = account.client("sts").assume_role(RoleArn=role, RoleSessionName="trial")["Credentials"]
    yield boto3.Session(
        held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"], region_name=account.stack.region
    )
    iam.delete_role_policy(RoleName=TRIES, PolicyName="all")
    iam.delete_role(RoleName=TRIES)


@pytest.fixture(scope="module")
def actual(account: Account) -> dict[str, Any]:
    """What stands for "{...}" in the tables."""
    sqs, kms = account.client("sqs"), account.client("kms")
    queues = {f"{{{name}}}": f"estancia-local-{name}" for name in ("ingest", "ingest-dlq")}
    aliases = {f"{{{name}}}": f"alias/estancia-local-{name}" for name in ("data", "messaging")}
    return {
        **{word: sqs.get_queue_url(QueueName=name)["QueueUrl"] for word, name in queues.items()},
        **{word: kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"] for word, alias in aliases.items()},
        "{ciphertext}": kms.encrypt(KeyId=DATA_KEY, Plaintext=b"x")["CiphertextBlob"],
    }


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code_of(refusal: ClientError) -> str:
    return refusal.response["Error"]["Code"]


@pytest.mark.parametrize("purpose", ["raw", "processed", "artifacts"])
@pytest.mark.parametrize("said", WRITES)
def test_a_writers_words_on_encryption(account: Account, anything: boto3.Session, purpose: str, said: str) -> None:
    key, headers, passes = WRITES[said]
    s3: Any = anything.client("s3", endpoint_url=account.stack.endpoint)
    named = {"SSEKMSKeyId": arn_of(account, key)} if key else {}
    call = {"Bucket": account.stack.bucket(purpose), "Key": PROBE, "Body": b"x", **headers, **named}
    if passes:
        written = s3.put_object(**call)
        assert (written["ServerSideEncryption"], written["SSEKMSKeyId"]) == ("aws:kms", arn_of(account, DATA_KEY))
        return
    with pytest.raises(ClientError) as refusal:
        s3.put_object(**call)
    assert code_of(refusal.value) == "AccessDenied"


def arn_of(account: Account, alias: str) -> str:
    return str(account.client("kms").describe_key(KeyId=alias)["KeyMetadata"]["Arn"])


@UNCHANGED
@pytest.mark.parametrize("queue", ["{ingest}", "{ingest-dlq}"])
def test_nobody_sends_however_much_he_may(
    account: Account, anything: boto3.Session, actual: dict[str, Any], queue: str
) -> None:
    sqs = anything.client("sqs", endpoint_url=account.stack.endpoint)
    assert sqs.get_queue_attributes(QueueUrl=actual[queue], AttributeNames=["QueueArn"])["Attributes"]
    with pytest.raises(ClientError) as refusal:
        sqs.send_message(QueueUrl=actual[queue], MessageBody="x")
    assert code_of(refusal.value) in REFUSED


@UNCHANGED
@pytest.mark.usefixtures("warm_function")
@pytest.mark.parametrize("forbidden", FORBIDDEN, ids=lambda forbidden: "-".join(forbidden[:3]))
def test_what_a_role_must_not_do_is_refused(
    deployment: Deployment, actual: dict[str, Any], forbidden: tuple[str, str, str, dict[str, Any]]
) -> None:
    principal, service, operation, arguments = forbidden
    client: Any = cast("Any", deployment.principal(principal)).client(service, endpoint_url=deployment.stack.endpoint)
    call = {name: actual.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
    with pytest.raises(ClientError) as refusal:
        getattr(client, operation)(**call)
    assert code_of(refusal.value) in REFUSED


@pytest.mark.usefixtures("warm_function")
def test_the_sweep_may_do_what_it_is_there_for(deployment: Deployment, actual: dict[str, Any]) -> None:
    session: Any = deployment.principal("sweep")
    clients = {name: session.client(name, endpoint_url=deployment.stack.endpoint) for name in SWEEPS}
    calls = [(clients[name], *call) for name, table in SWEEPS.items() for call in table]
    buckets = {f"{{{purpose}}}": deployment.stack.bucket(purpose) for purpose in ("raw", "processed")}
    known = actual | buckets
    for client, operation, arguments in calls:
        call = {name: known.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
        assert getattr(client, operation)(**call)["ResponseMetadata"]["HTTPStatusCode"] < 300, operation
    hidden = clients["s3"].delete_object(Bucket=buckets["{processed}"], Key=OUTPUT)
    assert hidden["DeleteMarker"] is True
    clients["s3"].delete_object(Bucket=buckets["{processed}"], Key=OUTPUT, VersionId=hidden["VersionId"])
    left = clients["s3"].list_object_versions(Bucket=buckets["{processed}"], Prefix=OUTPUT)
    assert left.get("DeleteMarkers", []) == []
