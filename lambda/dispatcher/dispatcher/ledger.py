"""What only the dispatcher writes to the ledger: arrivals, failures and that they were told."""

from __future__ import annotations

import datetime as dt

from dispatcher.decisions import Verdict
from estancia_functions.events import Arrived
from estancia_functions.items import WorkItem, work_item
from estancia_functions.ledger import ConditionFailedError, LedgerTable, status_attributes
from estancia_functions.updates import Update, Value
from estancia_protocol import attempt
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import timestamp
from estancia_protocol.names import dataset_of, work_id, work_pk
from estancia_protocol.status import Status
from estancia_protocol.timing import ATTEMPTS


class DispatcherLedger(LedgerTable):
    """The dispatcher's edge of the ledger."""

    def arrived(self, event: Arrived, verdict: Verdict) -> WorkItem:
        """Begin the event's item, or add what an existing one lacks.

        Args:
            event: what arrived.
            verdict: the status that a new item begins with.

        Returns:
            The item as it is now.
        """
        pk, sk, facts = work_pk(event.key), event.version_id, _facts(event)
        begun = {**facts, **_beginning(event, verdict)}
        try:
            return work_item(self.update(Update(pk, sk, begun, condition=attempt.begin().condition)))
        except ConditionFailedError as failure:
            missing = {name: value for name, value in facts.items() if name not in failure.item}
            if not missing:
                return work_item(failure.item)
        return work_item(self.update(Update(pk, sk, if_absent=missing)))

    def fail(self, item: WorkItem, now: dt.datetime) -> WorkItem | None:
        """Write `FAILED` if the item's last attempt is as it was read and its lease over.

        The error that a processor recorded stays; an attempt that died without a word gets one.

        Returns:
            The item as written; None if it has changed meanwhile.
        """
        rule = attempt.fail(item.attempt, now)
        lost = {"code": ErrorCode.LOST_ATTEMPT.value, "message": ErrorCode.LOST_ATTEMPT.sentence}
        update = Update(
            work_pk(item.key),
            item.version_id,
            {**status_attributes(Status.FAILED, item.work), "finished_at": timestamp(now)},
            if_absent={"error": lost},
            remove=("lease_id", "lease_until"),
            condition=rule.condition,
            values=rule.values,
        )
        try:
            return work_item(self.update(update))
        except ConditionFailedError:
            return None

    def dead_lettered(self, item: WorkItem, now: dt.datetime) -> None:
        """Note that the dead-letter queue has the item's message, if it is still `FAILED` with the same attempt."""
        rule = attempt.still_failed(item.attempt)
        self.update_if(
            Update(
                work_pk(item.key),
                item.version_id,
                {"dlq_sent_at": timestamp(now)},
                condition=rule.condition,
                values=rule.values,
            )
        )


def _facts(event: Arrived) -> dict[str, Value]:
    known: dict[str, Value | None] = {
        "received_at": timestamp(event.time),
        "owner": event.owner,
        "dataset": dataset_of(event.key),
        "sequencer": event.sequencer,
        "size": event.size,
        "etag": event.etag,
    }
    return {name: value for name, value in known.items() if value is not None}


def _beginning(event: Arrived, verdict: Verdict) -> dict[str, Value]:
    begun = status_attributes(verdict.status, work_id(event.key, event.version_id)) | {
        "attempt": 0,
        "attempt_limit": ATTEMPTS,
    }
    if verdict.status.final:
        begun["finished_at"] = timestamp(event.time)
    if verdict.code:
        begun["error"] = {"code": verdict.code.value, "message": verdict.detail}
    return begun
