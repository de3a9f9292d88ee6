"""What Prometheus reads at /metrics."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from estancia_protocol.job import Line, Outcome, Retry

SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900)


class Metrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self, slots: int) -> None:
        self.registry = CollectorRegistry()
        self._jobs = Counter(
            "estancia_jobs", "Jobs that ended, by status or retry code.", ["outcome"], registry=self.registry
        )
        self._seconds = Histogram("estancia_job_seconds", "Length of jobs.", buckets=SECONDS, registry=self.registry)
        self._rows = Counter("estancia_rows", "Records read, by what became of them.", ["kind"], registry=self.registry)
        self._refused = Counter("estancia_refused", "Jobs not started, by reason.", ["reason"], registry=self.registry)
        self.busy = Gauge("estancia_slots_busy", "Slots with a job.", registry=self.registry)
        Gauge("estancia_slots", "All slots.", registry=self.registry).set(slots)
        self.clock_error = Gauge("estancia_clock_error_seconds", "The clock's error.", registry=self.registry)

    def ended(self, line: Line, seconds: float) -> None:
        """Count a job that ended."""
        self._seconds.observe(seconds)
        match line:
            case Outcome(item):
                self._jobs.labels(str(item["status"])).inc()
                self._rows.labels("out").inc(item.get("rows_out", 0))
                self._rows.labels("rejected").inc(item.get("rows_rejected", 0))
            case Retry(code, _):
                self._jobs.labels(code.value).inc()
            case _:
                raise TypeError("a job does not end with progress")

    def refused(self, reason: str) -> None:
        """Count a job that was not started."""
        self._refused.labels(reason).inc()

    def text(self) -> bytes:
        """Return the text format."""
        return generate_latest(self.registry)
