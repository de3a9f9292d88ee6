"""An embedded AWS of its own, and the sweep with its real edges, at a time of the test's choice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import boto3
import pytest

import sweep.queues
from estancia_functions.events import Event, message_body, parse_message
from estancia_functions.items import WorkItem, work_item
from estancia_protocol.job import timestamp
from estancia_protocol.names import outputs_pk, work_id, work_pk
from estancia_protocol.status import Status, status_shard
from local.platform import LocalPlatform
from sweep.ledger import SweepLedger
from sweep.objects import SweepObjects
from sweep.queues import SqsQueues
from sweep.run import Run
from sweep.sweeping import sweep as sweep_once
from tests.integration.dispatcher.conftest import REGION, Aws, make_aws
from tests.integration.local.support import project_folder

PORT = 4741
HOUR = dt.timedelta(hours=1)
AGE = 2 * HOUR
T = TypeVar("T")


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    platform = LocalPlatform(port=PORT, root=project_folder(tmp_path_factory.mktemp("sweep")))
    platform.up()
    yield platform
    platform.down()


@pytest.fixture
def aws(platform: LocalPlatform) -> Aws:
    return make_aws(platform)


class Stage:
    """Buckets, queues and a ledger, brought into any state by hand, and the sweep."""

    def __init__(self, aws: Aws, platform: LocalPlatform) -> None:
        self.aws = aws
        session = boto3.Session("test", "test", region_name=REGION)
        self.ledger = SweepLedger(aws.dynamodb, aws.table)
        self.objects = SweepObjects(aws.s3, aws.raw, aws.processed)
        cloudwatch = session.client("cloudwatch", endpoint_url=platform.endpoint)
        self.queues = SqsQueues(aws.sqs, cloudwatch, aws.queue, aws.dead_letters)
        self.now = dt.datetime.now(dt.UTC)
        self.lasts = dt.timedelta(minutes=9)

    def sweep(self, *, one_in: int = 1) -> dict[str, int | bool]:
        """Sweep, and return what was not nothing."""
        with ThreadPoolExecutor(8) as pool:

            def each(act: Callable[[T], None], things: Iterable[T]) -> None:
                for _ in pool.map(act, things):
                    pass

            run = Run(
                self.ledger,
                self.objects,
                self.queues,
                self.aws.raw,
                lambda: self.now,
                each,
                self.now + self.lasts,
                one_in,
            )
            answer = sweep_once(run).as_json()
        return {name: value for name, value in answer.items() if value or name == "complete"}

    def put(self, key: str, body: bytes = b"a\n1\n") -> str:
        return self.aws.s3.put_object(Bucket=self.aws.raw, Key=key, Body=body)["VersionId"]

    def delete(self, key: str, version_id: str = "") -> str:
        """Delete an object, or one of its versions for good."""
        which: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        return self.aws.s3.delete_object(Bucket=self.aws.raw, Key=key, **which).get("VersionId", "")

    def events(self) -> list[Event]:
        """Take all messages out of the ingest queue and read them: the sweep's, nobody else sends any."""
        found: list[Event] = []
        options: Any = {"MaxNumberOfMessages": 10}
        while messages := self.aws.sqs.receive_message(QueueUrl=self.aws.queue, **options).get("Messages", []):
            for message in messages:
                found += parse_message(message["Body"], self.aws.raw)
                self.aws.sqs.delete_message(QueueUrl=self.aws.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def letters(self) -> list[str]:
        """Take all messages out of the dead-letter queue."""
        found: list[str] = []
        options: Any = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 60}
        while messages := self.aws.sqs.receive_message(QueueUrl=self.aws.dead_letters, **options).get("Messages", []):
            found += [message["Body"] for message in messages]
        return found

    def letter(self, body: str) -> str:
        self.aws.sqs.send_message(QueueUrl=self.aws.dead_letters, MessageBody=body)
        return body

    def item(self, key: str, version_id: str, status: Status, age: dt.timedelta = AGE, **more: Any) -> WorkItem:
        """Write a work item; `more` are attributes, strings or numbers."""
        facts = {"status": status.value, "attempt": 1, "attempt_limit": 5, "size": 4, "etag": "e", **more}
        facts |= {"received_at": timestamp(self.now - age), "owner": "principal:AWS:A:alice"}
        if shard := status_shard(status, work_id(key, version_id)):
            facts["status_shard"] = shard
        item: Any = {"pk": {"S": work_pk(key)}, "sk": {"S": version_id}}
        item |= {name: {"N": str(v)} if isinstance(v, int) else {"S": v} for name, v in facts.items()}
        self.aws.dynamodb.put_item(TableName=self.aws.table, Item=item)
        return work_item(item)

    def read(self, key: str, version_id: str) -> WorkItem:
        return self.ledger.read(key, version_id)

    def cursor(self, part: str) -> dict[str, str]:
        """Return a cursor item's attributes beside its key, all of them texts."""
        name: Any = {"pk": {"S": "sweep"}, "sk": {"S": part}}
        found: Any = self.aws.dynamodb.get_item(TableName=self.aws.table, Key=name)["Item"]
        return {name: value["S"] for name, value in found.items() if name not in ("pk", "sk")}

    def output(self, item: WorkItem, name: str = "data/d/main/{}.parquet", **more: Any) -> str:
        """Record an output as the item's attempt does, and put it; return its key."""
        key = name.format(item.work)
        version_id = self.put_output(key)
        facts = {"version_id": version_id, "raw_key": item.key, "raw_version_id": item.version_id, **more}
        recorded: Any = {"pk": {"S": outputs_pk(item.work)}, "sk": {"S": key}, "attempt": {"N": str(item.attempt)}}
        recorded |= {name: {"S": value} for name, value in facts.items()}
        self.aws.dynamodb.put_item(TableName=self.aws.table, Item=recorded)
        return key

    def put_output(self, key: str, body: bytes = b"right") -> str:
        return self.aws.s3.put_object(Bucket=self.aws.processed, Key=key, Body=body)["VersionId"]

    def visible(self) -> dict[str, bytes]:
        """What shows in the processed bucket."""
        listed = self.aws.s3.list_objects_v2(Bucket=self.aws.processed).get("Contents", [])
        return {
            entry["Key"]: self.aws.s3.get_object(Bucket=self.aws.processed, Key=entry["Key"])["Body"].read()
            for entry in listed
        }

    def message(self, item: WorkItem) -> str:
        return message_body(item, self.aws.raw)


@pytest.fixture
def stage(aws: Aws, platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose raw bucket announces nothing: every event is lost."""
    aws.s3.put_bucket_notification_configuration(Bucket=aws.raw, NotificationConfiguration={})
    aws.sqs.purge_queue(QueueUrl=aws.queue)
    # The embedded SQS is one server, which tells all at once.
    monkeypatch.setattr(sweep.queues, "WAIT", 0)
    return Stage(aws, platform)
