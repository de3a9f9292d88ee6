"""Starting and stopping the embedded AWS, and what is said when that cannot be done."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import processes
from local.emulator import Emulator
from local.errors import LocalPlatformError
from local.layout import PROJECT_ROOT
from local.platform import LocalPlatform
from local.processes import ProcessRecord
from local.sockets import listeners_of
from tests.integration.local.support import project_folder

PORT = 4706
EVERYWHERE = str(ipaddress.IPv4Address(0))


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    found = LocalPlatform(port=PORT, root=project_folder(tmp_path))
    yield found
    found.down()


def command(platform: LocalPlatform, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m local` for the platform under test."""
    environment = {**os.environ, "ESTANCIA_LOCAL_PORT": str(platform.port), "PYTHONPATH": str(platform.root)}
    return subprocess.run(
        [sys.executable, "-m", "local", *words],
        check=False,
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )


def test_up_listens_on_loopback_only_and_a_second_up_changes_nothing(platform: LocalPlatform) -> None:
    assert platform.up()
    pid = platform.status().pid
    assert pid is not None
    assert [(item.address, item.port) for item in listeners_of({pid})] == [("127.0.0.1", PORT)]
    assert not platform.up()
    assert platform.status().pid == pid


def test_an_address_that_others_can_reach_is_refused(platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    inherited = Emulator._environment
    monkeypatch.setattr(Emulator, "_environment", lambda self: inherited(self) | {"BIND_HOST": EVERYWHERE})
    with pytest.raises(LocalPlatformError, match=r"listened on 0\.0\.0\.0:4706"):
        platform.up()
    assert platform.status().pid is None


def test_a_port_in_use_names_its_owner(platform: LocalPlatform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        with pytest.raises(LocalPlatformError, match=rf"in use by pid {os.getpid()} .*ESTANCIA_LOCAL_PORT=4707"):
            platform.up()


def test_a_stale_pid_file_does_no_harm(platform: LocalPlatform) -> None:
    recycled = ProcessRecord(os.getpid(), start_ticks=1, started_at=0.0)
    pid_file = Emulator(platform.layout).pid_file
    pid_file.parent.mkdir(parents=True)
    processes.write_record(pid_file, recycled)
    assert "was killed or crashed" in platform.status().problem
    assert platform.up()
    assert platform.status().running


def test_a_missing_environment_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(LocalPlatformError, match="make setup"):
        LocalPlatform(port=PORT, root=tmp_path).up()


def test_the_log_explains_a_start_that_fails(platform: LocalPlatform) -> None:
    (platform.root / "local").unlink()
    with pytest.raises(LocalPlatformError, match=r"(?s)did not come up.*No module named"):
        platform.up()


def test_status_tells_a_killed_process_and_its_log(platform: LocalPlatform) -> None:
    platform.up()
    pid = platform.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    processes.wait_until(lambda: platform.status().pid is None, 5)
    status = platform.status()
    assert not status.running
    assert f"pid {pid}" in status.problem
    assert str(platform.layout.log) in status.problem


def test_the_commands_say_what_is_and_how_to_go_on() -> None:
    """Runs in the project's own folder: the commands know no other."""
    platform = LocalPlatform(port=4707)
    try:
        up = command(platform, "up")
        assert up.returncode == 0, up.stderr
        assert "http://127.0.0.1:4707" in up.stdout
        assert "make local-down" in up.stdout
        assert "runs already" in command(platform, "up").stdout
        status = command(platform, "status")
        assert status.returncode == 0
        assert f"pid {platform.status().pid}" in status.stdout
        fleet = command(platform, "fleet", "up", "--processors", "1")
        assert fleet.returncode == 1
        assert "deploy the platform first" in fleet.stderr
        assert "state is kept" in command(platform, "down").stdout
        assert command(platform, "status").returncode == 3
    finally:
        platform.down()
