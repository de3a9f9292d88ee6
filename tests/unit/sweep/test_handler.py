"""The entry point: its configuration, and what it needs."""

from __future__ import annotations

import importlib
import sys

import pytest

from estancia_functions.environment import ConfigurationError
from sweep.config import Settings
from tests.unit.dispatcher.test_handler import AWS

COMPLETE = {
    "ESTANCIA_RAW_BUCKET": "raw",
    "ESTANCIA_PROCESSED_BUCKET": "processed",
    "ESTANCIA_LEDGER_TABLE": "ledger",
    "ESTANCIA_QUEUE_URL": "https://sqs/ingest",
    "ESTANCIA_DEAD_LETTER_QUEUE_URL": "https://sqs/dead",
}


def test_a_complete_environment_is_read() -> None:
    settings = Settings.from_environment(COMPLETE)
    assert settings == Settings("raw", "processed", "ledger", "https://sqs/ingest", "https://sqs/dead")


@pytest.mark.parametrize("name", list(COMPLETE))
def test_a_missing_variable_is_named_and_stops_the_import(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {**AWS, **COMPLETE, name: " "}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delitem(sys.modules, "sweep.handler", raising=False)
    with pytest.raises(ConfigurationError, match=name):
        importlib.import_module("sweep.handler")
