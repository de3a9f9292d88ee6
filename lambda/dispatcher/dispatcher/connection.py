"""One kept HTTP connection to the load balancer, for a process that may be frozen between two requests."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

IDLE_LIMIT: Final = 60.0
"""A connection idle for longer, by the wall clock, is dropped: a frozen environment sent no keepalive."""
_UNACKNOWLEDGED_MILLISECONDS: Final = 7000
_DRAIN_SECONDS: Final = 1.0
_DRAIN_BYTES: Final = 65536


class Trust(Protocol):
    """Where the TLS settings come from."""

    def context(self, *, fresh: bool = False) -> ssl.SSLContext:
        """Return the TLS settings, read anew when `fresh`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was answered: the response's head is read, its body is not."""

    connection: http.client.HTTPConnection
    socket: socket.socket
    response: http.client.HTTPResponse


class Connections:
    """Posts over a kept connection or a new one.

    Args:
        url: the server's, with a path that every request's path is added to.
        trust: of its certificate; None with plain HTTP.
        patience: how long connecting and the response's head may take, in seconds.
    """

    def __init__(self, url: str, trust: Trust | None, patience: float) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path
        self._trust = trust
        self._patience = patience
        self._kept: tuple[http.client.HTTPConnection, float] | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Exchange:
        """Post a body; once more on a new connection if a kept one turns out dead before a byte came back.

        Returns:
            The response, of which the head was read.

        Raises:
            OSError, http.client.HTTPException: no head came back in time.
        """
        end = time.monotonic() + self._patience
        if kept := self._take():
            try:
                return self._send(kept, path, body, headers, end)
            except (OSError, http.client.HTTPException) as error:
                kept.close()
                if not _never_answered(error):
                    raise
            end = time.monotonic() + self._patience
        fresh = self._connect(end)
        try:
            return self._send(fresh, path, body, headers, end)
        except (OSError, http.client.HTTPException):
            fresh.close()
            raise

    def done(self, exchange: Exchange) -> bytes:
        """Read what is left of a short answer, and keep the connection if it ended properly."""
        rest = b""
        try:
            exchange.socket.settimeout(_DRAIN_SECONDS)
            rest = exchange.response.read(_DRAIN_BYTES)
            finished = not exchange.response.read(1)
        except (OSError, http.client.HTTPException):
            finished = False
        if finished and not exchange.response.will_close:
            self._kept = (exchange.connection, time.time())
        else:
            exchange.connection.close()
        return rest

    def _take(self) -> http.client.HTTPConnection | None:
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        connection, since = kept
        if 0 <= time.time() - since < IDLE_LIMIT:
            return connection
        connection.close()
        return None

    def _connect(self, end: float) -> http.client.HTTPConnection:
        try:
            return self._open(end, fresh=False)
        except ssl.SSLCertVerificationError:
            return self._open(end, fresh=True)

    def _open(self, end: float, *, fresh: bool) -> http.client.HTTPConnection:
        if self._trust is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_left(end))
        else:
            context = self._trust.context(fresh=fresh)
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=_left(end), context=context)
        connection.connect()
        _watch(connection.sock)
        return connection

    def _send(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        end: float,
    ) -> Exchange:
        sock = connection.sock
        sock.settimeout(_left(end))
        connection.request("POST", self._path + path, body, dict(headers))
        sock.settimeout(_left(end))
        return Exchange(connection, sock, connection.getresponse())


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("no response header in time")
    return left


def _never_answered(error: OSError | http.client.HTTPException) -> bool:
    if isinstance(error, TimeoutError):
        # Only the kernel's own, after unacknowledged bytes, carries a number; a slow answer may still come.
        return error.errno == errno.ETIMEDOUT
    return isinstance(error, OSError)


def _watch(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS)
