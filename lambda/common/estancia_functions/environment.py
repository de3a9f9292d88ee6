"""Reads a function's environment variables; an error names the variable and the remedy."""

from __future__ import annotations

from collections.abc import Mapping


class ConfigurationError(Exception):
    """An environment variable is missing or wrong; the message names it."""


def text(environment: Mapping[str, str], name: str) -> str:
    """Return a variable's text without space around it.

    Args:
        environment: as `os.environ`.
        name: the variable.

    Raises:
        ConfigurationError: it is missing or empty.
    """
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"environment variable {name} is not set; set it in the function's configuration")
    return value
