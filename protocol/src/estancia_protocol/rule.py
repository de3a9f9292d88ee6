"""A rule said twice: to a reader as a predicate, to DynamoDB as a condition; a test holds the two to each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_NAME: Final = re.compile(r"#(\w+)")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """What an item must show before it is written.

    Attributes:
        allows: whether an item, as the rules read it, shows it.
        condition: the same in an expression; `#name` is the attribute of that name, `:name` the value in `values`.
        values: the expression's, by name without the colon.
    """

    allows: Callable[[T], bool]
    condition: str
    values: Mapping[str, str | int]

    @property
    def names(self) -> dict[str, str]:
        """The attributes' names as DynamoDB takes them, `{"#status": "status"}`."""
        return {f"#{name}": name for name in _NAME.findall(self.condition)}

    @property
    def placed(self) -> dict[str, str | int]:
        """The values under their placeholders, `{":attempt": 1}`."""
        return {f":{name}": value for name, value in self.values.items()}
