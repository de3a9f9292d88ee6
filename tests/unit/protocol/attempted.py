"""Items as the rules of attempt read them, made by Hypothesis, and each rule with the item that it names."""

from __future__ import annotations

import datetime as dt
from typing import Final

from hypothesis import strategies as st

from estancia_protocol import attempt
from estancia_protocol.attempt import Attempted
from estancia_protocol.rule import Rule
from estancia_protocol.status import Status

NOON: Final = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
ATTEMPT: Final = 5
LEASE_ID: Final = "mine"
RULES: Final[dict[str, Rule[Attempted]]] = {
    "begin": attempt.begin(),
    "start": attempt.start(ATTEMPT, NOON),
    "own": attempt.own(ATTEMPT, LEASE_ID),
    "fail": attempt.fail(ATTEMPT, NOON),
    "still_failed": attempt.still_failed(ATTEMPT),
    "set_back": attempt.set_back(ATTEMPT),
}


def after_noon(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


ITEMS: Final = st.builds(
    Attempted,
    status=st.none() | st.sampled_from(Status),
    attempt=st.integers(ATTEMPT - 2, ATTEMPT + 1),
    attempt_limit=st.integers(ATTEMPT - 1, ATTEMPT + 1),
    lease_id=st.sampled_from([None, LEASE_ID, "other"]),
    lease_until=st.none()
    | (st.sampled_from([-11, -10.000001, -10, -9.999999, 0]) | st.floats(-60, 60)).map(after_noon),
    removed=st.booleans(),
    dead_lettered=st.booleans(),
)
