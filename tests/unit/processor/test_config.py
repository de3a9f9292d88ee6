import dataclasses
from pathlib import Path

import pytest

from estancia_processor import config
from estancia_processor.errors import ConfigError


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "ESTANCIA_RAW_BUCKET": "raw",
        "ESTANCIA_PROCESSED_BUCKET": "processed",
        "ESTANCIA_LEDGER_TABLE": "ledger",
        "ESTANCIA_SLOTS": "2",
        "ESTANCIA_SCRATCH_DIR": str(tmp_path),
        "AWS_REGION": "eu-west-1",
    }


def test_settings_are_read_and_cannot_change(environment: dict[str, str]) -> None:
    settings = config.load(environment)
    assert (settings.slots, settings.listen_host, settings.listen_port) == (2, config.ANY_ADDRESS, 8080)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.__setattr__("slots", 3)


@pytest.mark.parametrize(
    "name",
    ["ESTANCIA_RAW_BUCKET", "ESTANCIA_PROCESSED_BUCKET", "ESTANCIA_LEDGER_TABLE", "ESTANCIA_SLOTS", "AWS_REGION"],
)
def test_a_missing_variable_is_named(environment: dict[str, str], name: str) -> None:
    del environment[name]
    with pytest.raises(ConfigError, match=name):
        config.load(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESTANCIA_SLOTS", "0"),
        ("ESTANCIA_SLOTS", "two"),
        ("ESTANCIA_LISTEN_PORT", "65536"),
        ("ESTANCIA_SCRATCH_DIR", "/nowhere"),
    ],
)
def test_a_wrong_value_is_named(environment: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*{value}"):
        config.load(environment | {name: value})
