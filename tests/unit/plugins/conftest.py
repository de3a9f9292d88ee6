"""What the tests of the Ansible plugins share: the project's module_utils, and an AWS client that only remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible.module_utils
import pytest

# Ansible itself does this from ansible.cfg; without it `ansible.module_utils.plan` is not found.
ansible.module_utils.__path__.append(str(Path(__file__).parents[3] / "plugins" / "module_utils"))


class NotFoundError(Exception):
    """Stands for every "there is no such thing" of a service."""


class Exceptions:
    """A client's `exceptions`: every name is the same class."""

    def __getattr__(self, _name: str) -> type[NotFoundError]:
        return NotFoundError


class Pager:
    """A paginator with one page."""

    def __init__(self, page: dict[str, Any]) -> None:
        self.page = page

    def paginate(self, **_arguments: Any) -> Pager:
        return self

    def build_full_result(self) -> dict[str, Any]:
        return self.page

    def __iter__(self) -> Any:
        return iter([self.page])


class Waiter:
    """A waiter that never waits."""

    def wait(self, **_arguments: Any) -> None:
        return


class FakeClient:
    """Answers what it was given, of a list each item once; an exception is raised. Remembers what was asked of it."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.exceptions = Exceptions()

    def get_paginator(self, name: str) -> Pager:
        return Pager(self.answers.get(name, {}))

    def get_waiter(self, _name: str) -> Waiter:
        return Waiter()

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            answer = self.answers.get(name, {})
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, type) and issubclass(answer, Exception):
                raise answer
            return answer

        call.__name__ = name
        return call

    def writes(self) -> list[str]:
        """The names of the calls that change something, in order."""
        reads = ("get_", "list_", "describe_")
        return [name for name, _arguments in self.calls if not name.startswith(reads)]

    def arguments(self, name: str) -> dict[str, Any]:
        """The arguments of the only call of a name."""
        (found,) = [arguments for called, arguments in self.calls if called == name]
        return found


@pytest.fixture
def client() -> type[FakeClient]:
    """The class of the clients, for tests to fill with answers."""
    return FakeClient


@pytest.fixture
def missing() -> type[NotFoundError]:
    """The answer of a service that does not have what was asked for."""
    return NotFoundError
