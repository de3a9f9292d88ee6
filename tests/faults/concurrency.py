"""Tests wait for time-outs together: those of one stack run at once, each in a thread and a dataset of its own."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

import pytest

from tests.faults.case import Case
from tests.faults.final_checks import assert_final
from tests.faults.stacks import Running

Body = Callable[..., Iterator[None] | None]
THREADS = 100


def concurrent(stack: str) -> Callable[[Body], Any]:
    """Make a test of a function that takes a `Case` first, run at once with all others on the same stack.

    A generator runs to its first `yield` before the others start, while the raw bucket sends no events, so that it
    may send those of what it uploads itself: late, twice or in another order.

    Args:
        stack: the stack's name in conftest.STACKS.
    """

    def decorate(body: Body) -> Any:
        def test(request: pytest.FixtureRequest, concurrent_tests: Any, **_: Any) -> None:
            seconds = concurrent_tests.of(stack, request.session.items).result(request.node.nodeid)
            request.node.user_properties.append(("seconds", seconds))

        own = list(inspect.signature(body).parameters.values())[1:]
        fixtures = list(inspect.signature(test).parameters.values())[:2]
        keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        marked: Any = test
        marked.__signature__ = inspect.Signature([*fixtures, *keyword])
        marked.__name__, marked.__doc__, marked.__module__ = body.__name__, body.__doc__, body.__module__
        marked.body, marked.stack = body, stack
        return marked

    return decorate


class ConcurrentTests:
    """The concurrent tests of one stack.

    Args:
        running: the stack.
        items: pytest's items of these tests.
    """

    def __init__(self, running: Running, items: Sequence[Any]) -> None:
        self._running = running
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="case")
        begun: dict[str, Iterator[None]] = {}
        cases = {item.nodeid: Case(running, _dataset(item, number)) for number, item in enumerate(items)}
        with running.without_notifications():
            for item in items:
                if inspect.isgeneratorfunction(item.function.body):
                    begun[item.nodeid] = item.function.body(cases[item.nodeid], **_parameters(item))
                    next(begun[item.nodeid])
        self._results: dict[str, Future[float]] = {}
        for item in items:
            work: Callable[[], Any] = _rest(begun[item.nodeid]) if item.nodeid in begun else _whole(item, cases)
            self._results[item.nodeid] = self._pool.submit(_timed, work)

    def result(self, node: str) -> float:
        """Wait for a test's end, then for all others', and hold the stack to the invariants.

        Returns:
            How long the test took by itself, in seconds.

        Raises:
            Exception: whatever ended the test.
        """
        seconds = self._results[node].result()
        for other in self._results.values():
            other.exception()
        self._final_checks.result()
        return seconds

    @cached_property
    def _final_checks(self) -> Future[None]:
        return self._pool.submit(assert_final, self._running)


def _whole(item: Any, cases: dict[str, Case]) -> Callable[[], Any]:
    return lambda: item.function.body(cases[item.nodeid], **_parameters(item))


def _rest(begun: Iterator[None]) -> Callable[[], Any]:
    return lambda: list(begun)


def _parameters(item: Any) -> dict[str, Any]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _dataset(item: Any, number: int) -> str:
    words = re.sub(r"[^a-z0-9]", "", item.function.__name__.removeprefix("test_"))
    return f"case_{words[:40]}{number}"


def _timed(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
