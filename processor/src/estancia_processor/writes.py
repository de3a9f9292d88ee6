"""The writes that belong to one attempt, as DynamoDB's transactions take them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estancia_processor.attributes import pack
from estancia_processor.records import CompletedOutput, Hold
from estancia_protocol import attempt, names
from estancia_protocol.rule import Rule
from estancia_protocol.status import Status, status_shard


class Writes:
    """Builds writes for one table."""

    def __init__(self, table: str) -> None:
        self._table = table

    def condition(self, hold: Hold) -> dict[str, Any]:
        """Return the check that the attempt is still the item's."""
        return {
            "TableName": self._table,
            "Key": work_key(hold),
            **checked(hold.own),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def recorded(self, hold: Hold, key: str) -> dict[str, Any]:
        """Return the write that records an output."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": pack(
                    {
                        "pk": names.outputs_pk(hold.work),
                        "sk": key,
                        "attempt": hold.attempt,
                        "raw_key": hold.key,
                        "raw_version_id": hold.version_id,
                    }
                ),
                **checked(attempt.record_output(hold.attempt)),
            }
        }

    def completed(self, hold: Hold, output: CompletedOutput) -> dict[str, Any]:
        """Return the write that completes an output, if the attempt is the output's."""
        values = {":version": output.version_id, ":sha": output.sha256, ":rows": output.rows}
        return {
            "Update": {
                "TableName": self._table,
                "Key": pack({"pk": names.outputs_pk(hold.work), "sk": output.key}),
                "UpdateExpression": "SET version_id = :version, sha256 = :sha, #rows = :rows",
                **checked(attempt.complete_output(hold.attempt), values, {"#rows": "rows"}),
            }
        }

    def finished(self, hold: Hold, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the write that finishes the work item."""
        shard = status_shard(Status(fields["status"]), hold.work)
        written = dict(fields) if shard is None else {**fields, "status_shard": shard}
        removed = [name for name in ("error", "status_shard") if name not in written]
        numbered = {f"#f{i}": name for i, name in enumerate(written)}
        sets = ", ".join(f"#f{i} = :f{i}" for i in range(len(written)))
        values = {f":f{i}": value for i, value in enumerate(written.values())}
        removes = {f"#r{i}": name for i, name in enumerate(removed)}
        remove = f" REMOVE {', '.join(removes)}" if removes else ""
        return {
            "Update": self.condition(hold)
            | {"UpdateExpression": f"SET {sets}{remove}"}
            | checked(hold.own, values, numbered | removes)
        }


def checked(
    rule: Rule[Any], values: Mapping[str, Any] | None = None, named: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a rule as the parameters of a conditional write, with the names and values of its update."""
    request: dict[str, Any] = {"ConditionExpression": rule.condition}
    request["ExpressionAttributeNames"] = rule.names | dict(named or {})
    request["ExpressionAttributeValues"] = pack(rule.placed | dict(values or {}))
    return request


def work_key(hold: Hold) -> dict[str, Any]:
    """Return the work item's key."""
    return pack({"pk": names.work_pk(hold.key), "sk": hold.version_id})
