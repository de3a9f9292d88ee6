"""The processor's settings, read once from the environment."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from estancia_processor.errors import ConfigError

ANY_ADDRESS: Final = str(ipaddress.IPv4Address(0))
"""Instances are reached by the load balancer only: the security group limits who may connect."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that differs between deployments and instances.

    Attributes:
        raw_bucket: where the originals are.
        processed_bucket: where outputs go.
        ledger_table: the ledger's table.
        slots: jobs that run at once, at least 1.
        scratch_dir: an existing folder on the scratch volume, for this process alone.
        listen_host: the address to listen on.
        listen_port: the port to listen on; 0 lets the system choose.
        region: the AWS region.
    """

    raw_bucket: str
    processed_bucket: str
    ledger_table: str
    slots: int
    scratch_dir: Path
    listen_host: str
    listen_port: int
    region: str


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args:
        environment: usually `os.environ`.

    Returns:
        The settings, each checked by itself.

    Raises:
        ConfigError: a variable is missing or breaks its rule; the message names it, the rule and the remedy.
    """
    scratch = Path(_text(environment, "ESTANCIA_SCRATCH_DIR"))
    if not scratch.is_dir():
        raise ConfigError(f"ESTANCIA_SCRATCH_DIR={scratch} is not a folder; mount the scratch volume there")
    return Settings(
        raw_bucket=_text(environment, "ESTANCIA_RAW_BUCKET"),
        processed_bucket=_text(environment, "ESTANCIA_PROCESSED_BUCKET"),
        ledger_table=_text(environment, "ESTANCIA_LEDGER_TABLE"),
        slots=_number(environment, "ESTANCIA_SLOTS", None, 1, 1024),
        scratch_dir=scratch,
        listen_host=environment.get("ESTANCIA_LISTEN_HOST") or ANY_ADDRESS,
        listen_port=_number(environment, "ESTANCIA_LISTEN_PORT", 8080, 0, 65535),
        region=_text(environment, "AWS_REGION"),
    )


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set; set it to the deployment's value (docs/architecture.md lists them)")
    return value


def _number(environment: Mapping[str, str], name: str, default: int | None, lowest: int, highest: int) -> int:
    text = environment.get(name, "").strip()
    if not text and default is not None:
        return default
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise ConfigError(f"{name}={text!r} is not a whole number from {lowest} to {highest}; set it to one")
    return int(text)
