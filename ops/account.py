"""What a check knows of an account: one reading of both buckets, the ledger and the queues. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from estancia_functions.events import Event
from estancia_functions.items import WorkItem


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a bucket's ListObjectVersions.

    Attributes:
        key: the object's key.
        version_id: the version's, or the delete marker's.
        marker: whether it is a delete marker.
        latest: whether it is the key's newest.
        modified: S3's LastModified, UTC.
    """

    key: str
    version_id: str
    marker: bool
    latest: bool
    modified: dt.datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a file, as the ledger or the report has them."""

    rows_in: int
    rows_out: int
    rows_rejected: int


@dataclass(frozen=True, slots=True)
class Work:
    """A work item with what only a check asks of it.

    Attributes:
        item: the item as the functions read it.
        dataset: as recorded.
        counts: as recorded; None where one is missing.
        outputs_count: how many outputs the item names.
        happened_at: the newest of its times, UTC; None where it has none.
        dead_lettered_at: when its message was given to the dead-letter queue, UTC.
        error: the code of the last attempt's error.
    """

    item: WorkItem
    dataset: str | None = None
    counts: Counts | None = None
    outputs_count: int | None = None
    happened_at: dt.datetime | None = None
    dead_lettered_at: dt.datetime | None = None
    error: str | None = None

    @property
    def unfinished(self) -> bool:
        """Whether a worker has something left to do."""
        return self.item.status is not None and not self.item.final


@dataclass(frozen=True, slots=True)
class Output:
    """An output item.

    Attributes:
        work: the work id that it belongs to.
        key: its processed key.
        attempt: the attempt that recorded it.
        version_id: of the object, None until the output is completed.
        retired: whether it was hidden.
    """

    work: str
    key: str
    attempt: int
    version_id: str | None
    retired: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a check reads of a file's report.

    Attributes:
        counts: of the whole file.
        records_physical: records of the whole file, with those that hold no data.
        apart: headers, preambles, footers and blank records of all its tables.
    """

    counts: Counts
    records_physical: int
    apart: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter queue.

    Attributes:
        message_id: SQS's.
        sent_at: when it was first sent, UTC.
        reason: its attribute `estancia_reason`, None where it has none.
        events: what it tells; empty where it cannot be read.
        problem: why it cannot be read, empty where it can.
    """

    message_id: str
    sent_at: dt.datetime
    reason: str | None
    events: tuple[Event, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of an account: the ledger first, then the buckets, then the queues.

    Attributes:
        name: `estancia_name`.
        began: before the first read, UTC.
        ended: after the last, UTC.
        raw: the raw bucket's versions and markers, of each key the newest first.
        works: the ledger's work items.
        outputs: its output items.
        shown: the newest version or marker of each processed key under data/, rejects/ and reports/.
        reports: the winners' reports by processed key; a text says why one cannot be read.
        letters: the dead-letter queue's messages.
        letters_partial: whether that queue has more messages than could be read.
        letters_kept: how long that queue keeps a message.
        queued: messages in the ingest queue, those in work included.
    """

    name: str
    began: dt.datetime
    ended: dt.datetime
    raw: tuple[Listed, ...] = ()
    works: tuple[Work, ...] = ()
    outputs: tuple[Output, ...] = ()
    shown: tuple[Listed, ...] = ()
    reports: Mapping[str, Report | str] = field(default_factory=dict)
    letters: tuple[DeadLetter, ...] = ()
    letters_partial: bool = False
    letters_kept: dt.timedelta = dt.timedelta(days=14)
    queued: int = 0
