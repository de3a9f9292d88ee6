"""The buckets' and queues' edges, and the whole function with a processor that only writes the ledger."""

from __future__ import annotations

import importlib
import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.messages import SqsMessages
from estancia_functions.objects import S3Objects
from estancia_protocol.job import Outcome, encode_line
from estancia_protocol.names import outputs_pk, work_id, work_pk
from local.platform import LocalPlatform
from tests.integration.dispatcher.conftest import Aws
from tests.unit.dispatcher.fleet import Fleet, stream
from tests.unit.dispatcher.test_handler import Context


def test_versions_and_markers_are_listed_in_one_order_whatever_the_page(aws: Aws) -> None:
    key, made = "d/ñ a", []
    for number in range(3):
        made.append(aws.s3.put_object(Bucket=aws.raw, Key=key, Body=str(number).encode())["VersionId"])
        made.append(aws.s3.delete_object(Bucket=aws.raw, Key=key)["VersionId"])
    aws.s3.put_object(Bucket=aws.raw, Key=f"{key}.csv", Body=b"neighbour")
    aws.s3.delete_object(Bucket=aws.raw, Key=key, VersionId=made[2])
    wanted = [version for version in reversed(made) if version != made[2]]
    objects = S3Objects(aws.s3, aws.raw, aws.processed)
    assert objects.versions(key) == wanted
    assert objects.versions("d/none") == []

    def small_pages(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2

    aws.s3.meta.events.register("provide-client-params.s3.ListObjectVersions", small_pages)
    assert objects.versions(key) == wanted


def test_hiding_puts_a_delete_marker_and_keeps_the_object(aws: Aws) -> None:
    version = aws.s3.put_object(Bucket=aws.processed, Key="data/x", Body=b"1")["VersionId"]
    objects = S3Objects(aws.s3, aws.raw, aws.processed)
    objects.hide("data/x")
    objects.hide("data/x")
    assert aws.s3.list_objects_v2(Bucket=aws.processed)["KeyCount"] == 0
    assert aws.s3.get_object(Bucket=aws.processed, Key="data/x", VersionId=version)["Body"].read() == b"1"


def test_a_message_comes_back_when_it_was_told_to(aws: Aws) -> None:
    aws.sqs.send_message(QueueUrl=aws.dead_letters, MessageBody="x")
    (received,) = aws.sqs.receive_message(QueueUrl=aws.dead_letters, VisibilityTimeout=60)["Messages"]
    SqsMessages(aws.sqs, aws.dead_letters, aws.queue).hand_back(received["ReceiptHandle"], 1)
    assert aws.sqs.receive_message(QueueUrl=aws.dead_letters).get("Messages", []) == []
    assert aws.sqs.receive_message(QueueUrl=aws.dead_letters, WaitTimeSeconds=3)["Messages"][0]["Body"] == "x"


def test_a_dead_letter_says_why_it_is_there(aws: Aws) -> None:
    SqsMessages(aws.sqs, aws.queue, aws.dead_letters).give_up("body", "refused: key 'ñ'")
    (found,) = aws.sqs.receive_message(QueueUrl=aws.dead_letters, MessageAttributeNames=["All"])["Messages"]
    assert found["Body"] == "body"
    assert found["MessageAttributes"]["estancia_reason"]["StringValue"] == "refused: key '\\xf1'"


class Function:
    """The function as Lambda runs it: S3's real events in, a partial batch response out."""

    def __init__(self, aws: Aws, fleet: Fleet, module: Any) -> None:
        self.aws, self.fleet, self.module = aws, fleet, module

    def finishes(self, key: str, output: str) -> None:
        """Let the fleet's next job record an output, put it and finish its item."""

        def answer(connection: socket.socket) -> bool:
            job = json.loads(self.fleet.requests[-1][2])
            version, attempt = job["version_id"], {"N": str(job["attempt"])}
            pk = {"S": outputs_pk(work_id(key, version))}
            self.aws.dynamodb.put_item(
                TableName=self.aws.table, Item={"pk": pk, "sk": {"S": output}, "attempt": attempt}
            )
            self.aws.s3.put_object(Bucket=self.aws.processed, Key=output, Body=b"parquet")
            self.aws.dynamodb.update_item(
                TableName=self.aws.table,
                Key={"pk": {"S": work_pk(key)}, "sk": {"S": version}},
                UpdateExpression="SET #s = :s, attempt = :a REMOVE status_shard",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={":s": {"S": "PROCESSED"}, ":a": attempt},
            )
            return stream(encode_line(Outcome({"status": "PROCESSED"})))(connection)

        self.fleet.answers.append(answer)

    def run(self) -> list[dict[str, str]]:
        """Receive one message and handle it; delete it unless it failed, as the mapping does."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            options: Any = {"MessageSystemAttributeNames": ["All"], "WaitTimeSeconds": 1}
            found = self.aws.sqs.receive_message(QueueUrl=self.aws.queue, **options).get("Messages", [])
            for message in found:
                record = {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                }
                failures: list[dict[str, str]] = self.module.handler({"Records": [record]}, Context())[
                    "batchItemFailures"
                ]
                if not failures:
                    self.aws.sqs.delete_message(QueueUrl=self.aws.queue, ReceiptHandle=message["ReceiptHandle"])
                if "s3:TestEvent" not in message["Body"]:
                    return failures
        raise AssertionError("no event came within 10 s")

    def visible(self) -> set[str]:
        return {entry["Key"] for entry in self.aws.s3.list_objects_v2(Bucket=self.aws.processed).get("Contents", [])}


@pytest.fixture
def function(aws: Aws, platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    with Fleet() as fleet:
        environment = {
            **platform.root_environment(),
            "ESTANCIA_RAW_BUCKET": aws.raw,
            "ESTANCIA_PROCESSED_BUCKET": aws.processed,
            "ESTANCIA_LEDGER_TABLE": aws.table,
            "ESTANCIA_QUEUE_URL": aws.queue,
            "ESTANCIA_DEAD_LETTER_QUEUE_URL": aws.dead_letters,
            "ESTANCIA_PROCESSOR_URL": fleet.url,
            "ESTANCIA_MAX_BYTES": "1000",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, "dispatcher.handler", raising=False)
        yield Function(aws, fleet, importlib.import_module("dispatcher.handler"))


def test_a_file_a_newer_one_its_deletion_and_the_undelete(function: Function, aws: Aws) -> None:
    key = "flights/2024 a+b/ñ.csv"
    for number in (1, 2):
        function.finishes(key, f"data/v{number}")
        aws.s3.put_object(Bucket=aws.raw, Key=key, Body=b"a,b\n1,2\n")
        assert function.run() == []
        assert function.visible() == {f"data/v{number}"}
    marker = aws.s3.delete_object(Bucket=aws.raw, Key=key)["VersionId"]
    assert function.run() == []
    assert function.visible() == set()
    function.finishes(key, "data/v2")
    aws.s3.delete_object(Bucket=aws.raw, Key=key, VersionId=marker)
    assert function.run() == []
    assert function.visible() == {"data/v2"}
    attempts = [json.loads(body)["attempt"] for _, _, body in function.fleet.requests]
    assert attempts == [1, 1, 2]


def test_a_busy_fleet_sends_the_message_back(function: Function, aws: Aws) -> None:
    function.fleet.answers.append(lambda _: False)
    aws.s3.put_object(Bucket=aws.raw, Key="flights/a.csv", Body=b"a\n1\n")
    assert len(function.run()) == 1
    function.finishes("flights/a.csv", "data/a")
    assert function.run() == []
    assert function.visible() == {"data/a"}
