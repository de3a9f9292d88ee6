"""Handing back: a message waits long enough, and is never lost for having waited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol import handback, timing

RECEIVES = 1000
RETENTION = 10 * 86400
"""The queue's `maxReceiveCount`, and how long it keeps a message, in seconds."""


@given(st.floats(-100, 20 * 86400), st.floats(0, 1, exclude_max=True))
def test_a_busy_message_waits_a_quarter_of_its_age_within_bounds(age: float, jitter: float) -> None:
    delay = handback.busy_delay(age, jitter)
    quarter = min(max(age / 4, 5), 1200)
    assert 0.9 * quarter - 0.5 <= delay <= 1.1 * quarter + 0.5


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_a_thousand_busy_answers_outlast_the_queues_ten_days(jitters: list[float]) -> None:
    age = 0.0
    for receive in range(RECEIVES):
        age += handback.busy_delay(age, jitters[receive % len(jitters)])
    assert age > RETENTION


@given(st.floats(0, 10 * 86400), st.floats(0, 1, exclude_max=True))
def test_a_busy_message_is_tried_again_before_it_is_half_as_old_again(age: float, jitter: float) -> None:
    assert handback.busy_delay(age, jitter) <= max(age / 2, 6)


@given(st.floats(-1000, 60))
def test_after_a_lease_s_delay_it_may_be_taken_over(remaining: float) -> None:
    delay = handback.lease_delay(remaining)
    assert delay >= 1
    assert remaining + timing.TAKEOVER_GRACE <= delay <= max(remaining + timing.TAKEOVER_GRACE + 1, 1)


def test_a_retry_waits_longer_with_each_attempt() -> None:
    assert [handback.retry_delay(attempt) for attempt in range(1, 6)] == [15, 30, 45, 60, 75]
