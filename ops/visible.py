"""Invariant 3: what shows under data/, rejects/ and reports/ is exactly the winners' outputs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from estancia_protocol.names import work_id
from ops.account import Listed, Output
from ops.findings import Finding, Kind, View, weigh
from ops.winners import Key


def visible(view: View, keys: Mapping[str, Key]) -> Iterator[Finding]:
    """Compare what shows with what the ledger says, version id by version id.

    Args:
        view: the account.
        keys: its raw keys, each with its winner.
    """
    expected: dict[str, Output] = {}
    unsettled: set[str] = set()
    missing = _without_item(view)
    incomplete = {entry.key for entry in missing}
    for name, key in keys.items():
        yield from _unsettled(view, key, missing=name in incomplete)
        unsettled |= {output.key for output in key.plan.retire}
        if key.processed:
            yield from _incomplete(key)
            expected |= {output.key: output for output in key.outputs if not output.retired and output.version_id}
    works = {work.item.work for work in view.snapshot.works}
    newest = {entry.key: entry for entry in view.snapshot.shown}
    for output in expected.values():
        yield from _compare(view, output, newest.get(output.key))
    recorded = {output.key: output for output in view.snapshot.outputs}
    unfinished = {work.item.work for work in view.snapshot.works if work.unfinished}
    unfinished |= {work_id(entry.key, entry.version_id) for entry in missing}
    yield from _homeless(view, recorded, unfinished)
    for entry in newest.values():
        known = recorded.get(entry.key)
        in_work = known is not None and known.work in unfinished
        homeless = known is not None and known.work not in works
        if not (entry.marker or entry.key in expected or entry.key in unsettled or in_work or homeless):
            kind = weigh(not view.meanwhile(entry.modified))
            if known is None:
                remedy = "nobody but a processor may put here: find out who did (access logs), then delete it"
                yield Finding(3, kind, entry.key, entry.version_id, "shows, but no output item names it", remedy)
            else:
                yield Finding(3, kind, entry.key, entry.version_id, "shows, but is no winner's output", view.sweep)


def _without_item(view: View) -> list[Listed]:
    """Raw versions that have no item; invariant 1 says so, and they get one, as if they were unfinished."""
    known = {(work.item.key, work.item.version_id) for work in view.snapshot.works if work.item.status is not None}
    return [entry for entry in view.snapshot.raw if (entry.key, entry.version_id) not in known]


def _unsettled(view: View, key: Key, *, missing: bool) -> Iterator[Finding]:
    """What settle would still do: it runs after every outcome, so that its message may be on the way.

    While an item is missing, a version that does not count may seem to; invariant 1 says what is wrong then.
    """
    kind = weigh(not view.settling(list(key.works.values())))
    for output in key.plan.retire:
        rule = f"is an output of version {output.version_id}, which does not count, and is not retired"
        yield Finding(3, kind, output.key, "", rule, view.sweep)
    if key.processed and key.plan.again and not missing:
        item, rule = key.processed.item, "is the version that counts, but its outputs are retired"
        yield Finding(3, kind, item.key, item.version_id, rule, view.sweep)


def _incomplete(key: Key) -> Iterator[Finding]:
    """A finished item whose output items are not what it names."""
    winner = key.processed
    if winner is None:
        return
    remedy = "upload the file again; its new version replaces this one"
    place = (winner.item.key, winner.item.version_id)
    if len(key.outputs) != winner.outputs_count:
        rule = f"names {winner.outputs_count or 0} outputs, but the ledger has {len(key.outputs)} of them"
        yield Finding(3, Kind.VIOLATION, *place, rule, remedy)
    for output in key.outputs:
        if output.version_id is None:
            yield Finding(3, Kind.VIOLATION, *place, f"is PROCESSED, but its output {output.key} is open", remedy)


def _compare(view: View, output: Output, entry: Listed | None) -> Iterator[Finding]:
    """A winner's output against what its key shows."""
    version_id = output.version_id or ""
    if entry is None:
        rule, remedy = "is a winner's output, and its object is gone", "upload the file again; who removed it?"
        yield Finding(3, Kind.VIOLATION, output.key, version_id, rule, remedy)
    elif entry.marker:
        rule = f"is a winner's output, but is hidden by delete marker {entry.version_id}"
        yield Finding(3, weigh(not view.meanwhile(entry.modified)), output.key, version_id, rule, view.sweep)
    elif entry.version_id != version_id:
        rule = f"is a winner's output, but version {entry.version_id} shows in its place"
        yield Finding(3, weigh(not view.meanwhile(entry.modified)), output.key, version_id, rule, view.sweep)


def _homeless(view: View, recorded: Mapping[str, Output], unfinished: set[str]) -> Iterator[Finding]:
    """Output items whose work item is not there, and will not be."""
    known = {work.item.work for work in view.snapshot.works} | unfinished
    remedy = "nothing of this platform deletes items: find out who did, then delete this one and its object"
    for output in recorded.values():
        if output.work not in known:
            rule = f"is recorded for work {output.work}, which has no item"
            yield Finding(3, Kind.VIOLATION, output.key, output.version_id or "", rule, remedy)
