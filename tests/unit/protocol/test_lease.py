"""The lease: never two holders, whatever is slow, lost or late."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from estancia_protocol import lease, timing
from estancia_protocol.lease import Holding
from tests.unit.protocol.attempted import NOON, after_noon

WORKERS = range(3)
MOST = float(timing.CLOCK_TOLERANCE)
TOLERATED = st.sampled_from([-MOST, MOST]) | st.floats(-MOST, MOST)


@dataclass
class Flight:
    """A start or a renewal on its way: `run` is the start that it belongs to."""

    sent: float
    now: dt.datetime
    run: int
    renewal: bool
    written: bool | None = None


class Leases(RuleBasedStateMachine):
    """Workers with clocks of their own and one ledger; requests and answers take any time, answers may be lost."""

    @initialize(errors=st.tuples(TOLERATED, TOLERATED, TOLERATED))
    def begin(self, errors: tuple[float, float, float]) -> None:
        self.errors = errors
        self.time = 0.0
        self.until: dt.datetime | None = None
        self.run = self.runs = 0
        self.flights: dict[int, Flight] = {}
        self.holdings: dict[int, tuple[int, Holding]] = {}

    @rule(seconds=st.sampled_from([0.5, 9.5, 15, 30, 59, 66, 71]) | st.floats(0, 80))
    def time_passes(self, seconds: float) -> None:
        self.time += seconds

    @rule(worker=st.sampled_from(WORKERS))
    def send(self, worker: int) -> None:
        if worker in self.flights:
            return
        run, holding = self.holdings.get(worker, (0, None))
        renewal = holding is not None and holding.remaining(self.time) > 0
        if not renewal:
            self.runs += 1
            run = self.runs
        now = after_noon(self.time + self.errors[worker])
        self.flights[worker] = Flight(self.time, now, run, renewal)

    @rule(worker=st.sampled_from(WORKERS))
    def arrive(self, worker: int) -> None:
        flight = self.flights.get(worker)
        if flight is None or flight.written is not None:
            return
        flight.written = self.run == flight.run if flight.renewal else lease.free(self.until, flight.now)
        if flight.written:
            self.run, self.until = flight.run, lease.taken_at(flight.now)

    @rule(worker=st.sampled_from(WORKERS), lost=st.booleans())
    def answer(self, worker: int, lost: bool) -> None:
        flight = self.flights.get(worker)
        if flight is None or flight.written is None:
            return
        del self.flights[worker]
        if lost:
            return
        if not flight.renewal:
            if flight.written:
                self.holdings[worker] = (flight.run, Holding.begun(flight.sent))
            return
        run, holding = self.holdings[worker]
        after = holding.renewed(flight.sent, self.time) if flight.written else holding.taken_away()
        self.holdings[worker] = (run, after)

    @rule(worker=st.sampled_from(WORKERS))
    def all_goes_well(self, worker: int) -> None:
        self.send(worker)
        self.arrive(worker)
        self.answer(worker, lost=False)

    @invariant()
    def at_most_one_holds_it(self) -> None:
        holders = [run for run, holding in self.holdings.values() if holding.remaining(self.time) > 0]
        assert len(holders) <= 1
        assert holders in ([], [self.run])


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(st.just(59.999999) | st.floats(0, 60, exclude_max=True), TOLERATED, TOLERATED)
def test_nobody_takes_over_while_a_holder_counts_on_it(at: float, holders: float, others: float) -> None:
    assert Holding.begun(0).remaining(at) > 0
    assert not lease.free(lease.taken_at(after_noon(holders)), after_noon(at + others))


@given(st.floats(-100, 100))
def test_a_lease_is_free_ten_seconds_after_it_is_over(seconds: float) -> None:
    assert lease.free(after_noon(seconds), NOON) is (lease.remaining(after_noon(seconds), NOON) <= -10)
    assert lease.free(None, NOON)


@given(st.floats(0, 1e6), st.floats(0, 80))
def test_a_holder_puts_only_while_the_margin_remains(sent: float, later: float) -> None:
    held, at = Holding.begun(sent), sent + later
    assert held.may_put(at) is (held.remaining(at) >= 20)
    assert held.remaining(at) == max(0.0, sent + 60 - at)
    assert not held.taken_away().may_put(at)
    assert held.taken_away().remaining(at) == 0


@given(st.lists(st.floats(0, 24), max_size=30))
def test_a_holder_whose_renewals_are_answered_within_24_seconds_may_always_put(lags: list[float]) -> None:
    held, at = Holding.begun(0), 0.0
    for lag in lags:
        at += held.renew_in(at)
        assert held.may_put(at)
        held = held.renewed(at, at + lag)
        at += lag
        assert held.may_put(at)


@given(st.floats(0, 59), st.floats(60, 90))
def test_a_renewal_answered_too_late_revives_nothing(sent: float, answered: float) -> None:
    held = Holding.begun(0)
    assert held.renewed(sent, answered) == held
    assert held.taken_away().renewed(sent, sent) == held.taken_away()


def test_the_limits_leave_room_for_each_other() -> None:
    assert timing.TAKEOVER_GRACE > 2 * timing.CLOCK_TOLERANCE
    assert timing.LEASE - timing.LEASE_RENEWAL > timing.LEASE_MARGIN
