import datetime as dt
from email.utils import format_datetime

import pytest

from estancia_processor.clock import ClockCheck
from estancia_processor.errors import LeaseLostError, RetryError
from estancia_processor.guard import Guard
from estancia_processor.lease import Lease
from estancia_protocol.errors import ErrorCode
from tests.unit.processor.fakes import NOON, FakeTime


@pytest.mark.parametrize(
    ("offset", "sound"), [(0, True), (0.9, True), (2.5, True), (3.1, False), (-1.9, True), (-2.1, False), (3600, False)]
)
def test_the_clock_is_compared_with_aws_within_the_header_s_second(offset: float, sound: bool) -> None:
    check = ClockCheck(FakeTime().clock)
    own = NOON + dt.timedelta(seconds=offset)
    check.observe(format_datetime(NOON, usegmt=True), own, own + dt.timedelta(seconds=0.05))
    assert check.sound is sound


def make(time: FakeTime, failure: list[Exception] | None = None) -> Lease:
    def renew(_: dt.datetime) -> None:
        time.seconds += 5
        if failure:
            raise failure[0]

    return Lease(renew, time.clock, time.seconds)


def test_a_lease_counts_from_before_the_renewal_was_sent() -> None:
    time = FakeTime()
    lease = make(time)
    assert lease.remaining() == 60
    time.seconds = 20
    assert lease.tick() == 10
    assert lease.remaining() == 55


def test_a_lost_lease_stops_the_worker() -> None:
    time = FakeTime()
    lease = make(time, [LeaseLostError()])
    lease.tick()
    assert lease.remaining() == 0
    with pytest.raises(LeaseLostError):
        lease.check()
    with pytest.raises(LeaseLostError):
        lease.wait_for_margin()


def test_a_renewal_without_an_answer_is_tried_again_until_the_lease_is_over() -> None:
    time = FakeTime()
    lease = make(time, [TimeoutError()])
    time.seconds = 30
    assert lease.tick() == 3
    assert lease.remaining() == 25
    time.seconds = 60
    with pytest.raises(LeaseLostError):
        lease.check()


def test_a_renewal_that_came_too_late_does_not_revive_the_lease() -> None:
    time = FakeTime()
    lease = make(time)
    time.seconds = 58
    lease.tick()
    assert lease.remaining() == 0


def test_the_deadline_is_a_retry() -> None:
    time = FakeTime()
    guard = Guard(make(time), NOON + dt.timedelta(seconds=30), time.clock, lambda _: None)
    guard.check()
    time.seconds = 30
    with pytest.raises(RetryError) as raised:
        guard.check()
    assert raised.value.code is ErrorCode.DEADLINE
