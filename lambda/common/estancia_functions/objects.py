"""The two buckets in S3: hiding outputs, and the order of a key's versions where the ledger does not know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estancia_functions.listing import VersionListing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Objects:
    """The buckets' edge.

    Args:
        client: an S3 client.
        raw_bucket: whose versions are listed.
        processed_bucket: where outputs are hidden.
    """

    def __init__(self, client: S3Client, raw_bucket: str, processed_bucket: str) -> None:
        self._client = client
        self._raw = raw_bucket
        self._processed = processed_bucket
        self._listing = VersionListing(client)

    def hide(self, key: str) -> None:
        """Put a delete marker on a processed key; a second one changes nothing that is seen."""
        self._client.delete_object(Bucket=self._processed, Key=key)

    def versions(self, key: str) -> list[str]:
        """List the ids of a raw key's versions and delete markers, the newest first."""
        found: list[str] = []
        for page in self._listing.pages(self._raw, key):
            found += [entry.version_id for entry in page if entry.key == key]
            if any(entry.key != key for entry in page):
                # Keys are listed in order, and the key itself sorts before all that it is a prefix of.
                break
        return found
