"""Stacks for the tests with faults: each provisioned once, on a port of its own, when the first test wants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.faults import stacks
from tests.faults.concurrency import ConcurrentTests
from tests.faults.stacks import Running

# Name, then port, processors and variables of site.yml.
STACKS: dict[str, tuple[int, int, dict[str, Any]]] = {
    "production": (4620, 14, {}),
    # A killed function's message comes back after the queue's visibility time-out: the function's limit and 60 s.
    # The largest file has to be done within that limit.
    "short": (4621, 10, {"queue_function_timeout": 60, "fleet_max_size": 8, "processor_max_bytes": 1_000_000_000}),
    "whole": (4622, 2, {}),
}


# Which stack a file's tests want, if not "production": a stack's tests have to run in one process.
STACK_OF_FILE = {
    "test_crash_dispatcher": "short",
    "test_function": "short",
    "test_fleet": "whole",
    "test_key": "whole",
    "test_proxy": "whole",
}


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker process of pytest-xdist a stack's tests; its types are not published."""
    scheduler: Any = import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduler._split_scope = stack_of
    return scheduler


def stack_of(nodeid: str) -> str:
    """Return the stack that a test wants, by its file."""
    return STACK_OF_FILE.get(Path(nodeid.partition("::")[0]).stem, "production")


# The first test of a stack waits for its provisioning and for all others: as long as the suite's budget.
TIMEOUT = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test of this folder time for its whole stack."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


class Stacks:
    """Makes stacks by name, each once."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}

    def of(self, name: str) -> Running:
        """Return a running stack."""
        if name not in self._running:
            port, count, variables = STACKS[name]
            self._running[name] = stacks.start(port, count, **variables)
        return self._running[name]

    def stop(self) -> None:
        """Stop all of them."""
        for running in self._running.values():
            running.stop()


class AllConcurrentTests:
    """Starts the concurrent tests of each stack, once."""

    def __init__(self, made: Stacks) -> None:
        self._stacks = made
        self._found: dict[str, ConcurrentTests] = {}

    def of(self, name: str, items: Sequence[Any]) -> ConcurrentTests:
        """Return the concurrent tests of a stack.

        Args:
            name: the stack's.
            items: all of the session's; those of other stacks are left out.
        """
        if name not in self._found:
            own = [item for item in items if getattr(item.function, "stack", None) == name]
            self._found[name] = ConcurrentTests(self._stacks.of(name), own)
        return self._found[name]


@pytest.fixture(scope="session")
def made() -> Iterator[Stacks]:
    """The stacks, stopped at the end."""
    found = Stacks()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def concurrent_tests(made: Stacks) -> AllConcurrentTests:
    """The concurrent tests."""
    return AllConcurrentTests(made)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how long each concurrent test took by itself: pytest's own durations count the waiting for the others."""
    passed = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    took = [(dict(report.user_properties), report.nodeid) for report in passed]
    lines = sorted(((found["seconds"], node) for found, node in took if "seconds" in found), reverse=True)
    terminalreporter.section("seconds of each concurrent test")
    for seconds, node in lines:
        terminalreporter.write_line(f"{seconds:7.1f}  {node.rpartition('/')[2]}")
