"""The plan of settling: which version counts, and that a second settling has nothing to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol.settle import Plan, RecordedOutput, Version, needs_listing, plan
from estancia_protocol.status import Status

COUNTING = (Status.PROCESSED, Status.DELETED)
Key = tuple[list[Version], list[RecordedOutput]]


@st.composite
def keys(draw: st.DrawFn) -> Key:
    """A key's items in creation order, a few without a sequencer but with their place in the listing, and outputs."""
    versions, outputs = [], []
    for index in range(draw(st.integers(0, 5))):
        sequencer = f"{index + 1:016X}" if draw(st.integers(0, 4)) else None
        status, attempt = draw(st.sampled_from([*Status, None])), draw(st.integers(0, 3))
        versions.append(Version(f"v{index}", sequencer, status, attempt, draw(st.booleans()), index))
        count = draw(st.integers(0, 2)) if status in (Status.PROCESSED, Status.REJECTED) else 0
        outputs += [
            RecordedOutput(f"v{index}", f"k{index}/{number}", draw(st.integers(1, 3)), draw(st.booleans()))
            for number in range(count)
        ]
    return draw(st.permutations(versions)), draw(st.permutations(outputs))


def carried_out(todo: Plan, versions: Sequence[Version], outputs: Sequence[RecordedOutput]) -> Key:
    after = [dataclasses.replace(o, retired=o.retired or o in todo.retire) for o in outputs]
    again = todo.winner if todo.again else None
    return [dataclasses.replace(v, status=Status.RECEIVED) if v == again else v for v in versions], after


@given(keys())
def test_the_newest_version_that_counts_wins(key: Key) -> None:
    versions, outputs = key
    counting = [v for v in versions if v.status in COUNTING and not v.removed]
    expected = max(counting, key=lambda v: v.order or 0, default=None)
    assert plan(versions, outputs).winner == expected


@given(keys())
def test_afterwards_only_the_winners_own_outputs_are_left(key: Key) -> None:
    versions, outputs = key
    todo = plan(versions, outputs)
    for output in outputs:
        made_from = next(v for v in versions if v.version_id == output.version_id)
        stays = made_from == todo.winner and output.attempt == made_from.attempt
        assert (output in todo.retire) is (not output.retired and not stays)


@given(keys())
def test_settling_twice_changes_nothing(key: Key) -> None:
    versions, outputs = carried_out(plan(*key), *key)
    second = plan(versions, outputs)
    assert (second.retire, second.again) == ((), False)


@given(keys())
def test_a_plan_does_not_depend_on_the_order_of_reading(key: Key) -> None:
    versions, outputs = key
    here, there = plan(versions, outputs), plan(versions[::-1], outputs[::-1])
    assert (here.winner, set(here.retire), here.again) == (there.winner, set(there.retire), there.again)


@pytest.mark.parametrize(
    "newer", [Status.REJECTED, Status.FAILED, Status.EXPIRED, Status.PROCESSING, Status.RECEIVED, None]
)
def test_a_newer_version_that_does_not_count_leaves_the_older_one(newer: Status | None) -> None:
    old = Version("old", "01", Status.PROCESSED, 1, removed=False)
    new = Version("new", "02", newer, 1, removed=False)
    assert plan([old, new], [RecordedOutput("old", "k", 1, retired=False)]) == Plan(old, (), again=False)


def test_a_removed_marker_brings_the_version_below_it_back() -> None:
    version = Version("v", "01", Status.PROCESSED, 1, removed=False)
    marker = Version("m", "02", Status.DELETED, 0, removed=True)
    assert plan([version, marker], [RecordedOutput("v", "k", 1, retired=True)]) == Plan(version, (), again=True)


@pytest.mark.parametrize("waiting", [Status.RECEIVED, Status.PROCESSING])
def test_an_older_version_is_not_brought_back_while_a_newer_one_is_unfinished(waiting: Status) -> None:
    old = Version("old", "01", Status.PROCESSED, 1, removed=False)
    new = Version("new", "02", waiting, 1, removed=False)
    outputs = [RecordedOutput("old", "k", 1, retired=True)]
    assert plan([old, new], outputs) == Plan(old, (), again=False)
    assert plan([old, dataclasses.replace(new, removed=True)], outputs).again
    assert plan([old, dataclasses.replace(new, status=Status.FAILED)], outputs).again
    assert plan([dataclasses.replace(old, sequencer="03"), new], outputs).again


def test_only_rivals_without_a_sequencer_need_the_listing() -> None:
    known = Version("a", "01", Status.PROCESSED, 1, removed=False)
    unknown = Version("b", None, Status.PROCESSED, 1, removed=False)
    assert needs_listing([known, unknown])
    assert not needs_listing([unknown])
    assert not needs_listing([known, dataclasses.replace(unknown, removed=True)])
    assert not needs_listing([known, dataclasses.replace(unknown, status=Status.FAILED)])
    assert needs_listing([known, dataclasses.replace(unknown, status=Status.RECEIVED)])


def test_rivals_that_nothing_orders_are_an_error() -> None:
    rivals = [
        Version("a", "01", Status.PROCESSED, 1, removed=False),
        Version("b", None, Status.DELETED, 0, removed=False),
    ]
    with pytest.raises(ValueError, match="neither sequencers nor listing order"):
        plan(rivals, [])
