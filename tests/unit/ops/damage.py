"""What can be wrong with an account, or under way in it, one thing at a time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from ops.account import Counts, DeadLetter, Listed, Output, Report
from tests.unit.ops.accounts import (
    COUNTS,
    FAILED,
    HIDDEN,
    LONG_AGO,
    MARKER,
    NEW,
    NOW,
    OLD,
    REPORT,
    TABLE,
    account,
    changed,
    letter,
    original,
    shows,
)

GOOD = account()
LATELY = NOW - dt.timedelta(minutes=5)


def with_works(*changed_works: Any) -> tuple[Any, ...]:
    all_works = {(w.item.key, w.item.version_id): w for w in (*GOOD.works, *changed_works)}
    return tuple(all_works.values())


def shown(*entries: Listed) -> tuple[Listed, ...]:
    return tuple({entry.key: entry for entry in (*GOOD.shown, *entries)}.values())


def recorded(*entries: Output) -> tuple[Output, ...]:
    return tuple({entry.key: entry for entry in (*GOOD.outputs, *entries)}.values())


STRAY = Listed("data/sales/main/schema=1/stray.parquet", "s", False, True, LONG_AGO)
GARBAGE = DeadLetter("m-2", LONG_AGO, None, problem="the message is no S3 event")
NOT_FAILED = letter(NEW, message_id="m-3")
REMOVED_OUTPUT = dataclasses.replace(HIDDEN[0], retired=False)
ORPHAN = Output("0" * 32, "data/sales/main/schema=1/x.parquet", 1, "v", True)
GONE = tuple(entry for entry in GOOD.raw if entry.key != "sales/c.csv")
NO_OBJECT = tuple(entry for entry in GOOD.shown if entry.key != TABLE.key)

DAMAGE: list[tuple[str, dict[str, Any], tuple[int, str, str, str]]] = [
    (
        "no item",
        {"raw": (*GOOD.raw, original("sales/d.csv", "1"))},
        (1, "sales/d.csv", "1", "is in the raw bucket and has no item"),
    ),
    (
        "only the newest item is missing",
        {"works": tuple(w for w in GOOD.works if w is not NEW)},
        (1, "sales/a.csv", "2", "is in the raw bucket and has no item"),
    ),
    (
        "removed, not noted",
        {"raw": GONE},
        (1, "sales/c.csv", "1", "is not in the raw bucket, but its item is not removed"),
    ),
    (
        "noted as removed, but there",
        {"works": with_works(changed(OLD, removed=True))},
        (1, "sales/a.csv", "1", "is noted as removed, but is there"),
    ),
    (
        "wrong dataset",
        {"works": with_works(changed(FAILED, dataset="other"))},
        (1, "sales/c.csv", "1", "is of dataset sales, but its item says other"),
    ),
    (
        "an object's item is a marker's",
        {"raw": (*GOOD.raw[:2], original("sales/b.csv", "2"), *GOOD.raw[3:])},
        (1, "sales/b.csv", "2", "is an object, but its item says DELETED"),
    ),
    (
        "rows do not add up",
        {"works": with_works(changed(OLD, counts=Counts(10, 9, 0)))},
        (2, "sales/a.csv", "1", "its item has 10 rows in, but 9 out and 0 rejected"),
    ),
    (
        "no rows",
        {"works": with_works(changed(OLD, counts=None))},
        (2, "sales/a.csv", "1", "its item lacks rows_in, rows_out or rows_rejected"),
    ),
    (
        "report and item differ",
        {"reports": {REPORT.key: Report(Counts(11, 10, 1), 13, 2)}},
        (
            2,
            "sales/a.csv",
            "2",
            f"its report {REPORT.key} has 11 in, 10 out, 1 rejected, its item 10 in, 9 out, 1 rejected",
        ),
    ),
    (
        "records do not add up",
        {"reports": {REPORT.key: Report(COUNTS, 13, 2)}},
        (
            2,
            "sales/a.csv",
            "2",
            f"its report {REPORT.key} has 13 records, but 10 rows in and 2 header, preamble, footer and blank",
        ),
    ),
    (
        "report cannot be read",
        {"reports": {REPORT.key: "cannot be read (KeyError: 'tables')"}},
        (2, "sales/a.csv", "2", f"its report {REPORT.key} cannot be read (KeyError: 'tables')"),
    ),
    ("stray object", {"shown": shown(STRAY)}, (3, STRAY.key, "s", "shows, but no output item names it")),
    (
        "hidden",
        {"shown": shown(shows(TABLE, marker=True, version_id="m"))},
        (3, TABLE.key, str(TABLE.version_id), "is a winner's output, but is hidden by delete marker m"),
    ),
    (
        "another version shows",
        {"shown": shown(shows(TABLE, version_id="woken"))},
        (3, TABLE.key, str(TABLE.version_id), "is a winner's output, but version woken shows in its place"),
    ),
    (
        "object gone",
        {"shown": NO_OBJECT},
        (3, TABLE.key, str(TABLE.version_id), "is a winner's output, and its object is gone"),
    ),
    (
        "retired, but shows",
        {"shown": shown(shows(HIDDEN[0]))},
        (3, HIDDEN[0].key, str(HIDDEN[0].version_id), "shows, but is no winner's output"),
    ),
    (
        "not retired, and shows",
        {"outputs": recorded(REMOVED_OUTPUT), "shown": shown(shows(HIDDEN[0]))},
        (3, HIDDEN[0].key, "", "is an output of version 1, which does not count, and is not retired"),
    ),
    (
        "the winner's are retired",
        {"works": with_works(changed(MARKER, removed=True)), "raw": (*GOOD.raw[:2], *GOOD.raw[3:])},
        (3, "sales/b.csv", "1", "is the version that counts, but its outputs are retired"),
    ),
    (
        "an output item is missing",
        {"works": with_works(changed(NEW, outputs_count=3))},
        (3, "sales/a.csv", "2", "names 3 outputs, but the ledger has 2 of them"),
    ),
    (
        "no work item",
        {"outputs": (*GOOD.outputs, ORPHAN)},
        (3, ORPHAN.key, "v", f"is recorded for work {'0' * 32}, which has no item"),
    ),
    (
        "garbage",
        {"letters": (*GOOD.letters, GARBAGE)},
        (4, "m-2", "", "is a dead letter that nobody refused and that cannot be read: the message is no S3 event"),
    ),
    (
        "a letter of an item that is not FAILED",
        {"letters": (*GOOD.letters, NOT_FAILED)},
        (4, "sales/a.csv", "2", "has dead letter m-3, but its item is PROCESSED, not FAILED"),
    ),
    (
        "a FAILED item without letter",
        {"letters": ()},
        (4, "sales/c.csv", "1", "is FAILED, and its dead letter is not in the dead-letter queue"),
    ),
    (
        "a FAILED item that was never told",
        {"letters": (), "works": with_works(changed(FAILED, dead_lettered_at=None))},
        (4, "sales/c.csv", "1", "is FAILED, and no dead letter was sent"),
    ),
]


UNDER_WAY: list[tuple[str, dict[str, Any], int]] = [
    ("young version", {"raw": (*GOOD.raw, original("sales/d.csv", "1", at=LATELY))}, 1),
    ("version of a backlog", {"raw": (*GOOD.raw, original("sales/d.csv", "1")), "queued": 1}, 1),
    ("removal of a backlog", {"raw": GONE, "queued": 1}, 1),
    ("put while it was read", {"shown": shown(dataclasses.replace(STRAY, modified=NOW))}, 3),
    ("hidden while it was read", {"shown": shown(shows(TABLE, NOW, marker=True, version_id="m"))}, 3),
    ("replaced while it was read", {"shown": shown(shows(TABLE, NOW, version_id="w"))}, 3),
    ("letter of a moment ago", {"letters": (*GOOD.letters, letter(NEW, LATELY))}, 4),
    ("letters that another reads", {"letters": (), "letters_partial": True}, 4),
    (
        "settling",
        {
            "outputs": recorded(REMOVED_OUTPUT),
            "works": with_works(changed(NEW, happened_at=LATELY)),
            "queued": 1,
        },
        3,
    ),
    (
        "FAILED a moment ago",
        {"letters": (), "works": with_works(changed(FAILED, dead_lettered_at=None, happened_at=LATELY))},
        4,
    ),
]
