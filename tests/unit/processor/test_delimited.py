import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estancia_processor.convert import delimited
from estancia_processor.convert.identifiers import identifiers
from tests.unit.processor.convert_help import Converted, convert

LETTERS = st.characters(exclude_characters="\0\r", exclude_categories=["Cs", "Cc"], include_characters="\n\t")
TEXT = st.text(LETTERS, max_size=12)


def test_names_become_identifiers() -> None:
    names = ["City Name", "cityName", "2020", "Größe", "", "a", "A", "a_2", "x" * 200]
    expected = ["city_name", "city_name_2", "_2020", "grosse", "column_5", "a", "a_3", "a_2", "x" * 100]
    assert identifiers(names) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends(tmp_path: Path, delimiter: str, encoding: str, newline: str) -> None:
    rows = [["name", "size"], ["Zoë", "1"], ["Ägir", "2"]]
    text = newline.join(delimiter.join(row) for row in rows) + newline
    converted = convert(text.encode(encoding), tmp_path)
    assert converted.rows == [{"name": "Zoë", "size": 1}, {"name": "Ägir", "size": 2}]


def test_old_mac_line_ends(tmp_path: Path) -> None:
    assert convert(b"a,b\r1,2\r3,4\r", tmp_path).rows == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_damaged_rows_take_no_neighbours_along(tmp_path: Path) -> None:
    lines = [f'{i},"name {i}",{i * 10}' for i in range(100)]
    lines[10] = '10,"name 10,100'
    lines[50] = '50,name 50",500'
    lines[70] = '70,"name" 70,700'
    lines[80] = "80,name 80"
    lines[90] = '90,"two\nlines",900'
    converted = convert(("id,name,n\n" + "\n".join(lines) + "\n").encode(), tmp_path)
    assert [row["id"] for row in converted.rows] == [i for i in range(100) if i not in {10, 70, 80}]
    assert [(reject["line"], reject["raw"]) for reject in converted.rejects] == [
        (12, lines[10]), (72, lines[70]), (82, lines[80]),
    ]  # fmt: skip
    assert converted.rows[-10]["name"] == "two\nlines"


def test_bytes_that_are_no_utf8_damage_their_row_alone(tmp_path: Path) -> None:
    good = "\n".join(f"{i},Zoë" for i in range(20)).encode()
    converted = convert(b"id,name\n" + good + b"\n20,Zo\xeb\n21,Zo\xc3\xab\n", tmp_path)
    assert [row["id"] for row in converted.rows] == [*range(20), 21]
    assert converted.rejects[0]["raw"] == "20,Zo\\xeb"


def test_blank_lines_preamble_and_missing_line_end(tmp_path: Path) -> None:
    converted = convert(b"A report\n\na,b\n1,2\n\n3,4\n\n\n5,6", tmp_path)
    assert [row["a"] for row in converted.rows] == [1, 3, 5]
    counts = converted.conversion.tables[0].counts
    assert (counts.preamble, counts.header, counts.blank, counts.records) == (2, 1, 3, 9)


def test_no_header_gives_numbered_columns(tmp_path: Path) -> None:
    converted = convert(b"1,2\n3,4\n", tmp_path)
    assert converted.rows[0] == {"column_1": 1, "column_2": 2}
    assert converted.conversion.notes == (delimited.NO_HEADER,)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("id,name,name", ["id", "name", "name_2"]),
        ("id,val,", ["id", "val", "column_3"]),
        (",val,val", ["column_1", "val", "val_2"]),
    ],
)
def test_a_header_with_repeated_or_empty_names_above_numbers(tmp_path: Path, header: str, columns: list[str]) -> None:
    converted = convert(f"{header}\n1,2,3\n4,5,6\n".encode(), tmp_path)
    assert converted.rows == [dict(zip(columns, row, strict=True)) for row in ([1, 2, 3], [4, 5, 6])]
    assert converted.conversion.notes == ()


def test_a_first_record_of_null_markers_is_no_header(tmp_path: Path) -> None:
    assert len(convert(b"NA,NA,x\n1,2,y\n3,4,z\n", tmp_path).rows) == 3


def test_an_index_without_a_name_and_years_as_names(tmp_path: Path) -> None:
    assert convert(b",b\n1,2\n3,4\n", tmp_path).rows[0] == {"column_1": 1, "b": 2}
    years = convert(b"country,2000,2001,2002\nPeru,1,2,3\nChile,4,5,6\n", tmp_path)
    assert list(years.types) == ["country", "_2000", "_2001", "_2002"]


def test_types_come_from_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 1 << 10)
    body = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(5000)) + b"1.5,x\n"
    converted = convert(body, tmp_path)
    assert converted.types == {"a": "double", "b": "string"}
    assert len(converted.rows) == 5001


def test_records_over_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 64)
    body = "id,text\n" + "".join(f'{i},"line {i}\nand ""more"""\n' for i in range(200))
    converted = convert(body.encode(), tmp_path)
    assert [row["text"] for row in converted.rows] == [f'line {i}\nand "more"' for i in range(200)]


def test_original_names_are_in_the_field_metadata(tmp_path: Path) -> None:
    (table,) = convert(b"City Name,b\nx,2\n", tmp_path).tables
    assert table.schema.field("city_name").metadata == {b"original_name": b"City Name"}


def read(converted: Converted) -> list[list[str]]:
    table = converted.tables[0]
    texts = [[("" if value is None else value) for value in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*texts, strict=True)]


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(TEXT, min_size=n, max_size=n), min_size=1, max_size=8)))
def test_clean_csv_comes_back(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    names = [f"name {i}" for i in range(len(rows[0]))]
    marked = [[f"t{field}" for field in row] for row in rows]
    writer.writerows([names, *marked])
    with tempfile.TemporaryDirectory() as folder:
        converted = convert(out.getvalue().encode(), Path(folder))
    assert read(converted) == marked
    assert converted.rejects == []
