"""What a request to AWS or to the fleet asks for, read from its bytes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

SUBJECT = re.compile(r"case_[a-z0-9]+")
"""Every test's files lie in a dataset of this form, so that each request tells whose it is."""
KEY = re.compile(r'"(?:raw/)?(case_[a-z0-9]+/[^"\\]+)"')
"""A raw key, as the ledger and a job have it."""
SEARCHED = 1 << 16
"""Bytes of a body in which the subject is looked for."""
BALANCER = "/_alb/"
CHANGING = {
    "UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem",
    "SendMessage", "DeleteMessage", "ChangeMessageVisibility",
    "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload",
    "DeleteObject", "DeleteObjects", "CopyObject",
    "Process",
}  # fmt: skip
RENEWAL = "UpdateItem raw lease_until"
_S3 = {
    ("GET", "versions"): "ListObjectVersions",
    ("GET", ""): "GetObject",
    ("HEAD", ""): "HeadObject",
    ("PUT", "partNumber"): "UploadPart",
    ("PUT", ""): "PutObject",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", ""): "DeleteObject",
}


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        operation: the API operation; `Process` for a job posted to the load balancer.
        detail: on what, as far as it matters: `raw PROCESSED`, `out x3`, `data`.
        subject: the dataset that it is about, empty if it does not say.
        pid: the caller's process.
        key: the raw key, empty if it does not say.
    """

    operation: str
    detail: str
    subject: str
    pid: int
    key: str = ""

    @property
    def name(self) -> str:
        """Operation and detail."""
        return f"{self.operation} {self.detail}".strip()

    @property
    def changing(self) -> bool:
        """Whether it changes something."""
        return self.operation in CHANGING


def read_call(method: str, path: str, headers: Mapping[str, str], body: bytes, pid: int) -> Call:
    """Read a request."""
    target = headers.get("X-Amz-Target", "")
    text = path + body[:SEARCHED].decode(errors="replace")
    found = SUBJECT.search(text)
    subject = found.group() if found else ""
    keyed = KEY.search(text)
    key = keyed.group(1) if keyed else ""
    if path.startswith(BALANCER):
        return Call("Process" if method == "POST" else method, "", subject, pid, key)
    if target:
        operation = target.rpartition(".")[2]
        return Call(operation, _ledger_detail(operation, json.loads(body)), subject, pid, key)
    parts = urlsplit(path)
    query = parse_qs(parts.query, keep_blank_values=True)
    named = next((name for known, name in _S3.items() if known[0] == method and known[1] in query), None)
    operation = named or _S3.get((method, ""), method)
    pieces = parts.path.split("/")
    return Call(operation, pieces[2] if len(pieces) > 3 and "-processed" in pieces[1] else "", subject, pid)


def _ledger_detail(operation: str, body: dict[str, Any]) -> str:
    match operation:
        case "UpdateItem":
            return _update(body)
        case "PutItem":
            return _kind(body["Item"])
        case "TransactWriteItems":
            items = Counter(_transacted(item) for item in body["TransactItems"])
            return ", ".join(name if count == 1 else f"{name} x{count}" for name, count in items.items())
        case _:
            return ""


def _transacted(item: dict[str, Any]) -> str:
    ((verb, what),) = item.items()
    match verb:
        case "Update":
            return f"Update {_update(what)}"
        case "Put":
            return f"Put {_kind(what['Item'])}"
        case _:
            return f"{verb} {_kind(what['Key'])}"


def _update(body: dict[str, Any]) -> str:
    sets = body["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")[0]
    names, values = body.get("ExpressionAttributeNames", {}), body["ExpressionAttributeValues"]
    assigned = dict(part.split(" = ", 1) for part in re.split(r", (?=#?\w+ = )", sets))
    status = next((value for name, value in assigned.items() if names.get(name, name) == "status"), None)
    if status:
        return f"{_kind(body['Key'])} {values[status]['S']}"
    return f"{_kind(body['Key'])} {' '.join(sorted(names.get(name, name) for name in assigned))}"


def _kind(key: dict[str, Any]) -> str:
    return str(key["pk"]["S"]).partition("/")[0]
