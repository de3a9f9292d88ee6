"""The ledger in DynamoDB: every write is conditional, so that any message may come twice, late or half done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from estancia_functions.events import Removed
from estancia_functions.items import Attributes, WorkItem, work_item
from estancia_functions.updates import Update, Value
from estancia_protocol import attempt, settle
from estancia_protocol.job import timestamp
from estancia_protocol.names import outputs_pk, work_pk
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status, status_shard

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class MissingItemError(LookupError):
    """An item that was there a moment ago is not."""


class ConditionFailedError(Exception):
    """A write's condition did not hold; carries the item as it is."""

    def __init__(self, item: Attributes) -> None:
        super().__init__("the condition did not hold")
        self.item = item


class LedgerTable:
    """What every function does with the ledger; each adds what only it may write.

    Args:
        client: a DynamoDB client.
        table: the ledger's name.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def removed(self, event: Removed) -> None:
        """Record that a version is gone for good, also before its arrival was seen."""
        self.update(Update(work_pk(event.key), event.version_id, if_absent={"removed_at": timestamp(event.time)}))

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
        return [work_item(found) for found in self.query(work_pk(key))]

    def outputs(self, item: WorkItem) -> list[RecordedOutput]:
        """Read an item's recorded outputs consistently."""
        return [
            RecordedOutput(item.version_id, found["sk"]["S"], int(found["attempt"]["N"]), "retired_at" in found)
            for found in self.query(outputs_pk(item.work))
        ]

    def retire(self, item: WorkItem, output: RecordedOutput, now: dt.datetime) -> None:
        """Note that an output was hidden, unless another attempt recorded it meanwhile."""
        rule = settle.retire(output.attempt)
        self.update_if(
            Update(
                outputs_pk(item.work),
                output.key,
                {"retired_at": timestamp(now)},
                condition=rule.condition,
                values=rule.values,
            )
        )

    def set_back(self, item: WorkItem) -> bool:
        """Write `RECEIVED` over `PROCESSED` and grant five more attempts, if the item is as it was read.

        Returns:
            Whether it was.
        """
        rule = attempt.set_back(item.attempt)
        return self.update_if(
            Update(
                work_pk(item.key),
                item.version_id,
                {**status_attributes(Status.RECEIVED, item.work), "attempt_limit": attempt.granted(item.attempt)},
                remove=("lease_id", "lease_until", "finished_at", "swept_at"),
                condition=rule.condition,
                values=rule.values,
            )
        )

    def query(self, pk: str) -> Iterator[Attributes]:
        """Read a partition consistently."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
        )
        for page in pages:
            yield from page["Items"]

    def update_if(self, update: Update) -> bool:
        """Carry an update out if its condition holds; return whether it did."""
        try:
            self.update(update)
        except ConditionFailedError:
            return False
        return True

    def update(self, update: Update) -> Attributes:
        """Carry an update out.

        Returns:
            The item as it is then.

        Raises:
            ConditionFailedError: its condition does not hold.
        """
        try:
            return self._client.update_item(**update.request(self._table))["Attributes"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            response: Mapping[str, Any] = error.response
            raise ConditionFailedError(response.get("Item", {})) from error


def status_attributes(status: Status, work: str) -> dict[str, Value]:
    """Return an item's status, and its place in the status index, as they are written."""
    shard = status_shard(status, work)
    begun: dict[str, Value] = {"status": status.value}
    return begun | {"status_shard": shard} if shard else begun
