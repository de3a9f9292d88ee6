"""The two buckets in S3: hiding outputs, and the order of a key's versions where the ledger does not know it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_VERSION_ID: Final = re.compile(rb"<VersionId>([^<]+)</VersionId>")


class S3Objects:
    """The buckets' edge.

    Args:
        client: an S3 client; its listings are read in the order that S3 wrote them, which boto3's two lists lose.
        raw_bucket: whose versions are listed.
        processed_bucket: where outputs are hidden.
    """

    def __init__(self, client: S3Client, raw_bucket: str, processed_bucket: str) -> None:
        self._client = client
        self._raw = raw_bucket
        self._processed = processed_bucket
        client.meta.events.register("before-parse.s3.ListObjectVersions", self._note_order)
        self._page: list[str] = []

    def hide(self, key: str) -> None:
        """Put a delete marker on a processed key; a second one changes nothing that is seen."""
        self._client.delete_object(Bucket=self._processed, Key=key)

    def versions(self, key: str) -> list[str]:
        """List the ids of a raw key's versions and delete markers, the newest first.

        Source: S3 API reference, ListObjectVersions: versions and markers of a key come in one sequence, newest first.
        """
        found: list[str] = []
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._raw, Prefix=key):
            entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            own = {entry["VersionId"] for entry in entries if entry["Key"] == key}
            found += [version_id for version_id in self._page if version_id in own]
            if len(own) < len(entries):
                # Keys are listed in order, and the key itself sorts before all that it is a prefix of.
                break
        return found

    def _note_order(self, response_dict: dict[str, Any], **_: Any) -> None:
        self._page = [found.decode() for found in _VERSION_ID.findall(response_dict["body"])]
