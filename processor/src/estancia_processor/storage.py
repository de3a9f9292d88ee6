"""The two buckets: originals fetched by version to scratch, outputs put while the lease lasts."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from estancia_processor import fetching
from estancia_processor.lease import Lease

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

SINGLE_PUT: Final = 64 << 20
"""Larger outputs are put in parts of `PUT_PART` bytes."""
PUT_PART: Final = 32 << 20
PUT_TRIES: Final = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An original on scratch.

    Attributes:
        size: bytes.
        etag: S3's, without quotes.
        last_modified: when the version was made, UTC.
        sha256: of the content, hexadecimal.
    """

    size: int
    etag: str
    last_modified: dt.datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An output that was put.

    Attributes:
        version_id: the version that the put made.
        sha256: of the content, hexadecimal.
    """

    version_id: str
    sha256: str


class Storage(Protocol):
    """The buckets as the processor uses them. Errors of AWS pass through."""

    def fetch(self, key: str, version_id: str, target: Path, check: Callable[[], None]) -> Fetched:
        """Bring an original to `target`; `check` raises when the worker has to stop."""

    def put(self, key: str, source: Path, content_type: str, lease: Lease) -> Stored:
        """Put an output, only while enough of the lease remains."""

    def reachable(self) -> None:
        """Make one cheap call to the raw bucket, for readiness."""


class S3Storage:
    """The buckets on S3. Implements `Storage`."""

    def __init__(self, reader: S3Client, writer: S3Client, raw: str, processed: str) -> None:
        """Keep what is needed.

        Args:
            reader: a client with retries of its own.
            writer: a client without retries, so that nothing is sent again after the lease is over.
            raw: the raw bucket's name.
            processed: the processed bucket's name.
        """
        self._reader = reader
        self._writer = writer
        self._raw = raw
        self._processed = processed

    def fetch(self, key: str, version_id: str, target: Path, check: Callable[[], None]) -> Fetched:
        """Bring an original to scratch in parallel ranges.

        Args:
            key: the raw key.
            version_id: its version.
            target: the file to make.
            check: called between parts; raises when the worker has to stop.

        Returns:
            What was fetched.

        Raises:
            FileFaultError: GONE, ARCHIVED or EMPTY_FILE.
            RetryError: SCRATCH_FULL, or SERVICE_UNAVAILABLE when the bytes do not arrive whole.
        """
        head = fetching.fetch(self._reader, {"Bucket": self._raw, "Key": key, "VersionId": version_id}, target, check)
        with target.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return Fetched(head.size, head.etag.strip('"'), head.last_modified, digest)

    def put(self, key: str, source: Path, content_type: str, lease: Lease) -> Stored:
        """Put an output with its checksum, only while enough of the lease remains.

        Args:
            key: the processed key.
            source: the file on scratch.
            content_type: its media type.
            lease: of the own attempt.

        Returns:
            The version that was made.

        Raises:
            LeaseLostError: the lease ran out; nothing became visible.
        """
        with source.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        if source.stat().st_size > SINGLE_PUT:
            return Stored(self._put_parts(key, source, content_type, lease), digest.hexdigest())

        def send() -> str:
            with source.open("rb") as content:
                answer = self._writer.put_object(
                    Bucket=self._processed,
                    Key=key,
                    Body=content,
                    ContentType=content_type,
                    ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                )
            return answer.get("VersionId", "null")

        return Stored(_while_held(lease, send), digest.hexdigest())

    def reachable(self) -> None:
        """Ask for the raw bucket; in the other a processor may only write."""
        self._reader.head_bucket(Bucket=self._raw)

    def _put_parts(self, key: str, source: Path, content_type: str, lease: Lease) -> str:
        target: Any = {"Bucket": self._processed, "Key": key}
        upload = _while_held(
            lease,
            lambda: self._writer.create_multipart_upload(
                **target, ContentType=content_type, ChecksumAlgorithm="SHA256"
            )["UploadId"],
        )
        offsets = range(0, source.stat().st_size, PUT_PART)
        try:
            with ThreadPoolExecutor(2, thread_name_prefix="put") as pool:
                jobs = [
                    pool.submit(self._put_part, target | {"UploadId": upload, "PartNumber": number}, source, lease)
                    for number in range(1, len(offsets) + 1)
                ]
                parts = [job.result() for job in jobs]
            done: Any = {"Parts": parts}
            answer = _while_held(
                lease,
                lambda: self._writer.complete_multipart_upload(**target, UploadId=upload, MultipartUpload=done),
            )
        except BaseException:
            # What cannot be aborted now, the bucket's lifecycle removes.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._writer.abort_multipart_upload(**target, UploadId=upload)
            raise
        return answer.get("VersionId", "null")

    def _put_part(self, part: Any, source: Path, lease: Lease) -> CompletedPartTypeDef:
        with source.open("rb") as content:
            content.seek((part["PartNumber"] - 1) * PUT_PART)
            body = content.read(PUT_PART)
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        answer = _while_held(lease, lambda: self._writer.upload_part(**part, Body=body, ChecksumSHA256=checksum))
        return {"PartNumber": part["PartNumber"], "ETag": answer["ETag"], "ChecksumSHA256": checksum}


def _while_held(lease: Lease, send: Callable[[], T]) -> T:
    """Send a request, again after passing faults, each time only while enough of the lease remains."""
    for attempt in range(PUT_TRIES):
        lease.wait_for_margin()
        try:
            return send()
        except (BotoCoreError, ClientError) as error:
            if attempt + 1 == PUT_TRIES or not fetching.passing(error):
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable: the last try returns or raises")
