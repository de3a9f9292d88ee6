"""What is stuck: items without an end whose message was lost, and failures of which nobody was told."""

from __future__ import annotations

import datetime as dt
import itertools

from estancia_functions.items import WorkItem
from estancia_protocol.status import Status
from sweep.rules import stuck
from sweep.run import SLICE, Run

_UNFINISHED = (Status.RECEIVED, Status.PROCESSING, Status.FAILED)


def sweep_stuck(run: Run, until: dt.datetime) -> bool:
    """Send again what is stuck.

    The index only proposes: it lags behind. Each item is read again consistently before its message is sent.

    Args:
        run: the run.
        until: when to stop.

    Returns:
        Whether all items were looked at; those that were not are proposed again by the next run.
    """

    def again(proposed: WorkItem) -> None:
        item = run.ledger.find(proposed.key, proposed.version_id)
        if item and stuck(item, run.clock()):
            run.send(item)

    for status in _UNFINISHED:
        found = run.ledger.with_status(status)
        while some := list(itertools.islice(found, SLICE)):
            run.each(run.guarded(again), [item for item in some if stuck(item, run.clock())])
            if run.clock() >= until:
                return False
    return True
