"""Any exception as a retry: what it says to the dispatcher and the ledger."""

from __future__ import annotations

import errno
import logging
from typing import Final

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from estancia_processor.errors import RetryError
from estancia_protocol.errors import ErrorCode

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""A full volume, a used up quota."""
_log = logging.getLogger(__name__)


def as_retry(error: Exception) -> RetryError:
    """Turn a failure that is not the file's into a retry with a code.

    Args:
        error: anything that ended an attempt.

    Returns:
        The error itself if it is a retry; SERVICE_UNAVAILABLE for AWS, SCRATCH_FULL for a full volume, else INTERNAL,
        whose traceback is logged.
    """
    if isinstance(error, RetryError):
        _log.warning("the attempt ended: %s", error)
        return error
    if isinstance(error, ClientError | BotoCoreError | HTTPError):
        _log.warning("an AWS call failed", exc_info=error)
        return RetryError(ErrorCode.SERVICE_UNAVAILABLE, f"{ErrorCode.SERVICE_UNAVAILABLE.sentence} ({error})"[:1000])
    if isinstance(error, OSError) and (error.errno in NO_ROOM or _says_full(error)):
        _log.warning("the scratch volume is full", exc_info=error)
        return RetryError(ErrorCode.SCRATCH_FULL)
    _log.error("the attempt failed", exc_info=error)
    return RetryError(ErrorCode.INTERNAL, f"{ErrorCode.INTERNAL.sentence} ({type(error).__name__})")


def _says_full(error: OSError) -> bool:
    """Arrow raises OSError without an errno."""
    return isinstance(error, pa.ArrowException | OSError) and "No space left on device" in str(error)
