"""Uploads files and follows them in the ledger until each is final."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Key

from demo.files import Upload
from estancia_protocol import names
from estancia_protocol.status import Status
from ops.stack import Stack

POLL_SECONDS = 0.3
SINGLE_PUT_BYTES = 100 * 2**20


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
    bucket = stack.bucket("raw")
    if upload.source.stat().st_size <= SINGLE_PUT_BYTES:
        with upload.source.open("rb") as content:
            return stack.s3.put_object(Bucket=bucket, Key=upload.key, Body=content)["VersionId"]
    # The multipart transfer does not tell which version it made.
    stack.s3.upload_file(str(upload.source), bucket, upload.key)
    return stack.s3.head_object(Bucket=bucket, Key=upload.key)["VersionId"]


def work_item(stack: Stack, key: str, version_id: str) -> dict[str, Any]:
    """Return a version's work item, empty as long as there is none with a status."""
    found = stack.ledger.get_item(Key={"pk": names.work_pk(key), "sk": version_id}, ConsistentRead=True).get("Item")
    return dict(found) if found and "status" in found else {}


def data_outputs(stack: Stack, key: str, version_id: str) -> tuple[str, ...]:
    """Return the processed keys of a version's tables that were not retired."""
    work = names.outputs_pk(names.work_id(key, version_id))
    items = stack.ledger.query(KeyConditionExpression=Key("pk").eq(work), ConsistentRead=True)["Items"]
    keys = (str(item["sk"]) for item in items if "retired_at" not in item)
    return tuple(sorted(key for key in keys if key.startswith("data/")))


def put_and_wait(
    stack: Stack, uploads: Sequence[Upload], seconds: float, notice: Callable[[str, str], None]
) -> list[Outcome]:
    """Upload files and wait until each has a final status.

    Args:
        stack: where to.
        uploads: the files, with keys that differ.
        seconds: how long to wait for all of them.
        notice: called with a key and what is new about it: its status, its attempt.

    Returns:
        The outcomes, in the order of `uploads`.

    Raises:
        WaitError: some are not final in time.
    """
    deadline = time.monotonic() + seconds
    waiting = {upload.key: (put(stack, upload), time.monotonic()) for upload in uploads}
    said: dict[str, str] = {}
    outcomes: dict[str, Outcome] = {}
    while waiting:
        for key, (version_id, started) in list(waiting.items()):
            item = work_item(stack, key, version_id)
            if (news := state_of(item)) != said.get(key):
                said[key] = news
                notice(key, news)
            if item and Status(str(item["status"])).final:
                outputs = data_outputs(stack, key, version_id)
                outcomes[key] = Outcome(key, version_id, item, outputs, time.monotonic() - started)
                del waiting[key]
        if waiting and time.monotonic() > deadline:
            raise WaitError(
                f"not final after {seconds:.0f} s: {', '.join(sorted(waiting))}; "
                f"`make local-status` shows the processors; log group /aws/lambda/{stack.name}-dispatcher"
            )
        time.sleep(POLL_SECONDS)
    return [outcomes[upload.key] for upload in uploads]


def state_of(item: dict[str, Any]) -> str:
    """Return an item's state in a few words."""
    if not item:
        return "uploaded"
    status = str(item["status"])
    return f"{status}, attempt {item['attempt']}" if status == Status.PROCESSING else status
