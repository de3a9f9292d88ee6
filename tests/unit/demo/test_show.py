"""What the demo says of a file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest

from demo.outcomes import Outcome
from demo.show import result_of
from ops.stack import Stack

STACK = Stack(
    "estancia-test", "000000000000", "eu-west-1", boto3.Session(region_name="eu-west-1"), "http://127.0.0.1:9"
)
KEY = "data/sales/main/schema=1/ingest_date=2026-01-01/w.parquet"


@pytest.mark.parametrize(
    ("item", "outputs", "said"),
    [
        ({"status": "PROCESSED", "rows_in": Decimal(1)}, (KEY,), KEY),
        ({"status": "PROCESSED", "content_type": "image/png"}, (), "stored, no table (image/png)"),
        ({"status": "REJECTED", "error": {"code": "EMPTY_FILE", "message": "No bytes."}}, (), "EMPTY_FILE: No bytes."),
    ],
)
def test_result_names_the_output_or_the_reason(item: dict[str, Any], outputs: tuple[str, ...], said: str) -> None:
    assert result_of(STACK, Outcome("sales/x.csv", "v1", item, outputs, 1.0)) == said
