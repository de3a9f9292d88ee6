"""The rules of attempt: what may follow what, and that nothing but a start makes an attempt."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol import attempt, lease
from estancia_protocol.attempt import Attempted, GiveUp, HandBack, Post, SendToDeadLetters, Settle, next_step
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status
from estancia_protocol.timing import ATTEMPTS
from tests.unit.protocol.attempted import ATTEMPT, ITEMS, LEASE_ID, NOON, RULES, after_noon

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
ACTIONS = ("start", "finish", "give back", "fail", "note", "redrive", "set back", "remove", "wait")


def documented() -> dict[str, set[str]]:
    """Return for each rule of the protocol's table of statuses the statuses that it may follow."""
    rows = re.findall(r"^\| `.* \| (.*) \| .* \| .* \| `(\w+)` \|$", PROTOCOL.read_text(), re.MULTILINE)
    return {rule: set(re.findall(r"`(\w+)`", origin)) for origin, rule in rows}


def test_each_row_of_the_table_of_statuses_is_a_rule_and_each_rule_is_in_it() -> None:
    assert documented().keys() == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_allows_the_statuses_of_its_row_and_no_other(name: str) -> None:
    allowed = {
        str(status)
        for status in [None, *Status]
        for number in (ATTEMPT - 1, ATTEMPT)
        if RULES[name].allows(Attempted(status, number, ATTEMPT, LEASE_ID))
    }
    assert allowed == (documented()[name] or {"None"})


def fresh(item: Attempted) -> bool:
    """Whether a received item is as the rules leave one: with attempts left and without a lease."""
    return item.attempt < item.attempt_limit and item.lease_until is None


@given(ITEMS.filter(lambda item: item.status is not Status.RECEIVED or fresh(item)))
def test_the_dispatcher_does_what_the_rules_allow(item: Attempted) -> None:
    match next_step(item, NOON):
        case Post(number):
            assert attempt.start(number, NOON).allows(item)
        case HandBack(seconds):
            assert not attempt.start(item.attempt + 1, NOON).allows(item)
            assert isinstance(next_step(item, NOON + dt.timedelta(seconds=seconds)), Post | GiveUp)
        case GiveUp():
            assert attempt.fail(item.attempt, NOON).allows(item)
        case SendToDeadLetters():
            assert attempt.still_failed(item.attempt).allows(item)
        case Settle():
            assert item.status is None or item.status.final


@given(ITEMS, st.integers(1, 9), st.sampled_from([LEASE_ID, "other", "third"]))
def test_an_item_is_nobodys_own_but_its_last_starts(item: Attempted, number: int, lease_id: str) -> None:
    own = attempt.own(number, lease_id).allows(item)
    assert own is (item.status is Status.PROCESSING and (number, lease_id) == (item.attempt, item.lease_id))
    if own:
        assert attempt.began(item, number, lease_id)


class Life:
    """One item through any actions that the rules allow, at a time that only moves on."""

    def __init__(self) -> None:
        self.now, self.item, self.starts = NOON, Attempted(Status.RECEIVED), 0

    def act(self, action: str, seconds: float) -> None:
        item, number = self.item, self.item.attempt
        match action:
            case "start" if attempt.start(number + 1, self.now).allows(item):
                until = lease.taken_at(self.now)
                self.change(status=Status.PROCESSING, attempt=number + 1, lease_id=str(number), lease_until=until)
                self.starts += 1
            case "finish" if item.lease_id and attempt.own(number, item.lease_id).allows(item):
                self.change(status=Status.PROCESSED)
            case "give back" if item.lease_id and attempt.own(number, item.lease_id).allows(item):
                self.change(lease_until=self.now)
            case "fail" if attempt.fail(number, self.now).allows(item):
                self.change(status=Status.FAILED, lease_id=None, lease_until=None)
            case "note" if attempt.still_failed(number).allows(item):
                self.change(dead_lettered=True)
            case "redrive" if attempt.still_failed(number).allows(item):
                self.change(status=Status.RECEIVED, attempt_limit=attempt.granted(number), dead_lettered=False)
            case "set back" if attempt.set_back(number).allows(item):
                limit = attempt.granted(number)
                self.change(status=Status.RECEIVED, attempt_limit=limit, lease_id=None, lease_until=None)
            case "remove":
                self.change(removed=True)
            case _:
                self.now += dt.timedelta(seconds=seconds)

    def change(self, **changes: Any) -> None:
        self.item = dataclasses.replace(self.item, **changes)


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.floats(0, 90)), max_size=60))
def test_attempts_only_grow_one_by_one_and_never_beyond_the_limit(actions: list[tuple[str, float]]) -> None:
    life = Life()
    for action, seconds in actions:
        before = life.item
        life.act(action, seconds)
        after = life.item
        assert after.attempt == life.starts
        assert after.attempt - before.attempt == (action == "start" and after.lease_id != before.lease_id)
        assert after.attempt <= after.attempt_limit
        assert after.status is not Status.RECEIVED or fresh(after)
        assert after.attempt_limit in (before.attempt_limit, before.attempt + ATTEMPTS)
        if after.status is Status.FAILED is not before.status:
            assert before.attempt == before.attempt_limit
            assert lease.free(before.lease_until, life.now)


@pytest.mark.parametrize(
    ("status", "limit", "removed", "again"),
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
def test_only_redrive_and_settle_raise_the_limit(status: Status | None, limit: int, removed: bool, again: bool) -> None:
    assert Attempted(status, 1, limit, removed=removed).granted_again is again


@given(ITEMS)
def test_an_item_is_read_back_from_its_attributes(item: Attempted) -> None:
    attributes = {
        "status": item.status and item.status.value,
        "attempt": item.attempt,
        "attempt_limit": item.attempt_limit,
        "lease_id": item.lease_id,
        "lease_until": item.lease_until and timestamp(item.lease_until),
        "removed_at": timestamp(NOON) if item.removed else None,
        "dlq_sent_at": timestamp(NOON) if item.dead_lettered else None,
    }
    assert Attempted.of({name: value for name, value in attributes.items() if value is not None}) == item


@pytest.mark.parametrize(
    ("recorded", "recordable", "completable"),
    [(None, True, False), (ATTEMPT - 1, True, False), (ATTEMPT, True, True), (ATTEMPT + 1, False, False)],
)
def test_an_output_is_recorded_over_earlier_attempts_only(
    recorded: int | None, recordable: bool, completable: bool
) -> None:
    assert attempt.record_output(ATTEMPT).allows(recorded) is recordable
    assert attempt.complete_output(ATTEMPT).allows(recorded) is completable


@given(st.floats(-9.9, 60))
def test_a_message_handed_back_for_a_lease_finds_it_over(remaining: float) -> None:
    item = Attempted(Status.PROCESSING, 1, lease_until=after_noon(remaining))
    step = next_step(item, NOON)
    assert isinstance(step, HandBack)
    assert next_step(item, after_noon(step.seconds)) == Post(2)
    assert step.seconds <= 71
