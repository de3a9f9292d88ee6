"""The whole of an account's data, to be compared exactly: ledger, both buckets' versions, both queues."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.letters import REASON, held
from ops.stack import Stack

Item = Mapping[str, Any]
REST_SECONDS = 0.25


@dataclass(frozen=True)
class State:
    """What there is.

    Attributes:
        items: the ledger, by pk and sk.
        objects: the bytes of each version, None for a delete marker, by purpose of the bucket, key and version.
        letters: bodies and reasons in the dead-letter queue, sorted.
    """

    items: Mapping[tuple[str, str], Item]
    objects: Mapping[tuple[str, str, str], int | None]
    letters: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Change:
    """What is there after that was not there, or otherwise, before; `lost` is what is not there any more."""

    items: Mapping[tuple[str, str], Item]
    objects: Mapping[tuple[str, str, str], int | None]
    letters: tuple[tuple[str, str], ...]
    lost: tuple[Any, ...]


def at_rest(stack: Stack, seconds: float = 90) -> State:
    """Wait until the ingest queue is empty and nothing changes any more, then read everything."""
    url = stack.queue_url("ingest")

    def waiting() -> int:
        found = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(number) for name, number in found.items() if name.startswith("ApproximateNumberOf"))

    deadline, state = time.monotonic() + seconds, None
    while True:
        again = read(stack) if waiting() == 0 else None
        if again is not None and again == state:
            return again
        assert time.monotonic() < deadline, f"not at rest after {seconds} s, {waiting()} messages wait"
        state = again
        time.sleep(REST_SECONDS)


def read(stack: Stack) -> State:
    """Read everything as it is now."""
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.ledger_name, ConsistentRead=True)
    items = {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}
    objects: dict[tuple[str, str, str], int | None] = {}
    for purpose in ("raw", "processed"):
        for listed in stack.s3.get_paginator("list_object_versions").paginate(Bucket=stack.bucket(purpose)):
            objects |= {(purpose, v["Key"], v["VersionId"]): v["Size"] for v in listed.get("Versions", [])}
            objects |= {(purpose, m["Key"], m["VersionId"]): None for m in listed.get("DeleteMarkers", [])}
    return State(items, objects, _letters(stack))


def _letters(stack: Stack) -> tuple[tuple[str, str], ...]:
    with held(stack.sqs, stack.queue_url("ingest-dlq"), wait=0) as messages:
        return tuple(sorted((m["Body"], m["MessageAttributes"][REASON]["StringValue"]) for m in messages))


def change(before: State, after: State) -> Change:
    """Compare exactly."""
    letters = list(after.letters)
    for letter in before.letters:
        if letter in letters:
            letters.remove(letter)
    lost = (
        *(before.items.keys() - after.items.keys()),
        *(before.objects.items() - after.objects.items()),
        *(letter for letter in set(before.letters) if letter not in after.letters),
    )
    return Change(
        items={key: item for key, item in after.items.items() if before.items.get(key) != item},
        objects=dict(after.objects.items() - before.objects.items()),
        letters=tuple(letters),
        lost=lost,
    )
