"""S3's event records: as AWS sends them with our corrections, and still different without."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest

from local.deployment import SessionKeys
from local.platform import LocalPlatform
from tests.integration.local.support import Clients

KEY = "d/ä b+c@x&=~.csv"
EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


@dataclass(frozen=True)
class Bucket:
    """A versioned bucket whose events go to a queue, and a writer with a role of its own."""

    name: str
    queue_url: str
    root: Clients
    writer: Clients
    role_id: str

    def records(self, count: int) -> list[dict[str, Any]]:
        """Return the next `count` records in the order of their sequencers."""
        bodies = self.bodies(lambda found: sum(len(body.get("Records", ())) for body in found) >= count)
        records = [record for body in bodies for record in body.get("Records", ())]
        return sorted(records, key=lambda record: str(record["s3"]["object"]["sequencer"]).rjust(32, "0"))

    def bodies(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Return the queue's messages until there are enough, or five seconds have passed."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 5
        while not enough(found) and time.monotonic() < deadline:
            answer = self.root.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self.root.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found


def make_bucket(platform: LocalPlatform) -> Bucket:
    root, name = Clients(platform), f"events-{uuid.uuid4().hex[:8]}"
    root.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    root.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    arn = f"arn:aws:sqs:eu-west-1:000000000000:{name}"
    sender = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{name}"}},
    }
    url = root.sqs.create_queue(QueueName=name, Attributes={"Policy": policy(sender)})["QueueUrl"]
    root.s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"Id": "all", "QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
            ]
        },
    )
    role = root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))["Role"]
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    root.iam.put_role_policy(RoleName=name, PolicyName="s3", PolicyDocument=policy(allowed))
    session = root.sts.assume_role(RoleArn=role["Arn"], RoleSessionName="writer")["Credentials"]
    keys: SessionKeys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    return Bucket(name, url, root, Clients(platform, **keys), role["RoleId"])


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def bucket(corrected: LocalPlatform) -> Bucket:
    return make_bucket(corrected)


@pytest.fixture
def bare_bucket(bare: LocalPlatform) -> Bucket:
    return make_bucket(bare)


def test_configuration_sends_a_test_event(bucket: Bucket) -> None:
    (event,) = bucket.bodies(lambda found: len(found) == 1)
    assert set(event) == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    assert (event["Service"], event["Event"], event["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket.name)


def test_a_creation_is_recorded_completely(bucket: Bucket) -> None:
    version = bucket.writer.s3.put_object(Bucket=bucket.name, Key=KEY, Body=b"abc")["VersionId"]
    (record,) = bucket.records(1)
    assert record["eventVersion"].startswith("2.")
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert record["awsRegion"] == "eu-west-1"
    assert record["eventTime"].endswith("Z")
    assert record["s3"]["configurationId"] == "all"
    assert record["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket.name}"
    described = record["s3"]["object"]
    assert described["key"] == "d/%C3%A4+b%2Bc%40x%26%3D~.csv"
    assert unquote_plus(described["key"]) == KEY
    assert (described["size"], described["eTag"]) == (3, "900150983cd24fb0d6963f7d28e17f72")
    assert described["versionId"] == version
    assert int(described["sequencer"], 16) > 0


def test_sequencers_follow_the_order_of_the_changes(bucket: Bucket) -> None:
    versions = [bucket.writer.s3.put_object(Bucket=bucket.name, Key="k", Body=b"x")["VersionId"] for _ in range(12)]
    assert [record["s3"]["object"]["versionId"] for record in bucket.records(12)] == versions


def test_the_caller_is_named(bucket: Bucket, bare_bucket: Bucket) -> None:
    for each in (bucket, bare_bucket):
        each.writer.s3.put_object(Bucket=each.name, Key="k", Body=b"x")
        each.root.s3.put_object(Bucket=each.name, Key="k", Body=b"y")
    names = [record["userIdentity"]["principalId"] for record in bucket.records(2)]
    assert names == [f"AWS:{bucket.role_id}:writer", "AWS:000000000000"]
    without = {record["userIdentity"]["principalId"] for record in bare_bucket.records(2)}
    assert without == {"EXAMPLE"}, "ministack names the caller now: remove name_the_caller_in_events"


def test_a_presigned_upload_names_its_signer(bucket: Bucket, corrected: LocalPlatform) -> None:
    upload = bucket.writer.s3.generate_presigned_url("put_object", Params={"Bucket": bucket.name, "Key": "k"})
    assert httpx.put(upload, content=b"x", trust_env=False).status_code == 200
    (record,) = bucket.records(1)
    assert record["userIdentity"]["principalId"] == f"AWS:{bucket.role_id}:writer"


def removals(bucket: Bucket) -> list[dict[str, Any]]:
    """Make a version and a marker, remove the marker, then the version; return the three removals' records."""
    s3 = bucket.writer.s3
    version = s3.put_object(Bucket=bucket.name, Key="k", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket=bucket.name, Key="k")["VersionId"]
    for removed in (marker, version):
        s3.delete_object(Bucket=bucket.name, Key="k", VersionId=removed)
    records = bucket.records(4)
    assert [record["eventName"] for record in records] == [
        "ObjectCreated:Put",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRemoved:Delete",
        "ObjectRemoved:Delete",
    ]
    assert [record["s3"]["object"]["versionId"] for record in records] == [version, marker, marker, version]
    return records[1:]


def test_removals_name_the_version_and_no_size(bucket: Bucket, bare_bucket: Bucket) -> None:
    marker, *permanent = removals(bucket)
    assert set(marker["s3"]["object"]) == {"key", "versionId", "sequencer", "eTag"}
    assert marker["s3"]["object"]["eTag"] == EMPTY_ETAG
    for record in permanent:
        assert set(record["s3"]["object"]) == {"key", "versionId", "sequencer"}
    for record in removals(bare_bucket):
        assert record["s3"]["object"]["size"] == 0, "ministack leaves the size out: remove leave_size_out_of_removals"


def test_every_delete_marker_is_announced(bucket: Bucket, bare_bucket: Bucket) -> None:
    for each in (bucket, bare_bucket):
        each.bodies(lambda found: len(found) == 1)
        s3 = each.writer.s3
        s3.put_object(Bucket=each.name, Key="k", Body=b"x")
        s3.delete_object(Bucket=each.name, Key="k")
        s3.delete_object(Bucket=each.name, Key="k")
        s3.delete_objects(Bucket=each.name, Delete={"Objects": [{"Key": "k"}, {"Key": "never"}]})
    keys = [record["s3"]["object"]["key"] for record in bucket.records(5)]
    assert keys == ["k", "k", "k", "k", "never"]
    assert len(bare_bucket.records(5)) == 2, "ministack announces every marker: remove announce_every_delete_marker"
