"""The order of one key's S3 events."""

from __future__ import annotations


def sequencer_order(left: str, right: str) -> int:
    """Compare two sequencers of the same key.

    Args:
        left: a hexadecimal sequencer of an S3 event.
        right: another.

    Returns:
        Negative, zero or positive as `left` is older than, the same as or newer than `right`.

    Source: Amazon S3 user guide, "Event message structure": right pad the shorter with zeros, then compare.
    """
    width = max(len(left), len(right))
    a, b = left.upper().ljust(width, "0"), right.upper().ljust(width, "0")
    return (a > b) - (a < b)
