"""What is no event and no job: refused with a reason, and nothing else changes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from estancia_processor.attributes import pack
from estancia_protocol import names
from estancia_protocol.job import timestamp
from local.layout import PROCESSOR_PORT
from tests.integration.path.conftest import Deployment
from tests.integration.path.state import Change, State, at_rest, change
from tests.unit.dispatcher.fakes import s3_body, s3_record

pytestmark = pytest.mark.usefixtures("warm_function")
RAW = "estancia-local-000000000000-eu-west-1-raw"
FOREIGN = "estancia-foreign-000000000000-eu-west-1-raw"
WAITING = ("forged/waiting.csv", "waiting")
Send = Callable[[str], None]


def record(name: str = "ObjectCreated:Put", key: str = "d/x", version: str | None = "v", **members: Any) -> str:
    """Return a message of one record of the raw bucket."""
    made = s3_record(name, key, version, **members)
    made["s3"]["bucket"]["name"] = RAW
    return s3_body(made)


def changed(**members: Any) -> str:
    """Return a message of one record of the raw bucket, of which members are replaced."""
    (made,) = json.loads(record())["Records"]
    return s3_body(made | members)


STRANGER = "; only S3's own event notifications belong here: find and stop the sender"
NO_JSON = "the message is not JSON that can be read: "
NO_VALUE = f"{NO_JSON}Expecting value: line 1 column 1 (char 0){STRANGER}"
NO_RECORDS = f"the message has no Records{STRANGER}"
NO_VERSION = f"the event of key 'd/x' has no version; turn versioning of bucket '{RAW}' on"
# what it is, the body, the reason behind "refused: "
GARBAGE: list[tuple[str, str, str]] = [
    ("no JSON", "garbage", NO_VALUE),
    ("JSON of another kind", '{"detail-type": "Object Created"}', NO_RECORDS),
    ("a list", "[1, 2]", NO_RECORDS),
    ("no records", '{"Records": []}', NO_RECORDS),
    (
        "deeply nested",
        "[" * 50_000,
        f"{NO_JSON}maximum recursion depth exceeded while decoding a JSON array from a unicode string{STRANGER}",
    ),
    ("huge", "x" * 262_000, f"{NO_VALUE} (the first 200000 of 262000 bytes are kept)"),
    (
        "a foreign bucket's",
        s3_body(s3_record("ObjectCreated:Put", "d/x", "v")),
        f"the event is of bucket 'estancia-test-raw', not of '{RAW}'; only that one may send here",
    ),
    ("of another service", changed(eventSource="aws:sns"), f"the record is 'aws:sns' '2.1', not aws:s3 2.x{STRANGER}"),
    ("of another version", changed(eventVersion="3.0"), f"the record is 'aws:s3' '3.0', not aws:s3 2.x{STRANGER}"),
    (
        "of an unknown kind",
        record("ObjectTagging:Put"),
        f"events 'ObjectTagging:Put' are not taken; remove them from bucket '{RAW}''s notification",
    ),
    ("of wrong types", changed(eventName=7), f"the record's eventName is 7, no text of 1 to 1024 bytes{STRANGER}"),
    (
        "with a wrong time",
        changed(eventTime="yesterday"),
        f"the record's eventTime 'yesterday' is no time with an offset{STRANGER}",
    ),
    (
        "with a time out of bounds",
        changed(eventTime="0001-01-01T00:00:00+23:00"),
        f"the record's eventTime '0001-01-01T00:00:00+23:00' is no time with an offset{STRANGER}",
    ),
    ("with a wrong size", record(size="1"), f"the object's size is '1', not a number of bytes{STRANGER}"),
    ("with an endless size", record(size=10**39), f"the object's size is {10**39}, not a number of bytes{STRANGER}"),
    ("not UTF-8", record(key="d/%FF"), f"key 'd/%FF' is not UTF-8 once it is decoded{STRANGER}"),
    (
        "with half a character",
        record(key="d/\ud800"),
        rf"the record's s3.object.key is 'd/\ud800', no text of 1 to 3072 bytes{STRANGER}",
    ),
    (
        "with too long a key",
        record(key="d/" + "x" * 1023),
        f"key 'd/{'x' * 97} has more than 1024 bytes, the most that S3 allows{STRANGER}",
    ),
    ("without a version", record(version=None), NO_VERSION),
    ("of the null version", record(version="null"), NO_VERSION),
]
TITLES = {400: "Not a job", 409: "Another's lease or attempt"}
NO_JOB = "the body is not a job: body."
FAR = "is past or over an hour away; send the function's end"
# what it is, changes of a job for the waiting item, the answer's status and its detail
FORGED: list[tuple[str, dict[str, Any], int, str]] = [
    ("another dataset", {"dataset": "other"}, 400, f"{NO_JOB}dataset: Extra inputs are not permitted"),
    ("another bucket", {"bucket": "other"}, 400, f"{NO_JOB}bucket: Extra inputs are not permitted"),
    (
        "an unknown version",
        {"version_id": "other"},
        400,
        "the ledger has no work item of 'forged/waiting.csv' version 'other'; write it first",
    ),
    (
        "an unknown key",
        {"key": "forged/other.csv"},
        400,
        "the ledger has no work item of 'forged/other.csv' version 'waiting'; write it first",
    ),
    (
        "a later attempt",
        {"attempt": 2},
        409,
        "'forged/waiting.csv': attempt 0 of 5 is the item's, 2 came; read the item again",
    ),
    ("no attempt", {"attempt": 0}, 400, f"{NO_JOB}attempt: Input should be greater than or equal to 1"),
    ("an endless attempt", {"attempt": 10**40}, 400, f"{NO_JOB}attempt: Input should be less than or equal to 1000000"),
    (
        "a deadline that is over",
        {"deadline": "2020-01-01T00:00:00Z"},
        400,
        f"deadline 2020-01-01T00:00:00.000000Z {FAR}",
    ),
    ("a deadline far away", {"deadline": "2099-01-01T00:00:00Z"}, 400, f"deadline 2099-01-01T00:00:00.000000Z {FAR}"),
    (
        "a deadline without an offset",
        {"deadline": "2099-01-01T00:00:00"},
        400,
        f"{NO_JOB}deadline: Input should have timezone info",
    ),
    ("a text for a number", {"attempt": "1"}, 400, f"{NO_JOB}attempt: Input should be a valid integer"),
    (
        "an oversized body",
        {"request_id": "x" * 1_000_000},
        400,
        "the body has more than 16384 bytes; no job is so long",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def read_letters(deployment: Deployment) -> Iterator[None]:
    """At the end the letters were read by a person, who deletes them."""
    yield
    deployment.stack.sqs.purge_queue(QueueUrl=deployment.stack.queue_url("ingest-dlq"))


@pytest.mark.parametrize(("body", "reason"), [case[1:] for case in GARBAGE], ids=[case[0] for case in GARBAGE])
def test_what_is_no_event_is_kept_for_a_person_and_changes_nothing(
    deployment: Deployment, before: State, send: Send, body: str, reason: str
) -> None:
    send(body)
    found = change(before, at_rest(deployment.stack))
    assert found == Change({}, {}, ((body[:200_000], f"refused: {reason}"),), ())


def test_a_test_event_of_s3_is_done_with(deployment: Deployment, before: State, send: Send) -> None:
    send('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "any"}')
    assert change(before, at_rest(deployment.stack)) == Change({}, {}, (), ())


@pytest.mark.parametrize("principal", ["dispatcher", "processor"])
def test_no_other_role_sends_events(deployment: Deployment, before: State, principal: str) -> None:
    session = deployment.principal(principal)
    sqs = session.client("sqs", endpoint_url=deployment.stack.endpoint)
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=deployment.stack.queue_url("ingest"), MessageBody=record())
    assert change(before, at_rest(deployment.stack)) == Change({}, {}, (), ())


def test_a_bucket_that_is_not_ours_has_no_way_into_the_queue(deployment: Deployment, before: State) -> None:
    """S3 asks the queue's policy when a notification is configured and, if that was skipped, with each event.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html.
    """
    stack, key = deployment.stack, "d/x.csv"
    queue = stack.sqs.get_queue_attributes(QueueUrl=stack.queue_url("ingest"), AttributeNames=["QueueArn"])
    wanted: Any = {"QueueArn": queue["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
    call: Any = {"Bucket": FOREIGN, "NotificationConfiguration": {"QueueConfigurations": [wanted]}}
    stack.s3.create_bucket(Bucket=FOREIGN, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    stack.s3.put_bucket_versioning(Bucket=FOREIGN, VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(ClientError) as refusal:
        stack.s3.put_bucket_notification_configuration(**call)
    assert refusal.value.response["Error"]["Code"] == "InvalidArgument"
    assert "Unable to validate the following destination configurations" in str(refusal.value)
    stack.s3.put_bucket_notification_configuration(**call, SkipDestinationValidation=True)
    version = stack.s3.put_object(Bucket=FOREIGN, Key=key, Body=b"a\n1\n")["VersionId"]
    assert change(before, at_rest(stack)) == Change({}, {}, (), ())
    stack.s3.delete_object(Bucket=FOREIGN, Key=key, VersionId=version)
    stack.s3.delete_bucket(Bucket=FOREIGN)


@pytest.fixture
def waiting(deployment: Deployment) -> Any:
    """An item that waits for its first attempt, for as long as the test runs."""
    key, version = WAITING
    place = pack({"pk": names.work_pk(key), "sk": version})
    facts = {"status": "RECEIVED", "attempt": 0, "attempt_limit": 5, "dataset": "forged"}
    table = deployment.stack.ledger_name
    deployment.stack.dynamodb.put_item(TableName=table, Item=place | pack(facts))
    yield at_rest(deployment.stack)
    deployment.stack.dynamodb.delete_item(TableName=table, Key=place)


@pytest.mark.parametrize(
    ("changes", "status", "detail"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED]
)
def test_a_forged_job_is_refused_and_changes_nothing(
    deployment: Deployment, waiting: State, changes: dict[str, Any], status: int, detail: str
) -> None:
    key, version = WAITING
    deadline = timestamp(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
    job = {"key": key, "version_id": version, "attempt": 1, "deadline": deadline, "request_id": "forged"}
    address = deployment.platform.processors[0].address
    answer = httpx.post(f"http://{address}:{PROCESSOR_PORT}/v1/process", json=job | changes, timeout=20)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "Estancia-Processor" in answer.headers
    assert answer.json() == {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail}
    assert change(waiting, at_rest(deployment.stack)) == Change({}, {}, (), ())
