"""How every test ends: the queues hold only what belongs there, the sweep finds nothing, the invariants are true."""

from __future__ import annotations

import json
from typing import Any

from estancia_functions.events import Arrived
from estancia_protocol import names
from ops.account import DeadLetter
from ops.letters import read_letters
from tests.faults.stacks import Running
from tests.invariants import assert_invariants
from tests.waiting import until

QUIET_SECONDS = 200.0
NOTHING_TO_DO = {
    "sent": 0, "found": 0, "removals": 0, "set_back": 0, "hidden": 0, "shown": 0, "versions_removed": 0,
    "dead_letters_deleted": 0, "complete": True,
}  # fmt: skip
"""What the sweep says when nothing is wrong."""


def assert_final(running: Running) -> None:
    """Wait until the ingest queue is empty, then look at what is there before the sweep may mend it, and after.

    Every dead letter is a FAILED item's, or refused where a test sent what is to be refused; only of what a test
    redrove there may be letters that are left over, and the sweep deletes just these.
    """
    until(lambda: waiting(running) == 0, QUIET_SECONDS, "the ingest queue is empty")
    left_over = 0
    for letter in dead_letters(running):
        if any(named in (letter.reason or "") for named in running.refused):
            assert (letter.reason or "").startswith("refused: "), letter
            continue
        statuses = {_status(running, event) for event in letter.events if isinstance(event, Arrived)}
        redriven = all(event.key.partition("/")[0] in running.redriven for event in letter.events)
        assert letter.events, letter
        assert statuses == {"FAILED"} or redriven, (letter, statuses)
        left_over += statuses != {"FAILED"}
    assert sweep(running) == {**NOTHING_TO_DO, "dead_letters_deleted": left_over}
    assert_invariants(running.stack)


def sweep(running: Running) -> dict[str, Any]:
    """Run the sweep to its end, as its schedule does, and return what it says."""
    answer = running.client("lambda").invoke(FunctionName=f"{running.stack.name}-sweep", Payload=b"{}")
    said = dict(json.loads(answer["Payload"].read()))
    assert said.get("complete") is True, said
    return said


def waiting(running: Running) -> int:
    """Return how many messages the ingest queue holds."""
    url = running.queue("ingest")
    answer = running.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(answer["ApproximateNumberOfMessages"]) + int(answer["ApproximateNumberOfMessagesNotVisible"])


def dead_letters(running: Running) -> tuple[DeadLetter, ...]:
    """Read the whole dead-letter queue; the messages stay. One reader at a time, so that each sees all of them."""
    with running.letters_lock:
        url, bucket = running.queue("ingest-dlq"), running.stack.bucket("raw")
        return read_letters(running.client("sqs"), url, bucket, wait=0).letters


def statuses_of_letters(running: Running, dataset: str) -> list[str]:
    """Return the status of the item of each message about a dataset in the dead-letter queue."""
    events = [event for letter in dead_letters(running) for event in letter.events]
    return [_status(running, e) for e in events if isinstance(e, Arrived) and e.key.startswith(f"{dataset}/")]


def _status(running: Running, event: Arrived) -> str:
    key = {"pk": names.work_pk(event.key), "sk": event.version_id}
    return str(running.stack.ledger.get_item(Key=key, ConsistentRead=True)["Item"]["status"])
