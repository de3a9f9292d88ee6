import datetime as dt
import errno
import json
import threading
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from estancia_processor.convert import detect
from estancia_processor.convert.model import Conversion, Counts, Source, Table
from estancia_processor.jobs import Runner, Running
from estancia_processor.records import Hold
from estancia_protocol import names
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Job, Line, Outcome, Retry, timestamp
from tests.unit.processor.fakes import NOON, FakeTime, MemoryLedger, MemoryStorage

KEY, VERSION = "towns/a.csv", "v1"
WORK = names.work_id(KEY, VERSION)
DATA = names.data_key("towns", "main", 1, NOON.date(), WORK)
REPORT = names.report_key("towns", WORK)


class World:
    def __init__(self, scratch: Path) -> None:
        self.time = FakeTime()
        self.ledger = MemoryLedger()
        self.storage = MemoryStorage()
        self.scratch = scratch
        self.runner = Runner(self.ledger, self.storage, scratch, self.time.clock, "i-1")
        self.facts: list[dict[str, object]] = []

    def put(self, body: bytes) -> None:
        self.ledger.receive(KEY, VERSION)
        self.storage.objects[KEY, VERSION] = body

    def start(self, attempt: int = 1) -> Running:
        job = Job(KEY, VERSION, attempt, self.time.clock.now() + dt.timedelta(seconds=600), "r")
        running = self.runner.start(job)
        assert isinstance(running, Running), running
        return running

    def run(self, attempt: int = 1) -> Line:
        return self.runner.run(self.start(attempt), self.facts.append)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def code_of(line: Line) -> ErrorCode:
    assert isinstance(line, Retry), line
    return line.code


def test_the_order_is_the_protocol_s(world: World) -> None:
    world.put(b"a,b\n1,2\n3\n")
    seen: list[list[str]] = []
    world.storage.before_put = lambda _: seen.append(list(world.ledger.calls))
    line = world.run()
    assert isinstance(line, Outcome)
    assert world.ledger.calls == ["start", "schemas", "add_schema", "record", "finish"]
    assert all(calls[-1] == "record" for calls in seen)
    assert world.storage.calls == [DATA, names.rejects_key("towns", WORK), REPORT]
    assert {key for _, key in world.ledger.output_items} == set(world.storage.calls)
    assert all("version_id" in item for item in world.ledger.output_items.values())
    assert [line.item[name] for name in ("status", "rows_in", "rows_out", "rows_rejected", "outputs_count")] == [
        "PROCESSED", 2, 1, 1, 3,
    ]  # fmt: skip
    report = json.loads(world.storage.put_objects[REPORT])
    assert report["records_physical"] == report["rows_in"] + 1
    assert {"fetch", "convert", "write", "record"} <= set(report["seconds"])
    assert {fact["phase"] for fact in world.facts} >= {"fetch", "convert", "write", "put", "finish"}
    assert list(world.scratch.iterdir()) == []


def test_a_fault_of_the_file_is_an_outcome(world: World) -> None:
    world.put(b"[1, 2")
    line = world.run()
    assert isinstance(line, Outcome)
    assert line.item["status"] == "REJECTED"
    assert line.item["error"]["code"] == "NOT_READABLE"
    assert world.storage.calls == []
    assert list(world.scratch.iterdir()) == []


def test_a_version_that_is_gone_is_an_outcome(world: World) -> None:
    world.ledger.receive(KEY, VERSION)
    line = world.run()
    assert isinstance(line, Outcome)
    assert line.item["error"]["code"] == "GONE"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EndpointConnectionError(endpoint_url="https://dynamodb"), ErrorCode.SERVICE_UNAVAILABLE),
        (OSError(errno.ENOSPC, "No space left on device"), ErrorCode.SCRATCH_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ErrorCode.SCRATCH_FULL),
        (OSError("Error writing bytes to file. Detail: No space left on device"), ErrorCode.SCRATCH_FULL),
        (MemoryError(), ErrorCode.INTERNAL),
        (KeyError("x"), ErrorCode.INTERNAL),
    ],
)
def test_what_is_not_the_file_s_fault_is_a_retry(world: World, error: Exception, code: ErrorCode) -> None:
    world.put(b"a,b\n1,2\n")
    world.ledger.failures["record"] = error
    assert code_of(world.run()) is code
    item = world.ledger.items[KEY, VERSION]
    assert (item["status"], item["error"]["code"], item["lease_until"]) == ("PROCESSING", code.value, timestamp(NOON))
    assert world.storage.calls == []
    assert list(world.scratch.iterdir()) == []


def test_a_wrong_count_is_a_retry_and_shows_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(_: Source) -> Conversion:
        return Conversion("delimited", "text/csv", (Table("main", (), Counts(rows_in=3), 2, lambda _: iter(())),))

    monkeypatch.setattr(detect, "convert", convert)
    world.put(b"a\n1\n")
    assert code_of(world.run()) is ErrorCode.COUNT_MISMATCH
    assert world.ledger.output_items == {}
    assert world.storage.calls == []


def test_a_lost_lease_writes_nothing_more(world: World) -> None:
    world.put(b"a,b\n1,2\n")

    def take_over(_: str) -> None:
        world.ledger.items[KEY, VERSION] |= {"attempt": 2, "lease_id": "other"}
        world.time.seconds += 61

    world.storage.before_put = take_over
    assert code_of(world.run()) is ErrorCode.LEASE_LOST
    assert world.storage.calls == []
    assert world.ledger.calls[-1] == "record"


def test_an_error_that_cannot_be_recorded_is_still_a_retry(world: World) -> None:
    world.put(b"a,b\n1,2\n")
    world.ledger.failures |= {"finish": KeyError("x"), "give_back": KeyError("y")}
    assert code_of(world.run()) is ErrorCode.INTERNAL


def test_the_lease_is_given_back_after_the_last_renewal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(b"a\n1\n")
    world.ledger.failures["record"] = KeyError("x")
    renewing: list[bool] = []

    def give_back(*_: object) -> None:
        renewing.append(any(thread.name == "lease" for thread in threading.enumerate()))

    monkeypatch.setattr(world.ledger, "give_back", give_back)
    world.run()
    assert renewing == [False]


def test_a_later_attempt_uses_the_schema_numbers_recorded_by_an_earlier_one(world: World) -> None:
    world.put(b"a\nx\n")
    world.ledger.failures["finish"] = KeyError("lost")
    world.run()
    del world.ledger.failures["finish"]
    first = world.storage.calls[0]
    newer = world.ledger.versions["towns", "main"][0]
    world.ledger.versions["towns", "main"].append(type(newer)(2, newer.columns, newer.arrow))
    world.time.seconds += 11
    world.run(attempt=2)
    assert world.storage.calls[2] == first == DATA


def test_leftovers_are_removed_and_nothing_else(world: World) -> None:
    (world.scratch / "job-x").mkdir()
    (world.scratch / "lost+found").mkdir()
    assert world.runner.clean() == ["job-x"]
    assert [path.name for path in world.scratch.iterdir()] == ["lost+found"]


def test_each_start_has_a_lease_id_of_its_own(world: World) -> None:
    world.put(b"a\n1\n")
    first = world.start().hold
    world.ledger.receive(KEY, VERSION)
    assert first.lease_id != world.start().hold.lease_id
    assert first == Hold(KEY, VERSION, 1, first.lease_id)
