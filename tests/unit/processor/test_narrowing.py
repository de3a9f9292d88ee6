import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estancia_processor.convert.narrowing import Narrowing

DECIMAL = pa.decimal128(18, 2)
UTC = pa.timestamp("us", "UTC")


def narrow(*texts: str | None) -> Narrowing:
    narrowing = Narrowing()
    for text in texts:
        narrowing.add(pa.array([text], pa.string()))
    narrowing.decide(frozenset())
    whole = Narrowing()
    whole.add(pa.array(texts, pa.string()))
    assert whole.type == narrowing.type
    return narrowing


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "-7", "9223372036854775807"], pa.int64()),
        (["007", "8"], pa.string()),
        (["+7"], pa.string()),
        (["-0"], pa.float64()),
        ([" 1"], pa.string()),
        (["9223372036854775808"], pa.decimal128(38, 0)),
        (["1.5", "2"], pa.float64()),
        (["1.0", "2.5"], pa.float64()),
        (["1.0", "2"], pa.string()),
        (["1.50", "2.25"], DECIMAL),
        (["3.1", "3.10"], pa.string()),
        (["48.053808600000004", "0.1"], pa.float64()),
        (["0.1234567890123456789"], pa.decimal128(38, 19)),
        (["1e-05", "0.5"], pa.float64()),
        (["12e4"], pa.string()),
        (["inf"], pa.string()),
        ([".5"], pa.string()),
        (["1,5"], pa.string()),
        (["true", "false"], pa.bool_()),
        (["TRUE", "FALSE"], pa.bool_()),
        (["true", "TRUE"], pa.string()),
        (["yes", "no"], pa.string()),
        (["2026-02-28", "1999-12-31"], pa.date32()),
        (["2026-02-30"], pa.string()),
        (["2026-02-28", "2026-02-28 10:00"], pa.string()),
        (["2010/01/01 00:00"], pa.timestamp("us")),
        (["2026-01-01T10:00:00Z"], UTC),
        (["2026-01-01T10:00:00+02:00"], UTC),
        (["2026-01-01T10:00:00+02:00", "2026-01-01T10:00:00+01:00"], pa.string()),
        (["2026-01-01 10:00:00.123", "2026-01-01 10:00:00.1"], pa.string()),
        (["1", "x"], pa.string()),
        ([None, None], pa.string()),
        ([], pa.string()),
    ],
)
def test_the_type_keeps_every_text(texts: list[str | None], expected: pa.DataType) -> None:
    assert narrow(*texts).type == expected


def test_markers_are_nulls_among_typed_values() -> None:
    narrowing = narrow("1", "NA", "n/a", "NULL", "", None, "2")
    values = narrowing.cast(pa.array(["1", "NA", "n/a", "NULL", "", None, "2"]), pa.int64())
    assert values.to_pylist() == [1, None, None, None, None, None, 2]
    assert narrowing.markers == {"NA": 1, "n/a": 1, "NULL": 1, "": 1}


@pytest.mark.parametrize(
    ("texts", "proven", "expected"),
    [
        (["N14228", "NA"], [], ["N14228", None]),
        (["US", "NA"], [], ["US", "NA"]),
        (["Smith", "Null"], [], ["Smith", "Null"]),
        (["Smith", "Null"], ["Null"], ["Smith", None]),
        (["none", "some"], ["none"], ["none", "some"]),
        (["word", ""], [], ["word", ""]),
    ],
)
def test_markers_in_text_are_nulls_only_where_nothing_looks_like_them(
    texts: list[str], proven: list[str], expected: list[str | None]
) -> None:
    narrowing = narrow(*texts)
    narrowing.decide(frozenset(proven))
    assert narrowing.cast(pa.array(texts), pa.string()).to_pylist() == expected


def test_what_fits_loses_nothing() -> None:
    integers = narrow("1", "200")
    assert integers.fits(pa.float64())
    assert integers.fits(DECIMAL)
    assert integers.fits(pa.int16())
    assert not integers.fits(pa.int8())
    assert not integers.fits(pa.bool_())
    assert not narrow("9007199254740993").fits(pa.float64())
    assert narrow("1.5").fits(DECIMAL)
    assert not narrow("1.555").fits(DECIMAL)
    assert not narrow("1.50").fits(pa.float64())
    assert not narrow("2026-01-01").fits(pa.timestamp("us"))
    for anything in (narrow(None), narrow("NA")):
        assert anything.fits(pa.int64())
        assert anything.fits(UTC)
    assert all(narrow(text).fits(pa.string()) for text in ("1", "x", "true", "2026-01-01"))


def cast(texts: list[str]) -> list[object]:
    narrowing = narrow(*texts)
    return list(narrowing.cast(pa.array(texts, pa.string()), narrowing.type).to_pylist())


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_come_back(numbers: list[int]) -> None:
    assert cast([str(n) for n in numbers]) == numbers


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_doubles_come_back(numbers: list[float]) -> None:
    values = cast([repr(n) for n in numbers])
    assert [str(value) for value in values] == [repr(n) for n in numbers]


@given(st.lists(st.decimals(min_value=-(10**12), max_value=10**12, places=2), min_size=1))
def test_fixed_decimals_come_back(numbers: list[Decimal]) -> None:
    texts = [f"{n:.2f}" for n in numbers]
    values = cast(texts)
    assert [f"{value:.2f}" if not isinstance(value, str) else value for value in values] == texts


@given(st.lists(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), min_size=1))
def test_timestamps_come_back(moments: list[dt.datetime]) -> None:
    assert cast([f"{m.isoformat(timespec='microseconds')}" for m in moments]) == moments


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_is_kept_or_can_be_written_back(texts: list[str]) -> None:
    narrowing = narrow(*texts)
    if narrowing.type == pa.string():
        kept = narrowing.cast(pa.array(texts), pa.string()).to_pylist()
        assert kept == [None if text in narrowing.null_texts else text for text in texts]


@given(st.lists(st.from_regex(r"-?\d{1,20}(\.\d{1,20})?([eE][-+]?\d{1,3})?", fullmatch=True), min_size=1, max_size=5))
def test_numbers_of_any_writing_keep_their_value(texts: list[str]) -> None:
    values = cast(texts)
    for value, text in zip(values, texts, strict=True):
        if isinstance(value, float):
            digits = len(Decimal(text).as_tuple().digits)
            assert Decimal(f"{value:.{digits - 1}e}") == Decimal(text)
        elif not isinstance(value, str):
            assert Decimal(str(value)) == Decimal(text)
            assert str(value) == text
