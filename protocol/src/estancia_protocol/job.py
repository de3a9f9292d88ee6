"""A job on the wire: the request's body and the lines of the answer's stream."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from estancia_protocol.errors import ErrorCode

PROCESSOR_HEADER: Final = "Estancia-Processor"
"""Every answer of a processor carries it; one without came from the load balancer."""
PROCESS_PATH: Final = "/v1/process"
STREAM_TYPE: Final = "application/x-ndjson"
PROBLEM_TYPE: Final = "application/problem+json"


class BadJobError(ValueError):
    """A request's body, or a line of a stream, is not what the protocol says."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at one object version.

    Attributes:
        key: the raw object's key, decoded.
        version_id: its version.
        attempt: the attempt's number, 1 for the first.
        deadline: when the attempt must have ended, UTC.
        request_id: the dispatcher's request id, for the logs.
    """

    key: str
    version_id: str
    attempt: int
    deadline: dt.datetime
    request_id: str

    def to_json(self) -> bytes:
        """Return the request's body."""
        return json.dumps(
            {
                "key": self.key,
                "version_id": self.version_id,
                "attempt": self.attempt,
                "deadline": timestamp(self.deadline),
                "request_id": self.request_id,
            },
            ensure_ascii=False,
        ).encode()


@dataclass(frozen=True, slots=True)
class Progress:
    """A job is alive; `facts` tell how far it is."""

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job's item is final; `item` holds its scalar fields."""

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt ended by a fault that is not the file's."""

    code: ErrorCode
    message: str


Line = Progress | Outcome | Retry


def encode_line(line: Line) -> bytes:
    """Return a line of the stream, its newline included."""
    match line:
        case Progress(facts):
            body: dict[str, Any] = {"progress": dict(facts)}
        case Outcome(item):
            body = {"outcome": dict(item)}
        case Retry(code, message):
            body = {"retry": {"code": code.value, "message": message}}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode_line(text: bytes) -> Line:
    """Read a line of the stream.

    Args:
        text: the line, with or without its newline.

    Returns:
        What it says.

    Raises:
        BadJobError: it is none of the three kinds.
    """
    try:
        body = json.loads(text)
        match body:
            case {"progress": dict(facts)}:
                return Progress(facts)
            case {"outcome": dict(item)} if isinstance(item.get("status"), str):
                return Outcome(item)
            case {"retry": {"code": str(code), "message": str(message)}}:
                return Retry(ErrorCode(code), message)
    except ValueError as error:
        raise BadJobError(f"stream line {text[:200]!r} cannot be read: {error}") from error
    raise BadJobError(f"stream line {text[:200]!r} is neither progress, outcome nor retry")


def timestamp(moment: dt.datetime) -> str:
    """Return an aware moment as the ledger writes it: ISO 8601, UTC, microseconds, `Z`."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_timestamp(text: str) -> dt.datetime:
    """Read what `timestamp` wrote.

    Raises:
        ValueError: `text` is no ISO 8601 time with an offset.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no UTC offset; write it with a Z")
    return moment
