"""A file in, clean data out: what becomes of files of each kind, read back from the deployed stack."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.conditions import Key

from demo.files import Upload, demo_uploads
from demo.outcomes import Outcome
from estancia_protocol import names
from estancia_protocol.status import Status
from tests.integration.path.conftest import ROOT, Deployment, read_json
from tests.waiting import until

MakeFile = Callable[[str, str, bytes | str], Upload]
COUNTS = ("rows_in", "rows_out", "rows_rejected")
QUEUES = ("ingest", "ingest-dlq")
ITEM_OF_A_TABLE = {
    "attempt", "attempt_limit", "content_type", "dataset", "etag", "finished_at", "format", "instance_id", "lease_id",
    "lease_until", "outputs_count", "owner", "pk", "processor_version", "received_at", "rows_in", "rows_out",
    "rows_rejected", "sequencer", "sha256", "size", "sk", "started_at", "status",
}  # fmt: skip


def processed(deployment: Deployment, key: str) -> bytes:
    bucket = deployment.stack.bucket("processed")
    return deployment.stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def table_of(deployment: Deployment, outcome: Outcome) -> pa.Table:
    (key,) = outcome.outputs
    return pq.read_table(io.BytesIO(processed(deployment, key)))


def report_of(deployment: Deployment, outcome: Outcome) -> dict[str, Any]:
    work = names.work_id(outcome.key, outcome.version_id)
    return read_json(processed(deployment, names.report_key(names.dataset_of(outcome.key), work)))


def visible(deployment: Deployment, prefix: str) -> set[str]:
    pages = deployment.stack.s3.get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=deployment.stack.bucket("processed"), Prefix=prefix)
    return {entry["Key"] for page in found for entry in page.get("Contents", [])}


@pytest.fixture(scope="module")
def demo_outcomes(deployment: Deployment) -> dict[str, Outcome]:
    return {outcome.key: outcome for outcome in deployment.put(*demo_uploads())}


def test_every_demo_file_ends_as_it_should(demo_outcomes: dict[str, Outcome]) -> None:
    statuses = {key: outcome.status for key, outcome in demo_outcomes.items()}
    expected = {upload.key: Status.PROCESSED for upload in demo_uploads()} | {"airlines/empty.csv": Status.REJECTED}
    assert statuses == expected
    assert demo_outcomes["airlines/empty.csv"].item["error"]["code"] == "EMPTY_FILE"
    assert demo_outcomes["pictures/diagram.png"].outputs == ()


def test_flights_come_out_cell_for_cell(deployment: Deployment, demo_outcomes: dict[str, Outcome]) -> None:
    outcome = demo_outcomes["flights/flights.csv.zip"]
    (upload,) = [upload for upload in demo_uploads() if upload.key == outcome.key]
    with zipfile.ZipFile(upload.source) as archive, archive.open(archive.namelist()[0]) as member:
        wanted = list(csv.reader(io.TextIOWrapper(member, "utf-8")))
    table = table_of(deployment, outcome)
    assert table.num_rows == len(wanted) - 1 == 336_776
    assert table.column_names == wanted[0]
    for index, name in enumerate(wanted[0]):
        texts = [None if row[index] in {"", "NA"} else row[index] for row in wanted[1:]]
        assert [written(value) for value in table.column(name).to_pylist()] == texts, name


def written(value: object) -> str | None:
    """Return a value as flights.csv writes it."""
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return None if value is None else str(value)


def test_counts_add_up_in_ledger_and_report(deployment: Deployment, demo_outcomes: dict[str, Outcome]) -> None:
    for outcome in demo_outcomes.values():
        item = outcome.item
        if outcome.status is not Status.PROCESSED:
            continue
        report: dict[str, Any] = report_of(deployment, outcome)
        assert {name: report[name] for name in COUNTS} == {name: item[name] for name in COUNTS}, outcome.key
        apart = sum(table[name] for table in report["tables"] for name in ("header", "preamble", "footer", "blank"))
        assert report["records_physical"] == item["rows_in"] + apart, outcome.key
        if not outcome.outputs:
            continue
        assert item["rows_in"] == item["rows_out"] + item["rows_rejected"], outcome.key
        assert table_of(deployment, outcome).num_rows == item["rows_out"], outcome.key


def test_a_tables_item_has_the_protocols_attributes(demo_outcomes: dict[str, Outcome]) -> None:
    item = demo_outcomes["weather/weather.csv"].item
    assert set(item) == ITEM_OF_A_TABLE
    assert (item["attempt"], item["attempt_limit"], item["dataset"]) == (1, 5, "weather")
    assert item["owner"].startswith("principal:")


def test_damaged_rows_go_to_the_rejects_alone(deployment: Deployment, demo_outcomes: dict[str, Outcome]) -> None:
    outcome = demo_outcomes["airlines/broken.csv"]
    assert (outcome.item["rows_in"], outcome.item["rows_out"], outcome.item["rows_rejected"]) == (7, 5, 2)
    assert table_of(deployment, outcome).column("carrier").to_pylist() == ["9E", "AA", "B6", "EV", "F9"]


def test_outputs_lie_where_the_contract_says(deployment: Deployment, demo_outcomes: dict[str, Outcome]) -> None:
    outcome = demo_outcomes["planes/planes.csv"]
    work = names.work_id(outcome.key, outcome.version_id)
    head = deployment.stack.s3.head_object(
        Bucket=deployment.stack.bucket("raw"), Key=outcome.key, VersionId=outcome.version_id
    )
    assert outcome.outputs == (names.data_key("planes", "main", 1, head["LastModified"].date(), work),)
    recorded = deployment.stack.ledger.query(KeyConditionExpression=Key("pk").eq(names.outputs_pk(work)))["Items"]
    assert {item["sk"] for item in recorded} == {*outcome.outputs, names.report_key("planes", work)}


def test_a_file_of_several_ranges_arrives_whole(deployment: Deployment, file: MakeFile) -> None:
    numbers = range(1_000_000)
    text = "number,twice\n" + "".join(f"{n},{2 * n}\n" for n in numbers)
    (outcome,) = deployment.put(file("ranges", "large.csv", text))
    assert outcome.item["size"] > 8 * 2**20, "one range is 8 MiB"
    assert table_of(deployment, outcome).column("number").to_pylist() == list(numbers)


def test_a_key_outside_the_rule_is_an_item_that_says_so(deployment: Deployment, file: MakeFile) -> None:
    (outcome,) = deployment.put(file("No-Dataset", "x.csv", "a,b\n1,2\n"))
    assert (outcome.status, outcome.item["dataset"]) == (Status.REJECTED, "_invalid")
    assert outcome.item["error"]["code"] == "BAD_KEY"


def test_names_with_spaces_plus_signs_and_unicode_arrive(deployment: Deployment, file: MakeFile) -> None:
    (outcome,) = deployment.put(file("names", "año 2026+1 (ü).csv", "a,b\n1,2\n"))
    assert outcome.status is Status.PROCESSED
    assert table_of(deployment, outcome).to_pylist() == [{"a": 1, "b": 2}]


def test_the_newest_version_counts_and_a_deletion_hides_it(deployment: Deployment, file: MakeFile) -> None:
    (first,) = deployment.put(file("versions", "v.csv", "a\n1\n"))
    (second,) = deployment.put(file("versions", "v.csv", "a\n2\n"))
    assert visible(deployment, "data/versions/") == set(second.outputs)
    assert first.outputs != second.outputs
    bucket = deployment.stack.bucket("raw")
    marker = deployment.stack.s3.delete_object(Bucket=bucket, Key="versions/v.csv")["VersionId"]
    until(lambda: visible(deployment, "data/versions/") == set())
    item = deployment.stack.ledger.get_item(Key={"pk": names.work_pk("versions/v.csv"), "sk": marker})["Item"]
    assert item["status"] == "DELETED"


def test_originals_stay_under_a_delete_marker(deployment: Deployment, file: MakeFile) -> None:
    (outcome,) = deployment.put(file("originals", "kept.csv", "a\n1\n"))
    bucket = deployment.stack.bucket("raw")
    deployment.stack.s3.delete_object(Bucket=bucket, Key=outcome.key)
    kept = deployment.stack.s3.get_object(Bucket=bucket, Key=outcome.key, VersionId=outcome.version_id)
    assert kept["Body"].read() == b"a\n1\n"


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("broken.csv", 0, "line 4: 1 fields instead of 2"),
        ("empty.csv", 1, "EMPTY_FILE: The object holds no bytes"),
        ("missing.csv", 1, "is no file"),
    ],
)
def test_make_put_waits_and_says_what_became_of_it(deployment: Deployment, name: str, status: int, said: str) -> None:
    command = [sys.executable, "-m", "demo", "put", "--file", f"demo/data/{name}", "--dataset", "airlines"]
    environment = {**os.environ, "ESTANCIA_LOCAL_PORT": str(deployment.platform.port)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done.stdout + done.stderr


def test_nothing_is_left_in_the_queues(deployment: Deployment, demo_outcomes: dict[str, Outcome]) -> None:
    sqs = deployment.stack.session.client("sqs", endpoint_url=deployment.stack.endpoint)
    urls = [sqs.get_queue_url(QueueName=f"{deployment.stack.name}-{queue}")["QueueUrl"] for queue in QUEUES]

    def empty() -> bool:
        found = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in urls]
        return {a["ApproximateNumberOfMessages"] + a["ApproximateNumberOfMessagesNotVisible"] for a in found} == {"00"}

    until(empty)
