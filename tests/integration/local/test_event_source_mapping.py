"""Event source mappings: as concurrent as they are set, in step with changes, ended by the function's time-out."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.integration.local.support import Clients, make_function

HANDLER = """
import time

def handler(event, context):
    for record in event["Records"]:
        time.sleep(float(record["body"]))
    return {"batchItemFailures": []}
"""


@dataclass(frozen=True)
class Mapping:
    """A queue, and a function that sleeps as long as a message says."""

    aws: Clients
    name: str
    queue_url: str
    uuid: str

    def send(self, *seconds: float) -> None:
        for value in seconds:
            self.aws.sqs.send_message(QueueUrl=self.queue_url, MessageBody=str(value))

    def left(self) -> tuple[int, int]:
        """Return how many messages wait and how many are under way."""
        answer = self.aws.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])["Attributes"]
        return int(answer["ApproximateNumberOfMessages"]), int(answer["ApproximateNumberOfMessagesNotVisible"])

    def drained(self, seconds: float) -> float:
        """Wait until the queue is empty and return the seconds that took."""
        started = time.monotonic()
        while self.left() != (0, 0):
            assert time.monotonic() - started < seconds, f"{self.left()} messages left after {seconds} s"
            time.sleep(0.05)
        return time.monotonic() - started

    def most_at_once(self, seconds: float) -> int:
        """Return the greatest number of messages under way seen within `seconds`."""
        seen, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            seen = max(seen, self.left()[1])
            time.sleep(0.05)
        return seen


@pytest.fixture
def mapping(aws: Clients) -> Iterator[Mapping]:
    name = f"mapping-{uuid.uuid4().hex[:8]}"
    url = aws.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    make_function(aws, name, HANDLER)
    created = aws.functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:eu-west-1:000000000000:{name}",
        FunctionName=name,
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 4},
    )
    yield Mapping(aws, name, url, created["UUID"])
    aws.functions.delete_event_source_mapping(UUID=created["UUID"])


def test_six_messages_of_a_second_at_concurrency_four(mapping: Mapping) -> None:
    mapping.send(*[1.0] * 6)
    assert mapping.drained(10) < 4.0


def test_a_changed_concurrency_is_followed(mapping: Mapping) -> None:
    mapping.aws.functions.update_event_source_mapping(UUID=mapping.uuid, ScalingConfig={"MaximumConcurrency": 2})
    mapping.send(*[0.7] * 6)
    assert mapping.most_at_once(1.5) == 2
    mapping.drained(10)


def test_a_disabled_mapping_stops_and_an_enabled_one_goes_on(mapping: Mapping) -> None:
    mapping.aws.functions.update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
    mapping.send(0.0)
    time.sleep(1.5)
    assert mapping.left() == (1, 0)
    mapping.aws.functions.update_event_source_mapping(UUID=mapping.uuid, Enabled=True)
    mapping.drained(5)


def test_a_function_is_ended_by_its_time_out_and_the_message_stays(mapping: Mapping) -> None:
    mapping.send(30.0)
    time.sleep(5)
    assert mapping.left() == (0, 1)
    mapping.send(0.0)
    deadline = time.monotonic() + 5
    while mapping.left() != (0, 1):
        assert time.monotonic() < deadline, "the function that timed out holds a place"
        time.sleep(0.1)
    mapping.aws.sqs.purge_queue(QueueUrl=mapping.queue_url)
