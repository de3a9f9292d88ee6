"""Who may start and who may write: leases, attempts and lost answers, with the real conditions."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from estancia_processor import VERSION
from estancia_processor.attributes import pack
from estancia_processor.errors import LeaseLostError
from estancia_processor.jobs import Running
from estancia_processor.records import CompletedOutput, Held, Hold, Settled, Started, Unknown
from estancia_protocol import names
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Outcome, Retry, parse_timestamp, timestamp
from tests.integration.processor.conftest import PROCESSED, TABLE, World

pytestmark = pytest.mark.usefixtures("scratch_is_empty")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def ago(seconds: float) -> str:
    return timestamp(now() - dt.timedelta(seconds=seconds))


def start(world: World, hold: Hold) -> object:
    return world.ledger.start(hold, now(), "i-1")


def test_a_lost_attempt_is_taken_over_with_the_schema_number_it_recorded(world: World) -> None:
    for number, body in enumerate([b"a\n1\n", b"a\nx\n"]):
        world.process(f"taken/{number}.csv", world.upload(f"taken/{number}.csv", body))
    key = "taken/over.csv"
    lost = {"status": "PROCESSING", "attempt": 1, "lease_id": "dead", "lease_until": ago(11)}
    version = world.upload(key, b"a\n2\n", **lost)
    work = names.work_id(key, version)
    recorded = names.data_key("taken", "main", 1, now().date(), work)
    item = {"pk": names.outputs_pk(work), "sk": recorded, "attempt": 1, "retired_at": ago(5)}
    world.dynamodb.put_item(TableName=TABLE, Item=pack(item))

    outcome = world.process(key, version, attempt=2)["outcome"]

    assert (outcome["status"], outcome["attempt"]) == ("PROCESSED", 2)
    data = world.get(names.outputs_pk(work), recorded)
    assert data["attempt"] == 2
    assert "retired_at" not in data
    assert world.report(key, version)["tables"][0]["schema"] == 1


def test_a_lease_that_is_not_ten_seconds_over_is_another_s(world: World) -> None:
    held = {"status": "PROCESSING", "attempt": 1, "lease_id": "other", "lease_until": ago(8)}
    version = world.upload("held/a.csv", b"a\n1\n", **held)
    answer = world.post(world.job("held/a.csv", version, attempt=2))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 4
    assert answer.headers["Estancia-Processor"] == VERSION


@pytest.mark.parametrize(("item", "attempt"), [({}, 2), ({"attempt": 3}, 3), ({"attempt": 5}, 6)])
def test_another_attempt_or_one_beyond_the_limit_does_not_start(
    world: World, item: dict[str, int], attempt: int
) -> None:
    version = world.upload(f"wrong/{attempt}.csv", b"a\n1\n", **item)
    assert world.post(world.job(f"wrong/{attempt}.csv", version, attempt)).status_code == 409


def test_what_is_no_job_is_said_to_be_none(world: World) -> None:
    assert world.post(world.job("nowhere/a.csv", "v1")).status_code == 400
    assert world.post(world.job("nowhere/a.csv", "v1", seconds=-1)).status_code == 400
    only_removed = {"pk": names.work_pk("nowhere/r.csv"), "sk": "v", "removed_at": ago(1)}
    world.dynamodb.put_item(TableName=TABLE, Item=pack(only_removed))
    assert world.post(world.job("nowhere/r.csv", "v")).status_code == 400
    for method, path, status in (("POST", "/v1/process", 400), ("GET", "/nothing", 404), ("PUT", "/healthz", 405)):
        answer = httpx.request(method, world.url + path, json={"key": 1})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.headers["Estancia-Processor"] == VERSION


def test_one_of_two_posts_at_once_starts(world: World) -> None:
    version = world.upload("twice/a.csv", b"a\n1\n")
    job = world.job("twice/a.csv", version)
    with ThreadPoolExecutor(2) as pool:
        codes = sorted(answer.status_code for answer in pool.map(world.post, [job, job]))
    assert codes in ([200, 409], [200, 200])
    assert world.item("twice/a.csv", version)["attempt"] == 1


def test_a_start_whose_answer_was_lost_is_a_start(world: World) -> None:
    world.received("lost/a.csv", "v1")
    hold = Hold("lost/a.csv", "v1", 1, "lease")
    assert isinstance(start(world, hold), Started)
    assert isinstance(start(world, hold), Started)
    assert isinstance(start(world, Hold("lost/a.csv", "v1", 1, "other")), Held)
    assert isinstance(start(world, Hold("lost/a.csv", "v2", 1, "other")), Unknown)


def test_a_finish_whose_answer_was_lost_is_a_finish(world: World) -> None:
    world.received("lost/f.csv", "v1")
    hold = Hold("lost/f.csv", "v1", 1, "lease")
    start(world, hold)
    world.ledger.record(hold, ["data/x"])
    outputs = [CompletedOutput("data/x", "v", "sha", 1)]
    for _ in range(2):
        world.ledger.finish(hold, outputs, {"status": "PROCESSED"}, now())
    assert isinstance(start(world, hold), Settled)
    with pytest.raises(LeaseLostError):
        world.ledger.finish(Hold("lost/f.csv", "v1", 1, "other"), outputs, {"status": "PROCESSED"}, now())


def test_more_outputs_than_a_transaction_takes(world: World) -> None:
    world.received("many/a.csv", "v1")
    hold = Hold("many/a.csv", "v1", 1, "lease")
    start(world, hold)
    keys = [f"data/many/{number:03d}" for number in range(250)]
    world.ledger.record(hold, keys)
    world.ledger.finish(hold, [CompletedOutput(k, "v", "s", 1) for k in keys], {"status": "PROCESSED"}, now())
    assert [output["sk"] for output in world.outputs("many/a.csv", "v1")] == keys
    assert all("version_id" in output for output in world.outputs("many/a.csv", "v1"))


def test_a_zombie_writes_nothing(world: World) -> None:
    version = world.upload("zombie/a.csv", b"a\n1\n")
    runner = world.application.runner
    running = runner.start(world.job("zombie/a.csv", version))
    assert isinstance(running, Running)
    world.received("zombie/a.csv", version, status="PROCESSING", attempt=2, lease_id="other", lease_until=ago(-60))
    line = runner.run(running, lambda _: None)
    assert isinstance(line, Retry)
    assert line.code is ErrorCode.LEASE_LOST
    assert world.outputs("zombie/a.csv", version) == []
    assert "Contents" not in world.s3.list_objects_v2(Bucket=PROCESSED, Prefix="data/zombie/")
    assert world.item("zombie/a.csv", version)["lease_id"] == "other"
    with pytest.raises(LeaseLostError):
        world.ledger.renew(running.hold, now())


def test_a_deadline_is_a_retry_that_ends_the_lease(world: World) -> None:
    version = world.upload("late/a.csv", b"a\n1\n")
    runner = world.application.runner
    running = runner.start(world.job("late/a.csv", version, seconds=-1))
    assert isinstance(running, Running)
    line = runner.run(running, lambda _: None)
    assert isinstance(line, Retry)
    assert line.code is ErrorCode.DEADLINE
    item = world.item("late/a.csv", version)
    assert (item["status"], item["error"]["code"], item["attempt"]) == ("PROCESSING", "DEADLINE", 1)
    assert parse_timestamp(item["lease_until"]) <= now()

    past = {**item, "lease_until": ago(11)}
    world.dynamodb.put_item(TableName=TABLE, Item=pack(past))
    second = runner.start(world.job("late/a.csv", version, attempt=2))
    assert isinstance(second, Running)
    assert isinstance(runner.run(second, lambda _: None), Outcome)
    assert "error" not in world.item("late/a.csv", version)


def test_a_renewal_extends_the_lease(world: World) -> None:
    version = world.upload("renewed/a.csv", b"a\n1\n")
    running = world.application.runner.start(world.job("renewed/a.csv", version))
    assert isinstance(running, Running)
    before = world.item("renewed/a.csv", version)["lease_until"]
    assert 14 < running.lease.tick() <= 15
    assert world.item("renewed/a.csv", version)["lease_until"] > before
    world.application.runner.run(running, lambda _: None)


def test_readiness_and_metrics(world: World) -> None:
    ready = httpx.get(f"{world.url}/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert httpx.get(f"{world.url}/healthz").status_code == 200
    assert "estancia_jobs_total" in httpx.get(f"{world.url}/metrics").text
