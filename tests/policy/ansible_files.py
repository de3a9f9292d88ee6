"""Reads roles and playbooks as data, for the policy tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible.playbook.block import Block
from ansible.playbook.task import Task

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
WRAPPERS = [ROOT / playbook.name for playbook in PLAYBOOKS]
INCLUDED = sorted((ROOT / "playbooks/tasks").rglob("*.yml"))
TASK_FILES = sorted(path for role in ROLES for part in ("tasks", "handlers") for path in (role / part).rglob("*.yml"))
SECTIONS = ("pre_tasks", "tasks", "post_tasks", "handlers")
BLOCKS = ("block", "rescue", "always")
# `action` and `local_action` would hide the module's name in a value.
KEYWORDS = (set(Task.fattributes) | set(Block.fattributes) | {"listen"}) - {"action"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def flat(tasks: list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """Yield every task and every block, the tasks in blocks too."""
    for task in tasks or []:
        yield task
        for part in BLOCKS:
            yield from flat(task.get(part))


def tasks_of(path: Path) -> list[dict[str, Any]]:
    """Return all tasks of a task file or of a playbook's plays."""
    content = read(path) or []
    if path in PLAYBOOKS:
        return [task for play in content for part in SECTIONS for task in flat(play.get(part))]
    return list(flat(content))


def modules_of(task: dict[str, Any]) -> list[str]:
    return [key for key in task if key not in KEYWORDS]


def set_facts(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(task["ansible.builtin.set_fact"]) for task in tasks if "ansible.builtin.set_fact" in task]


def result_keys(role: Path) -> list[str]:
    """Return the keys of the fact that `tasks/result.yml` publishes last."""
    return list(set_facts(tasks_of(role / "tasks/result.yml"))[-1].get(f"{role.name}_result", {}))


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping at any depth."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from mappings(child)
