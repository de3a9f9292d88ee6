"""A bucket's versions and delete markers in the order in which S3 lists them, which boto3's two lists lose."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ENTRY: Final = re.compile(rb"<(Version|DeleteMarker)>")
_KINDS: Final = "EstanciaKinds"


@dataclass(frozen=True, slots=True)
class Entry:
    """A version or a delete marker of a key.

    Attributes:
        key: the object's key.
        version_id: its version, `null` where versioning was off.
        marker: whether it is a delete marker.
        modified: when it was made, UTC; of an object in several parts, when its upload began.
        size: in bytes; None for a marker.
        etag: without quotes; None for a marker.
    """

    key: str
    version_id: str
    marker: bool
    modified: dt.datetime
    size: int | None = None
    etag: str | None = None


class VersionListing:
    """Lists versions page by page; safe to use from several threads.

    Args:
        client: an S3 client; what it lists is from now on put into order.

    Source: S3 API reference, ListObjectVersions: keys come in the order of their bytes, a key's versions and markers in
    one sequence, the newest first.
    """

    def __init__(self, client: S3Client) -> None:
        self._client = client
        client.meta.events.register(
            "before-parse.s3.ListObjectVersions", _note_kinds, unique_id="estancia-order-of-versions"
        )

    def pages(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[list[Entry]]:
        """Yield a bucket's entries page by page, at most 1000 at once.

        Args:
            bucket: its name.
            prefix: what the keys begin with.
            after: only keys behind this one; empty for all.

        A page may begin or end within a key's entries.
        """
        start: Any = {"KeyMarker": after} if after else {}
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix, **start)
        for page in pages:
            # The reference does not say whether a key marker alone is part of what follows: either will do.
            yield [entry for entry in _entries(page) if entry.key > after]


def by_key(pages: Iterable[list[Entry]]) -> Iterator[list[list[Entry]]]:
    """Group pages by key; a key that a page cuts is kept until its last entry was seen.

    Yields:
        For each page the whole keys that it ended, in order, each as its entries, the newest first.
    """
    kept: list[Entry] = []
    for page in pages:
        groups = [list(found) for _, found in itertools.groupby([*kept, *page], key=lambda entry: entry.key)]
        kept = groups.pop() if groups else []
        if groups:
            yield groups
    if kept:
        yield [kept]


def _note_kinds(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    customized_response_dict[_KINDS] = _ENTRY.findall(response_dict["body"])


def _entries(page: Any) -> Iterator[Entry]:
    versions, markers = iter(page.get("Versions", [])), iter(page.get("DeleteMarkers", []))
    for kind in page[_KINDS]:
        marker = kind == b"DeleteMarker"
        found = next(markers if marker else versions)
        yield Entry(
            key=found["Key"],
            version_id=found["VersionId"],
            marker=marker,
            modified=found["LastModified"],
            size=None if marker else found["Size"],
            etag=None if marker else found["ETag"].strip('"'),
        )
