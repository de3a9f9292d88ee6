import os
import subprocess
import sys
import time
from pathlib import Path

from local import processes
from local.processes import ProcessRecord


def start(tmp_path: Path, code: str) -> ProcessRecord:
    return processes.start_detached(
        [sys.executable, "-c", code],
        environment={"PATH": os.environ["PATH"]},
        folder=tmp_path,
        log=tmp_path / "log",
        pid_file=tmp_path / "pid",
        details={"what": "test"},
    )


def test_a_process_is_remembered_and_stopped(tmp_path: Path) -> None:
    record = start(tmp_path, "import time; print('up', flush=True); time.sleep(60)")
    assert record.alive
    assert processes.read_record(tmp_path / "pid") == record
    assert processes.wait_until(lambda: "up" in (tmp_path / "log").read_text(), 5)
    assert processes.stop(record, grace_seconds=5)
    assert not record.alive


def test_what_does_not_end_is_killed(tmp_path: Path) -> None:
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    record = start(tmp_path, ignoring)
    assert processes.wait_until(lambda: "up" in (tmp_path / "log").read_text(), 5)
    assert not processes.stop(record, grace_seconds=0.3)
    assert not record.alive


def test_the_children_of_a_stopped_process_end_with_it(tmp_path: Path) -> None:
    parent = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    record = start(tmp_path, parent)
    assert processes.wait_until(lambda: (tmp_path / "log").read_text().strip().isdecimal(), 5)
    child = int((tmp_path / "log").read_text())
    processes.stop(record, grace_seconds=5)
    assert processes.wait_until(lambda: processes.start_ticks(child) is None, 5)


def test_a_recycled_pid_is_not_ours() -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        record = ProcessRecord(other.pid, start_ticks=1, started_at=time.time())
        assert not record.alive
        assert processes.stop(record, grace_seconds=0)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_pid_file_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("12")
    assert processes.read_record(tmp_path / "pid") is None
    assert processes.read_record(tmp_path / "none") is None


def test_the_tail_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join(str(number) for number in range(30)))
    text = processes.tail(tmp_path / "log", 2)
    assert str(tmp_path / "log") in text
    assert text.endswith("    28\n    29")
    assert "(empty)" in processes.tail(tmp_path / "none")
