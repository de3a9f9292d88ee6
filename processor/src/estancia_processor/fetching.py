"""Bringing one object version to scratch: a first range tells the size, the others follow in parallel."""

from __future__ import annotations

import datetime as dt
import errno
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from estancia_processor.errors import FileFaultError, RetryError
from estancia_protocol.errors import ErrorCode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

PART: Final = 8 << 20
CHUNK: Final = 1 << 20
PARALLEL: Final = 8
TRIES: Final = 4
T = TypeVar("T")
PASSING: Final = frozenset({408, 409, 429})
"""HTTP status codes, beside a server's own, that another try may not meet: time-out, conflict, too many."""
_FAULTS: Final = {
    "NoSuchKey": ErrorCode.GONE,
    "NoSuchVersion": ErrorCode.GONE,
    "MethodNotAllowed": ErrorCode.GONE,
    "404": ErrorCode.GONE,
    "InvalidObjectState": ErrorCode.ARCHIVED,
    "InvalidRange": ErrorCode.EMPTY_FILE,
}
"""S3's error codes that are facts about the version: a marker answers MethodNotAllowed, no bytes InvalidRange.

An id that S3 never gave is InvalidArgument with the ArgumentName versionId: such a version is not there either.
"""


@dataclass(frozen=True, slots=True)
class Head:
    """What the first range told.

    Attributes:
        size: of the whole object, bytes.
        etag: as S3 writes it, in quotes.
        last_modified: UTC.
    """

    size: int
    etag: str
    last_modified: dt.datetime


def fetch(client: S3Client, source: dict[str, str], target: Path, check: Callable[[], None]) -> Head:
    """Write an object version to a file.

    Args:
        client: S3.
        source: Bucket, Key and VersionId.
        target: the file to make.
        check: called between parts; raises when the worker has to stop.

    Raises:
        FileFaultError: GONE, ARCHIVED or EMPTY_FILE.
        RetryError: SCRATCH_FULL, or SERVICE_UNAVAILABLE when bytes are missing.
    """
    handle = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
    try:
        head = _retried(lambda: _first(client, source, handle))
        if head.size > PART and os.fstat(handle).st_size < head.size:
            _preallocate(handle, head.size)
            part = source | {"IfMatch": head.etag}
            with ThreadPoolExecutor(PARALLEL, thread_name_prefix="fetch") as pool:
                jobs = [
                    pool.submit(_part, client, part, handle, range(at, min(at + PART, head.size)), check)
                    for at in range(PART, head.size, PART)
                ]
                for job in jobs:
                    job.result()
        size = os.fstat(handle).st_size
        if size != head.size:
            raise RetryError(ErrorCode.SERVICE_UNAVAILABLE, f"{size} of {head.size} bytes arrived; it has five tries")
    finally:
        os.close(handle)
    return head


def passing(error: Exception) -> bool:
    """Whether an AWS error may go away by itself: no answer, throttling, a server's fault."""
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status in PASSING or error.response["Error"]["Code"] in ("SlowDown", "RequestTimeout")


def _first(client: S3Client, source: Any, handle: int) -> Head:
    answer = _get(client, source, range(PART))
    # A server may ignore Range and answer with the whole (RFC 9110, section 14.2).
    part = answer.get("ContentRange")
    size = int(part.rpartition("/")[2]) if part else answer["ContentLength"]
    if size == 0:
        raise FileFaultError(ErrorCode.EMPTY_FILE)
    _copy(answer["Body"], handle, range(min(PART, size) if part else size))
    return Head(size, answer["ETag"], answer["LastModified"])


def _get(client: S3Client, source: Any, span: range) -> GetObjectOutputTypeDef:
    try:
        return client.get_object(**source, Range=f"bytes={span.start}-{span.stop - 1}")
    except ClientError as error:
        found: Mapping[str, str] = cast("Any", error.response["Error"])
        code = ErrorCode.GONE if found.get("ArgumentName") == "versionId" else _FAULTS.get(found["Code"])
        if code is None:
            raise
        raise FileFaultError(code) from error


def _part(client: S3Client, source: Any, handle: int, span: range, check: Callable[[], None]) -> None:
    def send() -> None:
        check()
        answer = _get(client, source, span)
        if "ContentRange" not in answer:
            raise RetryError(ErrorCode.SERVICE_UNAVAILABLE, "a range was answered with the whole; it has five tries")
        _copy(answer["Body"], handle, span)

    _retried(send)


def _copy(body: Any, handle: int, span: range) -> None:
    at = span.start
    for chunk in body.iter_chunks(CHUNK):
        if at + len(chunk) > span.stop:
            break
        rest = memoryview(chunk)
        while rest:
            written = os.pwrite(handle, rest, at)
            at, rest = at + written, rest[written:]
    if at != span.stop:
        message = f"bytes {span.start} to {span.stop} did not arrive as they were asked for; it has five tries"
        raise RetryError(ErrorCode.SERVICE_UNAVAILABLE, message)


def _preallocate(handle: int, size: int) -> None:
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise RetryError(ErrorCode.SCRATCH_FULL) from error
        raise


def _retried(send: Callable[[], T]) -> T:
    for attempt in range(TRIES):
        try:
            return send()
        except (BotoCoreError, ClientError, HTTPError, RetryError) as error:
            lost = isinstance(error, RetryError) and error.code is not ErrorCode.SERVICE_UNAVAILABLE
            if lost or attempt + 1 == TRIES or not passing(error):
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable: the last try returns or raises")
