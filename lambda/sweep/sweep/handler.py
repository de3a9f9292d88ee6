"""The function's entry point: wires the edges once for each environment, then sweeps."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import boto3
from botocore.config import Config

from estancia_functions.log import logger
from sweep.config import Settings
from sweep.ledger import SweepLedger
from sweep.objects import SweepObjects
from sweep.queues import SqsQueues
from sweep.run import Run
from sweep.sweeping import sweep

_THREADS: Final = 16
_WRAP_UP: Final = 60.0
"""Seconds kept at the function's end for what is under way."""
_CLIENT: Final = Config(
    connect_timeout=2,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=_THREADS,
)
T = TypeVar("T")


class Context(Protocol):
    """What is used of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still run."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """What every run of an environment uses."""

    ledger: SweepLedger
    objects: SweepObjects
    queues: SqsQueues
    raw_bucket: str


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _wire(settings: Settings) -> _Edges:
    sqs, cloudwatch = boto3.client("sqs", config=_CLIENT), boto3.client("cloudwatch", config=_CLIENT)
    s3 = boto3.client("s3", config=_CLIENT)
    return _Edges(
        ledger=SweepLedger(boto3.client("dynamodb", config=_CLIENT), settings.ledger_table),
        objects=SweepObjects(s3, settings.raw_bucket, settings.processed_bucket),
        queues=SqsQueues(sqs, cloudwatch, settings.queue_url, settings.dead_letter_queue_url),
        raw_bucket=settings.raw_bucket,
    )


_edges: Final = _wire(Settings.from_environment(os.environ))


def handler(event: object, context: Context) -> dict[str, Any]:
    """Sweep once; whatever the event says, there is only one thing to do.

    Returns:
        The members of `Summary`.
    """
    del event
    logger.append_keys(request_id=context.aws_request_id)
    ends_at = _now() + dt.timedelta(milliseconds=context.get_remaining_time_in_millis(), seconds=-_WRAP_UP)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="sweep") as pool:

        def each(act: Callable[[T], None], things: Iterable[T]) -> None:
            for _ in pool.map(act, things):
                pass

        run = Run(_edges.ledger, _edges.objects, _edges.queues, _edges.raw_bucket, _now, each, ends_at)
        answer = sweep(run).as_json()
    logger.info("swept", summary=answer)
    return answer
