"""Waiting for what other processes bring about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.2


def until(condition: Callable[[], T | None], seconds: float = 60, what: str = "") -> T:
    """Wait until a condition holds, and return what it returned.

    Args:
        condition: holds when what it returns is true.
        seconds: how long to wait.
        what: the condition in words, for the error.

    Raises:
        AssertionError: it does not in time.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not so after {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)
    return found
