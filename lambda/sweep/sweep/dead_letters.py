"""The dead-letter queue: what it tells and nobody knows is told, what nobody needs any more is deleted."""

from __future__ import annotations

import datetime as dt

from estancia_functions.events import BadEventError, parse_message
from estancia_functions.log import logger
from sweep.ports import Copy
from sweep.rules import Fate, fate
from sweep.run import Run

_MOST = 20_000
"""Copies that one run looks at: SQS hides at most 120,000 of a queue at once."""


def sweep_dead_letters(run: Run, until: dt.datetime) -> bool:
    """Go through the dead-letter queue.

    A copy is deleted only if the ledger, read consistently after the copy was received, shows that it tells nothing:
    should the item fail after that, the dispatcher sends a copy of its own. What is kept is visible again at the end;
    after a crash SQS shows it again by itself.

    Args:
        run: the run.
        until: when to stop.

    Returns:
        Whether the queue's end was reached.
    """
    kept: dict[str, Copy] = {}

    def judge(copy: Copy) -> None:
        kept[copy.receipt_handle] = copy
        match _fate(run, copy):
            case Fate.DELETE:
                run.queues.delete_copy(copy)
                del kept[copy.receipt_handle]
                run.summary.count("dead_letters_deleted")
            case Fate.SEND_AND_KEEP:
                run.queues.send(copy.body)
                run.summary.count("sent")
            case Fate.KEEP:
                pass

    try:
        while copies := run.queues.receive_copies():
            run.each(run.guarded(judge), copies)
            if run.clock() >= until or len(kept) >= _MOST:
                return False
        return True
    finally:
        run.queues.release_copies(kept.values())


def _fate(run: Run, copy: Copy) -> Fate:
    try:
        events = parse_message(copy.body, run.raw_bucket)
    except BadEventError as error:
        logger.info("refused message kept for a person", reason=str(error))
        return Fate.KEEP
    return fate([(event, run.ledger.find(event.key, event.version_id)) for event in events])
