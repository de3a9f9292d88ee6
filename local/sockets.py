"""Which sockets listen, and whose they are, from /proc alone."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket: its address, port and inode."""

    address: str
    port: int
    inode: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.address).is_loopback


def listeners(proc: Path = Path("/proc")) -> list[Listener]:
    """Return every listening TCP socket of this machine.

    Source: https://docs.kernel.org/networking/proc_net_tcp.html.
    """
    found = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            lines = (proc / "net" / table).read_text(encoding="ascii").splitlines()[1:]
            found += [_parse(line) for line in lines if line.split()[3] == LISTEN]
    return found


def listeners_of(pids: set[int]) -> list[Listener]:
    """Return the listening sockets held by the processes `pids`."""
    inodes = {inode for pid in pids for inode in _socket_inodes(pid)}
    return [listener for listener in listeners() if listener.inode in inodes]


def owner_of_port(port: int, address: str = "127.0.0.1") -> str | None:
    """Return `pid 123 (command)` of the process that listens on `port` at `address`, as far as it can be seen.

    Returns:
        None if nobody listens there; `a process of another user` if its pid cannot be seen.
    """
    taken = {item.inode for item in listeners() if item.port == port and _covers(item.address, address)}
    if not taken:
        return None
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and taken & set(_socket_inodes(int(entry.name))):
            return f"pid {entry.name} ({_command(entry)})"
    return "a process of another user"


def owner_of_connection(near: tuple[str, int], far: tuple[str, int]) -> int | None:
    """Return the pid of the process whose end of an IPv4 connection is `near`, as far as it can be seen.

    Args:
        near: that end's address and port.
        far: the other end's.
    """
    wanted = (_written(near), _written(far))
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    inodes = {int(fields[9]) for fields in map(str.split, lines) if (fields[1], fields[2]) == wanted}
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return next((pid for pid in pids if inodes & set(_socket_inodes(pid))), None) if inodes else None


def _written(end: tuple[str, int]) -> str:
    return f"{socket.inet_aton(end[0])[::-1].hex().upper()}:{end[1]:04X}"


def _covers(listening: str, address: str) -> bool:
    return listening == address or ipaddress.ip_address(listening).is_unspecified


def _parse(line: str) -> Listener:
    fields = line.split()
    address, port = fields[1].split(":")
    words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, len(address), 8)]
    return Listener(str(ipaddress.ip_address(b"".join(words))), int(port, 16), int(fields[9]))


def _socket_inodes(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield int(target[8:-1])


def _command(entry: Path) -> str:
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return b" ".join(words).decode(errors="replace").strip()[:80]
