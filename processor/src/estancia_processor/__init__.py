"""The processor: converts object versions on scratch and writes outputs and ledger as docs/protocol.md says."""

from typing import Final

VERSION: Final = "0.1.0"
"""Equals pyproject.toml's; sent in the header of every answer and written to ledger and report."""
