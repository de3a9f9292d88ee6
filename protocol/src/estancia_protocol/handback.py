"""For how long the dispatcher hands a message back. Pure; all times in seconds."""

from __future__ import annotations

from estancia_protocol import timing


def busy_delay(age: float, jitter: float) -> int:
    """Return the delay after a busy answer: a quarter of the message's age within bounds.

    1000 receives (the `maxReceiveCount`) at these delays outlast the queue's ten days.

    Args:
        age: since the message was first sent.
        jitter: a random number in [0, 1), spread over plus and minus 10 %.
    """
    bounded = min(max(age / 4, timing.HANDBACK_MINIMUM), timing.HANDBACK_MAXIMUM)
    return round(bounded * (0.9 + 0.2 * jitter))


def lease_delay(remaining: float) -> int:
    """Return the delay until another's lease, of which `remaining` is left, may be taken over."""
    return max(1, round(remaining + timing.TAKEOVER_GRACE + 0.5))


def retry_delay(attempt: int) -> int:
    """Return the delay after attempt number `attempt` asked for a retry."""
    return timing.RETRY_BASE * max(attempt, 1)
