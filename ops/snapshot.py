"""Reads an account for a check: the ledger, then both buckets, then the queues, each wholly and consistently.

What the caller needs for that is `ACTIONS`, which hold no right to change anything.
A letter that is looked at is hidden for the seconds that this takes, and its count of receives grows; none is deleted.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from estancia_functions.items import Attributes, work_item
from estancia_protocol.job import parse_timestamp
from estancia_protocol.names import dataset_of, report_key
from ops.account import Counts, Listed, Output, Report, Snapshot, Work
from ops.letters import read_letters
from ops.stack import Stack
from ops.winners import keys_of

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import DeleteMarkerEntryTypeDef, ObjectVersionTypeDef

ACTIONS: Final = {
    "dynamodb:Scan": "the ledger",
    "s3:ListBucketVersions": "the raw and the processed bucket",
    "s3:ListBucket": "the processed bucket, so that a missing report is told from a forbidden one",
    "s3:GetObjectVersion": "the processed bucket's reports/*",
    "sqs:GetQueueUrl": "both queues",
    "sqs:GetQueueAttributes": "both queues",
    "sqs:ReceiveMessage": "the dead-letter queue, to look",
    "sqs:ChangeMessageVisibility": "the dead-letter queue, to put back at once what was looked at",
    "kms:Decrypt": "the data and the messaging key",
}
"""Every IAM action of a check, and on what."""
PAGE: Final = 1000
"""Entries or items asked for at once."""
PREFIXES: Final = ("data/", "rejects/", "reports/")
_READERS: Final = 10
_TIMES: Final = ("received_at", "started_at", "finished_at", "swept_at", "removed_at", "dlq_sent_at")
_COUNTS: Final = ("rows_in", "rows_out", "rows_rejected")
_APART: Final = ("header", "preamble", "footer", "blank")
_VERSION_ID: Final = re.compile(rb"<VersionId>([^<]+)</VersionId>")


def take(stack: Stack, letter_wait: int = 1) -> Snapshot:
    """Read an account.

    The ledger comes first: what it does not know yet is then younger than the reading, and is not taken for wrong.

    Args:
        stack: the account's names and clients.
        letter_wait: seconds of long polling of the dead-letter queue; 0 asks only some of SQS's servers.

    Raises:
        BotoCoreError, ClientError: AWS did not answer, or refused.
        KeyError, ValueError: the ledger holds what is no item of the protocol.
    """
    began = dt.datetime.now(dt.UTC)
    works, outputs = ledger(stack)
    raw = tuple(versions(stack, "raw"))
    shown = tuple(entry for prefix in PREFIXES for entry in versions(stack, "processed", prefix) if entry.latest)
    url = stack.queue_url("ingest-dlq")
    held = read_letters(stack.sqs, url, stack.bucket("raw"), letter_wait)
    snapshot = Snapshot(
        name=stack.name,
        began=began,
        ended=began,
        raw=raw,
        works=works,
        outputs=outputs,
        shown=shown,
        reports=reports(stack, works, outputs, raw),
        letters=held.letters,
        letters_partial=held.partial,
        letters_kept=held.kept,
        queued=messages(stack, "ingest"),
    )
    return dataclasses.replace(snapshot, ended=dt.datetime.now(dt.UTC))


def ledger(stack: Stack) -> tuple[tuple[Work, ...], tuple[Output, ...]]:
    """Scan the ledger consistently: work items and output items.

    Source: DynamoDB API reference, Scan: with ConsistentRead all writes completed before the scan began are in it.
    """
    works: list[Work] = []
    outputs: list[Output] = []
    scan = stack.dynamodb.get_paginator("scan")
    pages = scan.paginate(TableName=stack.ledger_name, ConsistentRead=True, PaginationConfig={"PageSize": PAGE})
    for page in pages:
        for found in page["Items"]:
            kind = found["pk"]["S"].partition("/")[0]
            if kind == "raw":
                works.append(read_work(found))
            elif kind == "out":
                outputs.append(read_output(found))
    return tuple(works), tuple(outputs)


def read_work(found: Attributes) -> Work:
    """Read a work item.

    Raises:
        KeyError, ValueError: it is none.
    """
    moments = [parse_timestamp(found[name]["S"]) for name in _TIMES if name in found]
    complete = all(name in found for name in _COUNTS)
    sent = found.get("dlq_sent_at")
    return Work(
        item=work_item(found),
        dataset=found["dataset"]["S"] if "dataset" in found else None,
        counts=Counts(*(int(found[name]["N"]) for name in _COUNTS)) if complete else None,
        outputs_count=int(found["outputs_count"]["N"]) if "outputs_count" in found else None,
        happened_at=max(moments, default=None),
        dead_lettered_at=parse_timestamp(sent["S"]) if sent else None,
        error=found["error"]["M"]["code"]["S"] if "error" in found else None,
    )


def read_output(found: Attributes) -> Output:
    """Read an output item.

    Raises:
        KeyError, ValueError: it is none.
    """
    version = found.get("version_id")
    return Output(
        work=found["pk"]["S"].partition("/")[2],
        key=found["sk"]["S"],
        attempt=int(found["attempt"]["N"]),
        version_id=version["S"] if version else None,
        retired="retired_at" in found,
    )


def versions(stack: Stack, purpose: str, prefix: str = "") -> Iterator[Listed]:
    """List a bucket's versions and delete markers, of each key the newest first.

    S3 writes both in one sequence; boto3 parts them into two lists, so that the order is read from the answer's text.

    Source: Amazon S3 API reference, ListObjectVersions, its sample responses.
    """
    client = stack.session.client("s3", endpoint_url=stack.endpoint)
    order: list[str] = []

    def note(response_dict: dict[str, Any], **_: Any) -> None:
        order[:] = [found.decode() for found in _VERSION_ID.findall(response_dict["body"])]

    client.meta.events.register("before-parse.s3.ListObjectVersions", note)
    listing = client.get_paginator("list_object_versions")
    bucket = stack.bucket(purpose)
    for page in listing.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE}):
        place = {version_id: index for index, version_id in enumerate(order)}
        entries = [_listed(entry, marker=False) for entry in page.get("Versions", [])]
        entries += [_listed(entry, marker=True) for entry in page.get("DeleteMarkers", [])]
        yield from sorted(entries, key=lambda entry: place[entry.version_id])


def _listed(entry: ObjectVersionTypeDef | DeleteMarkerEntryTypeDef, *, marker: bool) -> Listed:
    modified = entry["LastModified"].astimezone(dt.UTC)
    return Listed(entry["Key"], entry["VersionId"], marker, entry["IsLatest"], modified)


def messages(stack: Stack, queue: str) -> int:
    """Count a queue's messages: to be received, in work and delayed; SQS counts approximately."""
    url = stack.queue_url(queue)
    found = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    counts = (
        found["ApproximateNumberOfMessages"],
        found["ApproximateNumberOfMessagesNotVisible"],
        found["ApproximateNumberOfMessagesDelayed"],
    )
    return sum(map(int, counts))


def reports(
    stack: Stack, works: tuple[Work, ...], outputs: tuple[Output, ...], raw: tuple[Listed, ...]
) -> dict[str, Report | str]:
    """Read the report of every version that counts, each by the version id that the ledger has."""
    wanted: list[tuple[str, str]] = []
    for key in keys_of(works, outputs, raw).values():
        if winner := key.processed:
            name = report_key(dataset_of(winner.item.key), winner.item.work)
            wanted += [(name, o.version_id) for o in key.outputs if o.key == name and o.version_id]
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda place: _report(stack, *place), wanted)
        return {key: report for (key, _), report in zip(wanted, found, strict=True)}


def _report(stack: Stack, key: str, version_id: str) -> Report | str:
    try:
        answer = stack.s3.get_object(Bucket=stack.bucket("processed"), Key=key, VersionId=version_id)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchVersion", "NoSuchKey", "MethodNotAllowed"):
            raise
        return f"is not there in the recorded version {version_id}"
    return read_report(answer["Body"].read())


def read_report(body: bytes) -> Report | str:
    """Read a report's counts; a text says why it cannot be read."""
    try:
        told = json.loads(body)
        apart = sum(int(table[name]) for table in told["tables"] for name in _APART)
        return Report(Counts(*(int(told[name]) for name in _COUNTS)), int(told["records_physical"]), apart)
    except (KeyError, TypeError, ValueError) as error:
        return f"cannot be read ({type(error).__name__}: {error})"
