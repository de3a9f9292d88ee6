"""Statuses of a work item and the sparse, sharded status index."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SHARDS: Final = 16


class Status(StrEnum):
    """What became of an object version; docs/protocol.md says who may write which, and when."""

    RECEIVED = "RECEIVED"
    PROCESSING = "PROCESSING"
    PROCESSED = "PROCESSED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    DELETED = "DELETED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """Whether no worker has anything left to do for the item."""
        return self not in (Status.RECEIVED, Status.PROCESSING)


def status_shard(status: Status, work: str) -> str | None:
    """Return the status index's hash key for an item.

    Args:
        status: the item's status.
        work: its work id, which spreads items over 16 shards.

    Returns:
        `<STATUS>#<0-15>`, or None for `PROCESSED`, which the sparse index leaves out.
    """
    if status is Status.PROCESSED:
        return None
    return f"{status}#{int(work[0], 16) % SHARDS}"
