"""The age of a queue's oldest message: told with our corrections, and still by nobody without."""

import datetime as dt
import uuid

from tests.integration.local.support import Clients


def ages(aws: Clients, queue: str) -> list[float]:
    now = dt.datetime.now(dt.UTC)
    points = aws.cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - dt.timedelta(minutes=15),
        EndTime=now + dt.timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return [point["Maximum"] for point in points]


def test_a_queue_tells_the_age_of_its_oldest_message(aws: Clients, uncorrected: Clients) -> None:
    name = f"queue-{uuid.uuid4().hex[:8]}"
    url, other = (clients.sqs.create_queue(QueueName=name)["QueueUrl"] for clients in (aws, uncorrected))
    assert ages(aws, name) == []
    aws.sqs.send_message(QueueUrl=url, MessageBody="x")
    uncorrected.sqs.send_message(QueueUrl=other, MessageBody="x")
    (age,) = ages(aws, name)
    assert 0 <= age < 60
    (message,) = aws.sqs.receive_message(QueueUrl=url)["Messages"]
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert ages(aws, name) == []
    assert ages(uncorrected, name) == [], "ministack tells it now: remove tell_the_age_of_the_oldest_message"
