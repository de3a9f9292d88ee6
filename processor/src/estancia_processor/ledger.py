"""The ledger on DynamoDB: conditional writes, each safe to repeat when its answer is lost."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from estancia_processor import VERSION, writes
from estancia_processor.attributes import cancellation_reasons, failed_item, pack, unpack
from estancia_processor.errors import LeaseLostError
from estancia_processor.records import (
    CompletedOutput,
    Held,
    Hold,
    Output,
    SchemaColumn,
    SchemaVersion,
    Settled,
    StartAnswer,
    Started,
    Unknown,
)
from estancia_protocol import attempt, lease, names
from estancia_protocol.attempt import Attempted
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status, status_shard

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRANSACTION: Final = 99
"""Outputs in one transaction: DynamoDB takes 100 items, one of which is the work item."""
CONFLICT_TRIES: Final = 8
"""A renewal may meet a transaction on the same item; such a conflict ends within milliseconds."""
START: Final = (
    "SET #status = :processing, #attempt = :attempt, lease_id = :lease, #lease_until = :until, started_at = :now,"
    " instance_id = :instance, processor_version = :version, status_shard = :shard"
)
T = TypeVar("T")


class DynamoLedger:
    """The ledger's table. Implements `records.Ledger`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._writes = writes.Writes(table)

    def start(self, hold: Hold, now: dt.datetime, instance_id: str) -> StartAnswer:
        """Try to start an attempt in one conditional write.

        Args:
            hold: the attempt and the lease id that it would have.
            now: the wall clock, UTC.
            instance_id: where it would run.

        Returns:
            What the item says. A failed condition that shows the own lease and attempt is a start
            whose answer was lost.
        """
        values = {
            ":attempt": hold.attempt,
            ":lease": hold.lease_id,
            ":until": timestamp(lease.taken_at(now)),
            ":now": timestamp(now),
            ":instance": instance_id,
            ":version": VERSION,
            ":shard": status_shard(Status.PROCESSING, hold.work),
        }
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=writes.work_key(hold),
                UpdateExpression=START,
                **writes.checked(attempt.start(hold.attempt, now), values),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return _judge(unpack(failed_item(error)), hold)
        return Started(unpack(answer["Attributes"]))

    def renew(self, hold: Hold, now: dt.datetime) -> None:
        """Extend the lease from `now`.

        Raises:
            LeaseLostError: the attempt is not the item's any more.
        """
        self._update_own(hold, "SET lease_until = :until", {":until": timestamp(lease.taken_at(now))})

    def outputs(self, work: str) -> list[Output]:
        """Return the recorded outputs of a work item, read consistently."""
        return [Output(item["sk"], item["attempt"]) for item in self._query(names.outputs_pk(work))]

    def record(self, hold: Hold, keys: Sequence[str]) -> None:
        """Record outputs before they are put, at most 99 and one check of the work item in a transaction.

        Raises:
            LeaseLostError: the attempt is not the item's any more, or a later one recorded outputs.
        """
        check = {"ConditionCheck": self._writes.condition(hold)}
        for group in _groups(keys):
            self._transact(hold, [check, *(self._writes.recorded(hold, key) for key in group)])

    def finish(
        self, hold: Hold, outputs: Sequence[CompletedOutput], changes: Mapping[str, Any], now: dt.datetime
    ) -> dict[str, Any]:
        """Complete the outputs, then finish the item, the last group of outputs in the same transaction.

        Args:
            hold: the own attempt.
            outputs: what was put; none for a rejected file.
            changes: the item's new fields, `status` among them.
            now: the wall clock, UTC.

        Returns:
            The fields as written.

        Raises:
            LeaseLostError: the attempt is not the item's any more.
        """
        fields = {**changes, "finished_at": timestamp(now)}
        groups = _groups(outputs) or [[]]
        check = {"ConditionCheck": self._writes.condition(hold)}
        for group in groups[:-1]:
            self._transact(hold, [check, *(self._writes.completed(hold, o) for o in group)])
        last = [self._writes.finished(hold, fields), *(self._writes.completed(hold, o) for o in groups[-1])]
        self._transact(hold, last, final=Status(fields["status"]))
        return fields

    def give_back(self, hold: Hold, error: Mapping[str, str], now: dt.datetime) -> None:
        """Record an error that is not the file's and end the lease.

        Raises:
            LeaseLostError: the attempt is not the item's any more.
        """
        values = {":error": dict(error), ":until": timestamp(now)}
        self._update_own(hold, "SET #error = :error, lease_until = :until", values, ("error",))

    def schemas(self, dataset: str, table: str) -> list[SchemaVersion]:
        """Return a table's schema versions, newest first, read consistently."""
        items = self._query(names.schema_pk(dataset, table), newest_first=True)
        return [SchemaVersion(int(i["sk"]), tuple(SchemaColumn(**c) for c in i["columns"]), i["arrow"]) for i in items]

    def add_schema(self, dataset: str, table: str, version: SchemaVersion, work: str, now: dt.datetime) -> bool:
        """Write a schema version unless its number exists.

        Returns:
            Whether it is there as given: false when another was faster.
        """
        item = {
            "pk": names.schema_pk(dataset, table),
            "sk": names.schema_sk(version.number),
            "columns": [{"name": c.name, "type": c.type, "original": c.original} for c in version.columns],
            "arrow": version.arrow,
            "created_at": timestamp(now),
            "created_by": work,
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=pack(item),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return bool(unpack(failed_item(error)).get("created_by") == work)
        return True

    def reachable(self) -> None:
        """Read an item that does not exist, for readiness."""
        self._client.get_item(TableName=self._table, Key=pack({"pk": "ready", "sk": "ready"}))

    def _query(self, partition: str, *, newest_first: bool = False) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=pack({":pk": partition}),
            ConsistentRead=True,
            ScanIndexForward=not newest_first,
        )
        return [unpack(item) for page in pages for item in page["Items"]]

    def _update_own(self, hold: Hold, update: str, values: Mapping[str, Any], named: Sequence[str] = ()) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=writes.work_key(hold),
                UpdateExpression=update,
                **writes.checked(hold.own, values, {f"#{name}": name for name in named}),
            )
        except ClientError as error:
            failed_item(error)
            raise LeaseLostError(f"attempt {hold.attempt} of {hold.key} is no longer the item's") from error

    def _transact(self, hold: Hold, items: Sequence[Any], final: Status | None = None) -> None:
        for tried in range(CONFLICT_TRIES):
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons = cancellation_reasons(error)
                if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                    shown = unpack(reasons[0].get("Item", {}))
                    if final is not None and _is_own(shown, hold) and shown.get("status") == final:
                        return
                    raise LeaseLostError(f"attempt {hold.attempt} of {hold.key} is no longer the item's") from error
                if tried + 1 == CONFLICT_TRIES:
                    raise
                time.sleep((0.01 + secrets.randbelow(40) / 1000) * 2**tried)
            else:
                return


def _is_own(item: Mapping[str, Any], hold: Hold) -> bool:
    return attempt.began(Attempted.of(item), hold.attempt, hold.lease_id)


def _judge(item: dict[str, Any], hold: Hold) -> StartAnswer:
    status = item.get("status")
    if status is None:
        return Unknown()
    if Status(status).final:
        return Settled(item)
    return Started(item) if _is_own(item, hold) else Held(item)


def _groups(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[i : i + TRANSACTION] for i in range(0, len(items), TRANSACTION)]
