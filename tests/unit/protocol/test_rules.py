"""Sequencers, hand-back, statuses and error codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol import handback, timing
from estancia_protocol.errors import ErrorCode
from estancia_protocol.sequencer import sequencer_order
from estancia_protocol.status import SHARDS, Status, status_shard

SEQUENCERS = st.text("0123456789abcdefABCDEF", min_size=1, max_size=18)
WORKS = st.text("0123456789abcdef", min_size=32, max_size=32)


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@given(SEQUENCERS, SEQUENCERS)
def test_sequencers_are_compared_as_hexadecimal_fractions(left: str, right: str) -> None:
    width = max(len(left), len(right))
    values = int(left.ljust(width, "0"), 16), int(right.ljust(width, "0"), 16)
    assert sign(sequencer_order(left, right)) == sign(values[0] - values[1])


@given(SEQUENCERS, SEQUENCERS, SEQUENCERS)
def test_sequencers_are_totally_ordered(a: str, b: str, c: str) -> None:
    assert sign(sequencer_order(a, b)) == -sign(sequencer_order(b, a))
    if sequencer_order(a, b) <= 0 and sequencer_order(b, c) <= 0:
        assert sequencer_order(a, c) <= 0


@given(st.floats(-100, 20 * 86400), st.floats(0, 1, exclude_max=True))
def test_a_busy_message_waits_a_quarter_of_its_age_within_bounds(age: float, jitter: float) -> None:
    delay = handback.busy_delay(age, jitter)
    quarter = min(max(age / 4, 5), 1200)
    assert 0.9 * quarter - 0.5 <= delay <= 1.1 * quarter + 0.5


@pytest.mark.parametrize("jitter", [0.0, 0.5])
def test_a_thousand_busy_answers_outlast_the_queues_ten_days(jitter: float) -> None:
    age = 0.0
    for _ in range(1000):
        age += handback.busy_delay(age, jitter)
    assert age > 10 * 86400


@given(st.floats(-1000, 60))
def test_after_a_lease_s_delay_it_may_be_taken_over(remaining: float) -> None:
    delay = handback.lease_delay(remaining)
    assert delay >= 1
    assert remaining + timing.TAKEOVER_GRACE <= delay <= max(remaining + timing.TAKEOVER_GRACE + 1, 1)


def test_a_retry_waits_longer_with_each_attempt() -> None:
    assert [handback.retry_delay(attempt) for attempt in range(1, 6)] == [15, 30, 45, 60, 75]


@given(st.sampled_from(Status), WORKS)
def test_every_status_but_processed_is_found_in_one_of_sixteen_shards(status: Status, work: str) -> None:
    shard = status_shard(status, work)
    if status is Status.PROCESSED:
        assert shard is None
    else:
        assert shard in {f"{status}#{number}" for number in range(SHARDS)}


def test_final_statuses() -> None:
    assert {status for status in Status if not status.final} == {Status.RECEIVED, Status.PROCESSING}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_has_a_sentence_of_its_own(code: ErrorCode) -> None:
    assert code.sentence.endswith(".")
    assert len(code.sentence) > 20
    assert [other for other in ErrorCode if other.sentence == code.sentence] == [code]
    assert code.value == code.name
