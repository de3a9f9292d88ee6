"""A job on the wire."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estancia_protocol import job
from estancia_protocol.errors import ErrorCode

OFFSETS = st.integers(-14, 14).map(lambda hours: dt.timezone(dt.timedelta(hours=hours)))
MOMENTS = st.datetimes(min_value=dt.datetime(1970, 1, 1), timezones=OFFSETS)
SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
FACTS = st.dictionaries(st.text(), SCALARS, max_size=5)
LINES = st.one_of(
    st.builds(job.Progress, FACTS),
    st.builds(lambda facts: job.Outcome({**facts, "status": "PROCESSED"}), FACTS),
    st.builds(job.Retry, st.sampled_from(ErrorCode), st.text()),
)


@given(LINES)
def test_a_line_is_one_line_and_reads_back(line: job.Line) -> None:
    text = job.encode_line(line)
    assert text.count(b"\n") == 1
    assert text.endswith(b"\n")
    assert job.decode_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"[]",
        b"null",
        b"{}",
        b'{"outcome":{}}',
        b'{"outcome":{"status":1}}',
        b'{"progress":1}',
        b'{"retry":{}}',
        b'{"retry":{"code":"NO_SUCH","message":""}}',
        b'{"progress":{}',
        b"\xff",
    ],
)
def test_anything_else_is_refused_with_the_line_in_the_error(text: bytes) -> None:
    with pytest.raises(job.BadJobError, match="stream line"):
        job.decode_line(text)


@given(st.binary(max_size=60))
def test_no_bytes_make_reading_a_line_fail_in_another_way(text: bytes) -> None:
    with contextlib.suppress(job.BadJobError):
        job.decode_line(text)


@given(MOMENTS)
def test_times_read_back_to_the_microsecond(moment: dt.datetime) -> None:
    text = job.timestamp(moment)
    assert job.parse_timestamp(text) == moment
    assert len(text) == 27


@given(MOMENTS, MOMENTS)
def test_times_sort_as_text_as_they_do_in_time(one: dt.datetime, other: dt.datetime) -> None:
    assert (job.timestamp(one) < job.timestamp(other)) is (one < other)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        job.parse_timestamp("2024-01-01T00:00:00")


def test_a_job_has_the_five_fields_of_the_protocol() -> None:
    deadline = dt.datetime(2024, 1, 2, 3, 4, 5, 678, dt.UTC)
    body: dict[str, Any] = json.loads(job.Job("flights/ñ.csv", "v1", 2, deadline, "request-1").to_json())
    assert body == {
        "key": "flights/ñ.csv",
        "version_id": "v1",
        "attempt": 2,
        "deadline": "2024-01-02T03:04:05.000678Z",
        "request_id": "request-1",
    }
