import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody

from estancia_processor import fetching
from estancia_processor.errors import FileFaultError, LeaseLostError, RetryError
from estancia_protocol.errors import ErrorCode
from tests.unit.processor.fakes import NOON

SOURCE = {"Bucket": "raw", "Key": "d/a", "VersionId": "v"}


class FakeS3:
    def __init__(self, body: bytes, errors: list[Exception] | None = None) -> None:
        self.body = body
        self.errors = errors or []
        self.requests: list[dict[str, Any]] = []
        self.cut = 0

    def get_object(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.errors:
            raise self.errors.pop(0)
        start, end = map(int, request["Range"].removeprefix("bytes=").split("-"))
        part = self.body[start : end + 1]
        sent, self.cut = part[: len(part) - self.cut], 0
        return {
            "Body": StreamingBody(io.BytesIO(sent), len(sent)),
            "ContentRange": f"bytes {start}-{start + len(part) - 1}/{len(self.body)}",
            "ContentLength": len(part),
            "ETag": '"etag"',
            "LastModified": NOON,
        }


def fault(code: str, status: int, **members: str) -> ClientError:
    response: Any = {"Error": {"Code": code, **members}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetObject")


@pytest.fixture(autouse=True)
def small_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PART", 1000)
    monkeypatch.setattr(time, "sleep", lambda _: None)


def fetch(s3: Any, target: Path, check: Callable[[], None] = lambda: None) -> fetching.Head:
    return fetching.fetch(s3, SOURCE, target, check)


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 12_345])
def test_ranges_make_the_whole(tmp_path: Path, size: int) -> None:
    s3 = FakeS3(bytes(i % 251 for i in range(size)))
    head = fetch(s3, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == s3.body
    assert head.size == size
    assert all(request["VersionId"] == "v" for request in s3.requests)
    assert all(request["IfMatch"] == '"etag"' for request in s3.requests[1:])
    assert sorted(request["Range"] for request in s3.requests) == sorted(
        f"bytes={at}-{(min(at + 1000, size) if at else 1000) - 1}" for at in range(0, size, 1000)
    )


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("NoSuchVersion", 404, ErrorCode.GONE),
        ("NoSuchKey", 404, ErrorCode.GONE),
        ("MethodNotAllowed", 405, ErrorCode.GONE),
        ("InvalidObjectState", 403, ErrorCode.ARCHIVED),
        ("InvalidRange", 416, ErrorCode.EMPTY_FILE),
    ],
)
def test_facts_about_the_version_are_the_file_s_fault(
    tmp_path: Path, code: str, status: int, expected: ErrorCode
) -> None:
    s3 = FakeS3(b"x", [fault(code, status)])
    with pytest.raises(FileFaultError) as raised:
        fetch(s3, tmp_path / "x")
    assert raised.value.code is expected
    assert len(s3.requests) == 1


def test_an_id_that_s3_never_gave_is_a_version_that_is_not_there(tmp_path: Path) -> None:
    said = {"ArgumentName": "versionId", "Message": "Invalid version id specified"}
    with pytest.raises(FileFaultError) as raised:
        fetch(FakeS3(b"x", [fault("InvalidArgument", 400, **said)]), tmp_path / "x")
    assert raised.value.code is ErrorCode.GONE
    with pytest.raises(ClientError):
        fetch(FakeS3(b"x", [fault("InvalidArgument", 400, ArgumentName="x-amz-other")]), tmp_path / "x")


def test_a_version_removed_while_it_is_read_is_gone(tmp_path: Path) -> None:
    s3 = FakeS3(b"x" * 5000)

    def removed() -> None:
        s3.errors = [fault("NoSuchVersion", 404)]

    with pytest.raises(FileFaultError) as raised:
        fetch(s3, tmp_path / "x", removed)
    assert raised.value.code is ErrorCode.GONE


def test_passing_faults_are_tried_again_and_refusals_are_not(tmp_path: Path) -> None:
    s3 = FakeS3(b"x", [fault("SlowDown", 503), ReadTimeoutError(endpoint_url="https://s3")])
    assert fetch(s3, tmp_path / "x").size == 1
    with pytest.raises(ClientError):
        fetch(FakeS3(b"x", [fault("AccessDenied", 403)]), tmp_path / "x")


def test_a_body_that_is_cut_off_is_fetched_again(tmp_path: Path) -> None:
    s3 = FakeS3(b"abcdef" * 300)
    s3.cut = 2
    fetch(s3, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == s3.body


def test_a_lost_lease_ends_it(tmp_path: Path) -> None:
    def check() -> None:
        raise LeaseLostError

    with pytest.raises(LeaseLostError):
        fetch(FakeS3(b"x" * 5000), tmp_path / "x", check)


def test_a_full_volume_is_a_retry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RetryError) as raised:
        fetch(FakeS3(b"x" * 5000), tmp_path / "x")
    assert raised.value.code is ErrorCode.SCRATCH_FULL
