"""CloudWatch: the metrics that services publish and the platform reads."""

import time
from typing import Any

from local.corrections import module

METRIC = ("AWS/SQS", "ApproximateAgeOfOldestMessage")


def apply() -> None:
    """Apply the corrections of CloudWatch."""
    tell_the_age_of_the_oldest_message()


def tell_the_age_of_the_oldest_message() -> None:
    """A queue that holds a message has the metric of its oldest one's age; here as it is at the moment of asking.

    AWS: "The age of the oldest unprocessed message in the queue", in seconds, "reported if the queue contains at least
    one active message",
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html.
    What was received three times counts here as before.
    """
    cloudwatch = module("services.cloudwatch")
    answer = cloudwatch._get_metric_statistics

    def get_metric_statistics(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        _note_ages(cloudwatch)
        return answer(params, cbor_data, is_cbor, is_json)

    cloudwatch._get_metric_statistics = get_metric_statistics


def _note_ages(cloudwatch: Any) -> None:
    """Write each queue's age over what was noted of it before."""
    now = time.time()
    for url, queue in module("services.sqs")._queues.items():
        dimensions = {"QueueName": url.rpartition("/")[2]}
        bucket = cloudwatch._metric_bucket((*METRIC, cloudwatch._dims_key(dimensions)))
        bucket.clear()
        if queue["messages"]:
            age = now - min(message["sent_at"] for message in queue["messages"])
            bucket.append(
                {"Timestamp": now - 1, "Unit": "Seconds", "Dimensions": dimensions, "Value": age, "Count": 1.0}
            )
