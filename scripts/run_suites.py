"""Runs the named test suites one after another and prints each one's time against its budget."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venvs" / "main" / "bin"


@dataclass(frozen=True)
class Suite:
    """A suite: its commands, all run even when one fails, and its budget in seconds on 2 cores."""

    budget: int
    commands: tuple[tuple[str, ...], ...]


PYTHON_SOURCES = (
    "protocol/src",
    "processor/src",
    "lambda/common",
    "lambda/dispatcher",
    "lambda/sweep",
    "local",
    "demo",
    "ops",
)
PLAYBOOKS = "tests/integration/path/playbooks"
SUITES = {
    "lint": Suite(
        180,
        (
            ("ruff", "check", "."),
            ("ruff", "format", "--check", "."),
            ("mypy", *PYTHON_SOURCES, "lambda/build.py", "plugins", "scripts", "tests"),
            ("yamllint", "--strict", "."),
            ("ansible-lint", "--offline", "--profile", "production"),
        ),
    ),
    "unit": Suite(180, (("pytest", "-n", "2", "tests/unit"),)),
    "policy": Suite(60, (("pytest", "tests/policy"),)),
    "integration": Suite(480, (("pytest", "tests/integration", f"--ignore={PLAYBOOKS}"),)),
    "playbooks": Suite(420, (("pytest", PLAYBOOKS),)),
    "faults": Suite(900, (("pytest", "-n", "3", "tests/faults"),)),
}


def run(name: str, suite: Suite) -> tuple[bool, float]:
    """Run a suite.

    Returns:
        Whether it passed, and its seconds.
    """
    started = time.monotonic()
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    passed = True
    for command in suite.commands:
        print(f"\n== {name}: {' '.join(command)}", flush=True)
        passed &= subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    return passed, time.monotonic() - started


def main() -> int:
    """Run the suites named on the command line; all are run even when one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="+", choices=sorted(SUITES))
    names = parser.parse_args().suites
    results = {name: run(name, SUITES[name]) for name in names}
    print(f"\n{'suite':<14}{'result':<10}{'seconds':>8}{'budget':>8}")
    for name, (passed, seconds) in results.items():
        late = "  over budget" if seconds > SUITES[name].budget else ""
        print(f"{name:<14}{'passed' if passed else 'FAILED':<10}{seconds:>8.0f}{SUITES[name].budget:>8}{late}")
    failed = sum(not passed for passed, _ in results.values())
    print(f"suites: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
