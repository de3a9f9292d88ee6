"""The configuration."""

from __future__ import annotations

import pytest

from dispatcher.config import Settings
from estancia_functions.environment import ConfigurationError

COMPLETE = {
    "ESTANCIA_RAW_BUCKET": "raw",
    "ESTANCIA_PROCESSED_BUCKET": "processed",
    "ESTANCIA_LEDGER_TABLE": "ledger",
    "ESTANCIA_QUEUE_URL": "https://sqs/ingest",
    "ESTANCIA_DEAD_LETTER_QUEUE_URL": "https://sqs/dead",
    "ESTANCIA_PROCESSOR_URL": "https://processor.estancia-dev.internal",
    "ESTANCIA_PROCESSOR_CERTIFICATE_PARAMETER": "/estancia-dev/processor/certificate",
    "ESTANCIA_MAX_BYTES": "1000",
}


def test_a_complete_environment_is_read_and_frozen() -> None:
    settings = Settings.from_environment(COMPLETE)
    assert settings.max_bytes == 1000
    assert settings.certificate_parameter == "/estancia-dev/processor/certificate"
    assert hash(settings) == hash(Settings.from_environment(COMPLETE))


@pytest.mark.parametrize("name", list(COMPLETE))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment({key: value for key, value in COMPLETE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESTANCIA_MAX_BYTES", "0"),
        ("ESTANCIA_MAX_BYTES", "-1"),
        ("ESTANCIA_MAX_BYTES", "5 GB"),
        ("ESTANCIA_RAW_BUCKET", " "),
        ("ESTANCIA_PROCESSOR_URL", "processor"),
        ("ESTANCIA_PROCESSOR_URL", "ftp://processor"),
        ("ESTANCIA_PROCESSOR_URL", "https://"),
        ("ESTANCIA_PROCESSOR_URL", "http://processor.estancia-dev.internal"),
        ("ESTANCIA_PROCESSOR_URL", "http://10.0.0.1"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment(COMPLETE | {name: value})


@pytest.mark.parametrize("url", ["http://127.0.0.1:4740/_alb/x", "http://localhost:4740", "http://[::1]:4740"])
def test_plain_http_is_for_loopback_and_needs_no_certificate(url: str) -> None:
    environment = COMPLETE | {"ESTANCIA_PROCESSOR_URL": f"{url}/", "ESTANCIA_PROCESSOR_CERTIFICATE_PARAMETER": ""}
    settings = Settings.from_environment(environment)
    assert (settings.processor_url, settings.certificate_parameter) == (url, None)
