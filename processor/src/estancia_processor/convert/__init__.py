"""Conversion: bytes on scratch in, tables with counts out. Knows nothing of AWS, keys or the ledger."""
