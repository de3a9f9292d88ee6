"""Keys: of objects in the raw and processed buckets, and of items in the ledger."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from typing import Final

DATASET: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
INVALID_DATASET: Final = "_invalid"
TABLE_LENGTH: Final = 100


class BadKeyError(ValueError):
    """A raw key is not `<dataset>/<path>`; carries the rule."""


@dataclass(frozen=True, slots=True)
class RawKey:
    """A key of the raw bucket, taken apart.

    Attributes:
        dataset: the first element, which names the dataset.
        path: all that follows it.
    """

    dataset: str
    path: str


def parse_raw_key(key: str) -> RawKey:
    """Take a decoded raw key apart.

    Args:
        key: the object's key, URL-decoded.

    Returns:
        Its dataset and path.

    Raises:
        BadKeyError: the key names no dataset, or no object in it.
    """
    dataset, slash, path = key.partition("/")
    if key.endswith("/"):
        raise BadKeyError(
            f"key {key!r} ends with a slash: it is a folder's marker, as the S3 console makes them, and no file;"
            " a marker needs nothing done, a file needs a name"
        )
    if not slash or not path:
        raise BadKeyError(f"key {key!r} is not <dataset>/<path>; upload the file under a dataset's prefix")
    if not DATASET.fullmatch(dataset):
        raise BadKeyError(f"dataset {dataset!r} of key {key!r} does not match {DATASET.pattern}; choose such a name")
    return RawKey(dataset, path)


def dataset_of(key: str) -> str:
    """Return the dataset that a raw key belongs to, `_invalid` when it breaks the rule."""
    try:
        return parse_raw_key(key).dataset
    except BadKeyError:
        return INVALID_DATASET


def work_id(key: str, version_id: str) -> str:
    """Return the work id: 32 hexadecimal digits that key and version alone decide, in every region."""
    return hashlib.sha256(f"raw\n{key}\n{version_id}".encode()).hexdigest()[:32]


def work_pk(key: str) -> str:
    """Return the partition key of a raw key's work items; the sort key is the version id."""
    return f"raw/{key}"


def outputs_pk(work: str) -> str:
    """Return the partition key of a work item's outputs; the sort key is the processed key."""
    return f"out/{work}"


def schema_pk(dataset: str, table: str) -> str:
    """Return the partition key of a table's schema versions."""
    return f"schema/{dataset}/{table}"


def schema_sk(number: int) -> str:
    """Return the sort key of schema version `number` (1, 2, ...)."""
    return f"{number:06d}"


def data_key(dataset: str, table: str, schema: int, ingest_date: dt.date, work: str) -> str:
    """Return the processed key of one table of a file.

    Args:
        dataset: the raw key's dataset.
        table: the table's name as an identifier.
        schema: the schema version's number.
        ingest_date: the UTC date of the raw object's LastModified.
        work: the work id.
    """
    return f"data/{dataset}/{table}/schema={schema}/ingest_date={ingest_date.isoformat()}/{work}.parquet"


def rejects_key(dataset: str, work: str) -> str:
    """Return the processed key of a file's rejected records."""
    return f"rejects/{dataset}/{work}.ndjson.zst"


def report_key(dataset: str, work: str) -> str:
    """Return the processed key of a file's report."""
    return f"reports/{dataset}/{work}.json"


def table_names(wanted: list[str]) -> list[str]:
    """Turn the names of a file's tables into identifiers, unique within the file.

    Args:
        wanted: sheet, member or element names in file order.

    Returns:
        For each a name of at most 100 characters of `[a-z0-9_]`, beginning with a letter or `_`;
        a repeated one gets the suffix `_2`, `_3`, ...
    """
    taken: set[str] = set()
    names: list[str] = []
    for text in wanted:
        base = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "table"
        base = (f"_{base}" if base[0].isdigit() else base)[:TABLE_LENGTH]
        name, count = base, 1
        while name in taken:
            count += 1
            suffix = f"_{count}"
            name = base[: TABLE_LENGTH - len(suffix)] + suffix
        taken.add(name)
        names.append(name)
    return names
