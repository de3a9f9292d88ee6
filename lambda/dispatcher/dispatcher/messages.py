"""The two queues in SQS."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_REASON_LENGTH: Final = 1000
_BODY_BYTES: Final = 200_000
"""A queue takes 262,144 bytes by default, the attributes among them: a longer body would never get through."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


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
            body: what redrive is to send again; only a refused one can be so long that it has to be cut.
            reason: why it is there, the message's attribute `estancia_reason`; other characters than ASCII are escaped.
        """
        whole = body.encode()
        if len(whole) > _BODY_BYTES:
            body = whole[:_BODY_BYTES].decode(errors="ignore")
            reason = f"{reason[: _REASON_LENGTH // 2]} (the first {_BODY_BYTES} of {len(whole)} bytes are kept)"
        text = reason.encode("ascii", "backslashreplace").decode()
        text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)[:_REASON_LENGTH]
        self._client.send_message(
            QueueUrl=self._dead_letters,
            MessageBody=body,
            MessageAttributes={"estancia_reason": {"DataType": "String", "StringValue": text}},
        )
