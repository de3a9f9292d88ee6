"""S3 events in queue messages, read into typed records. Pure.

Source: Amazon S3 user guide, "Event message structure" and "Supported event types for SQS, SNS, and Lambda".
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from estancia_functions.items import WorkItem
from estancia_protocol.job import parse_timestamp
from estancia_protocol.status import Status

_MARKERS: Final = {
    "ObjectRemoved:DeleteMarkerCreated": Status.DELETED,
    "LifecycleExpiration:DeleteMarkerCreated": Status.EXPIRED,
}
_MARKER_EVENTS: Final = {status: name for name, status in _MARKERS.items()}
_REMOVALS: Final = ("ObjectRemoved:Delete", "LifecycleExpiration:Delete")
_OWNER_PREFIX: Final = "principal:"


class BadEventError(ValueError):
    """A message is not an S3 event that this function takes; it can never become one."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An object version or a delete marker was made.

    Attributes:
        key: the object's key, decoded.
        version_id: the new version's, or the marker's.
        marker: the status that a delete marker has; None for an object.
        sequencer: the event's place among its key's; None where a resent event does not know it.
        size: in bytes, None for a marker.
        etag: the object's, None where a marker's event has none.
        owner: `principal:<principalId>` of who made it.
        time: when S3 finished the request, UTC.
    """

    key: str
    version_id: str
    marker: Status | None
    sequencer: str | None
    size: int | None
    etag: str | None
    owner: str
    time: dt.datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """An object version or a delete marker was removed for good.

    Attributes:
        key: the object's key, decoded.
        version_id: the removed version's, or the marker's.
        time: when S3 finished the request, UTC.
    """

    key: str
    version_id: str
    time: dt.datetime


Event = Arrived | Removed


def parse_message(body: str, bucket: str) -> tuple[Event, ...]:
    """Read a queue message's body.

    Args:
        body: the message's body.
        bucket: the raw bucket, the only one whose events are taken.

    Returns:
        The records' events in order; none for S3's test event.

    Raises:
        BadEventError: the body is no S3 event, or one of another bucket, of an unknown kind or without a version.
    """
    try:
        document = json.loads(body)
        if document.get("Event") == "s3:TestEvent" and "Records" not in document:
            return ()
        records = document["Records"]
        if not isinstance(records, list) or not records:
            raise BadEventError("the message has no Records")
        return tuple(_event(record, bucket) for record in records)
    except BadEventError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadEventError(f"the message is no S3 event: {type(error).__name__}: {error}") from error


def message_body(item: WorkItem, bucket: str, marker: Status | None = None) -> str:
    """Return a message that `parse_message` reads as the arrival of an item's object version or delete marker.

    Args:
        item: an item with all that is known of its event.
        bucket: the raw bucket.
        marker: the status that a delete marker has; None for an object.
    """
    name = _MARKER_EVENTS[marker] if marker else "ObjectCreated:Put"
    described: dict[str, Any] = {"key": quote_plus(item.key, safe="/"), "versionId": item.version_id}
    described |= {} if marker else {"size": item.size, "eTag": item.etag}
    described |= {"sequencer": item.sequencer} if item.sequencer else {}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": item.received_at,
        "eventName": name,
        "userIdentity": {"principalId": (item.owner or "").removeprefix(_OWNER_PREFIX)},
        "s3": {"bucket": {"name": bucket}, "object": described},
    }
    return json.dumps({"Records": [record]})


def _event(record: Any, bucket: str) -> Event:
    if record["eventSource"] != "aws:s3" or not str(record["eventVersion"]).startswith("2."):
        raise BadEventError(f"the record is {record['eventSource']!r} {record['eventVersion']!r}, not aws:s3 2.x")
    name, came_from = str(record["eventName"]).removeprefix("s3:"), record["s3"]["bucket"]["name"]
    if came_from != bucket:
        raise BadEventError(f"the event is of bucket {came_from!r}, not of {bucket!r}; only that one may send here")
    described = record["s3"]["object"]
    key, version_id = unquote_plus(described["key"], errors="strict"), described.get("versionId")
    if not isinstance(version_id, str) or version_id in ("", "null"):
        raise BadEventError(f"the event of key {key!r} has no version; turn versioning of bucket {bucket!r} on")
    time = parse_timestamp(record["eventTime"])
    if name in _REMOVALS:
        return Removed(key, version_id, time)
    if name not in _MARKERS and not name.startswith("ObjectCreated:"):
        raise BadEventError(f"events {name!r} are not taken; remove them from bucket {bucket!r}'s notification")
    marker = _MARKERS.get(name)
    principal = record.get("userIdentity", {}).get("principalId") or "unknown"
    return Arrived(
        key=key,
        version_id=version_id,
        marker=marker,
        sequencer=_optional_text(described, "sequencer"),
        size=None if marker else _size(described),
        etag=_optional_text(described, "eTag"),
        owner=f"{_OWNER_PREFIX}{principal}",
        time=time,
    )


def _size(described: dict[str, Any]) -> int:
    size = described["size"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadEventError(f"the object's size is {size!r}, not a number of bytes")
    return size


def _optional_text(described: dict[str, Any], name: str) -> str | None:
    value = described.get(name)
    return str(value) if value else None
