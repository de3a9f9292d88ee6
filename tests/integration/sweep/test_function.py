"""The whole function as Lambda runs it, and how old it takes the queue's oldest message to be."""

from __future__ import annotations

import datetime as dt
import importlib
import sys

import pytest

from estancia_protocol.status import Status
from local.platform import LocalPlatform
from sweep.summary import Summary
from tests.integration.sweep.conftest import Stage
from tests.unit.dispatcher.test_handler import Context


def test_the_function_sweeps_and_a_second_time_finds_nothing(
    stage: Stage, platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        **platform.root_environment(),
        "ESTANCIA_RAW_BUCKET": stage.aws.raw,
        "ESTANCIA_PROCESSED_BUCKET": stage.aws.processed,
        "ESTANCIA_LEDGER_TABLE": stage.aws.table,
        "ESTANCIA_QUEUE_URL": stage.aws.queue,
        "ESTANCIA_DEAD_LETTER_QUEUE_URL": stage.aws.dead_letters,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "sweep.handler", raising=False)
    handler = importlib.import_module("sweep.handler").handler
    version = stage.put("d/a.csv")
    key = stage.output(stage.item("d/a.csv", version, Status.PROCESSED, sequencer="01"))
    stage.put_output(key, b"woken")
    stage.item("d/b.csv", "v1", Status.PROCESSING)
    assert handler({}, Context()) == Summary(sent=1, versions_removed=1, complete=True).as_json()
    assert stage.visible() == {key: b"right"}
    assert handler({"any": "thing"}, Context()) == Summary(complete=True).as_json()


def test_an_empty_queue_has_no_message_and_any_other_one_that_of_its_metric(stage: Stage) -> None:
    assert stage.queues.oldest_message(dt.datetime.now(dt.UTC)) == dt.timedelta()
    stage.queues.send("x")
    assert stage.queues.oldest_message(dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=2)
    stage.aws.sqs.receive_message(QueueUrl=stage.aws.queue, VisibilityTimeout=60)
    assert dt.timedelta() < stage.queues.oldest_message(dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=2)
