"""Keys and names."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol import names

KEYS = st.text(min_size=1, max_size=200)
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,99}")


@given(st.from_regex(names.DATASET, fullmatch=True), st.text(min_size=1).filter(lambda path: not path.endswith("/")))
def test_a_key_under_a_dataset_is_taken_apart_without_loss(dataset: str, path: str) -> None:
    found = names.parse_raw_key(f"{dataset}/{path}")
    assert (found.dataset, found.path) == (dataset, path)


@pytest.mark.parametrize(
    "key",
    ["", "flights", "flights/", "flights/2024/", "/flights/a.csv", "Flights/a.csv", "1a/b", "a" * 64 + "/b", "a\n/b"],
)
def test_any_other_key_is_an_item_of_the_invalid_dataset(key: str) -> None:
    assert names.dataset_of(key) == names.INVALID_DATASET
    with pytest.raises(names.BadKeyError, match=r"dataset|folder"):
        names.parse_raw_key(key)


def test_the_invalid_dataset_cannot_be_uploaded_to() -> None:
    assert names.dataset_of(f"{names.INVALID_DATASET}/a.csv") == names.INVALID_DATASET
    assert not names.DATASET.fullmatch(names.INVALID_DATASET)


def test_the_work_id_never_changes_between_releases() -> None:
    assert names.work_id("flights/2024/a b.csv", "v1") == "6c2bdc0e5a3f36670c4a0148416a2bf6"


@given(KEYS, KEYS, st.text(max_size=40), st.text(max_size=40))
def test_work_ids_differ_with_key_or_version(key: str, other: str, version: str, newer: str) -> None:
    same = (key, version) == (other, newer) or f"{key}\n{version}" == f"{other}\n{newer}"
    assert (names.work_id(key, version) == names.work_id(other, newer)) is same


@given(st.lists(st.text(max_size=130), max_size=30))
def test_table_names_are_identifiers_unique_within_the_file(wanted: list[str]) -> None:
    found = names.table_names(wanted)
    assert len(found) == len(wanted) == len(set(found))
    assert all(IDENTIFIER.fullmatch(name) for name in found)


def test_table_names_keep_file_order() -> None:
    assert names.table_names(["Sheet 1", "sheet-1", "2024", "", "a" * 120]) == [
        "sheet_1",
        "sheet_1_2",
        "_2024",
        "table",
        "a" * 100,
    ]


def test_processed_keys_are_the_contract() -> None:
    day = dt.date(2024, 2, 29)
    keys = [
        names.data_key("flights", "main", 3, day, "w"),
        names.rejects_key("flights", "w"),
        names.report_key("flights", "w"),
    ]
    assert keys == [
        "data/flights/main/schema=3/ingest_date=2024-02-29/w.parquet",
        "rejects/flights/w.ndjson.zst",
        "reports/flights/w.json",
    ]


def test_ledger_keys_are_the_contract() -> None:
    assert names.work_pk("flights/a.csv") == "raw/flights/a.csv"
    assert names.outputs_pk("w") == "out/w"
    assert (names.schema_pk("flights", "main"), names.schema_sk(7)) == ("schema/flights/main", "000007")
