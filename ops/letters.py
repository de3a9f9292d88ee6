"""Reads a dead-letter queue wholly and puts every message back."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from estancia_functions.events import BadEventError, parse_message
from ops.account import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef, MessageTypeDef

REASON: Final = "estancia_reason"
_HELD: Final = 300
"""Seconds for which a message that is looked at is hidden; it is put back long before, unless the check dies."""
_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Letters:
    """A dead-letter queue's content.

    Attributes:
        letters: its messages.
        partial: whether it has more: someone else was reading them, or SQS did not show them.
        kept: how long it keeps a message.
    """

    letters: tuple[DeadLetter, ...]
    partial: bool
    kept: dt.timedelta


def read_letters(sqs: SQSClient, url: str, bucket: str, wait: int) -> Letters:
    """Read a queue.

    Args:
        sqs: a client.
        url: the dead-letter queue.
        bucket: the raw bucket, the only one whose events are read.
        wait: seconds of long polling; a short poll (0) asks only some of SQS's servers and may miss messages.

    Raises:
        BotoCoreError, ClientError: SQS did not answer, or refused.
    """
    # Before anything is received: SQS's counts lag behind by up to a minute.
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    with held(sqs, url, wait) as messages:
        letters = tuple(read_letter(message, bucket) for message in messages)
    counted = int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])
    return Letters(
        letters=letters,
        partial=counted > len(letters),
        kept=dt.timedelta(seconds=int(attributes["MessageRetentionPeriod"])),
    )


@contextlib.contextmanager
def held(sqs: SQSClient, url: str, wait: int) -> Iterator[list[MessageTypeDef]]:
    """Hold all messages that a queue shows, and put them back at the end of the `with`; arguments as `read_letters`."""
    received: dict[str, MessageTypeDef] = {}
    try:
        while new := [m for m in _receive(sqs, url, wait) if m["MessageId"] not in received]:
            received |= {message["MessageId"]: message for message in new}
        yield list(received.values())
    finally:
        _put_back(sqs, url, list(received.values()))


def read_letter(message: MessageTypeDef, bucket: str) -> DeadLetter:
    """Read a message; one that is no event of the bucket says why."""
    sent = dt.datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, dt.UTC)
    given = message.get("MessageAttributes", {})
    reason = given[REASON].get("StringValue") if REASON in given else None
    try:
        events = parse_message(message["Body"], bucket)
    except BadEventError as error:
        return DeadLetter(message["MessageId"], sent, reason, problem=str(error))
    return DeadLetter(message["MessageId"], sent, reason, events)


def _receive(sqs: SQSClient, url: str, wait: int) -> list[MessageTypeDef]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_BATCH,
        VisibilityTimeout=_HELD,
        WaitTimeSeconds=wait,
        MessageSystemAttributeNames=["SentTimestamp"],
        MessageAttributeNames=[REASON],
    )
    return answer.get("Messages", [])


def _put_back(sqs: SQSClient, url: str, messages: list[MessageTypeDef]) -> None:
    for start in range(0, len(messages), _BATCH):
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for number, message in enumerate(messages[start : start + _BATCH])
        ]
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
