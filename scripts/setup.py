"""Set-up: one virtual environment for each locked group. Standard library only; a second run does nothing."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venvs"
UV = VENVS / "uv" / "bin" / "uv"
GROUPS = ("main", "embedded-aws", "processor", "dispatcher", "sweep")
LOCAL_PACKAGES = {"main": ("protocol", "processor", "lambda/common"), "processor": ("protocol", "processor")}
OLDEST_PYTHON = (3, 11)


class SetupError(Exception):
    """Set-up cannot go on; the message names the cause and the remedy."""


def base_interpreter() -> str:
    """Return the interpreter that environments are made of: never one inside an environment that may be made anew."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def fingerprint(*files: Path) -> str:
    """Return a digest of the files' bytes and of the interpreter's version."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def run(*command: str | Path) -> None:
    """Run a command.

    Raises:
        SetupError: it failed; the message holds its last lines.
    """
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SetupError(f"`{' '.join(map(str, command))}` failed with status {done.returncode}:\n{tail}")


def has_venv_module() -> bool:
    """Whether `python3 -m venv` works: Debian and Ubuntu keep its parts in a package of their own."""
    probe = subprocess.run([base_interpreter(), "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return probe.returncode == 0


def root_prefix() -> list[str] | None:
    """Return the words that make root run a command, or None when only a person with a password could."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    probe = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if probe.returncode == 0 else None


def ensure_venv_module() -> None:
    """Make sure that `python3 -m venv` works.

    Raises:
        SetupError: the package is missing and cannot be installed from here.
    """
    if has_venv_module():
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    problem = f"this Python ({base_interpreter()}) has no venv module"
    if not shutil.which("apt-get"):
        raise SetupError(f"{problem}; install the package that holds it (Debian calls it {package}), then repeat")
    prefix = root_prefix()
    if prefix is None:
        raise SetupError(
            f"{problem}, and to install it takes root or sudo without a password; "
            f"run `sudo apt-get install {package}`, then repeat"
        )
    print(f"installing {package} with apt-get")
    run(*prefix, "apt-get", "update", "-qq")
    run(*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", package)


def up_to_date(stamp: Path, wanted: str) -> bool:
    """Whether the stamp says that the environment was made from the same lock."""
    return stamp.is_file() and stamp.read_text() == wanted


def install_uv() -> None:
    """Install uv, the installer of all other environments, from its own lock."""
    lock = ROOT / "requirements" / "uv.txt"
    stamp, wanted = VENVS / "uv" / ".locked", fingerprint(lock)
    if up_to_date(stamp, wanted):
        return
    ensure_venv_module()
    run(base_interpreter(), "-m", "venv", "--clear", VENVS / "uv")
    run(VENVS / "uv" / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r", lock)
    stamp.write_text(wanted)


def install_group(group: str) -> bool:
    """Bring one environment to its lock.

    Args:
        group: a name of `GROUPS`.

    Returns:
        Whether anything had to be done.
    """
    lock, venv = ROOT / "requirements" / f"{group}.txt", VENVS / group
    packages = [ROOT / name for name in LOCAL_PACKAGES.get(group, ())]
    stamp, wanted = venv / ".locked", fingerprint(lock, *(p / "pyproject.toml" for p in packages))
    if up_to_date(stamp, wanted):
        return False
    started = time.monotonic()
    print(f"installing {group} ...", end=" ", flush=True)
    run(UV, "venv", "-q", "--clear", "--python", base_interpreter(), venv)
    run(UV, "pip", "sync", "-q", "--require-hashes", "--python", venv, lock)
    for package in packages:
        run(UV, "pip", "install", "-q", "--no-deps", "--python", venv, "--editable", package)
    stamp.write_text(wanted)
    print(f"{time.monotonic() - started:.0f} s")
    return True


def main() -> int:
    """Install the groups named on the command line, by default all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; by default all")
    wanted = parser.parse_args().groups or list(GROUPS)
    try:
        if sys.version_info < OLDEST_PYTHON:
            raise SetupError(
                f"Python {sys.version.split()[0]} is too old; use 3.11 or newer: make PYTHON=python3.11 ..."
            )
        if unknown := set(wanted) - set(GROUPS):
            raise SetupError(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
        install_uv()
        done = [group for group in wanted if install_group(group)]
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run it again to go on", file=sys.stderr)
        return 130
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    print(f"set-up: {'made ' + ', '.join(done) if done else 'nothing to do'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
