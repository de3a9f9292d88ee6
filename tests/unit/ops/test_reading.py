"""Items, reports and letters as they are read, and what is said of those that cannot be."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from estancia_functions.events import Arrived
from ops.account import Counts, Report
from ops.letters import read_letter, read_letters
from ops.snapshot import read_output, read_report, read_work
from tests.unit.plugins.scripted import Scripted

BUCKET = "raw-bucket"
TABLE = {"header": 1, "preamble": 2, "footer": 0, "blank": 3}
REPORT = {"rows_in": 5, "rows_out": 4, "rows_rejected": 1, "records_physical": 17, "tables": [TABLE, TABLE]}
EVENT = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventTime": "2026-03-01T12:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "x"},
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": "sales/a+b.csv", "size": 1, "versionId": "v"}},
        }
    ]
}


def test_a_report_is_read_over_all_its_tables() -> None:
    assert read_report(json.dumps(REPORT).encode()) == Report(Counts(5, 4, 1), 17, 12)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", json.dumps({**REPORT, "tables": [{}]}).encode()])
def test_a_report_that_cannot_be_read_says_why(body: bytes) -> None:
    said = read_report(body)
    assert isinstance(said, str)
    assert said.startswith("cannot be read (")


def test_a_work_item_is_read_with_its_newest_time() -> None:
    times = {"received_at": "2026-03-01T12:00:00.000000Z", "finished_at": "2026-03-01T12:05:00.000000Z"}
    item: dict[str, Any] = {name: {"S": text} for name, text in times.items()}
    item |= {"pk": {"S": "raw/sales/a.csv"}, "sk": {"S": "v"}, "status": {"S": "PROCESSED"}, "dataset": {"S": "sales"}}
    item |= {name: {"N": "1"} for name in ("attempt", "rows_in", "rows_out", "rows_rejected", "outputs_count")}
    work = read_work(item)
    assert (work.item.key, work.dataset, work.outputs_count) == ("sales/a.csv", "sales", 1)
    assert (work.counts, work.happened_at) == (Counts(1, 1, 1), dt.datetime(2026, 3, 1, 12, 5, tzinfo=dt.UTC))
    del item["rows_out"]
    item["error"] = {"M": {"code": {"S": "DEADLINE"}, "message": {"S": "Too late."}}}
    assert (work.error, read_work(item).counts, read_work(item).error) == (None, None, "DEADLINE")


def test_an_output_that_was_not_completed_has_no_version() -> None:
    item: dict[str, Any] = {"pk": {"S": "out/w"}, "sk": {"S": "data/x"}, "attempt": {"N": "2"}}
    output = read_output(item)
    assert (output.work, output.version_id, output.retired) == ("w", None, False)


def message(body: str, number: int = 1, **more: Any) -> Any:
    sent = {"SentTimestamp": "1772366400000"}
    return {"MessageId": f"m-{number}", "ReceiptHandle": f"h-{number}", "Body": body, "Attributes": sent, **more}


def test_a_letter_is_read_with_its_event_and_reason() -> None:
    reason = {"estancia_reason": {"StringValue": "failed after 5 attempts", "DataType": "String"}}
    letter = read_letter(message(json.dumps(EVENT), MessageAttributes=reason), BUCKET)
    (event,) = letter.events
    assert isinstance(event, Arrived)
    assert (event.key, letter.reason, letter.problem) == ("sales/a b.csv", "failed after 5 attempts", "")
    assert letter.sent_at == dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def test_a_letter_of_another_bucket_cannot_be_read() -> None:
    letter = read_letter(message(json.dumps(EVENT)), "another")
    assert (letter.events, letter.reason) == ((), None)
    assert f"bucket {BUCKET!r}" in letter.problem


def test_every_letter_is_put_back_even_when_reading_fails() -> None:
    pages = iter([{"Messages": [message("x", n) for n in range(10)]}, {"Messages": [message("x", 10)]}])

    def receive(**_arguments: Any) -> Any:
        if page := next(pages, None):
            return page
        raise ConnectionError("cut")

    queue: Any = Scripted(receive_message=receive, get_queue_attributes={"Attributes": {}})
    with pytest.raises(ConnectionError):
        read_letters(queue, "https://q", BUCKET, wait=1)
    back = [sent["Entries"] for name, sent in queue.calls if name == "change_message_visibility_batch"]
    assert [entry["ReceiptHandle"] for entries in back for entry in entries] == [f"h-{n}" for n in range(11)]
    assert {entry["VisibilityTimeout"] for entries in back for entry in entries} == {0}
    assert [len(entries) for entries in back] == [10, 1]


@pytest.mark.parametrize(
    ("unread", "hidden", "partial"), [("1", "0", False), ("0", "1", False), ("0", "2", True), ("1", "1", True)]
)
def test_letters_that_could_not_be_read_are_noticed(unread: str, hidden: str, partial: bool) -> None:
    attributes = {
        "ApproximateNumberOfMessages": unread,
        "ApproximateNumberOfMessagesNotVisible": hidden,
        "MessageRetentionPeriod": "1209600",
    }
    queue: Any = Scripted(
        receive_message=[{"Messages": [message("x")]}, {}], get_queue_attributes={"Attributes": attributes}
    )
    read = read_letters(queue, "https://q", BUCKET, wait=1)
    assert (len(read.letters), read.partial, read.kept) == (1, partial, dt.timedelta(days=14))
