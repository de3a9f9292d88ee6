"""Every role is held to the role skeleton of docs/architecture.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ansible.release
import pytest

from scripts.role_docs import updated
from tests.policy.ansible_files import ROLES, ROOT, flat, read, result_keys, set_facts, tasks_of

SITE_ORDER = ["encryption", "network", "queue", "storage", "ledger", "identity", "fleet", "dispatcher", "sweep"]
SKELETON = {
    "README.md",
    "defaults/main.yml",
    "meta/argument_specs.yml",
    "meta/main.yml",
    "tasks/main.yml",
    "tasks/preflight.yml",
    "tasks/variables.yml",
    "tasks/result.yml",
    "tasks/destroy.yml",
}
ROUTES = {
    "ansible.builtin.include_tasks",
    "ansible.builtin.import_tasks",
}
INCLUDES = ("ansible.builtin.include_role", "ansible.builtin.import_role")
# Which role may run another's tasks beside result.yml and destroy.yml, and why.
SHARED_TASKS = {
    ("network", "identity", "flow_logs"): "the flow log needs its role before the other principals can be made",
    ("identity", "network", "await_functions"): "Lambda removes its network interfaces with a role that goes next",
}
# Which role may read another's option, and why.
SHARED_OPTIONS = {
    ("dispatcher", "queue_function_timeout"): "visibility and function time-outs follow from one number",
    ("fleet", "queue_function_timeout"): "the longest job follows from the same number",
}
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def options(role: Path) -> dict[str, Any]:
    return dict(read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"])


def sources(role: Path) -> str:
    """Return all text of the role in which a variable may be read."""
    folders = ("defaults", "handlers", "tasks", "templates", "vars")
    return "\n".join(path.read_text() for part in folders for path in (role / part).rglob("*") if path.is_file())


def variables(role: Path) -> set[str]:
    return set(options(role)) | set(read(role / "defaults/main.yml") or {}) | set(read(role / "vars/main.yml") or {})


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
def test_the_options_are_checked_by_themselves_too(role: Path) -> None:
    specs = read(role / "meta/argument_specs.yml")["argument_specs"]
    assert set(specs) == {"main", "variables"}
    assert specs["variables"]["options"] == specs["main"]["options"]
    assert read(role / "tasks/preflight.yml")[0]["ansible.builtin.import_tasks"] == "variables.yml"


@each_role
def test_each_rule_on_variables_names_the_one_that_is_wrong(role: Path) -> None:
    (task,) = read(role / "tasks/variables.yml")
    rule = f"__{role.name}_rule"
    assert task["ansible.builtin.assert"] == {
        "that": f"{rule}.holds",
        "fail_msg": f"{{{{ {rule}.message }}}}",
        "quiet": True,
    }
    assert task["loop"]
    for each in task["loop"]:
        assert set(each) == {"variable", "holds", "message"}
        variable = re.split(r"[, ]", each["variable"])[0]
        assert each["message"].startswith((variable, "{{ network_vpc_cidr | cidr_problems")), each["variable"]


def test_the_site_checks_every_roles_variables_before_anything_else() -> None:
    tasks = read(ROOT / "playbooks/tasks/site_preflight.yml")
    (checks,) = [task for task in tasks if task.get("loop")]
    assert checks["loop"] == SITE_ORDER
    assert checks["ansible.builtin.include_role"]["tasks_from"] == "variables"
    # A run of one role, by its tag, is checked like a whole one.
    includes = [task["ansible.builtin.include_role"] for task in tasks if "ansible.builtin.include_role" in task]
    assert [include["apply"] for include in includes] == [{"tags": ["always"]}] * len(includes)


@each_role
def test_main_only_routes(role: Path) -> None:
    tasks = read(role / "tasks/main.yml")
    for task in tasks:
        modules = {key for key in task if "." in key}
        assert modules <= ROUTES, f"{task['name']}: {modules}"


@each_role
def test_tags_of_main_are_the_roles_name(role: Path) -> None:
    tags = [role.name]
    tasks = read(role / "tasks/main.yml")
    assert [task["name"] for task in tasks if task.get("tags") != tags] == []
    for task in flat(tasks):
        assert task.get("tags", tags) == tags, task["name"]
        if "ansible.builtin.include_tasks" in task:
            assert task["ansible.builtin.include_tasks"]["apply"] == {"tags": tags}, task["name"]


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
def test_meta_says_what_the_role_is(role: Path) -> None:
    meta = read(role / "meta/main.yml") or {}
    assert set(meta) == {"galaxy_info", "dependencies"}
    assert meta["dependencies"] == []
    info = meta["galaxy_info"]
    assert set(info) == {"author", "description", "license", "min_ansible_version"}
    assert (info["author"], info["license"]) == ("Estancia", "MIT")
    assert len(info["description"].split()) > 2
    assert ansible.release.__version__.startswith(f"{info['min_ansible_version']}.")


@each_role
def test_main_ends_with_the_result(role: Path) -> None:
    assert read(role / "tasks/main.yml")[-1].get("ansible.builtin.import_tasks") == "result.yml"


@each_role
@pytest.mark.parametrize("kind", ["result", "destroy"])
def test_result_and_destroy_publish_one_fact_each(role: Path, kind: str) -> None:
    tasks = read(role / f"tasks/{kind}.yml")
    fact = {"result": f"{role.name}_result", "destroy": f"{role.name}_kept"}[kind]
    assert [list(facts) for facts in set_facts(list(flat(tasks)))] == [[fact]]
    assert "ansible.builtin.set_fact" in tasks[-1], "the fact is published last"
    assert "when" not in tasks[-1], "the fact is published always"


@each_role
def test_nothing_else_is_published(role: Path) -> None:
    tasks = [task for path in (role / "tasks").rglob("*.yml") for task in tasks_of(path)]
    names = {name for facts in set_facts(tasks) for name in facts} | {
        task["register"] for task in tasks if "register" in task
    }
    public = {name for name in names if not name.startswith(f"__{role.name}_")}
    assert public == {f"{role.name}_result", f"{role.name}_kept"}


@each_role
def test_readme_table_of_the_result_has_its_keys(role: Path) -> None:
    section = (role / "README.md").read_text().partition("\n## Result\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| .+ \|$", section, flags=re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert documented
    assert sorted(documented) == sorted(result_keys(role))


@each_role
def test_of_other_roles_only_results_are_read(role: Path) -> None:
    text = sources(role)
    for other in ROLES:
        if other == role:
            continue
        keys = "|".join(result_keys(other))
        read_so = rf"\b{other.name}_(?:result|kept)\b(?!\.(?:{keys})\b)(?! is (?:not )?defined\b)"
        assert re.findall(rf".*{read_so}.*", text) == []
        others = {name for name in variables(other) if re.search(rf"\b{name}\b", text) and "estancia_" not in name}
        assert {name for name in others if (role.name, name) not in SHARED_OPTIONS} == set()
        assert re.findall(rf"\b__{other.name}_\w+", text) == []


@each_role
def test_of_other_roles_only_the_results_tasks_run(role: Path) -> None:
    for path in (role / "tasks").rglob("*.yml"):
        for task in tasks_of(path):
            for include in (task[name] for name in INCLUDES if name in task):
                assert set(include) == {"name", "tasks_from"}, task["name"]
                shared = (role.name, include["name"], include["tasks_from"]) in SHARED_TASKS
                assert shared or include["tasks_from"] in {"result", "destroy"}, task["name"]


@each_role
def test_readme_documents_result_and_iam_actions(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert f"{role.name}_result" in text
    block = re.search(r"```iam\n(.*?)```", text, flags=re.DOTALL)
    assert block, "a fenced block ```iam with the actions the role needs"
    lines = block[1].split()
    assert lines == sorted(set(lines)), "sorted, each once"
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", line) for line in lines), lines
