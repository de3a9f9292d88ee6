"""Structured logs: one JSON object a line, with the job's context."""

from __future__ import annotations

import contextvars
import datetime as dt
import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from estancia_protocol.job import timestamp

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
context: Final = contextvars.ContextVar("context", default=_NOTHING)
"""The job's request_id, key and attempt; set in its thread."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger, message, context and traceback."""
        fields: dict[str, Any] = {
            "time": timestamp(dt.datetime.fromtimestamp(record.created, dt.UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **context.get(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(fields, default=str).decode()


def configure() -> None:
    """Send all logs of the process to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
