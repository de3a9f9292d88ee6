"""A work item as the functions read it from the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estancia_protocol.attempt import Attempted
from estancia_protocol.job import parse_timestamp
from estancia_protocol.names import work_id, work_pk
from estancia_protocol.settle import Version
from estancia_protocol.status import Status
from estancia_protocol.timing import ATTEMPTS

_PREFIX = work_pk("")

Attributes = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB's own typed form, `{"attempt": {"N": "1"}}`."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One object version or delete marker.

    Attributes:
        key: the raw object's key.
        version_id: its version.
        status: None for an item that only records a removal.
        attempt: how many attempts started.
        attempt_limit: how many may.
        lease_until: the end of the running attempt's lease, UTC; None when no attempt ever started.
        sequencer: of the event that made the version, None until that event was seen.
        size: in bytes, None for a delete marker.
        etag: the object's.
        owner: whose it is.
        received_at: when S3 received it, as the ledger writes times.
        removed: whether the version is gone for good.
        dead_lettered: whether its message was given to the dead-letter queue.
        started_at: when its latest attempt began, UTC.
        swept_at: when the sweep last sent it, UTC.
    """

    key: str
    version_id: str
    status: Status | None = None
    attempt: int = 0
    attempt_limit: int = ATTEMPTS
    lease_until: dt.datetime | None = None
    sequencer: str | None = None
    size: int | None = None
    etag: str | None = None
    owner: str | None = None
    received_at: str | None = None
    removed: bool = False
    dead_lettered: bool = False
    started_at: dt.datetime | None = None
    swept_at: dt.datetime | None = None

    @property
    def work(self) -> str:
        """The work id."""
        return work_id(self.key, self.version_id)

    @property
    def final(self) -> bool:
        """Whether no worker has anything left to do."""
        return self.status is not None and self.status.final

    @property
    def set_back(self) -> bool:
        """Whether it was final once and waits to be processed again."""
        return self.as_attempted().granted_again

    def as_attempted(self) -> Attempted:
        """Return what the rules of attempt need of it, but for the lease's id, which only a processor asks for."""
        return Attempted(
            status=self.status,
            attempt=self.attempt,
            attempt_limit=self.attempt_limit,
            lease_until=self.lease_until,
            removed=self.removed,
            dead_lettered=self.dead_lettered,
        )

    def as_version(self) -> Version:
        """Return what the rules of settle need of it."""
        return Version(self.version_id, self.sequencer, self.status, self.attempt, self.removed)


def work_item(attributes: Attributes) -> WorkItem:
    """Read an item of the ledger.

    Raises:
        KeyError, ValueError: it is no work item.
    """
    status = _text(attributes, "status")
    size = attributes.get("size")
    return WorkItem(
        key=attributes["pk"]["S"].removeprefix(_PREFIX),
        version_id=attributes["sk"]["S"],
        status=Status(status) if status else None,
        attempt=int(attributes.get("attempt", {"N": "0"})["N"]),
        attempt_limit=int(attributes.get("attempt_limit", {"N": str(ATTEMPTS)})["N"]),
        lease_until=_moment(attributes, "lease_until"),
        sequencer=_text(attributes, "sequencer"),
        size=int(size["N"]) if size else None,
        etag=_text(attributes, "etag"),
        owner=_text(attributes, "owner"),
        received_at=_text(attributes, "received_at"),
        removed="removed_at" in attributes,
        dead_lettered="dlq_sent_at" in attributes,
        started_at=_moment(attributes, "started_at"),
        swept_at=_moment(attributes, "swept_at"),
    )


def _text(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    return str(value["S"]) if value else None


def _moment(attributes: Attributes, name: str) -> dt.datetime | None:
    value = _text(attributes, name)
    return parse_timestamp(value) if value else None
