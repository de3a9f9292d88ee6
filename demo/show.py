"""What the demo prints: the outcomes as a table, a query over the Parquet as a small chart."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import zstandard
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.outcomes import Outcome
from estancia_protocol import names
from ops.stack import Stack

DELAYS = """
    SELECT a.name AS airline, count(*) AS flights, round(avg(f.dep_delay), 1) AS minutes
    FROM read_parquet(?) AS f JOIN read_parquet(?) AS a USING (carrier)
    WHERE f.dep_delay IS NOT NULL GROUP BY airline ORDER BY minutes DESC, airline
"""
BAR_WIDTH = 30
SHOWN_REJECTS = 3
LOG_WIDTH = 190


def outcome_table(stack: Stack, outcomes: Sequence[Outcome]) -> Table:
    """Return the outcomes as a table: file, status, rows, seconds, output key or the reason."""
    table = Table(title="What became of each file", title_justify="left", box=SIMPLE_HEAD)
    for name in ("file", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("rows in", "out", "rejected", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("output key, or the reason", overflow="fold")
    for outcome in outcomes:
        item = outcome.item
        counts = [f"{int(item[name]):,}" if name in item else "" for name in ("rows_in", "rows_out", "rows_rejected")]
        table.add_row(outcome.key, outcome.status, *counts, f"{outcome.seconds:.1f}", result_of(stack, outcome))
    return table


def result_of(stack: Stack, outcome: Outcome) -> str:
    """Return where a file's tables are and why rows are missing, or why there are none."""
    if error := outcome.item.get("error"):
        return f"{error['code']}: {error['message']}"
    stored = f"stored, no table ({outcome.item.get('content_type', 'type unknown')})"
    return "\n".join([*(outcome.outputs or [stored]), *reject_reasons(stack, outcome)])


def reading_of(stack: Stack, outcome: Outcome) -> str:
    """Return what the report says of a file's format, encoding and dialect, and its notes."""
    key = names.report_key(names.dataset_of(outcome.key), names.work_id(outcome.key, outcome.version_id))
    report = json.loads(stack.s3.get_object(Bucket=stack.bucket("processed"), Key=key)["Body"].read())
    dialect = [f"{name} {value!r}" for name, value in (report["dialect"] or {}).items()]
    facts = [report["format"], report["encoding"] or "", *dialect]
    return "; ".join([", ".join(fact for fact in facts if fact), *report["notes"]])


def reject_reasons(stack: Stack, outcome: Outcome) -> list[str]:
    """Return line and reason of a file's first rejected rows."""
    if not outcome.item.get("rows_rejected"):
        return []
    key = names.rejects_key(names.dataset_of(outcome.key), names.work_id(outcome.key, outcome.version_id))
    body = stack.s3.get_object(Bucket=stack.bucket("processed"), Key=key)["Body"].read()
    text = zstandard.ZstdDecompressor().stream_reader(body).read()
    rows = [json.loads(line) for line in text.splitlines()]
    shown = [f"line {row['line']}: {row['reason']}" for row in rows[:SHOWN_REJECTS]]
    return shown if len(rows) <= SHOWN_REJECTS else [*shown, f"and {len(rows) - SHOWN_REJECTS} more in {key}"]


def delays_chart(stack: Stack, flights: Outcome, airlines: Outcome) -> Table:
    """Query the Parquet of two files with DuckDB.

    Args:
        stack: where the Parquet is.
        flights: the outcome of the flights.
        airlines: the outcome of the airlines.

    Returns:
        The mean departure delay of each airline, with bars.
    """
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        paths = [str(fetched(stack, outcome, Path(folder))) for outcome in (flights, airlines)]
        rows = connection.execute(DELAYS, paths).fetchall()
    title = "Mean departure delay from New York, 2013 (DuckDB over the Parquet)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("airline")
    table.add_column("flights", justify="right")
    table.add_column("minutes", justify="right")
    table.add_column("")
    longest = max(minutes for _, _, minutes in rows)
    for airline, count, minutes in rows:
        table.add_row(airline, f"{count:,}", f"{minutes}", "█" * max(0, round(minutes / longest * BAR_WIDTH)))
    return table


def fetched(stack: Stack, outcome: Outcome, folder: Path) -> Path:
    """Download a file's only table and return its path."""
    (key,) = outcome.outputs
    path = folder / key.replace("/", "_")
    stack.s3.download_file(stack.bucket("processed"), key, str(path))
    return path


def time_table(phases: Sequence[tuple[str, float]]) -> Table:
    """Return where the time went, in seconds."""
    table = Table(title="Where the time went", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("phase")
    table.add_column("seconds", justify="right")
    for name, seconds in phases:
        table.add_row(name, f"{seconds:.1f}")
    table.add_section()
    table.add_row("in all", f"{sum(seconds for _, seconds in phases):.1f}")
    return table


def console() -> Console:
    """Return a console that keeps its tables readable in a log."""
    found = Console()
    return found if found.is_terminal else Console(width=LOG_WIDTH)
