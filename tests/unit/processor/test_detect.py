import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from estancia_processor.convert import containers
from estancia_processor.errors import FileFaultError
from estancia_protocol.errors import ErrorCode
from tests.unit.processor.convert_help import convert


def dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ([{"a": 1}, {"a": None, "b": "x"}], [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
        ({"data": [{"a": 1}], "count": 1}, [{"a": 1}]),
        ({"x": [1, 2], "y": ["a", None]}, [{"x": 1, "y": "a"}, {"x": 2, "y": None}]),
        ([{"a": 1}, {"a": 2.5}], [{"a": 1.0}, {"a": 2.5}]),
        ([{"a": 1776}, {"a": "Up"}], [{"a": "1776"}, {"a": "Up"}]),
        ([{"a": {"b": [1]}}, {"a": {"c": "x"}}], [{"a": {"b": [1], "c": None}}, {"a": {"b": None, "c": "x"}}]),
        ([{"a": [1]}, {"a": {"b": 2}}], [{"a": "[1]"}, {"a": '{"b":2}'}]),
        ([{"a": "007"}], [{"a": "007"}]),
        ([{"a": 12345678901234567890}], [{"a": "12345678901234567890"}]),
    ],
)
def test_records_of_json(tmp_path: Path, value: object, rows: list[dict[str, object]]) -> None:
    assert convert(dumped(value), tmp_path).rows == rows


def test_numbers_that_are_no_doubles_stay_text(tmp_path: Path) -> None:
    converted = convert(b'[{"a": 0.12345678901234567890123}, {"a": 1}]', tmp_path)
    assert [row["a"] for row in converted.rows] == ["0.12345678901234567890123", "1"]


def test_elements_that_are_no_objects_go_to_the_rejects(tmp_path: Path) -> None:
    elements = [{"a": "],{"}, 5, "x,y", {"a": 'q"'}, None, [1, {"b": 2}], {"a": 1}, {"a": 2}, {"a": 3}]
    converted = convert(dumped(elements), tmp_path)
    assert len(converted.rows) == 5
    assert [(reject["line"], reject["raw"]) for reject in converted.rejects] == [
        (2, "5"), (3, "x,y"), (5, "null"), (6, '[1,{"b":2}]'),
    ]  # fmt: skip


def test_lines_of_json(tmp_path: Path) -> None:
    converted = convert(b'{"a": 1}\n{"a": 2}\n{"a": \n\n[3]\n{"a": 4}', tmp_path)
    assert (converted.conversion.format, [row["a"] for row in converted.rows]) == ("ndjson", [1, 2, 4])
    assert [reject["line"] for reject in converted.rejects] == [3, 5]
    assert converted.conversion.tables[0].counts.blank == 1


def test_features_are_records_and_geometries_text(tmp_path: Path) -> None:
    feature = {"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    converted = convert(dumped({"type": "FeatureCollection", "features": [feature, feature]}), tmp_path)
    assert converted.rows[0]["properties"] == {"n": 1}
    assert json.loads(converted.rows[0]["geometry"])["type"] == "Point"


def test_two_arrays_of_records_are_two_tables(tmp_path: Path) -> None:
    converted = convert(dumped({"nodes": [{"id": 1}], "links": [{"a": 1, "b": 2}], "width": 5}), tmp_path)
    assert [table.name for table in converted.conversion.tables] == ["nodes", "links"]
    assert converted.conversion.notes == ["members that are in no table: width"]


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], [], {}, "x", {"type": "Topology", "arcs": [[[1]]]}, [{}]])
def test_documents_without_records_are_stored(tmp_path: Path, value: object) -> None:
    converted = convert(dumped(value) if value != "x" else b'{"a": "x"}', tmp_path)
    assert converted.conversion.format == "json"
    assert converted.tables == []


@pytest.mark.parametrize("body", [b'[{"a": 1}, {"a"', b'{"a": [1, 2}', b"[{'a': 1}]", b'[{"a": 1}] x'])
def test_broken_json_is_not_readable(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(FileFaultError, match="the JSON is broken at character") as raised:
        convert(body, tmp_path)
    assert raised.value.code is ErrorCode.NOT_READABLE


def test_parquet(tmp_path: Path) -> None:
    sink = io.BytesIO()
    table = pa.table({"Id": pa.array([1], pa.int32()), "d": pa.array(["x"]).dictionary_encode(), "Id ": ["y"]})
    pq.write_table(table, sink)
    assert convert(sink.getvalue(), tmp_path).types == {"id": "int32", "d": "string", "id_2": "string"}


def test_broken_parquet_is_not_readable(tmp_path: Path) -> None:
    with pytest.raises(FileFaultError, match="Parquet"):
        convert(b"PAR1" + b"\0" * 100, tmp_path)


def packed(names: list[str], body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, body)
    return out.getvalue()


def test_packed_alone(tmp_path: Path) -> None:
    body = b"a,b\n1,2\n"
    assert convert(gzip.compress(body), tmp_path).rows == [{"a": 1, "b": 2}]
    assert convert(packed(["x", "__MACOSX/._x"], body), tmp_path).conversion.container == {"kind": "zip", "member": "x"}
    several = convert(packed(["x", "y"], body), tmp_path)
    assert (several.tables, several.conversion.content_type) == ([], "application/zip")


def test_archives_that_are_broken_or_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileFaultError, match="cannot be unpacked"):
        convert(gzip.compress(b"x" * 10_000)[:-9], tmp_path)
    monkeypatch.setattr(containers, "SMALL", 1 << 20)
    with pytest.raises(FileFaultError) as raised:
        convert(gzip.compress(b"a" * (8 << 20)), tmp_path)
    assert raised.value.code is ErrorCode.ARCHIVE_BOMB


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"%PDF-1.7\n1 0 obj\n", "application/pdf"),
        (b"<!DOCTYPE html><html></html>", "text/html"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "image/svg+xml"),
        (b"<rows><row/></rows>", "application/xml"),
        (b"Dear reader,\n\nthis is a letter with words in it, and no table at all.\n", "text/plain"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif"),
        (bytes(range(256)) * 8, "application/octet-stream"),
    ],
)
def test_all_else_is_stored_and_typed(tmp_path: Path, body: bytes, media_type: str) -> None:
    converted = convert(body, tmp_path)
    assert (converted.conversion.content_type, converted.tables) == (media_type, [])


def test_an_empty_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileFaultError) as raised:
        convert(b"", tmp_path)
    assert raised.value.code is ErrorCode.EMPTY_FILE
