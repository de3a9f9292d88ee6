"""The function's configuration: read once from the environment, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from estancia_functions.environment import text


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between deployments.

    Attributes:
        raw_bucket: whose versions are looked at.
        processed_bucket: whose outputs are looked at.
        ledger_table: the ledger's name.
        queue_url: the ingest queue, where is sent again.
        dead_letter_queue_url: the queue whose copies are judged.
    """

    raw_bucket: str
    processed_bucket: str
    ledger_table: str
    queue_url: str
    dead_letter_queue_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Args:
            environment: as `os.environ`.

        Raises:
            ConfigurationError: a variable is missing or empty.
        """
        return cls(
            raw_bucket=text(environment, "ESTANCIA_RAW_BUCKET"),
            processed_bucket=text(environment, "ESTANCIA_PROCESSED_BUCKET"),
            ledger_table=text(environment, "ESTANCIA_LEDGER_TABLE"),
            queue_url=text(environment, "ESTANCIA_QUEUE_URL"),
            dead_letter_queue_url=text(environment, "ESTANCIA_DEAD_LETTER_QUEUE_URL"),
        )
