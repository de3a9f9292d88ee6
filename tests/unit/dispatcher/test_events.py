"""Events out of queue messages."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_functions.events import Arrived, BadEventError, Removed, message_body, parse_message
from estancia_functions.items import WorkItem
from estancia_protocol.status import Status
from tests.unit.dispatcher.fakes import RAW, s3_body, s3_record

ELEVEN = dt.datetime(2024, 3, 1, 11, 59, tzinfo=dt.UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def test_a_created_object() -> None:
    (event,) = parse_message(s3_body(s3_record("ObjectCreated:Put", "flights/a+b%C3%B1%2B.csv", "v1", "0A")), RAW)
    owner = "principal:AWS:AROAEXAMPLE:alice"
    assert event == Arrived("flights/a bñ+.csv", "v1", None, "0A", 100, "e1", owner, ELEVEN)


@pytest.mark.parametrize("how", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_however_an_object_was_created(how: str) -> None:
    (event,) = parse_message(s3_body(s3_record(f"ObjectCreated:{how}", "d/a", "v1")), RAW)
    assert isinstance(event, Arrived)


@pytest.mark.parametrize(("by", "status"), [("ObjectRemoved", Status.DELETED), ("LifecycleExpiration", Status.EXPIRED)])
def test_a_delete_marker_is_an_arrival_too(by: str, status: Status) -> None:
    (event,) = parse_message(s3_body(s3_record(f"{by}:DeleteMarkerCreated", "d/a", "m1", eTag="e0")), RAW)
    assert isinstance(event, Arrived)
    assert (event.marker, event.size, event.etag) == (status, None, "e0")


@pytest.mark.parametrize("by", ["ObjectRemoved", "LifecycleExpiration"])
def test_a_removal_for_good(by: str) -> None:
    (event,) = parse_message(s3_body(s3_record(f"{by}:Delete", "d/a", "v1")), RAW)
    assert event == Removed("d/a", "v1", ELEVEN)


def test_a_message_with_several_records_keeps_their_order() -> None:
    records = [s3_record("ObjectCreated:Put", "d/a", f"v{number}") for number in range(3)]
    assert [event.version_id for event in parse_message(s3_body(*records), RAW)] == ["v0", "v1", "v2"]


def test_the_test_event_holds_nothing() -> None:
    body = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": RAW, "Time": "2024-03-01T00:00:00.000Z"}
    assert parse_message(json.dumps(body), RAW) == ()


def test_an_event_without_sequencer_or_principal_is_taken() -> None:
    record = s3_record("ObjectCreated:Put", "d/a", "v1", None)
    del record["userIdentity"]
    (event,) = parse_message(s3_body(record), RAW)
    assert isinstance(event, Arrived)
    assert (event.sequencer, event.owner) == (None, None)


def changed(**members: Any) -> str:
    return s3_body(s3_record("ObjectCreated:Put", "d/a", "v1") | members)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "not JSON"),
        ("[]", "no Records"),
        ("{}", "no Records"),
        ('{"Records": []}', "no Records"),
        ('{"Records": [{}]}', "eventSource"),
        (changed(eventSource="aws:sns"), "aws:sns"),
        (changed(eventVersion="3.0"), "3.0"),
        (changed(eventName="ObjectTagging:Put"), "ObjectTagging:Put"),
        (changed(eventTime="yesterday"), "eventTime 'yesterday'"),
        (changed(s3={"bucket": {"name": "other"}, "object": {}}), "bucket 'other'"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", None)), "turn versioning"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "null")), "turn versioning"),
        (s3_body(s3_record("ObjectCreated:Put", "d/%FF", "v1")), "not UTF-8"),
        ('"a text"', "no Records"),
        ("null", "no Records"),
        ("[" * 100_000, "not JSON"),
        ('{"Records": ' + "[" * 900 + "]" * 900 + "}", "eventSource"),
        ('{"Records": [' + '{"eventSource": ' * 100_000, "not JSON"),
        ('{"Records": 1' + "0" * 5000 + "}", "not JSON"),
        ('{"Event": "s3:TestEvent", "Records": []}', "no Records"),
        (changed(eventSource=["aws:s3"]), "eventSource"),
        (changed(eventName=None), "eventName"),
        (changed(eventName="ObjectRemoved:Unheard"), "ObjectRemoved:Unheard"),
        (changed(eventTime=5), "eventTime"),
        (changed(eventTime="2024-03-01T11:59:00"), "no time with an offset"),
        (changed(eventTime="0001-01-01T00:00:00+23:00"), "no time with an offset"),
        (changed(userIdentity={"principalId": "x" * 1025}), "principalId"),
        (changed(userIdentity={"principalId": ["x"]}), "principalId"),
        (changed(s3="none"), "s3.bucket.name"),
        (s3_body(s3_record("ObjectCreated:Put", "", "v1")), "object.key"),
        (s3_body(s3_record("ObjectCreated:Put", "d/" + "x" * 1023, "v1")), "more than 1024 bytes"),
        (s3_body(s3_record("ObjectCreated:Put", "d/xyz" + "%C3%B1" * 511, "v1")), "more than 1024 bytes"),
        (s3_body(s3_record("ObjectCreated:Put", "d/\ud800", "v1")), "object.key"),
        (s3_body(s3_record("ObjectCreated:Put", "d/%ED%A0%80", "v1")), "not UTF-8"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v" * 1025)), "versionId"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v\n1")), "control character"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", "not hexadecimal")), "sequencer"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", size=-1)), "size"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", size=True)), "size"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", size=1.5)), "size"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", size=10**39)), "size"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1"), {}), "eventSource"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", size=None)), "size"),
        (s3_body(s3_record("ObjectCreated:Put", "d/a", "v1", size="1")), "size"),
    ],
)
def test_anything_else_is_refused_and_the_reason_named(body: str, said: str) -> None:
    with pytest.raises(BadEventError, match=said) as raised:
        parse_message(body, RAW)
    assert any(
        remedy in str(raised.value) for remedy in ("stop the sender", "turn versioning", "remove them", "only that")
    )


@pytest.mark.parametrize(
    "key",
    ["d//x.csv", "d/../x.csv", "/d/x.csv", "d/./x", "d/\x00\x1f\x7f", "d/\n", "d/" + "ñ" * 511, "d/ +%2B&=?#;:"],
)
def test_any_key_that_s3_takes_arrives_as_it_is(key: str) -> None:
    (event,) = parse_message(s3_body(s3_record("ObjectCreated:Put", quote_plus(key), "v1")), RAW)
    assert event.key == key


@given(JSON)
def test_no_json_makes_reading_fail_in_another_way(document: Any) -> None:
    for body in (document, {"Records": document}, {"Records": [document]}):
        try:
            assert parse_message(json.dumps(body), RAW) == ()
        except BadEventError:
            continue


@given(
    TEXTS, st.from_regex(r"[!-~]{1,80}", fullmatch=True).filter(lambda text: text != "null"), st.none() | st.just("0A")
)
def test_a_dead_letter_reads_back_as_the_arrival_that_it_was(key: str, version_id: str, sequencer: str | None) -> None:
    (event,) = parse_message(s3_body(s3_record("ObjectCreated:Put", quote_plus(key), version_id, sequencer)), RAW)
    assert isinstance(event, Arrived)
    item = WorkItem(
        key,
        version_id,
        Status.FAILED,
        sequencer=sequencer,
        size=event.size,
        etag=event.etag,
        owner=event.owner,
        received_at="2024-03-01T11:59:00.000000Z",
    )
    assert parse_message(message_body(item, RAW), RAW) == (event,)
