from pathlib import Path

import pytest

from local.errors import LocalPlatformError
from local.layout import Layout, port_from_environment


def test_addresses_follow_from_the_port() -> None:
    assert Layout(4566).address(0) == "127.0.0.10"
    assert Layout(4600).address(2) == "127.0.34.12"
    assert Layout(4566, Path("/p")).state == Path("/p/.local/4566")


@pytest.mark.parametrize("port", [80, 4565, 4822])
def test_ports_without_addresses_are_refused(port: int) -> None:
    with pytest.raises(LocalPlatformError, match="ESTANCIA_LOCAL_PORT"):
        Layout(port)


@pytest.mark.parametrize("number", [-1, 200])
def test_processors_without_addresses_are_refused(number: int) -> None:
    with pytest.raises(LocalPlatformError, match="no addresses"):
        Layout().address(number)


def test_the_environment_chooses_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESTANCIA_LOCAL_PORT", raising=False)
    assert port_from_environment() == 4566
    monkeypatch.setenv("ESTANCIA_LOCAL_PORT", "4600")
    assert port_from_environment() == 4600
    monkeypatch.setenv("ESTANCIA_LOCAL_PORT", "http")
    with pytest.raises(LocalPlatformError, match="is not a port"):
        port_from_environment()
