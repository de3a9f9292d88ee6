"""S3's event records as tests send them themselves: late, twice, in another order.

Source: Amazon S3 user guide, "Event message structure".
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from estancia_protocol.job import timestamp
from tests.faults.case import Case


def created(case: Case, version_id: str, place: int) -> dict[str, Any]:
    """Return the event of an upload; `place` orders it among its key's."""
    original = case.originals[version_id]
    described = {"size": original.size, "eTag": original.etag, "sequencer": f"{place:018X}"}
    return _record(case, "ObjectCreated:Put", version_id, described)


def deleted(case: Case, version_id: str, place: int) -> dict[str, Any]:
    """Return the event of a new delete marker."""
    return _record(case, "ObjectRemoved:DeleteMarkerCreated", version_id, {"sequencer": f"{place:018X}"})


def removed(case: Case, version_id: str, place: int) -> dict[str, Any]:
    """Return the event of a version's removal for good."""
    return _record(case, "ObjectRemoved:Delete", version_id, {"sequencer": f"{place:018X}"})


def _record(case: Case, name: str, version_id: str, described: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": timestamp(dt.datetime.now(dt.UTC)),
        "eventName": name,
        "userIdentity": {"principalId": "AIDATESTS"},
        "s3": {
            "bucket": {"name": case.running.stack.bucket("raw")},
            "object": {"key": case.key(), "versionId": version_id, **described},
        },
    }
