"""The steps of an attempt: fetch, convert and count on scratch; only then record, put, complete and finish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from estancia_processor import report, schemas
from estancia_processor.clock import Clock
from estancia_processor.convert import detect
from estancia_processor.convert.model import Source, Table
from estancia_processor.convert.rejects import Rejects
from estancia_processor.errors import RetryError
from estancia_processor.guard import Guard
from estancia_processor.records import CompletedOutput, Hold, Ledger
from estancia_processor.report import Totals, Written
from estancia_processor.storage import Fetched, Storage
from estancia_processor.writing import write_parquet
from estancia_protocol import names
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Job
from estancia_protocol.status import Status

PARQUET: Final = "application/vnd.apache.parquet"
ZSTD: Final = "application/zstd"
JSON: Final = "application/json"


class Attempt:
    """One attempt's state.

    Attributes:
        facts: what is known of the file so far, written to the item whatever its end.
    """

    def __init__(self, hold: Hold, job: Job, guard: Guard, folder: Path) -> None:
        self._hold = hold
        self._dataset = names.parse_raw_key(job.key).dataset
        self._guard = guard
        self._folder = folder
        self.facts: dict[str, Any] = {}

    def run(self, ledger: Ledger, storage: Storage, clock: Clock) -> Mapping[str, Any]:
        """Do all steps.

        Returns:
            The item's final fields as written.

        Raises:
            FileFaultError: the file is to be rejected.
            Exception: anything else is to be tried again.
        """
        with self._guard.phase("fetch"):
            source = self._folder / "source"
            fetched = storage.fetch(self._hold.key, self._hold.version_id, source, self._guard.check)
            self.facts = {"sha256": fetched.sha256, "size": fetched.size}
        with self._guard.phase("convert"), Rejects(self._folder / "rejects.ndjson.zst") as rejects:
            conversion = detect.convert(Source(source, self._folder, rejects, self._guard.beat))
            self.facts |= {"format": conversion.format, "content_type": conversion.content_type}
        _check_counts(conversion.tables, rejects)
        written = self._write(conversion.tables, fetched, ledger, clock)
        totals = _totals(written)
        outputs = self._outputs(written, rejects)
        with self._guard.phase("record"):
            ledger.record(self._hold, [key for key, _, _, _ in outputs])
        with self._guard.phase("put"):
            done = self._put(outputs[:-1], storage)
            told = report.build(
                self._hold, fetched, conversion, written=written, totals=totals, timings=self._guard.timings
            )
            outputs[-1][1].write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
            done += self._put(outputs[-1:], storage)
        with self._guard.phase("finish"):
            changes = {
                "status": Status.PROCESSED.value,
                **self.facts,
                **asdict(totals),
                "outputs_count": len(done),
            }
            return ledger.finish(self._hold, done, changes, clock.now())

    def _write(self, tables: Sequence[Table], fetched: Fetched, ledger: Ledger, clock: Clock) -> list[Written]:
        """Choose each table's schema version and write its Parquet file on scratch."""
        date = fetched.last_modified.astimezone(dt.UTC).date()
        named = ["main"] if len(tables) == 1 else names.table_names([table.name for table in tables])
        recorded = self._recorded(ledger) if tables else {}
        written = []
        for number, (name, table) in enumerate(zip(named, tables, strict=True)):
            with self._guard.phase("schema"):
                chosen = schemas.choose(
                    ledger,
                    self._dataset,
                    name,
                    table.columns,
                    work=self._hold.work,
                    now=clock.now(),
                    recorded=recorded.get(name),
                )
            with self._guard.phase("write"):
                path = self._folder / f"table-{number}.parquet"
                rows = write_parquet(table, chosen.schema, path, self._guard.beat)
            _expect(rows == table.rows, f"table {name}: {table.rows} rows read, {rows} written")
            key = names.data_key(self._dataset, name, chosen.number, date, self._hold.work)
            written.append(Written(name, key, path, rows, table, chosen))
        return written

    def _recorded(self, ledger: Ledger) -> dict[str, int]:
        """Return the schema numbers that earlier attempts recorded, by table."""
        if self._hold.attempt == 1:
            return {}
        keys = [output.key.split("/") for output in sorted(ledger.outputs(self._hold.work), key=lambda o: o.attempt)]
        return {parts[2]: int(parts[3].removeprefix("schema=")) for parts in keys if parts[0] == "data"}

    def _outputs(self, written: Sequence[Written], rejects: Rejects) -> list[tuple[str, Path, str, int]]:
        """Return key, file, media type and rows of all that will be put, the report last."""
        outputs = [(w.key, w.path, PARQUET, w.rows) for w in written]
        if rejects.count:
            outputs.append((names.rejects_key(self._dataset, self._hold.work), rejects.path, ZSTD, rejects.count))
        outputs.append((names.report_key(self._dataset, self._hold.work), self._folder / "report.json", JSON, 0))
        return outputs

    def _put(self, outputs: Sequence[tuple[str, Path, str, int]], storage: Storage) -> list[CompletedOutput]:
        done = []
        for key, path, media_type, rows in outputs:
            self._guard.check()
            stored = storage.put(key, path, media_type, self._guard.lease)
            done.append(CompletedOutput(key, stored.version_id, stored.sha256, rows))
        return done


def _check_counts(tables: Sequence[Table], rejects: Rejects) -> None:
    for table in tables:
        counts = table.counts
        message = f"table {table.name}: {counts.rows_in} records, {table.rows} read, {counts.rejected} rejected"
        _expect(counts.rows_in == table.rows + counts.rejected, message)
    rejected = sum(table.counts.rejected for table in tables)
    _expect(rejected == rejects.count, f"{rejected} records rejected, {rejects.count} in the rejects")


def _totals(written: Sequence[Written]) -> Totals:
    return Totals(
        rows_in=sum(w.table.counts.rows_in for w in written),
        rows_out=sum(w.rows for w in written),
        rows_rejected=sum(w.table.counts.rejected for w in written),
    )


def _expect(true: bool, message: str) -> None:
    if not true:
        raise RetryError(ErrorCode.COUNT_MISMATCH, f"{message}; it has five tries")
