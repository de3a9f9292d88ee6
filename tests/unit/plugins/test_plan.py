"""Steps are shown always and done outside check mode only."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from botocore.exceptions import ClientError


class FakeModule:
    """An AnsibleAWSModule that keeps what it is told."""

    def __init__(self, check_mode: bool = False) -> None:
        self.check_mode = check_mode
        self.told: dict[str, Any] = {}

    def exit_json(self, **result: Any) -> None:
        self.told.setdefault("exit", result)

    def fail_json(self, **result: Any) -> None:
        self.told["fail"] = result

    def fail_json_aws(self, error: Exception, msg: str) -> None:
        self.told["fail"] = {"error": error, "msg": msg}


def test_a_step_is_done_and_shown() -> None:
    plan = Plan(check_mode=False)
    assert plan.step("Key", "old", "new", lambda: "done") == "done"
    assert plan.changed
    assert plan.diff == [{"before_header": "Key", "after_header": "Key", "before": "old", "after": "new"}]


def test_check_mode_shows_and_does_nothing() -> None:
    plan = Plan(check_mode=True)
    done: list[str] = []
    assert plan.step("Key", "", "new", lambda: done.append("x")) is None
    assert plan.changed
    assert done == []


def test_equal_states_are_no_step() -> None:
    plan = Plan(check_mode=False)
    assert not plan.converge("Key", "same", "same", lambda: pytest.fail("called"))
    assert not plan.changed


def test_tags_become_exact_but_for_those_of_aws() -> None:
    plan = Plan(check_mode=False)
    added: list[dict[str, str]] = []
    removed: list[list[str]] = []
    live = {"Name": "old", "Left": "x", "aws:cloudformation:stack-name": "s"}
    converge_tags(plan, "it", live, {"Name": "new", "Kept": "y"}, add=added.append, remove=removed.append)
    assert (added, removed) == ([{"Name": "new", "Kept": "y"}], [["Left"]])


def test_equal_tags_change_nothing() -> None:
    plan = Plan(check_mode=False)
    no = pytest.fail
    converge_tags(plan, "it", {"a": "1", "aws:x": "2"}, {"a": "1"}, add=lambda _tags: no(), remove=lambda _keys: no())
    assert not plan.changed


def test_an_error_of_aws_says_what_was_being_done() -> None:
    module = FakeModule()

    def work(plan: Plan) -> dict[str, Any]:
        def refuse() -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CreateKey")

        plan.step("Key alias/x", "", "x", refuse)
        return {}

    run(module, work)
    assert module.told["fail"]["msg"] == "Key alias/x"


def test_a_wrong_input_is_told_in_its_own_words() -> None:
    module = FakeModule()

    def work(_plan: Plan) -> dict[str, Any]:
        raise ValueError("network_zones is empty.")

    run(module, work)
    assert module.told["fail"] == {"msg": "network_zones is empty."}


def test_tags_travel_both_ways() -> None:
    tags = {"Name": "x", "Project": "estancia"}
    assert tag_dict(tag_list(tags)) == tags
    assert tag_dict(tag_list(tags, "TagKey", "TagValue"), "TagKey", "TagValue") == tags
    assert tag_dict(None) == {}
