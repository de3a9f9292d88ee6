"""What a runbook tells a person to type exists: playbooks, their options, and every call and option of the AWS CLI."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from estancia_protocol.errors import ErrorCode
from tests.policy.ansible_files import ROOT, read, relative

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
CLI_OPTIONS = {"query", "output", "cli-read-timeout"}
each_runbook = pytest.mark.parametrize("path", RUNBOOKS, ids=relative)


def commands(path: Path, program: str) -> Iterator[list[str]]:
    """Yield the words of each command of a program in the code blocks."""
    for block in re.findall(r"^```\n(.*?)^```$", path.read_text(), flags=re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            for command in re.findall(rf"(?:^|\$\(){program} (?:[^)\n]|\)(?!$))+", line):
                yield shlex.split(command.partition(" && ")[0])


def test_there_are_commands_to_check() -> None:
    found = {program: sum(len(list(commands(path, program))) for path in RUNBOOKS) for program in ("aws", "make")}
    assert min(found.values()) > 1, found


@each_runbook
def test_every_aws_command_and_option_exists(path: Path) -> None:
    session = botocore.session.get_session()
    for words in commands(path, "aws"):
        service, operation = words[1], words[2]
        model = session.get_service_model(service)
        calls = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in calls, words
        shape = model.operation_model(calls[operation]).input_shape
        known = {xform_name(name, "-") for name in shape.members} if shape else set()
        options = {word.removeprefix("--") for word in words if word.startswith("--")}
        assert options - known - CLI_OPTIONS == set(), words


@each_runbook
def test_every_playbook_and_its_answers_exist(path: Path) -> None:
    known = set(read(ROOT / "playbooks/vars/estancia.yml"))
    for words in commands(path, "ansible-playbook"):
        assert [word for word in words if word.endswith(".yml") and not (ROOT / word).is_file()] == []
        assert [folder for folder in words if folder.startswith("inventory/") and not (ROOT / folder).is_dir()] == []
        answers = {word.partition("=")[0] for before, word in itertools.pairwise(words) if before == "-e"}
        assert answers - known == set(), words


def test_the_codes_that_can_fail_a_file_are_all_in_the_table() -> None:
    text = (ROOT / "docs/runbooks/dead-letters.md").read_text()
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", text, flags=re.MULTILINE))
    assert rows == {code.value for code in ErrorCode if code.sentence.lower().endswith("it has five tries.")}
