"""What the processor reads from the ledger and writes to it; no AWS in here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from estancia_protocol import attempt, names
from estancia_protocol.attempt import Attempted
from estancia_protocol.job import Job
from estancia_protocol.rule import Rule

HIDDEN_FIELDS = frozenset({"pk", "sk", "lease_id", "lease_until", "status_shard"})
"""Attributes of a work item that an outcome does not tell."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One started attempt: what every later write is conditional on.

    Attributes:
        key: the raw key.
        version_id: its version.
        attempt: the attempt's number.
        lease_id: random for each start.
    """

    key: str
    version_id: str
    attempt: int
    lease_id: str

    @classmethod
    def of(cls, job: Job, lease_id: str) -> Hold:
        """Return the hold that starting `job` would give."""
        return cls(job.key, job.version_id, job.attempt, lease_id)

    @property
    def own(self) -> Rule[Attempted]:
        """What the item must show for each write of this attempt."""
        return attempt.own(self.attempt, self.lease_id)

    @property
    def work(self) -> str:
        """The work id."""
        return names.work_id(self.key, self.version_id)


@dataclass(frozen=True, slots=True)
class Started:
    """The job is this worker's; `item` as it is now."""

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing is left to do; `item` holds the outcome."""

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """Another's lease, or the job is of another attempt; `item` as it is."""

    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The ledger knows no such work item."""


StartAnswer = Started | Settled | Held | Unknown


@dataclass(frozen=True, slots=True)
class Output:
    """An output item.

    Attributes:
        key: the processed key.
        attempt: the attempt that recorded it.
    """

    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CompletedOutput:
    """What was put under a recorded key.

    Attributes:
        key: the processed key.
        version_id: the version that the put made.
        sha256: of the object's bytes, hexadecimal.
        rows: records in it; 0 for a report.
    """

    key: str
    version_id: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class SchemaColumn:
    """A column of a schema version.

    Attributes:
        name: the identifier.
        type: the Arrow type as text, for people.
        original: the name in the file that brought the version about.
    """

    name: str
    type: str
    original: str


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """A schema version of a table.

    Attributes:
        number: 1, 2, ...
        columns: its columns in order.
        arrow: the serialized Arrow schema, which alone decides the types.
    """

    number: int
    columns: tuple[SchemaColumn, ...]
    arrow: bytes


class Ledger(Protocol):
    """The ledger as the processor uses it; each method is one or few calls. Errors of AWS pass through."""

    def start(self, hold: Hold, now: dt.datetime, instance_id: str) -> StartAnswer:
        """Try to start an attempt: status, lease and all, in one conditional write."""

    def renew(self, hold: Hold, now: dt.datetime) -> None:
        """Extend the lease from `now`; raises LeaseLostError when the attempt is not the item's any more."""

    def outputs(self, work: str) -> Sequence[Output]:
        """Return the recorded outputs of a work item, read consistently."""

    def record(self, hold: Hold, keys: Sequence[str]) -> None:
        """Record outputs before they are put; raises LeaseLostError."""

    def finish(
        self, hold: Hold, outputs: Sequence[CompletedOutput], changes: Mapping[str, Any], now: dt.datetime
    ) -> Mapping[str, Any]:
        """Complete the outputs and write the final status in `changes`; returns the changes; raises LeaseLostError."""

    def give_back(self, hold: Hold, error: Mapping[str, str], now: dt.datetime) -> None:
        """Record an error that is not the file's and end the lease; raises LeaseLostError."""

    def schemas(self, dataset: str, table: str) -> Sequence[SchemaVersion]:
        """Return a table's schema versions, newest first, read consistently."""

    def add_schema(self, dataset: str, table: str, version: SchemaVersion, work: str, now: dt.datetime) -> bool:
        """Write a schema version unless its number exists; returns whether it was written."""

    def reachable(self) -> None:
        """Make one cheap call, for readiness."""


def outcome_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a final item that an outcome tells: scalars and the error."""
    return {
        name: value
        for name, value in sorted(item.items())
        if name not in HIDDEN_FIELDS and (name == "error" or isinstance(value, str | int | float | bool))
    }
