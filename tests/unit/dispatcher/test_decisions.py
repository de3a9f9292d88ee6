"""What an event decides by itself."""

from __future__ import annotations

import pytest

from dispatcher.decisions import Verdict, judge
from estancia_functions.events import Arrived
from estancia_functions.settling import ordered
from estancia_protocol.errors import ErrorCode
from estancia_protocol.settle import Version, newer
from estancia_protocol.status import Status
from tests.unit.dispatcher.fakes import NOON

LIMIT = 1000


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


def test_the_listing_gives_versions_their_order() -> None:
    old, new, gone = (Version(name, None, Status.PROCESSED, 1, removed=False) for name in ("old", "new", "gone"))
    listed = {version.version_id: version for version in ordered([old, gone, new], ["new", "other", "old"])}
    assert newer(listed["old"], listed["new"]) < 0
    assert listed["gone"].removed
    assert not listed["old"].removed
