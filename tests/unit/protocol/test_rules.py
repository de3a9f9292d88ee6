"""Sequencers, statuses and error codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
