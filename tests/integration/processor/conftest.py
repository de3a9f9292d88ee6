"""A processor of this process against the embedded AWS: real conditional writes, real objects."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
import zstandard
from fastapi import FastAPI

from estancia_processor import app
from estancia_processor.attributes import pack, unpack
from estancia_processor.config import Settings
from estancia_processor.ledger import DynamoLedger
from estancia_protocol import names
from estancia_protocol.job import Job, timestamp
from estancia_protocol.status import Status, status_shard
from local.platform import LocalPlatform
from tests.integration.local.support import project_folder

PORT = 4750
RAW, PROCESSED, TABLE = "processor-raw", "processor-processed", "processor-ledger"


@dataclass(frozen=True)
class World:
    """The ledger, the buckets and a processor that listens."""

    url: str
    dynamodb: Any
    s3: Any
    application: app.Application
    settings: Settings
    ledger: DynamoLedger
    made: list[str] = field(default_factory=list)

    def upload(self, key: str, body: bytes, **item: Any) -> str:
        """Put an object and its RECEIVED item; return the version."""
        version = self.s3.put_object(Bucket=RAW, Key=key, Body=body)["VersionId"]
        self.received(key, version, **item)
        return str(version)

    def received(self, key: str, version: str, **changes: Any) -> None:
        """Write the item that the dispatcher writes before it posts."""
        work = names.work_id(key, version)
        item = {
            "pk": names.work_pk(key),
            "sk": version,
            "status": Status.RECEIVED.value,
            "status_shard": status_shard(Status.RECEIVED, work),
            "attempt": 0,
            "attempt_limit": 5,
            "dataset": names.dataset_of(key),
            "received_at": timestamp(dt.datetime.now(dt.UTC)),
        }
        self.dynamodb.put_item(TableName=TABLE, Item=pack(item | changes))

    def item(self, key: str, version: str) -> dict[str, Any]:
        """Read a work item."""
        return self.get(names.work_pk(key), version)

    def get(self, pk: str, sk: str) -> dict[str, Any]:
        """Read any item."""
        key = pack({"pk": pk, "sk": sk})
        return unpack(self.dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {}))

    def outputs(self, key: str, version: str) -> list[dict[str, Any]]:
        """Read the output items of a work item."""
        found = self.dynamodb.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": names.outputs_pk(names.work_id(key, version))}),
        )
        return [unpack(item) for item in found["Items"]]

    def job(self, key: str, version: str, attempt: int = 1, seconds: float = 300) -> Job:
        """Make a job."""
        return Job(key, version, attempt, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), "request-1")

    def post(self, job: Job) -> httpx.Response:
        """Post a job and read the whole answer."""
        return httpx.post(
            f"{self.url}/v1/process", content=job.to_json(), headers={"Content-Type": "application/json"}, timeout=120
        )

    def process(self, key: str, version: str, attempt: int = 1) -> dict[str, Any]:
        """Post a job and return the last line of its stream."""
        answer = self.post(self.job(key, version, attempt))
        assert answer.status_code == 200, answer.text
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert all("progress" in line for line in lines[:-1])
        last: dict[str, Any] = lines[-1]
        return last

    def content(self, key: str) -> bytes:
        """Read a processed object."""
        body: bytes = self.s3.get_object(Bucket=PROCESSED, Key=key)["Body"].read()
        return body

    def table(self, key: str) -> pa.Table:
        """Read a processed Parquet object."""
        return pq.read_table(io.BytesIO(self.content(key)))

    def rejects(self, key: str, version: str) -> list[dict[str, Any]]:
        """Read a file's rejects."""
        work = names.work_id(key, version)
        content = self.content(names.rejects_key(names.dataset_of(key), work))
        text = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
        return [json.loads(line) for line in text.splitlines()]

    def report(self, key: str, version: str) -> dict[str, Any]:
        """Read a file's report."""
        found: dict[str, Any] = json.loads(
            self.content(names.report_key(names.dataset_of(key), names.work_id(key, version)))
        )
        return found


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """The embedded AWS on this package's port."""
    running = LocalPlatform(port=PORT, root=project_folder(tmp_path_factory.mktemp("processor")))
    running.up()
    yield running
    running.down()


@pytest.fixture(scope="package")
def world(platform: LocalPlatform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A processor with two slots."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in platform.root_environment().items():
            patch.setenv(name, value)
        _create()
        scratch = tmp_path_factory.mktemp("scratch")
        region = os.environ["AWS_REGION"]
        settings = Settings(RAW, PROCESSED, TABLE, 2, scratch, "127.0.0.1", PORT + 1, region)
        application = app.build(settings, "i-0123456789abcdef0")
        with serving(application.http, settings.listen_port) as url:
            client = boto3.client("dynamodb")
            yield World(
                url, client, boto3.client("s3"), application, settings, DynamoLedger(client, settings.ledger_table)
            )


@contextmanager
def serving(http: FastAPI, port: int) -> Iterator[str]:
    """Serve an application from a thread; yields its URL."""
    server = uvicorn.Server(uvicorn.Config(http, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


def _create() -> None:
    s3 = boto3.client("s3")
    for bucket in (RAW, PROCESSED):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def scratch_is_empty(world: World) -> Iterator[None]:
    """Hold that nothing is left on scratch."""
    yield
    assert not list(Path(world.settings.scratch_dir).glob("job-*"))
