"""Small accounts for the tests of the check: one that holds, and what damages it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from estancia_functions.events import Arrived
from estancia_functions.items import WorkItem
from estancia_protocol.job import timestamp
from estancia_protocol.names import dataset_of, report_key, work_id
from estancia_protocol.status import Status
from ops.account import Counts, DeadLetter, Listed, Output, Report, Snapshot, Work

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LONG_AGO = NOW - dt.timedelta(days=2)
COUNTS = Counts(10, 9, 1)


def work(key: str, version: str, status: Status | None, at: dt.datetime = LONG_AGO, **changes: Any) -> Work:
    """A work item of which nothing is unusual."""
    attempt = 0 if status in (Status.DELETED, Status.EXPIRED, Status.RECEIVED) else 1
    item = WorkItem(key, version, status, attempt=attempt, sequencer=version.rjust(4, "0"), received_at=timestamp(at))
    made = Work(item, dataset_of(key) if status else None, happened_at=at)
    if status is Status.PROCESSED:
        made = dataclasses.replace(made, counts=COUNTS, outputs_count=2)
    if status is Status.FAILED:
        made = dataclasses.replace(made, dead_lettered_at=at)
    return changed(made, **changes)


def changed(made: Work, **changes: Any) -> Work:
    """A work item with other attributes, the item's own or those beside it."""
    own = {name: value for name, value in changes.items() if name in WorkItem.__dataclass_fields__}
    beside = {name: value for name, value in changes.items() if name not in own}
    return dataclasses.replace(made, item=dataclasses.replace(made.item, **own), **beside)


def outputs(made: Work, *, retired: bool = False) -> list[Output]:
    """A processed file's table and report."""
    identity = work_id(made.item.key, made.item.version_id)
    keys = (f"data/{made.dataset}/main/schema=1/{identity}.parquet", report_key(str(made.dataset), identity))
    return [Output(identity, key, made.item.attempt, f"v{n}-{identity[:4]}", retired) for n, key in enumerate(keys)]


def original(key: str, version: str, *, marker: bool = False, at: dt.datetime = LONG_AGO) -> Listed:
    """An entry of the raw bucket."""
    return Listed(key, version, marker, False, at)


def shows(output: Output, at: dt.datetime = LONG_AGO, **changes: Any) -> Listed:
    """What an output's key shows."""
    return dataclasses.replace(Listed(output.key, str(output.version_id), False, True, at), **changes)


def letter(made: Work, at: dt.datetime = LONG_AGO, **changes: Any) -> DeadLetter:
    """A dead letter as the dispatcher sends it."""
    event = Arrived(made.item.key, made.item.version_id, None, made.item.sequencer, 1, "e", "principal:x", at)
    return dataclasses.replace(DeadLetter("m-1", at, "failed after 5 attempts", (event,)), **changes)


OLD, NEW = work("sales/a.csv", "1", Status.PROCESSED), work("sales/a.csv", "2", Status.PROCESSED)
MARKED, MARKER = work("sales/b.csv", "1", Status.PROCESSED), work("sales/b.csv", "2", Status.DELETED)
FAILED = work("sales/c.csv", "1", Status.FAILED)
TABLE, REPORT = outputs(NEW)
HIDDEN = outputs(OLD, retired=True)


def account(**changes: Any) -> Snapshot:
    """An account that holds: a key with two versions, a deleted one, a failed one."""
    hidden = [*HIDDEN, *outputs(MARKED, retired=True)]
    parts: dict[str, Any] = {
        "works": (OLD, NEW, MARKED, MARKER, FAILED),
        "raw": (
            original("sales/a.csv", "2"),
            original("sales/a.csv", "1"),
            original("sales/b.csv", "2", marker=True),
            original("sales/b.csv", "1"),
            original("sales/c.csv", "1"),
        ),
        "outputs": (TABLE, REPORT, *hidden),
        "shown": (shows(TABLE), shows(REPORT), *(shows(o, marker=True, version_id="marker") for o in hidden)),
        "reports": {REPORT.key: Report(COUNTS, 12, 2)},
        "letters": (letter(FAILED),),
    }
    return Snapshot("estancia-dev", NOW, NOW, **{**parts, **changes})
