"""How `make check` reads the deployed account: wholly, in order, and with the listed rights alone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ops import snapshot
from ops.account import Snapshot
from ops.stack import Stack
from tests.integration.path.conftest import Deployment
from tests.invariants import assert_invariants

pytestmark = pytest.mark.usefixtures("warm_function")
KEY = "reads/ordered.csv"


def take(stack: Stack) -> Snapshot:
    return snapshot.take(stack, letter_wait=0)


def test_all_pages_are_read_and_the_newest_version_comes_first(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, ids = deployment.stack, []
    for _ in range(2):
        ids.append(stack.s3.put_object(Bucket=stack.bucket("raw"), Key=KEY, Body=b"n\n1\n")["VersionId"])
        ids.append(stack.s3.delete_object(Bucket=stack.bucket("raw"), Key=KEY)["VersionId"])
    assert_invariants(stack)
    whole = take(stack)
    assert [entry.version_id for entry in whole.raw if entry.key == KEY] == ids[::-1]
    monkeypatch.setattr(snapshot, "PAGE", 2)
    paged = take(stack)
    assert (paged.raw, paged.shown) == (whole.raw, whole.shown)
    assert (set(paged.works), set(paged.outputs)) == (set(whole.works), set(whole.outputs))


@contextlib.contextmanager
def refused_letters(deployment: Deployment, count: int) -> Iterator[set[str]]:
    """Messages as the dispatcher refuses them; their ids."""
    stack, url = deployment.stack, deployment.stack.queue_url("ingest-dlq")
    dispatcher = deployment.principal("dispatcher").client("sqs", endpoint_url=stack.endpoint)
    reason: Any = {"estancia_reason": {"DataType": "String", "StringValue": "refused: the message is no S3 event"}}
    sent = [dispatcher.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=reason) for _ in range(count)]
    yield {answer["MessageId"] for answer in sent}
    stack.sqs.purge_queue(QueueUrl=url)


def test_more_letters_than_a_batch_are_read_and_put_back(deployment: Deployment) -> None:
    with refused_letters(deployment, 23) as sent:
        for _ in range(2):
            read = take(deployment.stack)
            assert ({letter.message_id for letter in read.letters}, read.letters_partial) == (sent, False)


def test_the_listed_rights_are_enough_and_each_is_needed(deployment: Deployment) -> None:
    rights = sorted(snapshot.ACTIONS, key=lambda action: action == "sqs:ChangeMessageVisibility")
    with refused_letters(deployment, 1):
        with limited(deployment.stack, rights) as stack:
            assert take(stack).works == take(deployment.stack).works
        # AWS calls a missing object missing only to who may list the bucket; the embedded AWS to everybody.
        for right in [right for right in rights if right != "s3:ListBucket"]:
            others = [other for other in rights if other != right]
            with limited(deployment.stack, others) as stack, pytest.raises(ClientError, match="AccessDenied"):
                take(stack)


@contextlib.contextmanager
def limited(stack: Stack, actions: list[str]) -> Iterator[Stack]:
    """The stack with the rights of a role that may do so much."""
    name = f"checker-{uuid.uuid4().hex[:8]}"
    iam = stack.session.client("iam", endpoint_url=stack.endpoint)
    sts = stack.session.client("sts", endpoint_url=stack.endpoint)
    principal = {"AWS": f"arn:aws:iam::{stack.account}:root"}
    trust = document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    leave = document({"Effect": "Allow", "Action": actions, "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="check", PolicyDocument=leave)
    held = sts.assume_role(RoleArn=role, RoleSessionName="check")["Credentials"]
    keys = (held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"])
    yield dataclasses.replace(stack, session=boto3.Session(*keys, region_name=stack.region))
    iam.delete_role_policy(RoleName=name, PolicyName="check")
    iam.delete_role(RoleName=name)


def document(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
