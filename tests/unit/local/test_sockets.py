import ipaddress
import os
import socket

import pytest

from local.sockets import _parse, listeners_of, owner_of_connection, owner_of_port

EVERYWHERE = str(ipaddress.IPv4Address(0))


@pytest.mark.parametrize(("address", "loopback"), [("127.0.0.1", True), ("127.0.0.77", True), (EVERYWHERE, False)])
def test_who_can_reach_a_listening_socket(address: str, loopback: bool) -> None:
    with socket.socket() as listening:
        listening.bind((address, 0))
        listening.listen()
        port = listening.getsockname()[1]
        (found,) = [item for item in listeners_of({os.getpid()}) if item.port == port]
    assert (found.address, found.loopback) == (address, loopback)


@pytest.mark.parametrize(
    ("written", "address", "loopback"),
    [
        ("0100007F:1F90", "127.0.0.1", True),
        ("00000000000000000000000001000000:1F90", "::1", True),
        ("00000000000000000000000000000000:1F90", "::", False),
        ("B80D0120000000000000000001000000:1F90", "2001:db8::1", False),
    ],
)
def test_addresses_as_the_kernel_writes_them(written: str, address: str, loopback: bool) -> None:
    found = _parse(f"0: {written} 0:0 0A 0:0 0:0 0 0 0 12345 1")
    assert (found.address, found.port, found.inode, found.loopback) == (address, 8080, 12345, loopback)


def test_the_owner_of_a_port_is_named() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        assert (owner_of_port(port) or "").startswith(f"pid {os.getpid()} (")
    assert owner_of_port(port) is None


def test_the_owner_of_a_connection_is_found_until_it_is_closed() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()) as near:
            ends = near.getsockname(), near.getpeername()
            assert owner_of_connection(*ends) == os.getpid()
        assert owner_of_connection(*ends) is None
