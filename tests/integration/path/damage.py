"""Damage done to a deployed stack by hand, and mended at the end of each `with`."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo.outcomes import Outcome
from estancia_protocol import names
from ops.findings import Kind
from ops.invariants import judge
from ops.letters import held
from ops.snapshot import take
from ops.stack import Stack
from tests.integration.path.conftest import Deployment

Found = list[tuple[int, str, str]]
GHOST = "checked/ghost.csv"


@dataclass(frozen=True)
class Target:
    """A stack to damage: a file with an old and a new version, both processed."""

    deployment: Deployment
    old: Outcome
    new: Outcome

    @property
    def stack(self) -> Stack:
        return self.deployment.stack

    @property
    def place(self) -> dict[str, str]:
        return {"pk": names.work_pk(self.new.key), "sk": self.new.version_id}

    @property
    def table(self) -> str:
        (key,) = self.new.outputs
        return key

    @property
    def report(self) -> str:
        return names.report_key("checked", names.work_id(self.new.key, self.new.version_id))

    def output_item(self) -> dict[str, Any]:
        work = names.work_id(self.new.key, self.new.version_id)
        place = {"pk": names.outputs_pk(work), "sk": self.table}
        return self.stack.ledger.get_item(Key=place, ConsistentRead=True)["Item"]

    def change(self, **attributes: Any) -> None:
        item = self.stack.ledger.get_item(Key=self.place, ConsistentRead=True)["Item"]
        self.stack.ledger.put_item(Item={**item, **attributes})

    def found(self) -> Found:
        verdict = judge(take(self.stack, letter_wait=0), dt.timedelta(0))
        return sorted((f.invariant, f.key, f.rule) for f in verdict.of(Kind.VIOLATION))


@contextlib.contextmanager
def changed(target: Target, **attributes: Any) -> Iterator[None]:
    before = target.stack.ledger.get_item(Key=target.place, ConsistentRead=True)["Item"]
    target.change(**attributes)
    yield
    target.stack.ledger.put_item(Item=before)


@contextlib.contextmanager
def without_item(target: Target, place: dict[str, str]) -> Iterator[None]:
    before = target.stack.ledger.delete_item(Key=place, ReturnValues="ALL_OLD")["Attributes"]
    yield
    target.stack.ledger.put_item(Item=before)


@contextlib.contextmanager
def ghost_item(target: Target) -> Iterator[None]:
    item = target.stack.ledger.get_item(Key=target.place, ConsistentRead=True)["Item"]
    place = {"pk": names.work_pk(GHOST), "sk": "gone"}
    target.stack.ledger.put_item(Item={**item, **place, "status": "REJECTED"})
    yield
    target.stack.ledger.delete_item(Key=place)


@contextlib.contextmanager
def put(target: Target, key: str) -> Iterator[None]:
    bucket = target.stack.bucket("processed")
    version = target.stack.s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    yield
    target.stack.s3.delete_object(Bucket=bucket, Key=key, VersionId=version)


@contextlib.contextmanager
def hidden(target: Target, key: str) -> Iterator[None]:
    bucket = target.stack.bucket("processed")
    marker = target.stack.s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
    yield
    target.stack.s3.delete_object(Bucket=bucket, Key=key, VersionId=marker)


@contextlib.contextmanager
def shown_again(target: Target, key: str) -> Iterator[None]:
    bucket = target.stack.bucket("processed")
    markers = target.stack.s3.list_object_versions(Bucket=bucket, Prefix=key)["DeleteMarkers"]
    for marker in markers:
        target.stack.s3.delete_object(Bucket=bucket, Key=key, VersionId=marker["VersionId"])
    yield
    target.stack.s3.delete_object(Bucket=bucket, Key=key)


@contextlib.contextmanager
def letter(deployment: Deployment, body: str, reason: str = "") -> Iterator[str]:
    """A dead letter, sent with the dispatcher's own credentials, since nobody else may."""
    stack, url = deployment.stack, deployment.stack.queue_url("ingest-dlq")
    dispatcher = deployment.principal("dispatcher").client("sqs", endpoint_url=stack.endpoint)
    given: Any = {"estancia_reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    sent = dispatcher.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=given)["MessageId"]
    yield sent
    with held(stack.sqs, url, wait=0) as messages:
        own = [message["ReceiptHandle"] for message in messages if message["MessageId"] == sent]
        assert len(own) == 1, "whoever looks at letters puts them back at once"
        stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=own[0])
