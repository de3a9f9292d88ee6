"""House rules on the repository itself."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from estancia_protocol.errors import ErrorCode

ROOT = Path(__file__).resolve().parents[2]
LISTED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
TRACKED = [ROOT / name for name in LISTED.splitlines()]
PYTHON = [path for path in TRACKED if path.suffix == ".py" and path.is_file()]
MARKDOWN = [path for path in TRACKED if path.suffix == ".md" and path.is_file()]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_modules_are_small_rooms() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in PYTHON}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_functions_are_small() -> None:
    long = {
        f"{relative(path)}:{node.name}": length
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > 40
    }
    assert long == {}


@pytest.mark.parametrize("path", MARKDOWN, ids=relative)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    broken = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("path", MARKDOWN, ids=relative)
def test_every_make_verb_in_a_document_exists(path: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    used = set(re.findall(r"`make ([a-z][a-z-]*)", path.read_text()))
    assert used - verbs == set()


def test_readme_is_a_front_door() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_documented_error_codes_are_the_enum() -> None:
    text = (ROOT / "docs/protocol.md").read_text().partition("## Error codes")[2]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|$", text, flags=re.MULTILINE))
    assert rows == {code.value: code.sentence for code in ErrorCode}


def test_no_secret_like_text_is_tracked() -> None:
    pattern = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN (?:RSA |EC )?PRIVATE KEY-----")
    found = [relative(path) for path in TRACKED if path.is_file() and pattern.search(path.read_text(errors="ignore"))]
    assert found == []
