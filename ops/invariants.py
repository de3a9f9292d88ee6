"""The protocol's four invariants, judged on one reading of an account. Pure; docs/protocol.md has their text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from estancia_protocol.names import dataset_of
from estancia_protocol.status import Status
from ops.account import Counts, Snapshot, Work
from ops.dead_letters import dead_letters, stuck
from ops.findings import PATIENCE, RUNBOOK, Finding, Kind, View, weigh
from ops.visible import visible
from ops.winners import Key, keys_of

TITLES: Final = {
    1: "every version has one item",
    2: "counts add up",
    3: "what shows is the winners' outputs",
    4: "nothing is stuck or lost",
}
_MARKERS: Final = (Status.DELETED, Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes:
        findings: in the invariants' order.
        counted: what each invariant was held against, in a few words.
    """

    findings: tuple[Finding, ...]
    counted: Mapping[int, str]

    def of(self, kind: Kind) -> list[Finding]:
        """Return the findings of one kind."""
        return [finding for finding in self.findings if finding.kind is kind]


def judge(snapshot: Snapshot, patience: dt.timedelta = PATIENCE) -> Verdict:
    """Hold an account to the invariants.

    Args:
        snapshot: one reading of it.
        patience: how long what an event or the sweep is to bring counts as under way.

    Returns:
        The findings; none where everything holds and nothing is under way.
    """
    view, keys = View(snapshot, patience), keys_of(snapshot.works, snapshot.outputs, snapshot.raw)
    findings = [
        *originals(view),
        *counts(view, keys),
        *visible(view, keys),
        *dead_letters(view),
        *stuck(view),
    ]
    return Verdict(tuple(findings), _counted(snapshot, keys))


def originals(view: View) -> Iterator[Finding]:
    """Invariant 1: every object version and delete marker has exactly one item, and the item is true of it."""
    snapshot = view.snapshot
    items = {(work.item.key, work.item.version_id): work for work in snapshot.works}
    listed = {(entry.key, entry.version_id): entry for entry in snapshot.raw}
    keys = {entry.key for entry in snapshot.raw}
    for place, entry in listed.items():
        work = items.get(place)
        if work is None or (work.item.status is None and not work.item.removed):
            kind = weigh(not snapshot.queued and not view.recent(entry.modified))
            yield Finding(1, kind, *place, "is in the raw bucket and has no item", view.sweep)
        elif work.item.removed:
            rule, remedy = "is noted as removed, but is there", f"a person removes removed_at from its item ({RUNBOOK})"
            yield Finding(1, Kind.VIOLATION, *place, rule, remedy)
        elif (work.item.status in _MARKERS) != entry.marker:
            what = "a delete marker" if entry.marker else "an object"
            rule = f"is {what}, but its item says {work.item.status}"
            yield Finding(1, Kind.VIOLATION, *place, rule, f"a person corrects the item ({RUNBOOK})")
    for place, work in items.items():
        if place not in listed and not work.item.removed:
            kind = weigh(not snapshot.queued)
            # No listing leads the sweep to a key with nothing left but its report.
            found = work.item.key in keys or work.item.status is Status.PROCESSED
            remedy = view.sweep if found else f"a person sets removed_at on its item ({RUNBOOK})"
            yield Finding(1, kind, *place, "is not in the raw bucket, but its item is not removed", remedy)
        wanted = dataset_of(work.item.key)
        if work.item.status is not None and work.dataset != wanted:
            rule = f"is of dataset {wanted}, but its item says {work.dataset or 'none'}"
            yield Finding(1, Kind.VIOLATION, *place, rule, f"a person corrects the item ({RUNBOOK})")


def counts(view: View, keys: Mapping[str, Key]) -> Iterator[Finding]:
    """Invariant 2: rows add up in the ledger and, for the winners, in the report."""
    for work in view.snapshot.works:
        problem = "" if work.item.status is not Status.PROCESSED else _sum_problem(work.counts)
        if problem:
            yield _counts_finding(work, f"its item {problem}")
    for key in keys.values():
        if winner := key.processed:
            yield from (_counts_finding(winner, problem) for problem in _report_problems(view.snapshot, winner, key))


def _counts_finding(work: Work, rule: str) -> Finding:
    remedy = "do not use its outputs; upload the file again, and keep item and report for who mends the processor"
    return Finding(2, Kind.VIOLATION, work.item.key, work.item.version_id, rule, remedy)


def _sum_problem(counts: Counts | None) -> str:
    if counts is None:
        return "lacks rows_in, rows_out or rows_rejected"
    if counts.rows_in != counts.rows_out + counts.rows_rejected:
        return f"has {counts.rows_in} rows in, but {counts.rows_out} out and {counts.rows_rejected} rejected"
    return ""


def _report_problems(snapshot: Snapshot, winner: Work, key: Key) -> Iterator[str]:
    for output in key.outputs:
        report = snapshot.reports.get(output.key)
        if isinstance(report, str):
            yield f"its report {output.key} {report}"
        elif report is not None:
            if winner.counts is not None and report.counts != winner.counts:
                yield f"its report {output.key} has {_said(report.counts)}, its item {_said(winner.counts)}"
            if report.records_physical != report.counts.rows_in + report.apart:
                yield (
                    f"its report {output.key} has {report.records_physical} records, but {report.counts.rows_in} "
                    f"rows in and {report.apart} header, preamble, footer and blank"
                )


def _said(counts: Counts) -> str:
    return f"{counts.rows_in} in, {counts.rows_out} out, {counts.rows_rejected} rejected"


def _counted(snapshot: Snapshot, keys: Mapping[str, Key]) -> dict[int, str]:
    statuses = [work.item.status for work in snapshot.works]
    processed = sum(key.processed is not None for key in keys.values())
    shown = sum(not entry.marker for entry in snapshot.shown)
    failed = statuses.count(Status.FAILED)
    hint = " (redrive.yml --check lists them)" if failed else ""
    refused = sum((letter.reason or "").startswith("refused:") for letter in snapshot.letters)
    return {
        1: f"{len(snapshot.raw)} versions and delete markers, {len(snapshot.works)} items",
        2: f"{statuses.count(Status.PROCESSED)} processed items, {len(snapshot.reports)} reports",
        3: f"{shown} objects show, of {processed} keys that have a processed version",
        4: (
            f"{sum(work.unfinished for work in snapshot.works)} unfinished, {failed} FAILED{hint}, "
            f"{len(snapshot.letters)} dead letters, {refused} of them refused"
        ),
    }
