"""All edges put together."""

from __future__ import annotations

from dataclasses import dataclass

import boto3
from botocore.config import Config
from fastapi import FastAPI

from estancia_processor import service
from estancia_processor.clock import Clock, ClockCheck
from estancia_processor.config import Settings
from estancia_processor.jobs import Runner
from estancia_processor.ledger import DynamoLedger
from estancia_processor.metrics import Metrics
from estancia_processor.readiness import Readiness
from estancia_processor.storage import S3Storage
from estancia_processor.work import Workshop


@dataclass(frozen=True, slots=True)
class Application:
    """The processor, ready to be served.

    Attributes:
        http: the FastAPI application.
        workshop: its jobs.
        runner: cleans the scratch volume.
    """

    http: FastAPI
    workshop: Workshop
    runner: Runner


def build(settings: Settings, instance_id: str, clock: Clock | None = None) -> Application:
    """Put the processor together; no call is made.

    Args:
        settings: from the environment.
        instance_id: written to the items.
        clock: replaceable in tests.
    """
    clock = clock or Clock()
    clock_check = ClockCheck(clock)
    session = boto3.Session(region_name=settings.region)
    # A pool connection for each slot's parallel ranges.
    pool = 8 * settings.slots + 4
    ledger_client = session.client("dynamodb", config=_config(pool, attempts=5, read_timeout=5))
    reader = session.client("s3", config=_config(pool, attempts=5, read_timeout=30))
    writer = session.client("s3", config=_config(pool, attempts=1, read_timeout=15))
    clock_check.watch(ledger_client)
    ledger = DynamoLedger(ledger_client, settings.ledger_table)
    storage = S3Storage(reader, writer, settings.raw_bucket, settings.processed_bucket)
    metrics = Metrics(settings.slots)
    runner = Runner(ledger, storage, settings.scratch_dir, clock, instance_id)
    workshop = Workshop(runner, settings.slots, metrics)
    readiness = Readiness(ledger, storage, clock_check, settings.scratch_dir)
    return Application(service.create(workshop, readiness, metrics, clock, clock_check), workshop, runner)


def _config(pool: int, *, attempts: int, read_timeout: int) -> Config:
    return Config(
        max_pool_connections=pool,
        connect_timeout=3,
        read_timeout=read_timeout,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="estancia-processor",
    )
