"""Error codes: the one vocabulary of ledger, report and docs."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an object version was rejected or a job is tried again; `sentence` says it to a person."""

    ARCHIVED = "ARCHIVED"
    ARCHIVE_BOMB = "ARCHIVE_BOMB"
    BAD_KEY = "BAD_KEY"
    COUNT_MISMATCH = "COUNT_MISMATCH"
    DEADLINE = "DEADLINE"
    EMPTY_FILE = "EMPTY_FILE"
    GONE = "GONE"
    INTERNAL = "INTERNAL"
    LEASE_LOST = "LEASE_LOST"
    LOST_ATTEMPT = "LOST_ATTEMPT"
    NOT_READABLE = "NOT_READABLE"
    SCRATCH_FULL = "SCRATCH_FULL"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    TOO_LARGE = "TOO_LARGE"

    @property
    def sentence(self) -> str:
        """The code's meaning and remedy in one sentence."""
        return _SENTENCES[self]


_SENTENCES: dict[ErrorCode, str] = {
    ErrorCode.ARCHIVED: "The object is in an archive storage class; restore it, then upload or copy it again.",
    ErrorCode.ARCHIVE_BOMB: "The archive unpacks to far more than its size allows; upload its content unpacked.",
    ErrorCode.BAD_KEY: "The key is not <dataset>/<path> with a dataset matching [a-z][a-z0-9_]{0,62}; use one.",
    ErrorCode.COUNT_MISMATCH: "Records written and rejected do not add up to the file's records; it has five tries.",
    ErrorCode.DEADLINE: "The file was not finished within the time limit of one attempt; it has five tries.",
    ErrorCode.EMPTY_FILE: "The object holds no bytes; upload the file again.",
    ErrorCode.GONE: "This version of the object was removed before it could be read.",
    ErrorCode.INTERNAL: "The processor failed unexpectedly; its log has the request id. It has five tries.",
    ErrorCode.LEASE_LOST: "The processor could not renew its lease in time and gave the file up; it has five tries.",
    ErrorCode.LOST_ATTEMPT: "The processor stopped answering in the middle of the file; it has five tries.",
    ErrorCode.NOT_READABLE: "The content is not what its format promises; repair the file and upload it again.",
    ErrorCode.SCRATCH_FULL: "The processor's scratch volume has no room for this file; it has five tries.",
    ErrorCode.SERVICE_UNAVAILABLE: "An AWS service did not answer or refused for now; it has five tries.",
    ErrorCode.TOO_LARGE: "The object is larger than the platform's limit; split it, or raise the limit.",
}
