"""S3 events in queue messages, read into typed records. Pure.

Source: Amazon S3 user guide, "Event message structure" and "Supported event types for SQS, SNS, and Lambda".
"""

from __future__ import annotations

import datetime as dt
import json
import re
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
_LONGEST: Final = 1024
"""Bytes of a key or a version's id in S3; nothing else in an event is longer, and the ledger's keys take no more."""
_SIZES: Final = 1 << 60
"""No object is so large; a number as long as the ledger's longest would not be written."""
_SEQUENCER: Final = re.compile(r"[0-9A-Fa-f]{1,64}")
_VERSION_ID: Final = re.compile(r"[^\s\x00-\x1f\x7f]+")
"""S3's are fit for a URL; a work id ends with one after a line break, which a key may hold."""
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
"""JSON can write half a character, which no UTF-8 holds."""
_REMEDY: Final = "only S3's own event notifications belong here: find and stop the sender"


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
        owner: `principal:<principalId>` of who made it; None where a resent event does not know it.
        time: when S3 finished the request, UTC.
    """

    key: str
    version_id: str
    marker: Status | None
    sequencer: str | None
    size: int | None
    etag: str | None
    owner: str | None
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
        BadEventError: the body is no S3 event, or one of another bucket, of an unknown kind, without a version, or with
            a member that S3 would not write or the ledger could not hold.
    """
    try:
        match json.loads(body):
            case {"Records": [_, *_] as records}:
                return tuple(_event(record, bucket) for record in records)
            case {"Event": "s3:TestEvent"} as document if "Records" not in document:
                return ()
    except BadEventError:
        raise
    except (ValueError, RecursionError) as error:
        raise BadEventError(f"the message is not JSON that can be read: {error}; {_REMEDY}") from error
    raise BadEventError(f"the message has no Records; {_REMEDY}")


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
    source, version = _text(record, "eventSource"), _text(record, "eventVersion")
    if source != "aws:s3" or not version.startswith("2."):
        raise BadEventError(f"the record is {source!r:.100} {version!r:.100}, not aws:s3 2.x; {_REMEDY}")
    name, came_from = _text(record, "eventName").removeprefix("s3:"), _text(record, "s3", "bucket", "name")
    if came_from != bucket:
        raise BadEventError(
            f"the event is of bucket {came_from!r:.100}, not of {bucket!r}; only that one may send here"
        )
    if name not in (*_MARKERS, *_REMOVALS) and not name.startswith("ObjectCreated:"):
        raise BadEventError(f"events {name!r:.100} are not taken; remove them from bucket {bucket!r}'s notification")
    key, time = _key(record), _time(record)
    version_id = _optional_text(record, "s3", "object", "versionId") or "null"
    if version_id == "null":
        raise BadEventError(f"the event of key {key!r:.100} has no version; turn versioning of bucket {bucket!r} on")
    if not _VERSION_ID.fullmatch(version_id):
        raise BadEventError(
            f"version {version_id!r:.100} of key {key!r:.100} has a space or control character; {_REMEDY}"
        )
    if name in _REMOVALS:
        return Removed(key, version_id, time)
    marker = _MARKERS.get(name)
    principal = _optional_text(record, "userIdentity", "principalId")
    return Arrived(
        key=key,
        version_id=version_id,
        marker=marker,
        sequencer=_sequencer(record),
        size=None if marker else _size(record),
        etag=_optional_text(record, "s3", "object", "eTag"),
        owner=f"{_OWNER_PREFIX}{principal}" if principal else None,
        time=time,
    )


def _key(record: Any) -> str:
    written = _text(record, "s3", "object", "key", longest=3 * _LONGEST)
    try:
        key = unquote_plus(written, errors="strict")
    except UnicodeDecodeError as error:
        raise BadEventError(f"key {written!r:.100} is not UTF-8 once it is decoded; {_REMEDY}") from error
    if len(key.encode()) > _LONGEST:
        raise BadEventError(f"key {key!r:.100} has more than {_LONGEST} bytes, the most that S3 allows; {_REMEDY}")
    return key


def _time(record: Any) -> dt.datetime:
    written = _text(record, "eventTime")
    try:
        return parse_timestamp(written).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BadEventError(f"the record's eventTime {written!r:.100} is no time with an offset; {_REMEDY}") from error


def _sequencer(record: Any) -> str | None:
    written = _optional_text(record, "s3", "object", "sequencer")
    if written is not None and not _SEQUENCER.fullmatch(written):
        raise BadEventError(f"the record's sequencer {written!r:.100} is no hexadecimal number; {_REMEDY}")
    return written


def _size(record: Any) -> int:
    size = _member(record, "s3", "object", "size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < _SIZES:
        raise BadEventError(f"the object's size is {size!r:.100}, not a number of bytes; {_REMEDY}")
    return size


def _text(record: Any, *path: str, longest: int = _LONGEST) -> str:
    found = _member(record, *path)
    if not isinstance(found, str) or not 0 < len(found.encode(errors="replace")) <= longest or _SURROGATE.search(found):
        where = ".".join(path)
        raise BadEventError(f"the record's {where} is {found!r:.100}, no text of 1 to {longest} bytes; {_REMEDY}")
    return found


def _optional_text(record: Any, *path: str) -> str | None:
    return None if _member(record, *path) in (None, "") else _text(record, *path)


def _member(record: Any, *path: str) -> Any:
    for name in path:
        record = record.get(name) if isinstance(record, dict) else None
    return record
