"""An AWS client that answers from a script: a value, an error, or a function of the arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


def refusal(code: str, message: str = "") -> ClientError:
    """A call's failure, as botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


class Scripted:
    """Answers what the script says, each list item once and the last one for ever; remembers every call."""

    def __init__(self, **script: Any) -> None:
        self.script = script
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.meta = type("Meta", (), {"region_name": "eu-west-1"})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            answer = self.script.get(name, {})
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, Exception):
                raise answer
            return answer(**arguments) if callable(answer) else answer

        return call

    def get_paginator(self, name: str) -> Any:
        """A paginator whose only page is the answer to the call."""
        return type("Pager", (), {"paginate": lambda _self, **arguments: iter([getattr(self, name)(**arguments)])})()

    def get_waiter(self, name: str) -> Any:
        """A waiter that only remembers that it was asked."""
        return type("Waiter", (), {"wait": lambda _self, **arguments: self.calls.append((name, arguments))})()

    def writes(self) -> list[str]:
        """The names of the calls that change something, in order."""
        reads = ("get_", "list_", "describe_", "head_", "function_")
        return [name for name, _ in self.calls if not name.startswith(reads)]

    def sent(self, name: str) -> dict[str, Any]:
        """The arguments of the only call of a name."""
        (found,) = [arguments for called, arguments in self.calls if called == name]
        return found
