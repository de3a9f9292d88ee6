"""Every test that lets the deployed stack process files ends with the protocol's invariants."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.policy.ansible_files import ROOT, relative

MODULES = sorted((ROOT / "tests/integration/path").glob("test_*.py"))
PROCESSES = {"put", "warm_function", "demo_outcomes"}
ENDS_WITH = {"invariants", "assert_invariants"}


def words(node: ast.AST) -> set[str]:
    """Return the names, attributes, arguments and texts of a piece of code."""
    found = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    found |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return found | {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def marks(module: ast.Module) -> set[str]:
    """Return the words of the module's `pytestmark`."""
    named = [n for n in module.body if isinstance(n, ast.Assign) and "pytestmark" in words(n)]
    return set().union(*(words(n) for n in named))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_test_that_processes_files_ends_with_the_invariants(path: Path) -> None:
    module = ast.parse(path.read_text())
    if marks(module) & ENDS_WITH:
        return
    tests = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    forgetful = {n.name for n in tests if words(n) & PROCESSES and not words(n) & ENDS_WITH}
    assert forgetful == set(), "use the fixture `invariants`, or call assert_invariants before the stack is taken away"
