"""What is done for a message: the core, which sees the world only through its ports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from dispatcher.decisions import judge
from dispatcher.messages import Message
from dispatcher.ports import AskedAgain, Busy, Finished, Ledger, Messages, NotAJob, Processor, Unclear
from estancia_functions.events import Arrived, BadEventError, Event, Removed, message_body, parse_message
from estancia_functions.items import WorkItem
from estancia_functions.log import logger
from estancia_functions.settling import Settler
from estancia_protocol import attempt as rules
from estancia_protocol import handback
from estancia_protocol.job import Job
from estancia_protocol.timing import DEADLINE_MARGIN, HANDBACK_MAXIMUM

_WRAP_UP = 10.0
"""Seconds kept at the function's end for handing the message back."""


@dataclass(slots=True)
class Invocation:
    """One run of the function.

    Attributes:
        request_id: Lambda's.
        ends_at: when Lambda ends it, UTC.
        posted: whether it has posted a job; it never posts a second one.
    """

    request_id: str
    ends_at: dt.datetime
    posted: bool = False


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Handles one message at a time.

    Attributes:
        ledger: the ledger.
        messages: the queues.
        processor: the fleet.
        settler: settles a key.
        raw_bucket: whose events are taken.
        max_bytes: the largest object that is processed.
        clock: the present moment, UTC.
        jitter: a random number in [0, 1).
    """

    ledger: Ledger
    messages: Messages
    processor: Processor
    settler: Settler
    raw_bucket: str
    max_bytes: int
    clock: Callable[[], dt.datetime]
    jitter: Callable[[], float]

    def handle(self, message: Message, invocation: Invocation) -> bool:
        """Do all that a message asks for now.

        Args:
            message: the message.
            invocation: the function's run.

        Returns:
            Whether the message is done with; False when it was handed back and must be reported as failed.
        """
        logger.remove_keys(["key", "version_id"])
        try:
            delay = _Delivery(self, message, invocation).run()
        except Exception:
            # Whatever went wrong, the message comes back soon and not after the queue's whole visibility timeout.
            logger.exception("the message failed")
            delay = self.busy(message)
        if delay is None:
            return True
        logger.info("message handed back", seconds=delay, receives=message.receives)
        self.messages.hand_back(message.receipt_handle, delay)
        return False

    def busy(self, message: Message) -> int:
        """Return the delay, in seconds, of a message for which nothing could be started."""
        return handback.busy_delay((self.clock() - message.sent_at).total_seconds(), self.jitter())


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One delivery of one message; each method returns the delay to hand back with, None when all is done."""

    to: Dispatcher
    message: Message
    invocation: Invocation

    def run(self) -> int | None:
        try:
            events = parse_message(self.message.body, self.to.raw_bucket)
        except BadEventError as error:
            # It can never become right: kept for a person, not tried for ten days and then lost to the retention.
            logger.error("message refused and moved to the dead-letter queue", reason=str(error))
            self.to.messages.give_up(self.message.body, f"refused: {error}")
            return None
        delays = [self._event(event) for event in events]
        return min((delay for delay in delays if delay is not None), default=None)

    def _event(self, event: Event) -> int | None:
        logger.append_keys(key=event.key, version_id=event.version_id)
        match event:
            case Removed():
                self.to.ledger.removed(event)
                logger.info("removal recorded")
                return self._settle(event.key)
            case Arrived():
                return self._advance(self.to.ledger.arrived(event, judge(event, self.to.max_bytes)))

    def _advance(self, item: WorkItem, at_least: int = 0) -> int | None:
        match rules.next_step(item.as_attempted(), self.to.clock()):
            case rules.Post() if self.invocation.posted:
                return max(self.to.busy(self.message), at_least)
            case rules.Post(attempt):
                return self._post(item, attempt)
            case rules.HandBack(seconds):
                return max(seconds, at_least)
            case rules.GiveUp():
                failed = self.to.ledger.fail(item, self.to.clock())
                return self._dead_letter(failed) if failed else handback.lease_delay(0)
            case rules.SendToDeadLetters():
                return self._dead_letter(item)
            case rules.Settle():
                logger.info("item is final", outcome=item.status, attempt=item.attempt)
                return self._settle(item.key)

    def _post(self, item: WorkItem, attempt: int) -> int | None:
        self.invocation.posted = True
        ends_at = self.invocation.ends_at
        job = Job(
            item.key,
            item.version_id,
            attempt,
            ends_at - dt.timedelta(seconds=DEADLINE_MARGIN),
            self.invocation.request_id,
        )
        logger.info("job posted", attempt=attempt)
        answer = self.to.processor.post(job, (ends_at - self.to.clock()).total_seconds() - _WRAP_UP)
        match answer:
            case Finished(facts):
                logger.info("job finished", attempt=attempt, outcome=facts["status"])
                return self._settle(item.key)
            case AskedAgain(code, text):
                logger.warning("attempt ended without an outcome", attempt=attempt, code=code.value, reason=text)
                return handback.retry_delay(attempt)
            case Busy(reason, retry_after):
                logger.info("fleet is busy", attempt=attempt, reason=reason)
                return max(self.to.busy(self.message), min(retry_after, HANDBACK_MAXIMUM))
            case NotAJob(detail):
                logger.error("processor refused the job", attempt=attempt, reason=detail)
                return self.to.busy(self.message)
            case Unclear(reason, retry_after):
                logger.warning("the item has to tell what became of the job", attempt=attempt, reason=reason)
                again = self.to.ledger.read(item.key, item.version_id)
                return self._advance(again, at_least=min(retry_after, HANDBACK_MAXIMUM))

    def _dead_letter(self, item: WorkItem) -> int | None:
        logger.error("item failed for good, to the dead-letter queue", outcome=item.status, attempt=item.attempt)
        self.to.messages.give_up(message_body(item, self.to.raw_bucket), f"failed after {item.attempt} attempts")
        self.to.ledger.dead_lettered(item, self.to.clock())
        return self._settle(item.key)

    def _settle(self, key: str) -> int | None:
        unfinished = self.to.settler.settle(key)
        if not unfinished:
            return None
        # A version that counts again may have no message of its own: this one is kept until it is processed.
        logger.append_keys(version_id=unfinished[0].version_id)
        return self._advance(unfinished[0])
