"""Playbooks, and every task wherever it stands, are held to the house rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.policy.ansible_files import (
    BLOCKS,
    INCLUDED,
    PLAYBOOKS,
    ROLES,
    ROOT,
    TASK_FILES,
    WRAPPERS,
    mappings,
    modules_of,
    read,
    relative,
    result_keys,
    tasks_of,
)

OWN_MODULES = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
COMMANDS = {"shell", "command", "raw", "script", "expect"}
# Which task may run a command, and why.
COMMANDS_ALLOWED = {
    (
        f"roles/{function}/tasks/build.yml",
        "Build the zip",
    ): "the builder is a script of this repository, not an AWS call"
    for function in ("dispatcher", "sweep")
}
# Which task may say itself whether it changed something, and why.
CHANGES_DECIDED = {
    ("roles/dispatcher/tasks/build.yml", "Build the zip"): "the same sources give the same bytes; the upload reports",
    ("roles/sweep/tasks/build.yml", "Build the zip"): "the same sources give the same bytes; the upload reports",
    ("roles/ledger/tasks/destroy.yml", "Remove the table, or only see whether it is there"): (
        "without leave to destroy data it runs in check mode, whose change does not happen"
    ),
}
HIDES_FAILURE = {"ignore_errors", "ignore_unreachable", "failed_when", "max_fail_percentage"}
EVERYWHERE = [*TASK_FILES, *PLAYBOOKS, *INCLUDED]
each_file = pytest.mark.parametrize("path", EVERYWHERE, ids=relative)
each_playbook = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)


def named(thing: dict[str, Any]) -> bool:
    return bool(str(thing.get("name") or "").strip())


def commands() -> set[tuple[str, str]]:
    return {
        (relative(path), str(task.get("name")))
        for path in EVERYWHERE
        for task in tasks_of(path)
        if any(module.rpartition(".")[2] in COMMANDS for module in modules_of(task))
    }


def first_tasks(play: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks that run first, or none when roles do."""
    return play.get("pre_tasks") or ([] if play.get("roles") else play.get("tasks") or [])


def begins_with_preflight(path: Path, task: dict[str, Any], folder: str) -> bool:
    """Whether the task includes tasks/preflight.yml, itself or as the first task of what it includes."""
    file = task.get("ansible.builtin.import_tasks")
    if file == f"{folder}preflight.yml":
        return True
    if file != "tasks/site_preflight.yml":
        return False
    return begins_with_preflight(path, read(path.parent / file)[0], "")


def test_there_is_something_to_check() -> None:
    assert {"site.yml", "destroy.yml"} <= {path.name for path in PLAYBOOKS}
    assert [relative(path) for top in ("roles", "playbooks") for path in (ROOT / top).rglob("*.yaml")] == []
    assert len(TASK_FILES) >= 4 * len(ROLES)


@each_file
def test_every_task_has_a_name(path: Path) -> None:
    assert [task for task in tasks_of(path) if not named(task)] == []


@each_file
def test_every_task_calls_one_module_by_its_full_name_or_one_of_ours(path: Path) -> None:
    for task in tasks_of(path):
        modules = modules_of(task)
        assert len(modules) == (0 if set(task) & set(BLOCKS) else 1), f"{task.get('name')}: {modules}"
        for module in modules:
            full = re.fullmatch(r"[a-z]+\.[a-z]+\.[a-z_0-9]+", module) and not module.startswith("ansible.legacy.")
            assert full or module in OWN_MODULES, f"{task.get('name')}: {module}"


def test_commands_run_only_where_that_is_listed() -> None:
    assert commands() == set(COMMANDS_ALLOWED)


@pytest.mark.parametrize("path", [*EVERYWHERE, *WRAPPERS], ids=relative)
def test_nothing_hides_a_failure(path: Path) -> None:
    assert [node for node in mappings(read(path)) if HIDES_FAILURE & set(node)] == []


def test_tasks_decide_themselves_what_changed_only_where_that_is_listed() -> None:
    deciding = {
        (relative(path), str(node.get("name")))
        for path in EVERYWHERE
        for node in mappings(read(path))
        if "changed_when" in node
    }
    assert deciding == set(CHANGES_DECIDED)


@each_playbook
def test_every_playbook_runs_as_typed_from_the_root(playbook: Path) -> None:
    wrapper = read(ROOT / playbook.name)
    assert [set(play) for play in wrapper] == [{"name", "ansible.builtin.import_playbook"}]
    assert [play["ansible.builtin.import_playbook"] for play in wrapper] == [f"playbooks/{playbook.name}"]
    assert all(named(play) for play in wrapper)


@each_playbook
def test_every_play_takes_its_environment_and_variables_from_one_place(playbook: Path) -> None:
    for play in read(playbook):
        assert named(play)
        assert play.get("environment") == "{{ estancia_aws_environment }}"
        assert play.get("vars_files") == ["vars/estancia.yml"]


@each_playbook
def test_every_play_checks_account_and_names_before_any_role(playbook: Path) -> None:
    for play in read(playbook):
        first = next(iter(first_tasks(play)), {})
        assert begins_with_preflight(playbook, first, "tasks/"), first
        assert "when" not in first
        # A run of one role, by its tag, is checked like a whole one.
        assert not play.get("roles") or first.get("tags") == ["always"]


@each_playbook
def test_roles_of_a_play_carry_their_names_as_tags(playbook: Path) -> None:
    for play in read(playbook):
        for entry in play.get("roles", []):
            assert entry == {"role": entry["role"], "tags": [entry["role"]]}


@each_playbook
def test_every_playbook_sums_up(playbook: Path) -> None:
    last_play = read(playbook)[-1]
    last_task = (last_play.get("post_tasks") or last_play["tasks"])[-1]
    assert f"templates/{playbook.stem}-summary.txt.j2" in last_task["ansible.builtin.debug"]["msg"]
    assert (ROOT / f"playbooks/templates/{playbook.stem}-summary.txt.j2").is_file()


def test_playbooks_read_of_roles_only_what_they_publish() -> None:
    published = {f"{role.name}_result.{key}" for role in ROLES for key in result_keys(role)}
    names = "|".join(role.name for role in ROLES)
    files = [path for path in (ROOT / "playbooks").rglob("*") if path.is_file()]
    used = {name for path in files for name in re.findall(rf"\b(?:{names})_result\.\w+", path.read_text())}
    assert used - published == set()


def test_ansible_lint_skips_nothing() -> None:
    config = read(ROOT / ".ansible-lint")
    assert set(config) == {"profile", "offline", "exclude_paths"}
    assert config["profile"] == "production"
    assert set(config["exclude_paths"]) <= {".venvs/", ".local/", ".ansible/", "dist/"}
    assert not list(ROOT.glob(".config/ansible-lint*"))
    assert not list(ROOT.glob(".ansible-lint[-.]*"))
    assert [relative(path) for path in [*EVERYWHERE, *WRAPPERS] if re.search(r"#\s*noqa", path.read_text())] == []
