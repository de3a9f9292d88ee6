"""How every test ends: the sweep has run, the queues hold only what belongs there, the invariants are true."""

from __future__ import annotations

import json
from urllib.parse import unquote_plus

from estancia_protocol import names
from tests.faults.stacks import Running
from tests.invariants import assert_invariants
from tests.waiting import until

QUIET_SECONDS = 200.0


def assert_ended(running: Running) -> None:
    """Wait until the ingest queue is empty, let the sweep run, then hold the stack to the invariants."""
    until(lambda: waiting(running) == 0, QUIET_SECONDS, "the ingest queue is empty")
    sweep(running)
    assert_invariants(running.stack)


def sweep(running: Running) -> None:
    """Run the sweep to its end, as its schedule does."""
    answer = running.client("lambda").invoke(FunctionName=f"{running.stack.name}-sweep", Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    assert said.get("complete") is True, said


def waiting(running: Running) -> int:
    """Return how many messages the ingest queue holds."""
    url = running.queue("ingest")
    answer = running.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(answer["ApproximateNumberOfMessages"]) + int(answer["ApproximateNumberOfMessagesNotVisible"])


def dead_letters(running: Running, dataset: str) -> list[str]:
    """Return the status of the item of each message about a dataset in the dead-letter queue; the messages stay."""
    sqs, url = running.client("sqs"), running.queue("ingest-dlq")
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5).get("Messages"):
        for message in messages:
            described = json.loads(message["Body"])["Records"][0]["s3"]["object"]
            key = unquote_plus(described["key"])
            if key.startswith(f"{dataset}/"):
                item = {"pk": names.work_pk(key), "sk": described["versionId"]}
                read = running.stack.ledger.get_item(Key=item, ConsistentRead=True)["Item"]
                found.append(str(read["status"]))
    return found
