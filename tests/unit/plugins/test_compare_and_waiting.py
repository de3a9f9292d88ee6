"""Comparing live with wanted states, and waiting for AWS with a bound."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.compare import canonical_policy, project
from ansible.module_utils.waiting import optional, retry, wait_until
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.scripted import refusal


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_only_what_is_asked_for_is_compared() -> None:
    live = {"a": 1, "more": 2, "items": [{"x": 1, "extra": 0}]}
    assert project(live, {"a": 1, "items": [{"x": 1}]}) == {"a": 1, "items": [{"x": 1}]}


def test_what_is_missing_shows() -> None:
    assert project({}, {"a": {"b": 1}}) == {"a": None}
    assert project({"items": []}, {"items": [{"x": 1}]}) == {"items": []}


@given(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_state_equals_itself(state: Any) -> None:
    assert project(state, state) == state


def test_equal_policies_are_equal_however_they_are_written() -> None:
    one = '{"Statement": [{"Action": ["b", "a"], "Principal": "*", "Condition": {"Bool": {"x": false}}}]}'
    other = {"Statement": {"Principal": ["*"], "Action": ["a", "b"], "Condition": {"Bool": {"x": "false"}}}}
    assert canonical_policy(one) == canonical_policy(other)


def test_policies_that_mean_something_else_differ() -> None:
    assert canonical_policy({"Action": ["a", "b"]}) != canonical_policy({"Action": ["a"]})
    assert canonical_policy("") is None


def test_absence_is_none_and_other_failures_stay() -> None:
    def fail() -> Any:
        raise refusal("NoSuchBucket")

    assert optional(fail, "NoSuchBucket") is None
    with pytest.raises(ClientError):
        optional(fail, "404")


def test_a_refusal_that_ends_is_waited_for() -> None:
    clock = Clock()
    answers: list[Exception | str] = [refusal("Blocked"), refusal("Blocked"), "made"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retry(call, lambda _error: True, 60, clock=clock, sleep=clock.sleep) == "made"
    assert clock.now == 10


def test_a_refusal_that_stays_is_told_in_the_end() -> None:
    clock = Clock()

    def call() -> str:
        raise refusal("Blocked")

    with pytest.raises(ClientError):
        retry(call, lambda _error: True, 60, clock=clock, sleep=clock.sleep)
    assert clock.now <= 60


def test_a_refusal_for_good_is_told_at_once() -> None:
    clock = Clock()

    def call() -> str:
        raise refusal("AccessDenied")

    with pytest.raises(ClientError):
        retry(call, lambda _error: False, 60, clock=clock, sleep=clock.sleep)
    assert clock.now == 0


def test_waiting_has_an_end_that_says_for_what() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="until the queue is gone"):
        wait_until(lambda: False, "the queue is gone", 10, clock=clock, sleep=clock.sleep)
