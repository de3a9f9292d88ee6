"""What only the sweep reads from the ledger and writes to it; every write is conditional."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from estancia_functions.items import Attributes, WorkItem, work_item
from estancia_functions.ledger import LedgerTable, MissingItemError
from estancia_functions.updates import Update, Value
from estancia_protocol.job import timestamp
from estancia_protocol.names import outputs_pk, work_pk
from estancia_protocol.status import SHARDS, Status
from sweep.rules import Output

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesTypeDef

_INDEX: Final = "by_status"
_CURSORS: Final = "sweep"
_BATCH: Final = 100
_PAUSES: Final = (0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each try to read a batch."""
_OUTPUT_PREFIX: Final = outputs_pk("")


class ThrottledError(Exception):
    """DynamoDB does not answer fast enough; the next sweep goes on."""


class SweepLedger(LedgerTable):
    """The sweep's edge of the ledger."""

    def with_status(self, status: Status) -> Iterator[WorkItem]:
        """Read the status index, which lags behind the table and lacks lease and start."""
        for shard in range(SHARDS):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression="status_shard = :shard",
                ExpressionAttributeValues={":shard": {"S": f"{status}#{shard}"}},
            )
            for page in pages:
                yield from map(work_item, page["Items"])

    def find(self, key: str, version_id: str) -> WorkItem | None:
        """Read an item consistently; None if there is none."""
        try:
            return self.read(key, version_id)
        except MissingItemError:
            return None

    def swept(self, item: WorkItem, now: dt.datetime) -> bool:
        """Note that an item's message was sent, unless anything about it changed since it was read.

        An object version without an item gets one without a status.

        Args:
            item: as read, or as made of a listing.
            now: the present moment, UTC.

        Returns:
            Whether it was noted; if not, somebody is at work on it, and the message does no harm.
        """
        values: dict[str, Value] = {"status": item.status.value, "attempt": item.attempt} if item.status else {}
        conditions = [f"#{name} = :{name}" for name in values] or ["attribute_not_exists(#status)"]
        if item.swept_at:
            values["swept_at"] = timestamp(item.swept_at)
            conditions.append("#swept_at = :swept_at")
        else:
            conditions.append("attribute_not_exists(#swept_at)")
        return self.update_if(
            Update(
                work_pk(item.key),
                item.version_id,
                {"swept_at": timestamp(now)},
                condition=" AND ".join(conditions),
                values=values,
            )
        )

    def gone(self, item: WorkItem, now: dt.datetime) -> bool:
        """Note that an item's version is gone for good, as its event would have; return whether nobody had."""
        return self.update_if(
            Update(
                work_pk(item.key),
                item.version_id,
                {"removed_at": timestamp(now)},
                condition="attribute_exists(#pk) AND attribute_not_exists(#removed_at)",
            )
        )

    def recorded(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Output]:
        """Read output items by work id and processed key, in batches and not consistently.

        Raises:
            ThrottledError: DynamoDB left keys unread again and again.
        """
        batches = [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]
        outputs = [_output(item) for batch in batches for item in self._batch(batch)]
        return {(output.work, output.key): output for output in outputs}

    def _batch(self, names: Sequence[tuple[str, str]]) -> Iterator[Attributes]:
        keys = [_output_key(work, key) for work, key in names]
        wanted: Mapping[str, KeysAndAttributesTypeDef] = {self._table: {"Keys": keys}}
        for pause in _PAUSES:
            # What a throttled table leaves out is no error, so the client does not ask for it again by itself.
            time.sleep(pause)
            answer: Any = self._client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._table, ())
            wanted = answer.get("UnprocessedKeys", {})
            if not wanted:
                return
        raise ThrottledError(f"table {self._table} left keys of a batch unread {len(_PAUSES)} times; it is throttled")

    def output(self, work: str, key: str) -> Output | None:
        """Read an output item consistently; None if there is none."""
        found = self._client.get_item(TableName=self._table, Key=_output_key(work, key), ConsistentRead=True)
        return _output(found["Item"]) if "Item" in found else None

    def cursor(self, part: str) -> str:
        """Read the key behind which a part goes on; empty to begin anew."""
        name: Any = {"pk": {"S": _CURSORS}, "sk": {"S": part}}
        found = self._client.get_item(TableName=self._table, Key=name, ConsistentRead=True)
        return found["Item"]["after"]["S"] if "Item" in found else ""

    def move_cursor(self, part: str, after: str, now: dt.datetime) -> None:
        """Note behind which key a part goes on."""
        self.update(Update(_CURSORS, part, {"after": after, "swept_at": timestamp(now)}))


def _output_key(work: str, key: str) -> Any:
    return {"pk": {"S": outputs_pk(work)}, "sk": {"S": key}}


def _output(attributes: Attributes) -> Output:
    def text(name: str) -> str | None:
        return attributes[name]["S"] if name in attributes else None

    return Output(
        work=attributes["pk"]["S"].removeprefix(_OUTPUT_PREFIX),
        key=attributes["sk"]["S"],
        attempt=int(attributes["attempt"]["N"]),
        version_id=text("version_id"),
        retired="retired_at" in attributes,
        raw_key=text("raw_key"),
        raw_version_id=text("raw_version_id"),
    )
