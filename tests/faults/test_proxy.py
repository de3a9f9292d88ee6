"""The proxy itself: bytes and answers pass as they came, and each fault is what it says."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.calls import read_call
from tests.faults.proxy import FaultProxy
from tests.faults.rules import SLOW_DOWN, Action, Cut, CutStream, Hold, HoldAnswer, operation

BODY = bytes(range(256)) * 300
SUBJECT = "case_proxy"
PATH = f"/a-processed/data/{SUBJECT}/%20x+y.parquet?x-id=PutObject"
EACH = operation("PutObject data")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent; a POST in three lines without a length."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("X-Path", self.path)
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"one\ntwo\nthree\n")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    proxy = FaultProxy(upstream.server_port)
    yield proxy
    for server in (proxy, upstream):
        server.shutdown()
        server.server_close()


def put(proxy: FaultProxy, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=10)
    connection.request("PUT", PATH, BODY, headers or {})
    return connection.getresponse()


@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}])
def test_a_request_passes_as_it_came(proxy: FaultProxy, headers: dict[str, str]) -> None:
    answer = put(proxy, headers)
    assert answer.read() == BODY
    assert (answer.headers["X-Path"], answer.headers["X-Host"]) == (PATH, f"127.0.0.1:{proxy.server_port}")
    (call,) = proxy.calls(SUBJECT)
    assert (call.name, call.changing, call.pid) == ("PutObject data", True, os.getpid())


def test_an_error_is_answered_for_the_nth_request_alone(proxy: FaultProxy) -> None:
    rule = proxy.add(SUBJECT, EACH, SLOW_DOWN, nth=2)
    assert [put(proxy).status for _ in range(3)] == [200, 503, 200]
    assert len(rule.met) == 1


@pytest.mark.parametrize("action", [Cut(forward=False), Cut(forward=True)])
def test_a_cut_connection_has_no_answer(proxy: FaultProxy, action: Action) -> None:
    proxy.add(SUBJECT, EACH, action)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        put(proxy)
    assert put(proxy).status == 200


@pytest.mark.parametrize("action", [Hold(), HoldAnswer()])
def test_what_is_held_goes_on_when_it_is_released(proxy: FaultProxy, action: Action) -> None:
    rule = proxy.add(SUBJECT, EACH, action)
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(put(proxy).status))
    client.start()
    assert rule.reached.wait(10)
    assert answers == []
    rule.released.set()
    client.join(10)
    assert (answers, rule.answered) == ([200], [200])


def stream(proxy: FaultProxy) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=10)
    connection.request("POST", "/_alb/x/v1/process", f'{{"key": "{SUBJECT}/f.csv"}}'.encode())
    return connection.getresponse()


def test_a_stream_is_passed_on_and_cut_after_its_lines(proxy: FaultProxy) -> None:
    assert stream(proxy).read() == b"one\ntwo\nthree\n"
    proxy.add(SUBJECT, operation("Process"), CutStream(2))
    answer = stream(proxy)
    assert [answer.readline(), answer.readline()] == [b"one\n", b"two\n"]
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        answer.read()


def test_what_names_no_subject_is_about_what_its_process_asked_last(proxy: FaultProxy) -> None:
    headers = {"X-Amz-Target": "AmazonSQS.ChangeMessageVisibility"}
    update = b'{"Key": {"pk": {"S": "raw/case_proxy/f.csv"}}}'
    for call in (read_call("POST", "/_alb/x", {}, update, 1), read_call("POST", "/", headers, b"{}", 1)):
        proxy.note(call)
    proxy.note(read_call("POST", "/", headers, b"{}", 2))
    asked = [(call.operation, call.key) for call in proxy.calls(SUBJECT)]
    assert asked == [("Process", "case_proxy/f.csv"), ("ChangeMessageVisibility", "case_proxy/f.csv")]
