"""Bad files and odd keys: each is one item with a code and a sentence, or is processed, and nothing else changes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest

from estancia_processor.attributes import unpack
from estancia_protocol import names
from tests.integration.path.conftest import Deployment
from tests.integration.path.state import Change, State, at_rest, change
from tests.unit.dispatcher.fakes import s3_record

pytestmark = pytest.mark.usefixtures("warm_function")
LONGEST = "keys/" + "ñ" * 507 + ".csv-"
Put = Callable[..., str]
RULE = "does not match [a-z][a-z0-9_]{0,62}; choose such a name"
FOLDER = (
    "ends with a slash: it is a folder's marker, as the S3 console makes them, and no file; a marker needs nothing"
    " done, a file needs a name"
)
NOT_IN_ONE = "is not <dataset>/<path>; upload the file under a dataset's prefix"
RESTORE = "The object is in an archive storage class; restore it, then upload or copy it again."
# key, bytes, what else the request says, the error's code and its message
REJECTED: list[tuple[str, bytes, dict[str, str], str, str]] = [
    ("No-Dataset/x.csv", b"a\n1\n", {}, "BAD_KEY", f"dataset 'No-Dataset' of key 'No-Dataset/x.csv' {RULE}"),
    ("no-dataset.csv", b"a\n1\n", {}, "BAD_KEY", f"key 'no-dataset.csv' {NOT_IN_ONE}"),
    ("/leading/x.csv", b"a\n1\n", {}, "BAD_KEY", f"dataset '' of key '/leading/x.csv' {RULE}"),
    ("x" * 64 + "/x.csv", b"a\n1\n", {}, "BAD_KEY", f"dataset '{'x' * 64}' of key '{'x' * 64}/x.csv' {RULE}"),
    ("X" * 1024, b"a\n1\n", {}, "BAD_KEY", f"key '{'X' * 1024}' {NOT_IN_ONE}"),
    ("folder/", b"", {}, "BAD_KEY", f"key 'folder/' {FOLDER}"),
    ("folder/of a folder/", b"", {}, "BAD_KEY", f"key 'folder/of a folder/' {FOLDER}"),
    ("empty/x.csv", b"", {}, "EMPTY_FILE", "The object holds no bytes; upload the file again."),
    ("archive/g.csv", b"a\n1\n", {"StorageClass": "GLACIER"}, "ARCHIVED", RESTORE),
    ("archive/d.csv", b"a\n1\n", {"StorageClass": "DEEP_ARCHIVE"}, "ARCHIVED", RESTORE),
]
PROCESSED = [
    "keys/a b+c%20%2Bñ/日本 &=?#;:@,'\"<>|\\^`{}~[]!$()*.csv",
    LONGEST,
    "keys//twice.csv",
    "keys/../up.csv",
    "keys/./here.csv",
    "keys/..",
    "keys/ ",
    "keys/a tab\t.csv",
    "keys/\U0001f9c9e\u0301.csv",
]


@pytest.fixture
def put(deployment: Deployment) -> Put:
    """Puts an object; returns its version."""

    def make(key: str, body: bytes, **said: Any) -> str:
        s3, bucket = deployment.stack.s3, deployment.stack.bucket("raw")
        return str(s3.put_object(Bucket=bucket, Key=key, Body=body, **said)["VersionId"])

    return make


def only_item(found: Change, key: str, version: str) -> dict[str, Any]:
    """Return the one item that changed, which is this version's; no output, no letter, nothing lost."""
    assert set(found.items) == {(names.work_pk(key), version)}
    assert (found.letters, found.lost) == ((), ())
    return unpack(found.items[names.work_pk(key), version])


def event(deployment: Deployment, key: str, version: str, name: str = "ObjectCreated:Put", **members: Any) -> str:
    """Return a message as S3 writes it of the raw bucket."""
    record = s3_record(name, quote_plus(key, safe="/"), version, "0055AED6DCD90281E5", **members)
    record["s3"]["bucket"]["name"] = deployment.stack.bucket("raw")
    return json.dumps({"Records": [record]})


@pytest.mark.parametrize(("key", "body", "said", "code", "message"), REJECTED, ids=lambda value: str(value)[:20])
def test_a_bad_file_is_one_item_that_says_why(
    deployment: Deployment,
    before: State,
    put: Put,
    *,
    key: str,
    body: bytes,
    said: dict[str, str],
    code: str,
    message: str,
) -> None:
    version = put(key, body, **said)
    found = change(before, at_rest(deployment.stack))
    item = only_item(found, key, version)
    assert found.objects == {("raw", key, version): len(body)}
    assert (item["status"], item["error"]) == ("REJECTED", {"code": code, "message": message})
    assert item["dataset"] == names.dataset_of(key)
    assert "finished_at" in item


@pytest.mark.parametrize("key", PROCESSED, ids=lambda key: ascii(key)[:20])
def test_any_key_under_a_dataset_is_processed_as_it_is(
    deployment: Deployment, before: State, put: Put, key: str
) -> None:
    version = put(key, b"a\n1\n")
    found = change(before, at_rest(deployment.stack))
    work = names.work_id(key, version)
    item = unpack(found.items[names.work_pk(key), version])
    assert (item["status"], item["dataset"], item["rows_out"]) == ("PROCESSED", "keys", 1)
    outputs = {sk for pk, sk in found.items if pk == names.outputs_pk(work)}
    (data,) = [sk for sk in outputs if sk.startswith("data/keys/main/schema=1/ingest_date=")]
    assert outputs == {data, names.report_key("keys", work)}
    assert {(purpose, shown) for purpose, shown, _ in found.objects} == {
        ("raw", key), *(("processed", output) for output in outputs),
    }  # fmt: skip
    own = {(names.work_pk(key), version), *((names.outputs_pk(work), output) for output in outputs)}
    assert {pk for pk, _ in found.items.keys() - own} <= {names.schema_pk("keys", "main")}
    assert (found.letters, found.lost) == ((), ())


def test_the_longest_key_has_as_many_bytes_as_s3_allows() -> None:
    assert len(LONGEST.encode()) == 1024


def test_a_file_above_the_limit_is_rejected_by_its_event(
    deployment: Deployment, before: State, send: Callable[[str], None]
) -> None:
    version = str(uuid.uuid4())
    send(event(deployment, "large/x.csv", version, size=20_000_000_001))
    found = change(before, at_rest(deployment.stack))
    item = only_item(found, "large/x.csv", version)
    assert (item["status"], item["size"]) == ("REJECTED", 20_000_000_001)
    assert item["error"] == {
        "code": "TOO_LARGE",
        "message": "The object has 20000000001 bytes, the limit is 20000000000. The object is larger than the"
        " platform's limit; split it, or raise the limit.",
    }
    assert found.objects == {}
    send(event(deployment, item["pk"].removeprefix("raw/"), version, "ObjectRemoved:Delete"))


def test_a_version_that_never_was_is_gone(deployment: Deployment, before: State, send: Callable[[str], None]) -> None:
    version = str(uuid.uuid4())
    send(event(deployment, "gone/x.csv", version))
    found = change(before, at_rest(deployment.stack))
    item = only_item(found, "gone/x.csv", version)
    assert (item["status"], item["attempt"]) == ("REJECTED", 1)
    assert item["error"] == {
        "code": "GONE",
        "message": "This version of the object was removed before it could be read.",
    }
    assert found.objects == {}
    send(event(deployment, item["pk"].removeprefix("raw/"), version, "ObjectRemoved:Delete"))


def test_a_late_event_of_a_version_removed_for_good_changes_nothing(
    deployment: Deployment, put: Put, send: Callable[[str], None]
) -> None:
    key, stack = "gone/late.csv", deployment.stack
    version = put(key, b"a\n1\n")
    stack.s3.delete_object(Bucket=stack.bucket("raw"), Key=key, VersionId=version)
    before = at_rest(stack)
    item = unpack(before.items[names.work_pk(key), version])
    assert item["status"] in {"PROCESSED", "REJECTED"}
    assert "removed_at" in item
    send(event(deployment, key, version))
    assert change(before, at_rest(stack)) == Change({}, {}, (), ())
