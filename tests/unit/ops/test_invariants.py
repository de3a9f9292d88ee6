"""Each kind of damage, made in a small account, is found, and nothing else is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol.names import work_id
from estancia_protocol.status import Status
from estancia_protocol.timing import ATTEMPTS
from ops.account import Counts, DeadLetter, Snapshot
from ops.findings import PATIENCE, Kind
from ops.invariants import judge
from tests.unit.ops.accounts import (
    FAILED,
    LONG_AGO,
    MARKED,
    NOW,
    OLD,
    TABLE,
    account,
    changed,
    original,
    outputs,
    shows,
    work,
)
from tests.unit.ops.damage import DAMAGE, GOOD, LATELY, UNDER_WAY, recorded, shown, with_works


def found(snapshot: Snapshot, kind: Kind = Kind.VIOLATION) -> list[tuple[int, str, str, str]]:
    return [(f.invariant, f.key, f.version_id, f.rule) for f in judge(snapshot).of(kind)]


def test_an_account_that_holds_gives_no_finding() -> None:
    assert judge(GOOD, dt.timedelta(0)).findings == ()


def test_an_empty_account_holds() -> None:
    assert judge(Snapshot("estancia-dev", NOW, NOW), dt.timedelta(0)).findings == ()


@pytest.mark.parametrize(("damage", "expected"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_damage_is_found_and_nothing_else(damage: dict[str, Any], expected: tuple[int, str, str, str]) -> None:
    assert found(account(**damage)) == [expected]


def test_an_open_output_of_a_finished_item_is_found() -> None:
    snapshot = account(outputs=recorded(dataclasses.replace(TABLE, version_id=None)), shown=shown())
    assert (3, "sales/a.csv", "2", f"is PROCESSED, but its output {TABLE.key} is open") in found(snapshot)


def test_an_item_left_alone_is_stuck() -> None:
    alone = work("sales/d.csv", "1", Status.PROCESSING, attempt=1, lease_until=LONG_AGO)
    snapshot = account(works=with_works(alone), raw=(*GOOD.raw, original("sales/d.csv", "1")))
    rule = "is PROCESSING, attempt 1 of 5, lease until 2026-02-27 12:00:00 UTC"
    assert found(snapshot) == [(4, "sales/d.csv", "1", rule)]
    failing = dataclasses.replace(alone, error="SERVICE_UNAVAILABLE")
    snapshot = account(works=with_works(failing), raw=(*GOOD.raw, original("sales/d.csv", "1")))
    assert found(snapshot) == [(4, "sales/d.csv", "1", f"{rule}, last error SERVICE_UNAVAILABLE")]


@pytest.mark.parametrize(("parts", "invariant"), [u[1:] for u in UNDER_WAY], ids=[u[0] for u in UNDER_WAY])
def test_what_is_under_way_is_said_and_is_no_violation(parts: dict[str, Any], invariant: int) -> None:
    snapshot = account(**parts)
    assert found(snapshot) == []
    assert [f[0] for f in found(snapshot, Kind.UNDER_WAY)] == [invariant]


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.PROCESSING])
def test_unfinished_work_is_under_way_with_all_that_it_puts(status: Status) -> None:
    busy = work("sales/d.csv", "1", status, LATELY, attempt=1)
    made = outputs(changed(busy, dataset="sales"))
    snapshot = account(
        works=with_works(busy),
        raw=(*GOOD.raw, original("sales/d.csv", "1")),
        outputs=(*GOOD.outputs, *made),
        shown=shown(*map(shows, made)),
    )
    assert found(snapshot) == []
    assert found(snapshot, Kind.UNDER_WAY) == [(4, "sales/d.csv", "1", f"is {status}, attempt 1 of {ATTEMPTS}")]


def test_a_redriven_items_letter_waits_for_the_sweep() -> None:
    redriven = changed(FAILED, status=Status.RECEIVED, dead_lettered_at=None)
    snapshot = account(works=with_works(redriven))
    rule = "has dead letter m-1, but its item is RECEIVED, not FAILED"
    assert (4, "sales/c.csv", "1", rule) in found(snapshot, Kind.UNDER_WAY)


def test_a_letter_that_outlived_its_queue_is_only_said() -> None:
    old = NOW - dt.timedelta(days=20)
    snapshot = account(letters=(), works=with_works(changed(FAILED, dead_lettered_at=old, happened_at=old)))
    assert found(snapshot) == []
    rule = "is FAILED; its dead letter of 2026-02-09 ended with the queue's retention"
    assert found(snapshot, Kind.NOTE) == [(4, "sales/c.csv", "1", rule)]


def test_a_refused_message_is_said_to_a_person() -> None:
    refused = DeadLetter("m-9", LONG_AGO, "refused: the event is of bucket 'other'", problem="other bucket")
    snapshot = account(letters=(*GOOD.letters, refused))
    assert found(snapshot) == []
    assert found(snapshot, Kind.NOTE) == [(4, "m-9", "", "dead letter refused: the event is of bucket 'other'")]


def test_every_finding_has_a_remedy() -> None:
    everything = [f for _, parts, _ in DAMAGE for f in judge(account(**parts)).findings]
    assert [f for f in everything if not f.remedy] == []
    assert len({f.remedy for f in everything}) > 5


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_counts_hold_exactly_when_they_add_up(rows_in: int, rows_out: int, rejected: int) -> None:
    counts = Counts(rows_in, rows_out, rejected)
    snapshot = account(works=with_works(changed(OLD, counts=counts)))
    assert (found(snapshot) == []) == (rows_in == rows_out + rejected)


@given(st.timedeltas(dt.timedelta(0), dt.timedelta(days=3)))
def test_a_version_without_item_is_wrong_once_its_time_is_over(age: dt.timedelta) -> None:
    snapshot = account(raw=(*GOOD.raw, original("sales/d.csv", "1", at=NOW - age)))
    assert bool(found(snapshot)) == (age >= PATIENCE)


@given(st.permutations(range(5)))
def test_the_order_of_what_was_read_does_not_matter(order: list[int]) -> None:
    snapshot = account(works=tuple(GOOD.works[n] for n in order), outputs=tuple(reversed(GOOD.outputs)))
    assert judge(snapshot, dt.timedelta(0)).findings == ()


def test_work_ids_are_the_protocols() -> None:
    assert TABLE.work == work_id("sales/a.csv", "2")
    assert MARKED.item.final


def test_letters_that_someone_else_looks_at_are_said() -> None:
    (note,) = judge(account(letters_partial=True), dt.timedelta(0)).findings
    assert (note.kind, note.key) == (Kind.NOTE, "estancia-dev-ingest-dlq")


def test_the_remedy_of_a_lost_letter_is_a_command_for_any_key() -> None:
    lost = work("sales/it's a +.csv", "1", Status.FAILED)
    (finding,) = judge(Snapshot("estancia-dev", NOW, NOW, works=(lost,), raw=(original(lost.item.key, "1"),))).findings
    words = shlex.split(finding.remedy.partition(": ")[2])
    assert words[:4] == ["ansible-playbook", "-i", "<inventory>", "redrive.yml"]
    assert json.loads(words[5]) == {"estancia_redrive_key": lost.item.key}
