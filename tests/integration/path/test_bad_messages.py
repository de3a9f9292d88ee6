"""What is no event and no job: refused with a reason, and nothing else changes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
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

pytestmark = pytest.mark.usefixtures("warm_function", "invariants")
RAW = "estancia-local-000000000000-eu-west-1-raw"
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


# what it is, the body, words of the reason
GARBAGE: list[tuple[str, str, str]] = [
    ("no JSON", "garbage", "not JSON"),
    ("JSON of another kind", '{"detail-type": "Object Created"}', "has no Records"),
    ("a list", "[1, 2]", "has no Records"),
    ("no records", '{"Records": []}', "has no Records"),
    ("deeply nested", "[" * 50_000, "not JSON"),
    ("huge", "x" * 262_000, "(the first 200000 of 262000 bytes are kept)"),
    ("a foreign bucket's", s3_body(s3_record("ObjectCreated:Put", "d/x", "v")), "of bucket 'estancia-test-raw'"),
    ("of another service", changed(eventSource="aws:sns"), "'aws:sns'"),
    ("of another version", changed(eventVersion="3.0"), "'3.0'"),
    ("of an unknown kind", record("ObjectTagging:Put"), "'ObjectTagging:Put'"),
    ("of wrong types", changed(eventName=7), "eventName is 7"),
    ("with a wrong time", changed(eventTime="yesterday"), "eventTime 'yesterday'"),
    ("with a time out of bounds", changed(eventTime="0001-01-01T00:00:00+23:00"), "no time with an offset"),
    ("with a wrong size", record(size="1"), "size is '1'"),
    ("with an endless size", record(size=10**39), "size is 1000"),
    ("not UTF-8", record(key="d/%FF"), "not UTF-8"),
    ("with half a character", record(key="d/\ud800"), "object.key"),
    ("with too long a key", record(key="d/" + "x" * 1023), "more than 1024 bytes"),
    ("without a version", record(version=None), "turn versioning"),
    ("of the null version", record(version="null"), "turn versioning"),
]
# what it is, changes of a job for the waiting item, the answer's status, words of its detail
FORGED: list[tuple[str, dict[str, Any], int, str]] = [
    ("another dataset", {"dataset": "other"}, 400, "dataset: Extra inputs are not permitted"),
    ("another bucket", {"bucket": "other"}, 400, "bucket: Extra inputs are not permitted"),
    ("an unknown version", {"version_id": "other"}, 400, "no work item of 'forged/waiting.csv' version 'other'"),
    ("an unknown key", {"key": "forged/other.csv"}, 400, "no work item of 'forged/other.csv'"),
    ("a later attempt", {"attempt": 2}, 409, "attempt 0 of 5 is the item's, 2 came"),
    ("no attempt", {"attempt": 0}, 400, "attempt: Input should be greater than or equal to 1"),
    ("an endless attempt", {"attempt": 10**40}, 400, "attempt: "),
    ("a deadline that is over", {"deadline": "2020-01-01T00:00:00Z"}, 400, "is past or over an hour away"),
    ("a deadline far away", {"deadline": "2099-01-01T00:00:00Z"}, 400, "is past or over an hour away"),
    ("a deadline without an offset", {"deadline": "2099-01-01T00:00:00"}, 400, "should have timezone info"),
    ("a text for a number", {"attempt": "1"}, 400, "attempt: Input should be a valid integer"),
    ("an oversized body", {"request_id": "x" * 1_000_000}, 400, "the body has more than 16384 bytes"),
]


@pytest.mark.parametrize(("body", "words"), [case[1:] for case in GARBAGE], ids=[case[0] for case in GARBAGE])
def test_what_is_no_event_is_kept_for_a_person_and_changes_nothing(
    deployment: Deployment, before: State, send: Send, body: str, words: str
) -> None:
    send(body)
    found = change(before, at_rest(deployment.stack))
    ((kept, reason),) = found.letters
    assert kept == body[:200_000]
    assert reason.startswith("refused: ")
    assert words in reason
    assert found == Change({}, {}, ((kept, reason),), ())


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
    ("changes", "status", "words"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED]
)
def test_a_forged_job_is_refused_and_changes_nothing(
    deployment: Deployment, waiting: State, changes: dict[str, Any], status: int, words: str
) -> None:
    key, version = WAITING
    deadline = timestamp(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
    job = {"key": key, "version_id": version, "attempt": 1, "deadline": deadline, "request_id": "forged"}
    address = deployment.platform.processors[0].address
    answer = httpx.post(f"http://{address}:{PROCESSOR_PORT}/v1/process", json=job | changes, timeout=20)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "Estancia-Processor" in answer.headers
    assert words in answer.json()["detail"]
    assert change(waiting, at_rest(deployment.stack)) == Change({}, {}, (), ())
