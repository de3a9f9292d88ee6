"""Set-up does again only what its locks ask for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.setup import SetupError, ensure_venv_module, fingerprint, run, up_to_date

PACKAGE = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
INSTALL = ["apt-get update -qq", f"apt-get install -y -qq --no-install-recommends {PACKAGE}"]


@dataclass(frozen=True)
class Machine:
    """A machine whose only commands are those of one folder; the interpreter has no venv module."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def has(self, name: str, then: str = "") -> Path:
        command = self.folder / name
        command.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.folder}/calls"\n{then}\n')
        command.chmod(0o755)
        return command

    def user(self, number: int) -> None:
        self.monkeypatch.setattr("scripts.setup.os.geteuid", lambda: number)

    def python(self, status: int) -> None:
        python = str(self.has("python3", f"exit {status}"))
        self.monkeypatch.setattr("scripts.setup.base_interpreter", lambda: python)

    @property
    def calls(self) -> list[str]:
        """What was called, the interpreter's own probe left out."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line for line in lines if not line.startswith("python3 ")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = Machine(tmp_path, monkeypatch)
    made.python(1)
    return made


def test_a_changed_lock_is_seen(tmp_path: Path) -> None:
    lock, stamp = tmp_path / "group.txt", tmp_path / ".locked"
    lock.write_text("one==1\n")
    stamp.write_text(fingerprint(lock))
    assert up_to_date(stamp, fingerprint(lock))
    lock.write_text("one==2\n")
    assert not up_to_date(stamp, fingerprint(lock))


def test_a_failed_command_is_named_with_its_last_lines() -> None:
    with pytest.raises(SetupError, match=r"`sh -c echo no room; exit 3` failed with status 3:\nno room"):
        run("sh", "-c", "echo no room; exit 3")


def test_nothing_is_installed_when_the_venv_module_is_there(machine: Machine) -> None:
    machine.python(0)
    machine.has("apt-get")
    machine.has("sudo")
    ensure_venv_module()
    assert machine.calls == []


def test_root_installs_the_package(machine: Machine) -> None:
    machine.user(0)
    machine.has("apt-get")
    machine.has("sudo", "exit 1")
    ensure_venv_module()
    assert machine.calls == INSTALL


def test_sudo_without_a_password_installs_the_package(machine: Machine) -> None:
    machine.user(1000)
    machine.has("apt-get")
    machine.has("true")
    machine.has("sudo", 'shift; exec "$@"')
    ensure_venv_module()
    assert [call for call in machine.calls if call.startswith("apt-get")] == INSTALL
    assert [call for call in machine.calls if call.startswith("sudo")] == [
        f"sudo -n {command}" for command in ["true", *INSTALL]
    ]


@pytest.mark.parametrize("sudo", ["refuses", "missing"])
def test_without_root_the_package_and_the_command_are_named(machine: Machine, sudo: str) -> None:
    machine.user(1000)
    machine.has("apt-get")
    if sudo == "refuses":
        machine.has("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(SetupError, match=f"no venv module.*run `sudo apt-get install {PACKAGE}`, then repeat"):
        ensure_venv_module()
    assert machine.calls == (["sudo -n true"] if sudo == "refuses" else [])


def test_without_apt_get_the_package_is_named(machine: Machine) -> None:
    machine.user(0)
    with pytest.raises(SetupError, match=f"no venv module; install the package .*{PACKAGE}"):
        ensure_venv_module()


def test_a_failed_installation_is_told_in_apt_gets_words(machine: Machine) -> None:
    machine.user(0)
    machine.has("apt-get", "echo 'E: Unable to locate package' >&2; exit 100")
    with pytest.raises(SetupError, match=r"`apt-get update -qq` failed with status 100:\nE: Unable to locate package"):
        ensure_venv_module()
