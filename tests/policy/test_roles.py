"""Every role is held to the role skeleton of docs/architecture.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.role_docs import updated

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
SITE_ORDER = ["encryption", "network", "queue", "storage", "ledger", "identity", "fleet", "dispatcher"]
SKELETON = {
    "README.md",
    "defaults/main.yml",
    "meta/argument_specs.yml",
    "meta/main.yml",
    "tasks/main.yml",
    "tasks/preflight.yml",
    "tasks/result.yml",
    "tasks/destroy.yml",
}
ROUTES = {
    "ansible.builtin.include_tasks",
    "ansible.builtin.import_tasks",
}
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: Path) -> dict[str, Any]:
    return dict(read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"])


def test_roles_are_those_of_the_site() -> None:
    assert {role.name for role in ROLES} == set(SITE_ORDER)


def test_site_runs_the_roles_in_order() -> None:
    text = (ROOT / "playbooks/site.yml").read_text()
    found = re.findall(r"(?:role|name): (\w+)$", text, flags=re.MULTILINE)
    assert [name for name in found if name in SITE_ORDER] == SITE_ORDER


@each_role
def test_skeleton_is_whole(role: Path) -> None:
    there = {str(path.relative_to(role)) for path in role.rglob("*") if path.is_file()}
    assert SKELETON - there == set()


@each_role
def test_defaults_equal_argument_specs(role: Path) -> None:
    defaults = read(role / "defaults/main.yml") or {}
    public = {name: value for name, value in defaults.items() if not name.startswith("__")}
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert public == specified


@each_role
def test_options_carry_the_roles_name_and_a_meaning(role: Path) -> None:
    for name, option in options(role).items():
        assert name.startswith((f"{role.name}_", "estancia_")), name
        assert option["description"], name
        assert ("default" in option) != option.get("required", False), f"{name}: a default, or required"


@each_role
def test_main_only_routes(role: Path) -> None:
    tasks = read(role / "tasks/main.yml")
    for task in tasks:
        modules = {key for key in task if "." in key}
        assert modules <= ROUTES, f"{task['name']}: {modules}"


@each_role
def test_task_files_are_small_rooms(role: Path) -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in (role / "tasks").glob("*.yml")}
    assert {name: length for name, length in lengths.items() if length > 120} == {}


@each_role
def test_no_role_knows_where_it_runs(role: Path) -> None:
    text = "\n".join(path.read_text() for path in role.rglob("*") if path.suffix in {".yml", ".j2", ".json"})
    assert re.findall(r"endpoint_url|AWS_ENDPOINT_URL|127\.0\.0\.1:4566|ministack", text) == []


@each_role
def test_readme_table_is_current(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert updated(text, role) == text, "run `make docs`"


@each_role
def test_readme_documents_result_and_iam_actions(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert f"{role.name}_result" in text
    block = re.search(r"```iam\n(.*?)```", text, flags=re.DOTALL)
    assert block, "a fenced block ```iam with the actions the role needs"
    lines = block[1].split()
    assert lines == sorted(set(lines)), "sorted, each once"
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", line) for line in lines), lines
