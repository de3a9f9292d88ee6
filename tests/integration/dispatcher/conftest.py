"""An embedded AWS of its own, with a table, queues and buckets as the dispatcher knows them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import boto3
import pytest

from local.layout import ACCOUNT_ID
from local.platform import LocalPlatform
from tests.integration.local.support import project_folder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

PORT = 4740
REGION: Final = "eu-west-1"
INDEXED: Final = ["status", "attempt", "attempt_limit", "dataset", "finished_at", "dlq_sent_at", "swept_at"]
"""What the ledger role keeps in the index by status."""


@dataclass(frozen=True)
class Aws:
    """Clients, and the names of what was made."""

    dynamodb: DynamoDBClient
    s3: S3Client
    sqs: SQSClient
    table: str
    raw: str
    processed: str
    queue: str
    dead_letters: str


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    platform = LocalPlatform(port=PORT, root=project_folder(tmp_path_factory.mktemp("dispatcher")))
    platform.up()
    yield platform
    platform.down()


@pytest.fixture
def aws(platform: LocalPlatform) -> Aws:
    return make_aws(platform)


def make_aws(platform: LocalPlatform) -> Aws:
    """Make a table, queues and buckets of their own."""
    session = boto3.Session("test", "test", region_name=REGION)
    suffix = uuid.uuid4().hex[:8]
    made = Aws(
        session.client("dynamodb", endpoint_url=platform.endpoint),
        session.client("s3", endpoint_url=platform.endpoint),
        session.client("sqs", endpoint_url=platform.endpoint),
        f"ledger-{suffix}",
        f"raw-{suffix}",
        f"processed-{suffix}",
        f"{platform.endpoint}/{ACCOUNT_ID}/ingest-{suffix}",
        f"{platform.endpoint}/{ACCOUNT_ID}/ingest-dlq-{suffix}",
    )
    make_table(made)
    for bucket in (made.raw, made.processed):
        made.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    announce(made)
    return made


def make_table(aws: Aws) -> None:
    aws.dynamodb.create_table(
        TableName=aws.table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "status_shard", "AttributeType": "S"},
            {"AttributeName": "received_at", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_status",
                "KeySchema": [
                    {"AttributeName": "status_shard", "KeyType": "HASH"},
                    {"AttributeName": "received_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": INDEXED},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def announce(aws: Aws) -> None:
    """Make the queues, and let S3 send the raw bucket's events to one of them."""
    name = aws.queue.rpartition("/")[2]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}",
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{aws.raw}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert aws.sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"] == aws.queue
    dead_letters = aws.sqs.create_queue(QueueName=aws.dead_letters.rpartition("/")[2])
    assert dead_letters["QueueUrl"] == aws.dead_letters
    aws.s3.put_bucket_notification_configuration(
        Bucket=aws.raw,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}",
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                }
            ]
        },
    )
