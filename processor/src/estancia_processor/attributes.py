"""DynamoDB's attribute values and error answers as plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

PASSING: Final = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "ConditionalCheckFailed", "None"}
)
"""Reasons for a cancelled transaction that either decide something or go away."""
_PACK: Final = TypeSerializer()
_UNPACK: Final = TypeDeserializer()


def pack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn plain values into DynamoDB's attribute values."""
    return {name: _PACK.serialize(value) for name, value in values.items()}


def unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    """Turn DynamoDB's attribute values into plain ones: whole numbers into int, binary into bytes."""
    return {name: _plain(_UNPACK.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return bytes(cast("Any", value)) if isinstance(value, Binary) else value


def failed_item(error: ClientError) -> Mapping[str, Any]:
    """Return the item that a failed condition showed; any other error is raised again."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    shown: Mapping[str, Any] = cast("dict[str, Any]", error.response).get("Item", {})
    return shown


def cancellation_reasons(error: ClientError) -> list[dict[str, Any]]:
    """Return why a transaction was cancelled; any other error is raised again."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        raise error
    reasons: list[dict[str, Any]] = cast("dict[str, Any]", error.response).get("CancellationReasons", [])
    if not reasons or any(reason.get("Code") not in PASSING for reason in reasons):
        raise error
    return reasons
