"""The sweep's rules, one by one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_functions.events import Arrived, Event, Removed
from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry, by_key
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status
from sweep.rules import EVENT_PATIENCE, NOTHING, Fate, Output, Repair, fate, lost, repair, stuck, suspicious
from tests.unit.dispatcher.fakes import NOON

HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
WAITING = WorkItem("d/a", "v", Status.RECEIVED, received_at=timestamp(NOON))
UNFINISHED = (Status.RECEIVED, Status.PROCESSING, Status.FAILED)
spans = st.timedeltas(dt.timedelta(0), dt.timedelta(days=20))
moments = st.none() | st.builds(lambda span: NOON + span, spans)


@pytest.mark.parametrize("status", UNFINISHED)
def test_an_item_is_stuck_after_an_hour_in_which_nothing_happened(status: Status) -> None:
    item = dataclasses.replace(WAITING, status=status)
    assert not stuck(item, NOON + HOUR - MINUTE)
    assert stuck(item, NOON + HOUR)
    changed = NOON + HOUR
    for later in (
        dataclasses.replace(item, started_at=changed),
        dataclasses.replace(item, lease_until=changed),
        dataclasses.replace(item, swept_at=changed),
    ):
        assert not stuck(later, NOON + 2 * HOUR - MINUTE)
        assert stuck(later, NOON + 2 * HOUR)


any_item = st.builds(
    WorkItem,
    st.just("d/a"),
    st.just("v"),
    st.sampled_from(Status),
    attempt_limit=st.integers(5, 12),
    received_at=st.just(timestamp(NOON)),
    started_at=moments,
    lease_until=moments,
    swept_at=moments,
    dead_lettered=st.booleans(),
)


@given(any_item, spans)
def test_what_an_index_lacks_never_hides_a_stuck_item(whole: WorkItem, age: dt.timedelta) -> None:
    indexed = dataclasses.replace(whole, started_at=None, lease_until=None)
    assert stuck(indexed, NOON + age) or not stuck(whole, NOON + age)


@given(st.sampled_from(UNFINISHED), spans, st.integers(5, 12))
def test_nothing_is_sent_twice_within_an_hour_nor_within_half_of_its_age(
    status: Status, age: dt.timedelta, limit: int
) -> None:
    sent = dataclasses.replace(WAITING, status=status, attempt_limit=limit, swept_at=NOON + age)
    again = NOON + age + max(HOUR, age)
    assert not stuck(sent, again - MINUTE)
    assert stuck(sent, again + MINUTE)


def test_what_was_set_back_is_sent_at_once_and_only_once() -> None:
    back = dataclasses.replace(WAITING, attempt=5, attempt_limit=10)
    assert stuck(back, NOON)
    assert not stuck(dataclasses.replace(back, swept_at=NOON), NOON + MINUTE)
    assert not stuck(dataclasses.replace(back, status=Status.PROCESSING, started_at=NOON), NOON + MINUTE)


@pytest.mark.parametrize(
    "item",
    [
        *(dataclasses.replace(WAITING, status=status) for status in (*Status, None) if status not in UNFINISHED),
        dataclasses.replace(WAITING, status=Status.FAILED, dead_lettered=True),
        dataclasses.replace(WAITING, received_at=None),
    ],
)
def test_what_is_final_and_told_is_never_stuck(item: WorkItem) -> None:
    assert not stuck(item, NOON + dt.timedelta(days=100))


def entry(version_id: str, *, marker: bool = False, key: str = "data/d/k") -> Entry:
    return Entry(key, version_id, marker, NOON)


def test_a_version_without_an_item_is_lost_once_no_message_can_be_as_old() -> None:
    assert not lost(entry("v"), None, dt.timedelta(), NOON + EVENT_PATIENCE)
    assert lost(entry("v"), None, dt.timedelta(), NOON + EVENT_PATIENCE + MINUTE)
    assert not lost(entry("v"), None, HOUR, NOON + HOUR)
    assert lost(entry("v"), None, HOUR, NOON + HOUR + MINUTE)
    assert not lost(entry("null"), None, dt.timedelta(), NOON + HOUR)


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (WorkItem("d/k", "v", Status.RECEIVED), False),
        (WorkItem("d/k", "v", removed=True), False),
        (WorkItem("d/k", "v"), True),
        (WorkItem("d/k", "v", swept_at=NOON), True),
        (WorkItem("d/k", "v", swept_at=NOON + 2 * HOUR - MINUTE), False),
    ],
)
def test_a_lost_version_is_announced_at_most_once_an_hour(item: WorkItem, found: bool) -> None:
    assert lost(entry("v"), item, dt.timedelta(), NOON + 2 * HOUR) is found


ARRIVAL = Arrived("d/k", "v", None, None, 1, "e", "principal:x", NOON)
REMOVAL = Removed("d/k", "v", NOON)
known = [WorkItem("d/k", "v", status, removed=removed) for status in Status for removed in (False, True)]


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ([], Fate.DELETE),
        ([(ARRIVAL, None)], Fate.SEND_AND_KEEP),
        ([(ARRIVAL, WorkItem("d/k", "v", removed=True))], Fate.SEND_AND_KEEP),
        ([(REMOVAL, None)], Fate.SEND_AND_KEEP),
        *(([(ARRIVAL, item)], Fate.KEEP if item.status is Status.FAILED else Fate.DELETE) for item in known),
        *(([(REMOVAL, item)], Fate.DELETE if item.removed else Fate.SEND_AND_KEEP) for item in known),
        ([(ARRIVAL, WorkItem("d/k", "v", Status.FAILED)), (ARRIVAL, None)], Fate.SEND_AND_KEEP),
        ([(ARRIVAL, WorkItem("d/k", "v", Status.FAILED)), (REMOVAL, known[1])], Fate.KEEP),
    ],
)
def test_a_copy_is_deleted_only_when_the_ledger_knows_all_it_tells(
    facts: Sequence[tuple[Event, WorkItem | None]], wanted: Fate
) -> None:
    assert fate(facts) is wanted


RECORDED = Output("w", "data/d/k", 2, "right", retired=False, raw_key="d/a", raw_version_id="v")
DONE = WorkItem("d/a", "v", Status.PROCESSED, 2)
WOKEN, RIGHT, OLD, MARKER = entry("woken"), entry("right"), entry("old"), entry("m", marker=True)


@pytest.mark.parametrize(
    ("entries", "retired", "wanted"),
    [
        ([RIGHT], False, NOTHING),
        ([RIGHT, OLD], False, NOTHING),
        ([WOKEN, RIGHT, OLD], False, Repair(remove=("woken",))),
        ([MARKER, RIGHT], False, Repair(unhide=("m",))),
        ([MARKER, WOKEN, RIGHT], False, Repair(remove=("woken",), unhide=("m",))),
        ([WOKEN, OLD], False, NOTHING),
        ([MARKER], False, NOTHING),
        ([MARKER, RIGHT], True, NOTHING),
        ([RIGHT], True, Repair(hide=True)),
        ([WOKEN, MARKER, RIGHT], True, Repair(hide=True)),
    ],
)
def test_what_shows_is_what_is_recorded(entries: list[Entry], retired: bool, wanted: Repair) -> None:
    output = dataclasses.replace(RECORDED, retired=retired)
    assert repair(output, DONE, "v", entries) == wanted
    assert suspicious(output, entries) or wanted == NOTHING


@given(
    st.sampled_from(Status),
    st.integers(1, 3),
    st.sampled_from(["v", "other", None]),
    st.booleans(),
    st.lists(st.sampled_from([WOKEN, RIGHT, OLD, MARKER]), min_size=1, unique=True),
)
def test_only_what_is_newer_than_the_winner_s_recorded_version_is_ever_removed(
    status: Status, attempt: int, winner: str | None, retired: bool, entries: list[Entry]
) -> None:
    output = dataclasses.replace(RECORDED, retired=retired)
    todo = repair(output, dataclasses.replace(DONE, status=status, attempt=attempt), winner, entries)
    removed = {*todo.remove, *todo.unhide}
    if removed:
        assert (winner, attempt, retired, status.final) == ("v", 2, False, True)
        assert removed == {found.version_id for found in entries[: entries.index(RIGHT)]}
    if todo.hide:
        assert retired
        assert status.final
        assert not entries[0].marker


@given(st.lists(st.sampled_from("abc"), max_size=12).map(sorted), st.data())
def test_keys_are_whole_wherever_pages_cut_them(keys: list[str], data: st.DataObject) -> None:
    entries = [Entry(key, f"v{n}", False, NOON) for n, key in enumerate(keys)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(entries)), max_size=4)))
    pages = [entries[start:end] for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True)]
    groups = [group for page in by_key(pages) for group in page]
    assert groups == [[found for found in entries if found.key == key] for key in sorted(set(keys))]
