"""The HTTP client against a real server that misbehaves; time limits are shortened by arguments of the constructor."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from dispatcher.ports import AskedAgain, Busy, Finished, NotAJob, Unclear
from dispatcher.processor_client import SILENCE, HttpProcessor
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Job, Outcome, Progress, Retry, encode_line
from tests.unit.dispatcher.fleet import Fleet, hang_up, silent, stream, whole

JOB = Job("flights/ñ.csv", "v1", 3, dt.datetime(2024, 3, 1, tzinfo=dt.UTC), "request-1")
OURS = "Estancia-Processor: 1.0"
PROGRESS = encode_line(Progress({"bytes": 1}))
OUTCOME = encode_line(Outcome({"status": "PROCESSED", "rows_out": 7}))
DONE = Finished({"status": "PROCESSED", "rows_out": 7})
PROBLEM = b'{"title": "no slot"}'


def client(fleet: Fleet, silence: float = 2) -> HttpProcessor:
    return HttpProcessor(f"{fleet.url}/_alb/name", None, patience=0.5, silence=silence)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_job_is_posted_and_its_stream_followed_to_the_outcome() -> None:
    with Fleet(stream(PROGRESS, PROGRESS, OUTCOME)) as fleet:
        assert client(fleet).post(JOB, 60) == DONE
    ((_, line, body),) = fleet.requests
    assert line == "POST /_alb/name/v1/process HTTP/1.1"
    assert json.loads(body)["attempt"] == 3


def test_work_that_is_already_final_is_answered_at_once() -> None:
    with Fleet(whole(200, OUTCOME, OURS)) as fleet:
        assert client(fleet).post(JOB, 60) == DONE


def test_an_outcome_that_arrives_in_pieces_is_read_whole() -> None:
    with Fleet(stream(PROGRESS[:5], PROGRESS[5:] + OUTCOME[:9], OUTCOME[9:])) as fleet:
        assert client(fleet).post(JOB, 60) == DONE


def test_a_rejection_is_an_outcome_and_a_retry_is_not() -> None:
    rejected = {"status": "REJECTED", "error": {"code": "NOT_READABLE", "message": "x"}}
    with Fleet(stream(encode_line(Outcome(rejected))), stream(encode_line(Retry(ErrorCode.DEADLINE, "late")))) as fleet:
        processor = client(fleet)
        assert processor.post(JOB, 60) == Finished(rejected)
        assert processor.post(JOB, 60) == AskedAgain(ErrorCode.DEADLINE, "late")


@pytest.mark.parametrize("status", [200, 400, 404, 502, 503, 504])
def test_an_answer_without_the_processors_header_came_from_the_load_balancer(status: int) -> None:
    with Fleet(whole(status, b"<html>", "Retry-After: 99")) as fleet:
        assert client(fleet).post(JOB, 60) == Busy(f"the load balancer answered {status}")


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retry_after"),
    [
        (503, ["Retry-After: 7"], Busy, 7),
        (503, [], Busy, 0),
        (503, ["Retry-After: Fri, 01 Mar 2024 00:00:00 GMT"], Busy, 0),
        (409, ["Retry-After: 42"], Unclear, 42),
        (500, [], Unclear, 0),
    ],
)
def test_a_processor_that_does_not_start(status: int, headers: list[str], kind: type, retry_after: int) -> None:
    with Fleet(whole(status, PROBLEM, OURS, *headers)) as fleet:
        answer = client(fleet).post(JOB, 60)
    assert isinstance(answer, Busy | Unclear)
    assert (type(answer), answer.retry_after) == (kind, retry_after)
    assert "no slot" in answer.reason


def test_a_job_that_is_none_is_told_with_the_processors_words() -> None:
    with Fleet(whole(400, b"no item", OURS)) as fleet:
        assert client(fleet).post(JOB, 60) == NotAJob("processor 1.0 answered 400: no item")


@pytest.mark.parametrize(
    "lines",
    [[], [PROGRESS], [PROGRESS, OUTCOME[:-5]], [b"nonsense\n"], [encode_line(Outcome({"status": "PROCESSING"}))]],
    ids=["empty", "progress only", "half an outcome", "nonsense", "not final"],
)
@pytest.mark.parametrize("end", [True, False], ids=["ended", "cut"])
def test_a_stream_without_an_outcome_is_a_lost_attempt(lines: list[bytes], end: bool) -> None:
    with Fleet(stream(*lines, end=end)) as fleet:
        assert isinstance(client(fleet).post(JOB, 60), Unclear)


def test_an_outcome_counts_even_if_the_stream_is_cut_right_behind_it() -> None:
    with Fleet(stream(OUTCOME, end=False), stream(OUTCOME)) as fleet:
        processor = client(fleet)
        assert [processor.post(JOB, 60), processor.post(JOB, 60)] == [DONE, DONE]


def test_a_silent_stream_is_a_lost_attempt_within_a_minute(released: threading.Event) -> None:
    assert 30 < SILENCE < 60
    with Fleet(stream(PROGRESS, wait=released)) as fleet:
        started = time.monotonic()
        assert isinstance(client(fleet, silence=0.3).post(JOB, 60), Unclear)
        assert 0.3 <= time.monotonic() - started < 2


def test_a_stream_is_left_in_time_for_handing_back(released: threading.Event) -> None:
    with Fleet(stream(PROGRESS, wait=released)) as fleet:
        assert isinstance(client(fleet, silence=30).post(JOB, 0.3), Unclear)


def test_no_header_in_time_is_busy_and_nothing_is_posted_again(released: threading.Event) -> None:
    with Fleet(stream(OUTCOME), silent(released)) as fleet:
        processor = client(fleet)
        processor.post(JOB, 60)
        assert isinstance(processor.post(JOB, 60), Busy)
    assert [number for number, _, _ in fleet.requests] == [1, 1]


def test_nobody_there_is_busy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(HttpProcessor(f"http://127.0.0.1:{port}", None, patience=0.5).post(JOB, 60), Busy)


def test_connections_are_reused_after_a_stream_and_after_an_error() -> None:
    with Fleet(stream(OUTCOME), whole(503, PROBLEM, OURS), whole(502, b"<html>"), stream(OUTCOME)) as fleet:
        processor = client(fleet)
        for _ in range(4):
            processor.post(JOB, 60)
    assert fleet.connections == 1


def test_a_kept_connection_that_turns_out_dead_is_replaced_once() -> None:
    with Fleet(stream(OUTCOME), hang_up, stream(OUTCOME)) as fleet:
        processor = client(fleet)
        assert [processor.post(JOB, 60), processor.post(JOB, 60)] == [DONE, DONE]
    assert [number for number, _, _ in fleet.requests] == [1, 1, 2]


def test_a_fresh_connection_that_dies_is_not_replaced() -> None:
    with Fleet(hang_up, stream(OUTCOME)) as fleet:
        assert isinstance(client(fleet).post(JOB, 60), Busy)
    assert len(fleet.requests) == 1


@pytest.mark.parametrize(("later", "connections"), [(59, 1), (60, 2), (-5, 2)])
def test_a_connection_idle_for_a_minute_by_the_wall_clock_is_dropped(
    monkeypatch: pytest.MonkeyPatch, later: float, connections: int
) -> None:
    with Fleet(stream(OUTCOME), stream(OUTCOME)) as fleet:
        processor = client(fleet)
        processor.post(JOB, 60)
        now = time.time()
        monkeypatch.setattr("dispatcher.connection.time.time", lambda: now + later)
        processor.post(JOB, 60)
    assert fleet.connections == connections


def test_a_lost_stream_closes_its_connection() -> None:
    with Fleet(stream(b"nonsense\n", PROGRESS), stream(OUTCOME)) as fleet:
        processor = client(fleet)
        processor.post(JOB, 60)
        assert processor.post(JOB, 60) == DONE
    assert fleet.connections == 2
