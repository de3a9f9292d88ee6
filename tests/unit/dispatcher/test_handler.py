"""The entry point: what Lambda passes, and what it gets back."""

from __future__ import annotations

import datetime as dt
import importlib
import sys
from types import ModuleType
from typing import Any

import pytest

from dispatcher.messages import Message
from dispatcher.work import Invocation
from estancia_functions.environment import ConfigurationError
from tests.unit.dispatcher.test_config import COMPLETE

AWS = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}


class Context:
    """Lambda's context object, as far as it is used."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class Recorder:
    """A dispatcher that is done with every message but those named `busy`."""

    def __init__(self) -> None:
        self.seen: list[tuple[Message, Invocation]] = []

    def handle(self, message: Message, invocation: Invocation) -> bool:
        self.seen.append((message, invocation))
        return not message.message_id.startswith("busy")


def record(message_id: str) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{message_id}",
        "body": "{}",
        "attributes": {"SentTimestamp": "1709294400000", "ApproximateReceiveCount": "3"},
        "eventSource": "aws:sqs",
    }


def load(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> ModuleType:
    for name in COMPLETE:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**AWS, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "dispatcher.handler", raising=False)
    return importlib.import_module("dispatcher.handler")


def test_messages_that_were_handed_back_are_the_batch_s_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    module, recorder = load(monkeypatch, COMPLETE), Recorder()
    monkeypatch.setattr(module, "_dispatcher", recorder)
    answer = module.handler({"Records": [record("done"), record("busy")]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "busy"}]}
    (message, invocation), _ = recorder.seen
    sent = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
    assert message == Message("done", "receipt-done", "{}", sent, 3)
    assert invocation.request_id == "request-1"
    assert 895 < (invocation.ends_at - dt.datetime.now(dt.UTC)).total_seconds() <= 900


def test_clients_are_made_on_import_and_a_wrong_configuration_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(monkeypatch, COMPLETE)
    assert module._dispatcher.max_bytes == 1000
    with pytest.raises(ConfigurationError, match="ESTANCIA_MAX_BYTES"):
        load(monkeypatch, COMPLETE | {"ESTANCIA_MAX_BYTES": "many"})
