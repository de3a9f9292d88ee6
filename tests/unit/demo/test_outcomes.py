"""What is said of a file on its way."""

from __future__ import annotations

from decimal import Decimal

from demo.outcomes import state_of


def test_state_names_status_and_the_running_attempt() -> None:
    assert state_of({}) == "uploaded"
    assert state_of({"status": "RECEIVED", "attempt": Decimal(0)}) == "RECEIVED"
    assert state_of({"status": "PROCESSING", "attempt": Decimal(2)}) == "PROCESSING, attempt 2"
    assert state_of({"status": "PROCESSED", "attempt": Decimal(2)}) == "PROCESSED"
