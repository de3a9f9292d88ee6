"""The two buckets as the sweep sees them: all of their versions, and the one removal that the platform knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from estancia_functions.listing import Entry, VersionListing, by_key
from estancia_functions.objects import S3Objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OUTPUT_PREFIXES: Final = ("data/", "rejects/", "reports/")


class SweepObjects(S3Objects):
    """The sweep's edge of the buckets.

    Args:
        client: an S3 client.
        raw_bucket: whose versions are listed.
        processed_bucket: where outputs are listed, hidden and shown.
    """

    def __init__(self, client: S3Client, raw_bucket: str, processed_bucket: str) -> None:
        super().__init__(client, raw_bucket, processed_bucket)
        self._versions = VersionListing(client)

    def originals(self, after: str) -> Iterator[list[list[Entry]]]:
        """List the raw bucket's versions behind a key: pages of keys, each with its entries, the newest first."""
        return by_key(self._versions.pages(self._raw, after=after))

    def outputs(self, after: str) -> Iterator[list[list[Entry]]]:
        """List the versions of all processed keys behind a key, likewise; the prefixes stand in the order of keys."""
        for prefix in OUTPUT_PREFIXES:
            if after < prefix or after.startswith(prefix):
                yield from by_key(self._versions.pages(self._processed, prefix, after if after > prefix else ""))

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove a version or a delete marker of a processed key for good; one that is gone already is no error."""
        self._client.delete_object(Bucket=self._processed, Key=key, VersionId=version_id)
