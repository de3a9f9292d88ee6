"""Every correction says what AWS does and where AWS says so, and a test holds bare ministack against it."""

import importlib
import inspect
from collections.abc import Callable

import pytest

from local.corrections import SERVICES
from local.layout import PROJECT_ROOT

TESTS = "\n".join(path.read_text() for path in (PROJECT_ROOT / "tests/integration/local").glob("test_*.py"))


def corrections() -> list[Callable[[], None]]:
    modules = [importlib.import_module(f"local.corrections.{service}") for service in SERVICES]
    functions = [item for found in modules for _, item in inspect.getmembers(found, inspect.isfunction)]
    names = {found.__name__ for found in modules}
    return [
        item
        for item in functions
        if item.__module__ in names and item.__name__ != "apply" and not item.__name__.startswith("_")
    ]


@pytest.mark.parametrize("correction", corrections(), ids=lambda correction: correction.__name__)
def test_a_correction_cites_aws_and_is_tested_against_bare_ministack(correction: Callable[[], None]) -> None:
    documentation = inspect.getdoc(correction) or ""
    assert "AWS: " in documentation
    assert "https://" in documentation
    assert f"remove {correction.__name__}" in TESTS, "no test says when this correction can go"
