"""The rule, its one target and the function's leave: made in that order, exactly, and left alone when right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.plan import Plan

from plugins.modules import lambda_schedule as schedule
from tests.unit.plugins.scripted import Scripted, refusal

RULE = "arn:aws:events:eu-west-1:123456789012:rule/x-sweep"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:x-sweep"
RETRIES = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 900}
LIVE_RULE = {"Name": "x-sweep", "Arn": RULE, "ScheduleExpression": "rate(15 minutes)", "Description": "d"}
STATEMENT = {
    "Sid": "schedule",
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": FUNCTION,
    "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
}
NOTHING = refusal("ResourceNotFoundException")


def params(**change: Any) -> dict[str, Any]:
    base = {"rule_arn": RULE, "function_arn": FUNCTION, "state": "present", "schedule": "rate(15 minutes)"}
    return {**base, "description": "d", "maximum_age": 900, "tags": {"Name": "x"}, **change}


def live_events(**change: Any) -> Scripted:
    base: dict[str, Any] = {
        "describe_rule": {**LIVE_RULE, "State": "ENABLED"},
        "list_tags_for_resource": {"Tags": [{"Key": "Name", "Value": "x"}]},
        "list_targets_by_rule": {"Targets": [{"Id": "function", "Arn": FUNCTION, "RetryPolicy": RETRIES}]},
    }
    return Scripted(**{**base, **change})


def live_functions(*statements: dict[str, Any]) -> Scripted:
    policy = json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": list(statements or [STATEMENT])})
    return Scripted(
        get_policy={"Policy": policy}, get_function_event_invoke_config={**RETRIES, "FunctionArn": FUNCTION}
    )


def test_what_is_right_is_left_alone() -> None:
    events, functions, plan = live_events(), live_functions(), Plan(check_mode=False)
    schedule.ensure(plan, events, functions, params())
    assert (plan.changed, events.writes(), functions.writes()) == (False, [], [])


def test_everything_is_made_and_the_target_last() -> None:
    events = Scripted(describe_rule=NOTHING, list_targets_by_rule=NOTHING)
    functions = Scripted(get_policy=NOTHING, get_function_event_invoke_config=NOTHING)
    schedule.ensure(Plan(check_mode=False), events, functions, params())
    assert events.writes() == ["put_rule", "put_targets"]
    assert functions.writes() == ["add_permission", "put_function_event_invoke_config"]
    assert events.sent("put_rule")["Tags"] == [{"Key": "Name", "Value": "x"}]
    assert functions.sent("add_permission") == {
        "FunctionName": "x-sweep",
        "StatementId": "schedule",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": RULE,
    }


def test_check_mode_shows_everything_and_writes_nothing() -> None:
    events = Scripted(describe_rule=NOTHING, list_targets_by_rule=NOTHING)
    functions = Scripted(get_policy=NOTHING, get_function_event_invoke_config=NOTHING)
    plan = Plan(check_mode=True)
    schedule.ensure(plan, events, functions, params())
    assert (len(plan.diff), events.writes(), functions.writes()) == (4, [], [])


@pytest.mark.parametrize("change", [{"ScheduleExpression": "rate(1 hour)"}, {"State": "DISABLED"}])
def test_a_rule_that_differs_is_put_again_without_tags(change: dict[str, Any]) -> None:
    events = live_events(describe_rule={**LIVE_RULE, "State": "ENABLED", **change})
    schedule.ensure(Plan(check_mode=False), events, live_functions(), params())
    assert events.writes() == ["put_rule"]
    assert "Tags" not in events.sent("put_rule")


def test_tags_of_a_rule_that_is_there_are_set() -> None:
    events = live_events(list_tags_for_resource={"Tags": [{"Key": "Old", "Value": "x"}]})
    schedule.ensure(Plan(check_mode=False), events, live_functions(), params())
    assert events.writes() == ["untag_resource", "tag_resource"]


def test_whoever_else_was_let_in_is_taken_out() -> None:
    functions = live_functions(STATEMENT, {**STATEMENT, "Sid": "other", "Principal": "*"})
    schedule.ensure(Plan(check_mode=False), live_events(), functions, params())
    assert functions.writes() == ["remove_permission"]
    assert functions.sent("remove_permission")["StatementId"] == "other"


def test_a_permission_for_another_rule_is_replaced() -> None:
    functions = live_functions({**STATEMENT, "Condition": {"ArnLike": {"AWS:SourceArn": f"{RULE}s"}}})
    schedule.ensure(Plan(check_mode=False), live_events(), functions, params())
    assert functions.writes() == ["remove_permission", "add_permission"]


def test_another_target_is_taken_away() -> None:
    targets = {"Targets": [{"Id": "function", "Arn": FUNCTION, "RetryPolicy": RETRIES}, {"Id": "x", "Arn": "y"}]}
    events = live_events(list_targets_by_rule=targets)
    schedule.ensure(Plan(check_mode=False), events, live_functions(), params())
    assert events.sent("remove_targets")["Ids"] == ["x"]


def test_a_target_that_eventbridge_refuses_is_an_error() -> None:
    refused = {"FailedEntryCount": 1, "FailedEntries": [{"TargetId": "function", "ErrorMessage": "no"}]}
    events = live_events(list_targets_by_rule={"Targets": []}, put_targets=refused)
    with pytest.raises(ValueError, match="refused a target"):
        schedule.ensure(Plan(check_mode=False), events, live_functions(), params())


def test_a_rule_goes_after_its_targets() -> None:
    events = live_events()
    answer = schedule.ensure(Plan(check_mode=False), events, Scripted(), params(state="absent"))
    assert (events.writes(), answer) == (["remove_targets", "delete_rule"], {"targets": 1})


def test_nothing_is_removed_twice() -> None:
    events, plan = Scripted(describe_rule=NOTHING, list_targets_by_rule=NOTHING), Plan(check_mode=False)
    schedule.ensure(plan, events, Scripted(), params(state="absent"))
    assert (plan.changed, events.writes()) == (False, [])


def test_a_change_under_way_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.module_utils.waiting.time.sleep", lambda _seconds: None)
    events = live_events(delete_rule=[refusal("ConcurrentModificationException"), {}])
    schedule.ensure(Plan(check_mode=False), events, Scripted(), params(state="absent"))
    assert events.writes().count("delete_rule") == 2
