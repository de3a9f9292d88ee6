"""The ledger in DynamoDB: every write is conditional, so that any message may come twice, late or half done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dispatcher.decisions import Verdict
from dispatcher.events import Arrived, Removed
from dispatcher.items import Attributes, WorkItem, work_item
from dispatcher.updates import Update, Value
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import timestamp
from estancia_protocol.names import dataset_of, outputs_pk, work_id, work_pk
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status, status_shard
from estancia_protocol.timing import ATTEMPTS, TAKEOVER_GRACE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class MissingItemError(LookupError):
    """An item that was there a moment ago is not."""


class ConditionFailedError(Exception):
    """A write's condition did not hold; carries the item as it is."""

    def __init__(self, item: Attributes) -> None:
        super().__init__("the condition did not hold")
        self.item = item


class DynamoLedger:
    """The ledger's edge.

    Args:
        client: a DynamoDB client.
        table: the ledger's name.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def arrived(self, event: Arrived, verdict: Verdict) -> WorkItem:
        """Begin the event's item, or add what an existing one lacks.

        Args:
            event: what arrived.
            verdict: the status that a new item begins with.

        Returns:
            The item as it is now.
        """
        pk, sk, facts = work_pk(event.key), event.version_id, _facts(event)
        begun = {**facts, **_beginning(event, verdict)}
        try:
            return work_item(self._update(Update(pk, sk, begun, condition="attribute_not_exists(#status)")))
        except ConditionFailedError as failure:
            missing = {name: value for name, value in facts.items() if name not in failure.item}
            if not missing:
                return work_item(failure.item)
        return work_item(self._update(Update(pk, sk, if_absent=missing)))

    def removed(self, event: Removed) -> None:
        """Record that a version is gone for good, also before its arrival was seen."""
        self._update(Update(work_pk(event.key), event.version_id, if_absent={"removed_at": timestamp(event.time)}))

    def read(self, key: str, version_id: str) -> WorkItem:
        """Read an item consistently.

        Raises:
            MissingItemError: there is none.
        """
        found = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": work_pk(key)}, "sk": {"S": version_id}}, ConsistentRead=True
        )
        if "Item" not in found:
            raise MissingItemError(f"the ledger has no item for version {version_id} of key {key!r}")
        return work_item(found["Item"])

    def items(self, key: str) -> list[WorkItem]:
        """Read all of a key's items consistently."""
        return [work_item(found) for found in self._query(work_pk(key))]

    def outputs(self, item: WorkItem) -> list[RecordedOutput]:
        """Read an item's recorded outputs consistently."""
        return [
            RecordedOutput(item.version_id, found["sk"]["S"], int(found["attempt"]["N"]), "retired_at" in found)
            for found in self._query(outputs_pk(item.work))
        ]

    def fail(self, item: WorkItem, now: dt.datetime) -> WorkItem | None:
        """Write `FAILED` if the item's last attempt is as it was read and its lease over.

        The error that a processor recorded stays; an attempt that died without a word gets one.

        Returns:
            The item as written; None if it has changed meanwhile.
        """
        lost = {"code": ErrorCode.LOST_ATTEMPT.value, "message": ErrorCode.LOST_ATTEMPT.sentence}
        update = Update(
            work_pk(item.key),
            item.version_id,
            {**_status(Status.FAILED, item.work), "finished_at": timestamp(now)},
            if_absent={"error": lost},
            remove=("lease_id", "lease_until"),
            condition="#status = :processing AND #attempt = :attempt AND #attempt_limit <= :attempt"
            " AND (attribute_not_exists(#lease_until) OR #lease_until <= :over)",
            values={
                "processing": Status.PROCESSING.value,
                "attempt": item.attempt,
                "over": timestamp(now - dt.timedelta(seconds=TAKEOVER_GRACE)),
            },
        )
        try:
            return work_item(self._update(update))
        except ConditionFailedError:
            return None

    def dead_lettered(self, item: WorkItem, now: dt.datetime) -> None:
        """Note that the dead-letter queue has the item's message, if it is still `FAILED` with the same attempt."""
        self._update_if(
            Update(
                work_pk(item.key),
                item.version_id,
                {"dlq_sent_at": timestamp(now)},
                condition="#status = :failed AND #attempt = :attempt",
                values={"failed": Status.FAILED.value, "attempt": item.attempt},
            )
        )

    def retire(self, item: WorkItem, output: RecordedOutput, now: dt.datetime) -> None:
        """Note that an output was hidden, unless another attempt recorded it meanwhile."""
        self._update_if(
            Update(
                outputs_pk(item.work),
                output.key,
                {"retired_at": timestamp(now)},
                condition="#attempt = :attempt AND attribute_not_exists(#retired_at)",
                values={"attempt": output.attempt},
            )
        )

    def set_back(self, item: WorkItem) -> None:
        """Write `RECEIVED` over `PROCESSED` and grant five more attempts, if the item is as it was read."""
        self._update_if(
            Update(
                work_pk(item.key),
                item.version_id,
                {**_status(Status.RECEIVED, item.work), "attempt_limit": item.attempt + ATTEMPTS},
                remove=("lease_id", "lease_until", "finished_at"),
                condition="#status = :processed AND #attempt = :attempt AND attribute_not_exists(#removed_at)",
                values={"processed": Status.PROCESSED.value, "attempt": item.attempt},
            )
        )

    def _query(self, pk: str) -> Iterator[Attributes]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
        )
        for page in pages:
            yield from page["Items"]

    def _update_if(self, update: Update) -> None:
        try:
            self._update(update)
        except ConditionFailedError:
            return

    def _update(self, update: Update) -> Attributes:
        try:
            return self._client.update_item(**update.request(self._table))["Attributes"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            response: Mapping[str, Any] = error.response
            raise ConditionFailedError(response.get("Item", {})) from error


def _facts(event: Arrived) -> dict[str, Value]:
    known: dict[str, Value | None] = {
        "received_at": timestamp(event.time),
        "owner": event.owner,
        "dataset": dataset_of(event.key),
        "sequencer": event.sequencer,
        "size": event.size,
        "etag": event.etag,
    }
    return {name: value for name, value in known.items() if value is not None}


def _beginning(event: Arrived, verdict: Verdict) -> dict[str, Value]:
    begun = _status(verdict.status, work_id(event.key, event.version_id)) | {"attempt": 0, "attempt_limit": ATTEMPTS}
    if verdict.status.final:
        begun["finished_at"] = timestamp(event.time)
    if verdict.code:
        begun["error"] = {"code": verdict.code.value, "message": verdict.detail}
    return begun


def _status(status: Status, work: str) -> dict[str, Value]:
    shard = status_shard(status, work)
    begun: dict[str, Value] = {"status": status.value}
    return begun | {"status_shard": shard} if shard else begun
