"""`make clean` leaves no process of any local platform behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import processes
from local.processes import ProcessRecord
from scripts.stop_platforms import ROOT, main


def started(root: Path, port: int, pid_file: str) -> ProcessRecord:
    folder = root / ".local" / str(port)
    return processes.start_detached(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        environment={"PATH": os.environ["PATH"]},
        folder=root,
        log=folder / "log",
        pid_file=folder / pid_file,
    )


def test_the_platforms_of_all_ports_are_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("ministack.pid", "fleet/processor-0.pid", "fleet/processor-1.pid", "fleet/metadata-0.pid")
    records = [started(tmp_path, 4566, file) for file in files] + [started(tmp_path, 4700, "ministack.pid")]
    assert main(tmp_path) == 0
    assert [record.pid for record in records if record.alive] == []
    assert list(tmp_path.rglob("*.pid")) == []
    assert capsys.readouterr().out.splitlines() == [
        "Stopped the local platform on port 4566: 4 processes.",
        "Stopped the local platform on port 4700: 1 process.",
    ]


def test_a_process_that_only_took_over_the_pid_is_left_alone(tmp_path: Path) -> None:
    record = started(tmp_path, 4566, "ministack.pid")
    other = ProcessRecord(record.pid, record.start_ticks - 1, record.started_at)
    processes.write_record(tmp_path / ".local/4566/ministack.pid", other)
    main(tmp_path)
    assert record.alive
    assert processes.stop(record, grace_seconds=5)


def test_no_platform_is_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_it_needs_no_environment() -> None:
    bare = "import sys; sys.path.insert(0, '.'); import scripts.stop_platforms"
    subprocess.run([sys.executable, "-I", "-S", "-c", bare], cwd=ROOT, check=True)
