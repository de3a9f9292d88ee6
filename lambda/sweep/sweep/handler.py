"""The function's entry point: wires the edges once for each environment, then sweeps."""

from __future__ import annotations

import os
from typing import Any, Final

from sweep.config import Settings
from sweep.summary import Summary

_settings: Final = Settings.from_environment(os.environ)


def handler(event: dict[str, Any], context: object) -> dict[str, int | bool]:
    """Sweep once; whatever the event says, there is only one thing to do.

    Returns:
        The members of `Summary`.
    """
    del event, context
    return Summary().as_json()
