"""The function's configuration: read once from the environment, frozen."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from estancia_functions.environment import ConfigurationError, text


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between deployments.

    Attributes:
        raw_bucket: whose events are accepted.
        processed_bucket: where outputs are hidden.
        ledger_table: the ledger's name.
        queue_url: the ingest queue, for handing back.
        dead_letter_queue_url: where given up and refused messages go.
        processor_url: the fleet's load balancer, without the job's path.
        certificate_parameter: the SSM parameter of the load balancer's certificate; None with plain HTTP.
        max_bytes: the largest object that is processed.
    """

    raw_bucket: str
    processed_bucket: str
    ledger_table: str
    queue_url: str
    dead_letter_queue_url: str
    processor_url: str
    certificate_parameter: str | None
    max_bytes: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Args:
            environment: as `os.environ`.

        Returns:
            The settings, checked.

        Raises:
            ConfigurationError: a variable is missing or wrong.
        """
        url = _url(environment, "ESTANCIA_PROCESSOR_URL")
        encrypted = url.startswith("https://")
        return cls(
            raw_bucket=text(environment, "ESTANCIA_RAW_BUCKET"),
            processed_bucket=text(environment, "ESTANCIA_PROCESSED_BUCKET"),
            ledger_table=text(environment, "ESTANCIA_LEDGER_TABLE"),
            queue_url=text(environment, "ESTANCIA_QUEUE_URL"),
            dead_letter_queue_url=text(environment, "ESTANCIA_DEAD_LETTER_QUEUE_URL"),
            processor_url=url,
            certificate_parameter=text(environment, "ESTANCIA_PROCESSOR_CERTIFICATE_PARAMETER") if encrypted else None,
            max_bytes=_positive(environment, "ESTANCIA_MAX_BYTES"),
        )


def _positive(environment: Mapping[str, str], name: str) -> int:
    found = text(environment, name)
    if not found.isdecimal() or int(found) == 0:
        raise ConfigurationError(f"environment variable {name} is {found!r}; it must be a whole number of bytes")
    return int(found)


def _url(environment: Mapping[str, str], name: str) -> str:
    found = text(environment, name).rstrip("/")
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            f"environment variable {name} is {found!r}; it must be https://<host>[:<port>][/<path>]"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            f"environment variable {name} is {found!r}; plain HTTP is for loopback only, use https"
        )
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
