"""An inventory that cannot be used is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.stack import ROOT, Stack, StackError


def test_missing_inventory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"lacks .*all.yml; name inventory/local"):
        Stack.from_inventory(tmp_path / "nope")


def test_inventory_that_is_not_filled_in_is_named() -> None:
    with pytest.raises(StackError, match=r"estancia_account_id in .*dev.* is not twelve digits"):
        Stack.from_inventory(ROOT / "inventory" / "dev")


def test_names_are_those_of_the_inventory() -> None:
    stack = Stack.from_inventory(ROOT / "inventory" / "local")
    assert stack.bucket("raw") == "estancia-local-000000000000-eu-west-1-raw"
    assert stack.ledger.name == "estancia-local-ledger"
