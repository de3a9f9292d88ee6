"""What was asked for is what was locked, by version and hash, in groups that agree where they meet."""

from __future__ import annotations

import json
import re
import sysconfig
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.setup import GROUPS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "requirements"
ALL = ("uv", *GROUPS)
each_group = pytest.mark.parametrize("group", ALL)


def asked(group: str) -> list[Requirement]:
    found: list[Requirement] = []
    for line in (FOLDER / f"{group}.in").read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            found += asked(text.removeprefix("-r ").removesuffix(".in"))
        elif text and not text.startswith("-c "):
            found.append(Requirement(text))
    return found


def locked(group: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", (FOLDER / f"{group}.txt").read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@each_group
def test_everything_asked_is_locked_within_its_bounds(group: str) -> None:
    lock = locked(group)
    for requirement in asked(group):
        versions = lock.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement} is not in requirements/{group}.txt; run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: {versions}"


@each_group
def test_every_locked_version_has_hashes(group: str) -> None:
    entries = re.split(r"^(?=[\w.-]+==)", (FOLDER / f"{group}.txt").read_text(), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@each_group
def test_locks_name_no_host(group: str) -> None:
    assert (
        re.findall(r"https?://|--index-url|--find-links|--extra-index-url", (FOLDER / f"{group}.txt").read_text()) == []
    )


@pytest.mark.parametrize("group", ["processor", "dispatcher", "sweep"])
def test_main_tests_the_versions_that_are_deployed(group: str) -> None:
    main = locked("main")
    assert {name: versions for name, versions in locked(group).items() if main.get(name) != versions} == {}


def test_ministack_is_pinned_exactly() -> None:
    assert [str(requirement) for requirement in asked("embedded-aws")] == ["ministack==1.5.33"]


def test_galaxy_requirements_equal_the_collections_of_the_ansible_package() -> None:
    base = Path(sysconfig.get_paths()["purelib"]) / "ansible_collections"
    wanted = yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]
    assert wanted
    for collection in wanted:
        manifest = base.joinpath(*collection["name"].split("."), "MANIFEST.json")
        installed = json.loads(manifest.read_text())["collection_info"]["version"]
        assert collection["version"] == installed, collection["name"]


def test_galaxy_requirements_name_every_collection_in_use() -> None:
    task = re.compile(r"^\s+((?:amazon|ansible|community)\.[a-z]+)\.[a-z_0-9]+:", flags=re.MULTILINE)
    files = [*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]
    used = {name for path in files for name in task.findall(path.read_text())} - {"ansible.builtin"}
    wanted = {entry["name"] for entry in yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]}
    assert used == wanted
