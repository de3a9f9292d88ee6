"""The two queues in SQS."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_REASON_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """A queue message as Lambda delivers it.

    Attributes:
        message_id: names it in a partial batch response.
        receipt_handle: names this delivery of it.
        body: its text.
        sent_at: when it was first sent, UTC.
        receives: how often it was delivered, this time included.
    """

    message_id: str
    receipt_handle: str
    body: str
    sent_at: dt.datetime
    receives: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Message:
        """Read a record of the event that Lambda passes for SQS."""
        attributes = record["attributes"]
        return cls(
            message_id=record["messageId"],
            receipt_handle=record["receiptHandle"],
            body=record["body"],
            sent_at=dt.datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, dt.UTC),
            receives=int(attributes["ApproximateReceiveCount"]),
        )


class SqsMessages:
    """The queues' edge.

    Args:
        client: an SQS client.
        queue_url: the ingest queue.
        dead_letter_queue_url: the dead-letter queue.
    """

    def __init__(self, client: SQSClient, queue_url: str, dead_letter_queue_url: str) -> None:
        self._client = client
        self._queue = queue_url
        self._dead_letters = dead_letter_queue_url

    def hand_back(self, receipt_handle: str, seconds: int) -> None:
        """Let a message come again after so many seconds; a batch failure has to follow."""
        self._client.change_message_visibility(
            QueueUrl=self._queue, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )

    def give_up(self, body: str, reason: str) -> None:
        """Send a body to the dead-letter queue.

        Args:
            body: what redrive is to send again.
            reason: why it is there, the message's attribute `estancia_reason`; other characters than ASCII are escaped.
        """
        text = reason.encode("ascii", "backslashreplace").decode()[:_REASON_LENGTH]
        self._client.send_message(
            QueueUrl=self._dead_letters,
            MessageBody=body,
            MessageAttributes={"estancia_reason": {"DataType": "String", "StringValue": text}},
        )
