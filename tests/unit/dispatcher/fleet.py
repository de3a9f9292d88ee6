"""A real HTTP server on loopback that answers as it is told: fleet and load balancer, also when they misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Self

Answer = Callable[[socket.socket], bool]
"""Writes an answer; returns whether the connection stays open."""


class Fleet:
    """Serves each request with the next of `answers`; keeps requests and the number of the connection each came by."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[int, str, bytes]] = []
        self.connections = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(plain, self.connections), daemon=True).start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        try:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                while self._one(connection, number):
                    pass
        except OSError:
            return

    def _one(self, connection: socket.socket, number: int) -> bool:
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(65536)
            if not part:
                return False
            received += part
        head, _, body = received.partition(b"\r\n\r\n")
        (length,) = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append((number, head.split(b"\r\n")[0].decode(), body))
        return self.answers.pop(0)(connection)


def whole(status: int, body: bytes = b"", *headers: str) -> Answer:
    """An answer with its length; the connection stays open."""

    def write(connection: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return True

    return write


def stream(*lines: bytes, end: bool = True, wait: threading.Event | None = None) -> Answer:
    """A processor's chunked stream; cut when not `end`, and silent after its lines until `wait` is set."""

    def write(connection: socket.socket) -> bool:
        head = "HTTP/1.1 200 OK\r\nEstancia-Processor: 1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = [f"{len(line):x}\r\n".encode() + line + b"\r\n" for line in lines]
        connection.sendall(head.encode() + b"".join(chunks))
        if wait:
            wait.wait(10)
        if end:
            connection.sendall(b"0\r\n\r\n")
        return end

    return write


def hang_up(_: socket.socket) -> bool:
    """No answer at all: the connection is closed."""
    return False


def silent(until: threading.Event) -> Answer:
    """No answer until the event is set."""

    def write(_: socket.socket) -> bool:
        until.wait(10)
        return False

    return write
