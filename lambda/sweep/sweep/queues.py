"""The two queues in SQS, and the metric that tells the age of the oldest message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from sweep.ports import Copy
from sweep.rules import UNKNOWN_AGE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_HIDDEN: Final = 900
"""Seconds for which a received copy is invisible: longer than a run lasts."""
WAIT = 1
"""Seconds to wait for a copy: only who waits asks all of SQS's servers, and finds every copy."""
_PERIOD: Final = 60
_LOOK_BACK: Final = dt.timedelta(minutes=15)
_COUNTS: Final[tuple[QueueAttributeNameType, ...]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsQueues:
    """The queues' edge.

    Args:
        sqs: an SQS client.
        cloudwatch: a CloudWatch client.
        queue_url: the ingest queue.
        dead_letter_queue_url: the dead-letter queue.
    """

    def __init__(
        self, sqs: SQSClient, cloudwatch: CloudWatchClient, queue_url: str, dead_letter_queue_url: str
    ) -> None:
        self._sqs = sqs
        self._cloudwatch = cloudwatch
        self._queue = queue_url
        self._dead_letters = dead_letter_queue_url

    def send(self, body: str) -> None:
        """Send a message to the ingest queue."""
        self._sqs.send_message(QueueUrl=self._queue, MessageBody=body)

    def oldest_message(self, now: dt.datetime) -> dt.timedelta:
        """Return an age that no message of the ingest queue exceeds, as far as AWS tells.

        A datapoint's message has aged since. What was received three times counts no more for the metric: such a
        message has its item since the first time. Without a datapoint an empty queue has no message, and any other one
        is taken to be an hour old: a message too many does no harm.

        Source: Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS".
        """
        points = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": self._queue.rpartition("/")[2]}],
            StartTime=now - _LOOK_BACK,
            EndTime=now,
            Period=_PERIOD,
            Statistics=["Maximum"],
        )["Datapoints"]
        ages = [now - point["Timestamp"] + dt.timedelta(seconds=point["Maximum"]) for point in points]
        if ages:
            return max(ages)
        counts = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=[*_COUNTS])["Attributes"]
        return UNKNOWN_AGE if any(int(counts[name]) for name in _COUNTS) else dt.timedelta()

    def receive_copies(self) -> list[Copy]:
        """Receive up to ten copies of the dead-letter queue, hidden for longer than a run lasts.

        Returns:
            The copies; none at the end.
        """
        found = self._sqs.receive_message(
            QueueUrl=self._dead_letters, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT, VisibilityTimeout=_HIDDEN
        )
        return [Copy(message["ReceiptHandle"], message["Body"]) for message in found.get("Messages", [])]

    def delete_copy(self, copy: Copy) -> None:
        """Delete a copy that was received."""
        self._sqs.delete_message(QueueUrl=self._dead_letters, ReceiptHandle=copy.receipt_handle)

    def release_copies(self, copies: Iterable[Copy]) -> None:
        """Make copies visible again, ten at once."""
        handles = [copy.receipt_handle for copy in copies]
        for start in range(0, len(handles), 10):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._dead_letters,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for n, handle in enumerate(handles[start : start + 10])
                ],
            )
