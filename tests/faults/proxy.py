"""A small HTTP proxy between real clients and the embedded AWS or its load balancer, with faults on demand.

docs/decisions/0012-fault-proxy.md says why it is our own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import signal
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.sockets import owner_of_connection
from tests.faults.calls import Call, read_call
from tests.faults.rules import Action, Answer, Cut, CutStream, Hold, HoldAnswer, Kill, Rule

OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}
PIECE = 1 << 16
LONGEST_HOLD = 600.0


class CutError(Exception):
    """The client's connection is to be closed without a further byte."""


class FaultProxy(ThreadingHTTPServer):
    """Forwards what it is sent to a port of this machine, Host header and bytes as they came, and notes each call.

    Args:
        upstream: the port of the embedded AWS on 127.0.0.1.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._rules: list[Rule] = []
        self._last_subject: dict[int, tuple[str, str]] = {}
        threading.Thread(target=self.serve_forever, name="fault-proxy", daemon=True).start()

    @property
    def url(self) -> str:
        """Where clients are to be sent."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(
        self, subject: str, matches: Callable[[Call], bool], action: Action, *, nth: int = 1, times: int = 1
    ) -> Rule:
        """Set a rule, see `Rule`."""
        rule = Rule(subject, matches, action, nth, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def calls(self, subject: str) -> list[Call]:
        """Return what was asked about a subject, in order."""
        with self._lock:
            return [call for call in self._calls if call.subject == subject]

    def note(self, call: Call) -> list[Rule]:
        """Note a call and return the rules that meet it; one without a subject is about what its process asked last."""
        with self._lock:
            if call.subject:
                self._last_subject[call.pid] = (call.subject, call.key)
            elif call.changing:
                subject, key = self._last_subject.get(call.pid, ("", ""))
                call = dataclasses.replace(call, subject=subject, key=key)
            self._calls.append(call)
            return [rule for rule in self._rules if rule.take(call)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; it is what this proxy is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultProxy
    _pid = 0

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, CutError, http.client.HTTPException):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Log nothing; the calls are kept."""

    def _pass(self) -> None:
        body, raw = self._body()
        if not self._pid:
            self._pid = owner_of_connection(self.client_address, ("127.0.0.1", self.server.server_port)) or 0
        rules = self.server.note(read_call(self.command, self.path, dict(self.headers.items()), body, self._pid))
        for rule in rules:
            match rule.action:
                case Answer() as answer:
                    rule.reached.set()
                    self._after(rules)
                    self._answer(answer)
                    return
                case Cut(forward=False):
                    rule.reached.set()
                    raise CutError
                case Hold():
                    rule.reached.set()
                    rule.released.wait(LONGEST_HOLD)
        self._forward(raw, rules)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Treat every method alike: `do_GET`, `do_PUT`, ..."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._pass

    def _body(self) -> tuple[bytes, bytes]:
        """Return a request's body, and the bytes that carried it."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            return body, body
        body = raw = b""
        while True:
            head = self.rfile.readline()
            size = int(head.partition(b";")[0], 16)
            chunk = self.rfile.read(size)
            end = self.rfile.readline()
            body, raw = body + chunk, raw + head + chunk + end
            if size == 0:
                while end not in (b"\r\n", b"\n", b""):
                    end = self.rfile.readline()
                    raw += end
                return body, raw

    def _forward(self, raw: bytes, rules: list[Rule]) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "keep-alive", "expect"}:
                    upstream.putheader(name, value)
            upstream.endheaders()
            upstream.send(raw)
            response = upstream.getresponse()
            for rule in rules:
                rule.answered.append(response.status)
            self._after(rules)
            self._relay(response, next((rule for rule in rules if isinstance(rule.action, CutStream)), None))
        finally:
            upstream.close()

    def _after(self, rules: list[Rule]) -> None:
        """Do what is to be done between upstream's answer and the client's hearing of it."""
        for rule in rules:
            match rule.action:
                case Cut():
                    rule.reached.set()
                    raise CutError
                case Kill():
                    os.kill(self._pid, signal.SIGKILL)
                    rule.reached.set()
                    raise CutError
                case HoldAnswer():
                    rule.reached.set()
                    rule.released.wait(LONGEST_HOLD)

    def _answer(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _relay(self, response: http.client.HTTPResponse, cut: Rule | None) -> None:
        bodiless = self.command == "HEAD" or response.status in (204, 304)
        streamed = not bodiless and response.length is None
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in OF_ONE_CONNECTION:
                self.send_header(name, value)
        if streamed:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if streamed:
            self._relay_lines(response, cut)
            return
        while not bodiless and (piece := response.read(PIECE)):
            self.wfile.write(piece)

    def _relay_lines(self, response: http.client.HTTPResponse, cut: Rule | None) -> None:
        passed = 0
        while not (cut and isinstance(cut.action, CutStream) and passed == cut.action.lines):
            line = response.readline()
            if not line:
                self.wfile.write(b"0\r\n\r\n")
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            passed += 1
        cut.reached.set()
        raise CutError
