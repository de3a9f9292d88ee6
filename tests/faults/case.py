"""One test's own corner of a stack: a dataset, its rules on the proxies, and what has to be true at its end."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq
from boto3.dynamodb.conditions import Key

from estancia_protocol import names
from estancia_protocol.status import Status
from tests.faults.calls import Call
from tests.faults.rules import Action, Rule
from tests.faults.stacks import Running
from tests.waiting import until

CONTENT = "a,b\n1,x\n2,y\n3,z\n"
ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}]
PATIENCE = 240.0
Matcher = Callable[[Call], bool]


@dataclass(frozen=True)
class Original:
    """What was put.

    Attributes:
        sha256: of its bytes, hexadecimal.
        size: in bytes.
        etag: as S3 answered it, without quotes.
    """

    sha256: str
    size: int
    etag: str


@dataclass(frozen=True)
class Case:
    """A test's dataset on a stack.

    Attributes:
        running: the stack.
        name: the dataset's, `case_<name>`.
        originals: what was put, by version.
    """

    running: Running
    name: str
    originals: dict[str, Original] = field(default_factory=dict)

    def key(self, file: str = "f.csv") -> str:
        """Return a raw key of the dataset."""
        return f"{self.name}/{file}"

    def at_processor(self, matches: Matcher, action: Action, *, nth: int = 1, times: int = 1) -> Rule:
        """Set a rule between processors and AWS."""
        return self.running.processors.add(self.name, matches, action, nth=nth, times=times)

    def at_function(self, matches: Matcher, action: Action, *, nth: int = 1, times: int = 1) -> Rule:
        """Set a rule between the function and AWS or the load balancer."""
        return self.running.functions.add(self.name, matches, action, nth=nth, times=times)

    def put(self, content: str = CONTENT, file: str = "f.csv") -> str:
        """Upload a file and return its version."""
        body = content.encode()
        made = self.running.stack.s3.put_object(Bucket=self._raw, Key=self.key(file), Body=body)
        version = str(made["VersionId"])
        self.originals[version] = Original(hashlib.sha256(body).hexdigest(), len(body), made["ETag"].strip('"'))
        return version

    def delete(self, version_id: str = "", file: str = "f.csv") -> str:
        """Delete a key, or a version for good; return the version that was made or removed."""
        s3 = self.running.stack.s3
        if version_id:
            return str(s3.delete_object(Bucket=self._raw, Key=self.key(file), VersionId=version_id)["VersionId"])
        return str(s3.delete_object(Bucket=self._raw, Key=self.key(file))["VersionId"])

    def remember(self, item: dict[str, Any]) -> None:
        """Write a work item as the ledger's own writers would have left it."""
        self.running.stack.ledger.put_item(Item=item)

    def item(self, version_id: str, file: str = "f.csv") -> dict[str, Any]:
        """Return a version's work item, empty if there is none."""
        key = {"pk": names.work_pk(self.key(file)), "sk": version_id}
        return dict(self.running.stack.ledger.get_item(Key=key, ConsistentRead=True).get("Item", {}))

    def final(self, version_id: str, file: str = "f.csv", seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for a version's final status and return its item."""

        def found() -> dict[str, Any]:
            item = self.item(version_id, file)
            return item if "status" in item and Status(item["status"]).final else {}

        return dict(until(found, seconds, f"{self.key(file)} {version_id} is final: {self.item(version_id, file)}"))

    def reached(self, rule: Rule, seconds: float = PATIENCE) -> Call:
        """Wait until a rule met its first request, and return that."""
        assert rule.reached.wait(seconds), f"{self.name}: no request met the rule in {seconds:.0f} s"
        return rule.met[0]

    def passed(self, rule: Rule, seconds: float = 60) -> list[int]:
        """Release what a rule holds, wait until each was forwarded and answered; return the answers' statuses."""
        rule.released.set()
        until(lambda: len(rule.answered) == len(rule.met), seconds, f"{self.name}: what was held is answered")
        return rule.answered

    def unchanged(self, version_id: str, rule: Rule, file: str = "f.csv") -> list[int]:
        """Release what a rule holds, and assert that its late arrival changes nothing; return its answers' statuses."""
        before = self.everything(version_id, file)
        answered = self.passed(rule)
        assert self.everything(version_id, file) == before
        return answered

    def processed(
        self,
        version_id: str,
        *,
        file: str = "f.csv",
        rows: Sequence[dict[str, Any]] = tuple(ROWS),
        tables: Mapping[str, Sequence[dict[str, Any]]] | None = None,
        attempt: int = 1,
        seconds: float = PATIENCE,
    ) -> dict[str, Any]:
        """Wait until a version is processed, and hold its item, its outputs and their bytes to what they must be.

        Args:
            version_id: the version.
            file: its key without the dataset.
            rows: of its only table.
            tables: rows of each table, if it has another than `main`.
            attempt: the one that finished it.
            seconds: how long to wait.

        Returns:
            The item.
        """
        item = self.final(version_id, file, seconds)
        wanted = tables or {"main": rows}
        total, rejected = sum(map(len, wanted.values())), int(item.get("rows_rejected", 0))
        facts = (item["status"], item["attempt"], item["rows_in"], item["rows_out"])
        assert facts == (Status.PROCESSED, attempt, total + rejected, total), item
        assert {"status_shard", "error", "removed_at"} & set(item) == set(), item
        assert Original(item["sha256"], int(item["size"]), item["etag"]) == self.originals[version_id], item
        found = self._outputs_as_recorded(version_id, file, item)
        data = {key.split("/")[2]: body for key, body in found.items() if key.startswith("data/")}
        assert {name: _read(body) for name, body in data.items()} == {name: list(w) for name, w in wanted.items()}
        report = json.loads(found[names.report_key(self.name, names.work_id(self.key(file), version_id))])
        assert (report["rows_in"], report["rows_out"]) == (item["rows_in"], item["rows_out"])
        return item

    def _outputs_as_recorded(self, version_id: str, file: str, item: Mapping[str, Any]) -> dict[str, bytes]:
        """Return the bytes of what shows, once each key's version and content are what its output item says."""
        recorded = {str(output["sk"]): output for output in self.outputs(version_id, file)}
        assert len(recorded) == item["outputs_count"]
        assert {output["attempt"] for output in recorded.values()} == {item["attempt"]}, recorded
        assert self.visible(version_id, file) == set(recorded)
        found: dict[str, bytes] = {}
        for key, output in recorded.items():
            shown = self.running.stack.s3.get_object(Bucket=self._processed, Key=key)
            found[key] = shown["Body"].read()
            says = (output["version_id"], output["sha256"], "retired_at" in output)
            assert says == (shown["VersionId"], hashlib.sha256(found[key]).hexdigest(), False), key
        return found

    def hidden(self, version_id: str, file: str = "f.csv", seconds: float = PATIENCE) -> None:
        """Wait until nothing of a version is visible, and each of its outputs is retired."""
        until(lambda: not self.visible(version_id, file), seconds, f"{self.key(file)} {version_id} is hidden")
        until(lambda: all("retired_at" in o for o in self.outputs(version_id, file)), seconds, "outputs are retired")

    def outputs(self, version_id: str, file: str = "f.csv") -> list[dict[str, Any]]:
        """Return a version's output items."""
        pk = names.outputs_pk(names.work_id(self.key(file), version_id))
        return list(
            self.running.stack.ledger.query(KeyConditionExpression=Key("pk").eq(pk), ConsistentRead=True)["Items"]
        )

    def visible(self, version_id: str, file: str = "f.csv") -> set[str]:
        """Return the processed keys of a version that are visible."""
        work = names.work_id(self.key(file), version_id)
        found: set[str] = set()
        for prefix in ("data", "rejects", "reports"):
            page = self.running.stack.s3.list_objects_v2(Bucket=self._processed, Prefix=f"{prefix}/{self.name}/")
            found |= {entry["Key"] for entry in page.get("Contents", ()) if work in entry["Key"]}
        return found

    def versions(self, key: str) -> list[dict[str, Any]]:
        """Return the versions and delete markers of a processed key."""
        page = self.running.stack.s3.list_object_versions(Bucket=self._processed, Prefix=key)
        return [dict(entry) for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))]

    def everything(self, version_id: str, file: str = "f.csv") -> dict[str, Any]:
        """Return all that a version has: its item, its output items, and the versions of its processed keys."""
        recorded = self.outputs(version_id, file)
        kept = {str(o["sk"]): [entry["VersionId"] for entry in self.versions(str(o["sk"]))] for o in recorded}
        return {"item": self.item(version_id, file), "outputs": recorded, "versions": kept}

    @property
    def _raw(self) -> str:
        return self.running.stack.bucket("raw")

    @property
    def _processed(self) -> str:
        return self.running.stack.bucket("processed")


def quiet(case: Case) -> None:
    """Wait until the function asks nothing about a case any more: for longer than a settling takes."""
    seen = -1
    while seen != (seen := len(case.running.functions.calls(case.name))):
        time.sleep(3)


def _read(parquet: bytes) -> list[dict[str, Any]]:
    return list(pq.read_table(io.BytesIO(parquet)).to_pylist())
