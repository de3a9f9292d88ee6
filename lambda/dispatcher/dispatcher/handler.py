"""The function's entry point: wires the edges once for each environment, then handles messages."""

from __future__ import annotations

import datetime as dt
import os
import random
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config

from dispatcher.config import Settings
from dispatcher.ledger import DispatcherLedger
from dispatcher.messages import Message, SqsMessages
from dispatcher.processor_client import HttpProcessor
from dispatcher.trust import CertificateTrust
from dispatcher.work import Dispatcher, Invocation
from estancia_functions.log import logger
from estancia_functions.objects import S3Objects
from estancia_functions.settling import Settler

_CLIENT: Final = Config(connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 4})


class Context(Protocol):
    """What is used of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still run."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _wire(settings: Settings) -> Dispatcher:
    ledger = DispatcherLedger(boto3.client("dynamodb", config=_CLIENT), settings.ledger_table)
    objects = S3Objects(boto3.client("s3", config=_CLIENT), settings.raw_bucket, settings.processed_bucket)
    name = settings.certificate_parameter
    return Dispatcher(
        ledger=ledger,
        messages=SqsMessages(boto3.client("sqs", config=_CLIENT), settings.queue_url, settings.dead_letter_queue_url),
        processor=HttpProcessor(settings.processor_url, _trust(name) if name else None),
        settler=Settler(ledger, objects, _now),
        raw_bucket=settings.raw_bucket,
        max_bytes=settings.max_bytes,
        clock=_now,
        jitter=random.random,
    )


def _trust(parameter: str) -> CertificateTrust:
    ssm = boto3.client("ssm", config=_CLIENT)
    return CertificateTrust(lambda: ssm.get_parameter(Name=parameter)["Parameter"]["Value"])


_dispatcher: Final = _wire(Settings.from_environment(os.environ))


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Handle the messages of an SQS event source mapping (one, as it is set up).

    Returns:
        A partial batch response: the messages that were handed back.
    """
    ends_at = _now() + dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    invocation = Invocation(context.aws_request_id, ends_at)
    logger.append_keys(request_id=context.aws_request_id)
    messages = map(Message.from_record, event["Records"])
    failed = [message.message_id for message in messages if not _dispatcher.handle(message, invocation)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
