"""The decision core."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.decisions import GiveUp, HandBack, Post, SendToDeadLetters, Settle, Verdict, decide, judge
from estancia_functions.events import Arrived
from estancia_functions.items import WorkItem
from estancia_functions.settling import ordered
from estancia_protocol.errors import ErrorCode
from estancia_protocol.settle import Version, newer
from estancia_protocol.status import Status
from tests.unit.dispatcher.fakes import NOON, seconds

LIMIT = 1000
ITEMS = st.builds(
    WorkItem,
    key=st.just("d/a"),
    version_id=st.just("v1"),
    status=st.sampled_from(Status),
    attempt=st.integers(0, 12),
    attempt_limit=st.sampled_from([5, 10]),
    lease_until=st.none() | st.floats(-100, 100).map(lambda number: NOON + seconds(number)),
    dead_lettered=st.booleans(),
)


def arrival(key: str = "d/a", size: int | None = 10, marker: Status | None = None) -> Arrived:
    return Arrived(key, "v1", marker, "01", size, "e", "principal:x", NOON)


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        (arrival(), Status.RECEIVED, None),
        (arrival(size=LIMIT), Status.RECEIVED, None),
        (arrival(size=LIMIT + 1), Status.REJECTED, ErrorCode.TOO_LARGE),
        (arrival(size=0), Status.REJECTED, ErrorCode.EMPTY_FILE),
        (arrival(key="nowhere", size=0), Status.REJECTED, ErrorCode.BAD_KEY),
        (arrival(key="_invalid/a"), Status.REJECTED, ErrorCode.BAD_KEY),
        (arrival(key="nowhere", size=None, marker=Status.DELETED), Status.DELETED, None),
        (arrival(size=None, marker=Status.EXPIRED), Status.EXPIRED, None),
    ],
)
def test_what_the_event_alone_decides(event: Arrived, status: Status, code: ErrorCode | None) -> None:
    verdict = judge(event, LIMIT)
    assert (verdict.status, verdict.code) == (status, code)
    assert bool(verdict.detail) is (code is not None)


def test_a_rejection_names_the_input_and_the_rule() -> None:
    assert "1001 bytes, the limit is 1000" in judge(arrival(size=1001), LIMIT).detail
    assert "'nowhere'" in judge(arrival(key="nowhere"), LIMIT).detail
    assert judge(arrival(), LIMIT) == Verdict(Status.RECEIVED)


@given(ITEMS)
def test_every_item_has_one_right_step(item: WorkItem) -> None:
    step = decide(item, NOON)
    free = item.lease_until is None or (NOON - item.lease_until).total_seconds() >= 10
    match item.status:
        case Status.RECEIVED:
            assert step == Post(item.attempt + 1)
        case Status.PROCESSING if not free:
            assert isinstance(step, HandBack)
        case Status.PROCESSING:
            assert step == (GiveUp() if item.attempt >= item.attempt_limit else Post(item.attempt + 1))
        case Status.FAILED:
            assert step == (Settle() if item.dead_lettered else SendToDeadLetters())
        case _:
            assert step == Settle()


@given(st.floats(-9.9, 60))
def test_a_message_handed_back_for_a_lease_finds_it_over(remaining: float) -> None:
    item = WorkItem("d/a", "v1", Status.PROCESSING, 1, lease_until=NOON + seconds(remaining))
    step = decide(item, NOON)
    assert isinstance(step, HandBack)
    assert decide(item, NOON + dt.timedelta(seconds=step.seconds)) == Post(2)
    assert step.seconds <= 71


@pytest.mark.parametrize(
    ("status", "limit", "removed", "set_back"),
    [
        (Status.RECEIVED, 5, False, False),
        (Status.RECEIVED, 6, False, True),
        (Status.PROCESSING, 10, False, True),
        (Status.PROCESSED, 10, False, False),
        (Status.FAILED, 10, False, False),
        (Status.RECEIVED, 10, True, True),
        (None, 5, True, False),
    ],
)
def test_only_redrive_and_settle_raise_the_limit(
    status: Status | None, limit: int, removed: bool, set_back: bool
) -> None:
    assert WorkItem("d/a", "v", status, 1, limit, removed=removed).set_back is set_back


def test_the_listing_gives_versions_their_order() -> None:
    old, new, gone = (Version(name, None, Status.PROCESSED, 1, removed=False) for name in ("old", "new", "gone"))
    listed = {version.version_id: version for version in ordered([old, gone, new], ["new", "other", "old"])}
    assert newer(listed["old"], listed["new"]) < 0
    assert listed["gone"].removed
    assert not listed["old"].removed
