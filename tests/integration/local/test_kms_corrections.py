"""Keys inside the calls of S3 and SQS: as AWS with our corrections, and still without effect in bare ministack."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.platform import LocalPlatform
from tests.integration.local.support import Clients
from tests.integration.local.test_s3_corrections import TRUST, policy

ACCOUNT_ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*"}
SERVICE = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": ["kms:GenerateDataKey*"]}


@dataclass(frozen=True)
class Encrypted:
    """A bucket and a queue under one customer-managed key."""

    platform: LocalPlatform
    name: str
    key_arn: str
    queue_url: str
    root: Clients

    def caller(self, *key_actions: str, via: str = "*", alias: str | None = None) -> Clients:
        """Return clients of a role that may do everything but use the key, and of that the given actions."""
        name = f"role-{uuid.uuid4().hex[:8]}"
        role = self.root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
        statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}]
        condition: dict[str, Any] = {"StringLike": {"kms:ViaService": via}}
        if alias:
            condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
        if key_actions:
            statements.append(
                {
                    "Effect": "Allow",
                    "Action": list(key_actions),
                    "Resource": self.key_arn,
                    "Condition": condition,
                }
            )
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.root.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
        keys = self.root.sts.assume_role(RoleArn=role, RoleSessionName="caller")["Credentials"]
        return Clients(
            self.platform,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )


def make(platform: LocalPlatform, *key_statements: dict[str, Any]) -> Encrypted:
    root, name = Clients(platform), f"kms-{uuid.uuid4().hex[:8]}"
    statements = [{**statement, "Resource": "*"} for statement in (ACCOUNT_ROOT, *key_statements)]
    key = root.kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))["KeyMetadata"]
    root.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    root.s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}}]
        },
    )
    root.s3.put_object(Bucket=name, Key="k", Body=b"x")
    url = root.sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key["Arn"]})["QueueUrl"]
    return Encrypted(platform, name, key["Arn"], url, root)


def refused(call: Callable[[], object]) -> bool:
    """Return whether the call fails for want of the key; any other failure is raised."""
    try:
        call()
    except ClientError as error:
        if "kms:" not in str(error):
            raise
        return True
    return False


CALLS: dict[str, Callable[[Encrypted, Clients], object]] = {
    "read": lambda thing, by: by.s3.get_object(Bucket=thing.name, Key="k"),
    "write": lambda thing, by: by.s3.put_object(Bucket=thing.name, Key="k2", Body=b"x"),
    "begin": lambda thing, by: by.s3.create_multipart_upload(Bucket=thing.name, Key="k3"),
    "send": lambda thing, by: by.sqs.send_message(QueueUrl=thing.queue_url, MessageBody="x"),
    "receive": lambda thing, by: by.sqs.receive_message(QueueUrl=thing.queue_url),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_key_is_needed(
    corrected: LocalPlatform, bare: LocalPlatform, call: Callable[[Encrypted, Clients], object]
) -> None:
    thing = make(corrected)
    assert refused(lambda: call(thing, thing.caller()))
    assert refused(lambda: call(thing, thing.caller("kms:*", via="ec2.eu-west-1.amazonaws.com")))
    assert not refused(lambda: call(thing, thing.caller("kms:GenerateDataKey", "kms:Decrypt")))
    assert not refused(lambda: call(thing, thing.root))
    without = make(bare)
    # Where this fails ministack asks for the key itself, and one of these has done its work:
    # remove check_the_key_when_objects_are_read, remove check_the_key_when_objects_are_written or
    # remove check_the_key_when_messages_are_sent_and_received.
    assert not refused(lambda: call(without, without.caller()))


def test_a_condition_on_the_keys_aliases_is_judged(corrected: LocalPlatform) -> None:
    thing = make(corrected)
    thing.root.kms.create_alias(AliasName=f"alias/{thing.name}", TargetKeyId=thing.key_arn)
    read = CALLS["read"]
    assert not refused(lambda: read(thing, thing.caller("kms:Decrypt", alias=f"alias/{thing.name}")))
    assert refused(lambda: read(thing, thing.caller("kms:Decrypt", alias="alias/another")))


@pytest.mark.parametrize(("key_statement", "delivered"), [(None, 0), (SERVICE, 0), ("both", 1)])
def test_s3_needs_the_key_of_the_queue(
    corrected: LocalPlatform, bare: LocalPlatform, key_statement: Any, delivered: int
) -> None:
    both = {**SERVICE, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"]}
    statements = [both if key_statement == "both" else key_statement] if key_statement else []
    assert events(make(corrected, *statements)) == delivered
    assert events(make(bare, *statements)) == 1, (
        "ministack asks for the key now: remove check_the_key_when_s3_sends_to_a_queue"
    )


def events(thing: Encrypted) -> int:
    """Return how many events of one upload reach the queue, beside the test event."""
    arn = f"arn:aws:sqs:eu-west-1:000000000000:{thing.name}"
    sender = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    thing.root.sqs.set_queue_attributes(QueueUrl=thing.queue_url, Attributes={"Policy": policy(sender)})
    thing.root.s3.put_bucket_notification_configuration(
        Bucket=thing.name,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        SkipDestinationValidation=True,
    )
    thing.root.s3.put_object(Bucket=thing.name, Key="k", Body=b"x")
    found = 0
    while messages := thing.root.sqs.receive_message(QueueUrl=thing.queue_url, WaitTimeSeconds=1).get("Messages"):
        found += sum("ObjectCreated" in message["Body"] for message in messages)
        for message in messages:
            thing.root.sqs.delete_message(QueueUrl=thing.queue_url, ReceiptHandle=message["ReceiptHandle"])
    return found
