"""S3: ranges of an object's version."""

import contextvars
from pathlib import Path
from typing import Any

from local.corrections import module

_asked: contextvars.ContextVar[str] = contextvars.ContextVar("range", default="")


def apply() -> None:
    """Apply the correction of ranges."""
    answer_ranges_of_versions()


def answer_ranges_of_versions() -> None:
    """GET with a versionId and a Range answers 206 with just that range, 416 if it lies outside.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, Range and VersionId.
    """
    s3 = module("services.s3")
    get, body_of = s3._get_object, s3._version_body

    def version_body(bucket: Any, bucket_name: str, key: str, version: dict[str, Any]) -> bytes | None:
        span = s3._parse_range(_asked.get(), version["size"]) if _asked.get() else None
        if span is None:
            whole: bytes | None = body_of(bucket, bucket_name, key, version)
            return whole
        path = s3.S3_PERSIST and s3._version_disk_path(bucket_name, key, version["version_id"])
        if version.get("data") is None and path and s3._version_file_exists(bucket_name, key, version["version_id"]):
            with Path(path).open("rb") as file:
                file.seek(span[0])
                return file.read(span[1] - span[0] + 1)
        return (body_of(bucket, bucket_name, key, version) or b"")[span[0] : span[1] + 1]

    def get_object(bucket_name: str, key: str, headers: dict[str, str], query_params: Any = None) -> Any:
        asked = headers.get("range", "") if (query_params or {}).get("versionId") else ""
        token = _asked.set(asked)
        try:
            answer = get(bucket_name, key, headers, query_params)
        finally:
            _asked.reset(token)
        return _partial(s3, asked, answer, f"/{bucket_name}/{key}") if asked and answer[0] == 200 else answer

    s3._version_body, s3._get_object = version_body, get_object


def _partial(s3: Any, asked: str, answer: Any, resource: str) -> Any:
    _, headers, body = answer
    size = int(headers["Content-Length"])
    span = s3._parse_range(asked, size)
    if span is None:
        status, error_headers, text = s3._error("InvalidRange", "The requested range is not satisfiable", 416, resource)
        return status, error_headers | {"Content-Range": f"bytes */{size}"}, text
    kept = {name: value for name, value in headers.items() if not name.lower().startswith("x-amz-checksum")}
    part = {"Content-Length": str(len(body)), "Content-Range": f"bytes {span[0]}-{span[1]}/{size}"}
    return 206, kept | part, body
