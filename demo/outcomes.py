"""Uploads files and follows them in the ledger until each is final."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Key

from demo.files import Upload
from demo.stack import Stack
from estancia_protocol import names
from estancia_protocol.status import Status

POLL_SECONDS = 0.3


class WaitError(Exception):
    """Files did not become final in time; the message names them and where to look."""


@dataclass(frozen=True)
class Outcome:
    """What became of an uploaded file.

    Attributes:
        key: its raw key.
        version_id: its version.
        item: the work item.
        outputs: the processed keys of its tables.
        seconds: from the end of the upload to the final status, as polled.
    """

    key: str
    version_id: str
    item: dict[str, Any]
    outputs: tuple[str, ...]
    seconds: float

    @property
    def status(self) -> Status:
        """The final status."""
        return Status(self.item["status"])


def put(stack: Stack, upload: Upload) -> str:
    """Upload a file.

    Returns:
        The new version's id.
    """
    stack.s3.upload_file(str(upload.source), stack.bucket("raw"), upload.key)
    return stack.s3.head_object(Bucket=stack.bucket("raw"), Key=upload.key)["VersionId"]


def final_item(stack: Stack, key: str, version_id: str) -> dict[str, Any] | None:
    """Return a version's work item once it is final, None before."""
    found = stack.ledger.get_item(Key={"pk": names.work_pk(key), "sk": version_id}, ConsistentRead=True).get("Item")
    return dict(found) if found and "status" in found and Status(str(found["status"])).final else None


def data_outputs(stack: Stack, key: str, version_id: str) -> tuple[str, ...]:
    """Return the processed keys of a version's tables that were not retired."""
    work = names.outputs_pk(names.work_id(key, version_id))
    items = stack.ledger.query(KeyConditionExpression=Key("pk").eq(work), ConsistentRead=True)["Items"]
    keys = (str(item["sk"]) for item in items if "retired_at" not in item)
    return tuple(sorted(key for key in keys if key.startswith("data/")))


def put_and_wait(
    stack: Stack, uploads: Sequence[Upload], seconds: float, done: Callable[[Outcome], None]
) -> list[Outcome]:
    """Upload files and wait until each has a final status.

    Args:
        stack: where to.
        uploads: the files, with keys that differ.
        seconds: how long to wait for all of them.
        done: called with each outcome as it is seen.

    Returns:
        The outcomes, in the order of `uploads`.

    Raises:
        WaitError: some are not final in time.
    """
    waiting: dict[str, tuple[str, float]] = {}
    outcomes: dict[str, Outcome] = {}
    deadline = time.monotonic() + seconds
    for upload in uploads:
        waiting[upload.key] = (put(stack, upload), time.monotonic())
    while waiting:
        for key, (version_id, started) in list(waiting.items()):
            if item := final_item(stack, key, version_id):
                outputs = data_outputs(stack, key, version_id)
                outcomes[key] = Outcome(key, version_id, item, outputs, time.monotonic() - started)
                del waiting[key]
                done(outcomes[key])
        if waiting and time.monotonic() > deadline:
            raise WaitError(
                f"not final after {seconds:.0f} s: {', '.join(sorted(waiting))}; "
                f"`make local-status` shows the processors; log group /aws/lambda/{stack.name}-dispatcher"
            )
        time.sleep(POLL_SECONDS)
    return [outcomes[upload.key] for upload in uploads]
