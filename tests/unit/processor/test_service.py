import asyncio
import datetime as dt
import json
import threading
import time
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError
from fastapi import FastAPI

from estancia_processor import VERSION, service
from estancia_processor.clock import Clock, ClockCheck
from estancia_processor.jobs import Runner
from estancia_processor.metrics import Metrics
from estancia_processor.readiness import Readiness
from estancia_processor.work import Workshop
from estancia_protocol import timing
from tests.unit.processor.fakes import MemoryLedger, MemoryStorage


class World:
    def __init__(self, scratch: Path) -> None:
        clock = Clock()
        self.ledger, self.storage = MemoryLedger(), MemoryStorage()
        self.clock_check = ClockCheck(clock)
        metrics = Metrics(1)
        runner = Runner(self.ledger, self.storage, scratch, clock, "i-1")
        self.workshop = Workshop(runner, 1, metrics)
        readiness = Readiness(self.ledger, self.storage, self.clock_check, scratch)
        self.http: FastAPI = service.create(self.workshop, readiness, metrics, clock, self.clock_check)
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.gate.set()
        self.storage.before_put = self.pause

    def pause(self, _: str) -> None:
        self.reached.set()
        assert self.gate.wait(20)

    def put(self, key: str, body: bytes = b"a,b\n1,2\n") -> None:
        self.ledger.receive(key, "v")
        self.storage.objects[key, "v"] = body

    def body(self, key: str) -> dict[str, object]:
        deadline = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)).isoformat()
        return {"key": key, "version_id": "v", "attempt": 1, "deadline": deadline, "request_id": "r"}

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.http, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://processor") as client:
                return await client.request(method, path, **content)

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.send("GET", path)

    def post(self, key: str, changes: Mapping[str, object] = MappingProxyType({})) -> httpx.Response:
        answer = self.send("POST", "/v1/process", json={**self.body(key), **changes})
        assert answer.headers["Estancia-Processor"] == VERSION
        return answer


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.gate.set()
    made.workshop.wait()


def test_a_stream_begins_with_progress_and_ends_with_the_outcome(world: World) -> None:
    world.put("d/a.csv")
    answer = world.post("d/a.csv")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0] == {"progress": {"phase": "start", "rows": 0}} or "phase" in lines[0]["progress"]
    assert lines[-1]["outcome"]["status"] == "PROCESSED"


def test_a_final_item_answers_at_once(world: World) -> None:
    world.ledger.receive("d/a.csv", "v", status="REJECTED", error={"code": "GONE", "message": "x"}, lease_id="l")
    answer = world.post("d/a.csv")
    assert json.loads(answer.text) == {
        "outcome": {
            "status": "REJECTED", "attempt": 0, "attempt_limit": 5, "error": {"code": "GONE", "message": "x"},
        }
    }  # fmt: skip


def test_progress_is_told_as_often_as_the_lease_is_renewed() -> None:
    assert service.PROGRESS_EVERY <= timing.LEASE_RENEWAL


def test_progress_comes_while_a_job_is_silent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PROGRESS_EVERY", 0.02)
    world.put("d/a.csv")
    world.gate.clear()
    threading.Timer(0.3, world.gate.set).start()
    assert world.post("d/a.csv").text.count('"progress"') > 3


def test_a_full_processor_says_so_before_it_starts(world: World) -> None:
    world.put("d/a.csv")
    world.put("d/b.csv")
    world.gate.clear()
    first = threading.Thread(target=world.post, args=("d/a.csv",))
    first.start()
    assert world.reached.wait(10)
    answer = world.post("d/b.csv")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.ledger.items["d/b.csv", "v"]["status"] == "RECEIVED"
    assert world.get("/healthz").status_code == 200
    world.gate.set()
    first.join(10)
    assert world.post("d/b.csv").status_code == 200


def test_a_client_that_is_gone_changes_nothing(world: World) -> None:
    world.put("d/a.csv")
    world.gate.clear()

    async def leave() -> None:
        transport = httpx.ASGITransport(world.http)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.post("/v1/process", json=world.body("d/a.csv")), 0.5)

    asyncio.run(leave())
    world.gate.set()
    world.workshop.wait()
    assert world.ledger.items["d/a.csv", "v"]["status"] == "PROCESSED"


def test_draining_takes_no_jobs_and_stays_alive(world: World) -> None:
    world.put("d/a.csv")
    assert world.get("/readyz").status_code == 200
    world.workshop.drain()
    assert world.post("d/a.csv").status_code == 503
    assert world.get("/readyz").status_code == 503
    assert world.get("/healthz").status_code == 200


def test_a_wrong_clock_makes_it_not_ready(world: World) -> None:
    world.put("d/a.csv")
    own = dt.datetime.now(dt.UTC)
    world.clock_check.observe(format_datetime(own - dt.timedelta(minutes=1), usegmt=True), own, own)
    assert world.post("d/a.csv").status_code == 503
    ready = world.get("/readyz")
    assert ready.status_code == 503
    assert "clock is wrong" in ready.json()["checks"]["clock"]


def test_a_clock_that_is_right_again_is_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("d/a.csv")
    own = dt.datetime.now(dt.UTC)

    def observe(minutes: float = 0) -> None:
        date = format_datetime(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes), usegmt=True)
        world.clock_check.observe(date, own, dt.datetime.now(dt.UTC))

    observe(minutes=90)
    assert world.post("d/a.csv", {"deadline": "2020-01-01T00:00:00Z"}).status_code == 503
    monkeypatch.setattr(world.ledger, "reachable", observe)
    assert world.post("d/a.csv").status_code == 200


def test_an_unreachable_ledger_is_busy_and_not_ready(world: World) -> None:
    world.put("d/a.csv")
    world.ledger.failures |= {
        name: EndpointConnectionError(endpoint_url="https://dynamodb") for name in ("start", "reachable")
    }
    answer = world.post("d/a.csv")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert world.get("/readyz").status_code == 503
    world.ledger.failures.clear()
    assert world.post("d/a.csv").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"attempt": 0},
        {"attempt": "1"},
        {"deadline": "soon"},
        {"deadline": "2026-01-01T00:00:00"},
        {"deadline": "2020-01-01T00:00:00Z"},
        {"deadline": "2099-01-01T00:00:00Z"},
        {"key": ""},
        {"key": "x" * 1025},
        {"version_id": ""},
        {"size": 1},
        {"dataset": "other"},
        {"attempt": 10**40},
        {"request_id": "x" * 20_000},
    ],
)
def test_what_is_no_job(world: World, changes: dict[str, object]) -> None:
    world.put("d/a.csv")
    answer = world.post("d/a.csv", changes)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert world.ledger.items["d/a.csv", "v"]["status"] == "RECEIVED"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"x" * 20_000, "the body has more than 16384 bytes"),
        (b"[" * 10_000, "error parsing the body"),
        (b"\xff", "error parsing the body"),
        (b"[]", "the body is not a job"),
        (b"null", "the body is not a job"),
        (b"", "the body is not a job"),
        (b'{"key": "\\ud800"}', "the body is not a job"),
    ],
    ids=["long", "deep", "not UTF-8", "a list", "null", "nothing", "half a character"],
)
def test_what_cannot_be_read_is_no_job(world: World, body: bytes, said: str) -> None:
    answer = world.send("POST", "/v1/process", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.headers["Estancia-Processor"] == VERSION
    assert said in answer.json()["detail"]


def test_an_unknown_failure_is_a_problem_with_the_header(world: World) -> None:
    world.put("d/a.csv")
    world.ledger.failures["start"] = KeyError("x")
    answer = world.post("d/a.csv")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    del world.ledger.failures["start"]
    assert world.post("d/a.csv").status_code == 200


def test_metrics_count_what_happened(world: World) -> None:
    world.put("d/a.csv")
    world.post("d/a.csv")
    world.post("d/none.csv")
    for _ in range(100):
        text = world.get("/metrics").text
        if 'estancia_jobs_total{outcome="PROCESSED"} 1.0' in text:
            break
        time.sleep(0.02)
    assert 'estancia_jobs_total{outcome="PROCESSED"} 1.0' in text
    assert 'estancia_refused_total{reason="unknown"} 1.0' in text
    assert "estancia_slots 1.0" in text


def test_the_openapi_document_has_the_job(world: World) -> None:
    document = world.get("/openapi.json").json()
    assert set(document["components"]["schemas"]["JobBody"]["required"]) == {
        "key", "version_id", "attempt", "deadline", "request_id",
    }  # fmt: skip
