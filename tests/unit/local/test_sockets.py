import os
import socket

import pytest

from local.sockets import listeners_of, owner_of_port


@pytest.mark.parametrize(
    ("family", "address", "loopback"),
    [
        (socket.AF_INET, "127.0.0.1", True),
        (socket.AF_INET, "127.0.0.77", True),
        (socket.AF_INET, "0.0.0.0", False),
        (socket.AF_INET6, "::1", True),
        (socket.AF_INET6, "::", False),
    ],
)
def test_who_can_reach_a_listening_socket(family: int, address: str, loopback: bool) -> None:
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        listening.listen()
        port = listening.getsockname()[1]
        (found,) = [item for item in listeners_of({os.getpid()}) if item.port == port]
    assert (found.address, found.loopback) == (address, loopback)


def test_the_owner_of_a_port_is_named() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        assert (owner_of_port(port) or "").startswith(f"pid {os.getpid()} (")
    assert owner_of_port(port) is None
