"""Invariant 4: every FAILED item has its dead letter, every dead letter its reason, and nothing is stuck. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from estancia_functions.events import Arrived
from estancia_protocol.status import Status
from ops.account import DeadLetter, Work
from ops.findings import RUNBOOK, Finding, Kind, View, weigh


def dead_letters(view: View) -> Iterator[Finding]:
    """Compare the dead-letter queue with the FAILED items, both ways."""
    if view.snapshot.letters_partial:
        rule, remedy = "has more messages than were read; someone else may be looking at them", "check again later"
        yield Finding(4, Kind.NOTE, f"{view.snapshot.name}-ingest-dlq", "", rule, remedy)
    works = {(work.item.key, work.item.version_id): work for work in view.snapshot.works}
    told: set[tuple[str, str]] = set()
    for letter in view.snapshot.letters:
        places = [(event.key, event.version_id) for event in letter.events if isinstance(event, Arrived)]
        failed = [place for place in places if place in works and works[place].item.status is Status.FAILED]
        told.update(failed)
        if not failed:
            yield from _stranger(view, letter, works)
    for place, work in works.items():
        if work.item.status is Status.FAILED and place not in told:
            yield _untold(view, work)


def _stranger(view: View, letter: DeadLetter, works: dict[tuple[str, str], Work]) -> Iterator[Finding]:
    """A dead letter that is no FAILED item's."""
    if (letter.reason or "").startswith("refused:"):
        remedy = f"read it, mend its cause, delete it ({RUNBOOK})"
        yield Finding(4, Kind.NOTE, letter.message_id, "", f"dead letter {letter.reason}", remedy)
        return
    if not letter.events:
        rule = f"is a dead letter that nobody refused and that cannot be read: {letter.problem or 'no record'}"
        remedy = f"nobody but the dispatcher may send there: find out who did, then delete it ({RUNBOOK})"
        yield Finding(4, Kind.VIOLATION, letter.message_id, "", rule, remedy)
        return
    for event in letter.events:
        work = works.get((event.key, event.version_id))
        moving = work is not None and (work.unfinished or view.recent(work.happened_at))
        status = (work.item.status if work else None) or "no status"
        rule = f"has dead letter {letter.message_id}, but its item is {status if work else 'not there'}, not FAILED"
        kind = weigh(not moving and not view.recent(letter.sent_at))
        yield Finding(4, kind, event.key, event.version_id, rule, view.sweep)


def _untold(view: View, work: Work) -> Finding:
    """A FAILED item without a dead letter."""
    place, sent = (work.item.key, work.item.version_id), work.dead_lettered_at
    if sent is None:
        return Finding(4, weigh(view.left_alone(work)), *place, "is FAILED, and no dead letter was sent", view.sweep)
    chosen = shlex.quote(json.dumps({"estancia_redrive_key": work.item.key}, ensure_ascii=False))
    remedy = f"redrive it ({RUNBOOK}): ansible-playbook -i <inventory> redrive.yml -e {chosen}"
    if view.snapshot.ended - sent > view.snapshot.letters_kept:
        rule = f"is FAILED; its dead letter of {sent:%Y-%m-%d} ended with the queue's retention"
        return Finding(4, Kind.NOTE, *place, rule, remedy)
    rule = "is FAILED, and its dead letter is not in the dead-letter queue"
    return Finding(4, weigh(not view.snapshot.letters_partial), *place, rule, remedy)


def stuck(view: View) -> Iterator[Finding]:
    """Unfinished items: under way, unless even the sweep left them alone."""
    for work in view.snapshot.works:
        if work.unfinished:
            lease = f", lease until {work.item.lease_until:%Y-%m-%d %H:%M:%S} UTC" if work.item.lease_until else ""
            error = f", last error {work.error}" if work.error else ""
            rule = f"is {work.item.status}, attempt {work.item.attempt} of {work.item.attempt_limit}{lease}{error}"
            alone = view.left_alone(work)
            remedy = f"is the sweep running? {view.sweep}" if alone else "wait; the sweep sends it again if need be"
            yield Finding(4, weigh(alone), work.item.key, work.item.version_id, rule, remedy)
