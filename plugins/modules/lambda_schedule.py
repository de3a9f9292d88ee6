#!/usr/bin/python
"""Ansible module: the EventBridge rule that starts one function by the clock, and the function's leave for it."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.compare import canonical_policy, project
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import error_code, optional, retry
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: lambda_schedule
short_description: Start a Lambda function by a schedule
description:
  - Manages the rule on the default event bus, its one target, the function's resource policy, which lets exactly this
    rule invoke it and nobody else, and that a failed invocation is not repeated.
  - The rule comes first and its target last, so that no start is refused.
  - M(amazon.aws.cloudwatchevent_rule) has neither check mode nor tags; M(amazon.aws.lambda_policy) leaves other
    statements alone.
options:
  rule_arn:
    description: ARN of the rule, on the default event bus.
    type: str
    required: true
  function_arn:
    description: ARN of the function.
    type: str
    required: true
  state:
    description: >-
      Whether the function is started. V(absent) takes the rule and its targets away; the rest goes with the function.
    type: str
    choices: [present, absent]
    default: present
  schedule:
    description: When, as EventBridge writes it, for example C(rate(15 minutes)). Required when O(state=present).
    type: str
  description:
    description: What the rule is for.
    type: str
    default: ""
  maximum_age:
    description: Seconds after which a start that could not be delivered is dropped, 60 to 21600.
    type: int
    default: 900
  tags:
    description: The rule's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Start the sweep every quarter of an hour
  lambda_schedule:
    rule_arn: arn:aws:events:eu-west-1:123456789012:rule/estancia-dev-sweep
    function_arn: arn:aws:lambda:eu-west-1:123456789012:function:estancia-dev-sweep
    schedule: rate(15 minutes)
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
targets:
  description: How many targets the rule had.
  returned: always
  type: int
"""

SECONDS = 60
SID = "schedule"
# The only target's id; a rule that another tool made may have others, which are taken away.
TARGET = "function"


def patient(call: Any) -> Any:
    """Make a call again while another change to the same rule or function is under way.

    Args:
        call: The AWS call.

    Returns:
        Its answer.
    """
    busy = {"ConcurrentModificationException", "ResourceConflictException"}
    return retry(call, lambda error: error_code(error) in busy, SECONDS)


def whole(answer: dict[str, Any]) -> None:
    """Look at what PutTargets and RemoveTargets say beside their success.

    Args:
        answer: The call's answer.

    Raises:
        ValueError: EventBridge did not take an entry.
    """
    if answer.get("FailedEntryCount"):
        msg = f"EventBridge refused a target: {answer['FailedEntries']}. Correct the rule's function or schedule."
        raise ValueError(msg)


def converge_rule(plan: Plan, events: Any, params: dict[str, Any], name: str) -> None:
    """Make the rule and its tags.

    Args:
        plan: Where the steps go.
        events: An EventBridge client.
        params: The module's parameters.
        name: The rule's name.
    """
    live = optional(lambda: events.describe_rule(Name=name), "ResourceNotFoundException") or {}
    wanted = {"ScheduleExpression": params["schedule"], "Description": params["description"], "State": "ENABLED"}
    # PutRule takes tags for a new rule only.
    first = {} if live else {"Tags": tag_list(params["tags"])}
    plan.converge(
        f"Rule {name}",
        project(live, wanted) if live else {},
        wanted,
        lambda: patient(lambda: events.put_rule(Name=name, **wanted, **first)),
    )
    if live:
        arn = params["rule_arn"]
        converge_tags(
            plan,
            f"rule {name}",
            tag_dict(events.list_tags_for_resource(ResourceARN=arn).get("Tags")),
            params["tags"],
            add=lambda tags: events.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
            remove=lambda keys: events.untag_resource(ResourceARN=arn, TagKeys=keys),
        )


def statements(functions: Any, name: str) -> dict[str, Any]:
    """The statements of the function's own policy.

    Args:
        functions: A Lambda client.
        name: The function's name.

    Returns:
        Statements by Sid, in canonical form; empty where there is no function or no policy.
    """
    answer = optional(lambda: functions.get_policy(FunctionName=name), "ResourceNotFoundException")
    document = json.loads(answer["Policy"]) if answer else {"Statement": []}
    return {statement["Sid"]: canonical_policy(statement) for statement in document["Statement"]}


def converge_policy(plan: Plan, functions: Any, params: dict[str, Any], name: str) -> None:
    """Let the rule, and nobody else, invoke the function.

    The condition is the one of "Using resource-based policies for Amazon EventBridge". The rule's ARN names the
    account, so a second condition on `aws:SourceAccount` would add nothing, and that page does not say that EventBridge
    sends it.

    Args:
        plan: Where the step goes.
        functions: A Lambda client.
        params: The module's parameters.
        name: The function's name.
    """
    live = statements(functions, name)
    wanted = {
        SID: canonical_policy(
            {
                "Sid": SID,
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": params["function_arn"],
                "Condition": {"ArnLike": {"AWS:SourceArn": params["rule_arn"]}},
            }
        )
    }

    def action() -> None:
        for sid in [sid for sid, statement in live.items() if wanted.get(sid) != statement]:
            patient(lambda sid=sid: functions.remove_permission(FunctionName=name, StatementId=sid))
        if live.get(SID) != wanted[SID]:
            request = {"FunctionName": name, "StatementId": SID, "SourceArn": params["rule_arn"]}
            request |= {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
            patient(lambda: functions.add_permission(**request))

    plan.converge(f"Resource policy of function {name}", live, wanted, action)


def converge_retries(plan: Plan, functions: Any, params: dict[str, Any], name: str) -> None:
    """Do not repeat an invocation that failed: the next one comes by the schedule.

    Args:
        plan: Where the step goes.
        functions: A Lambda client.
        params: The module's parameters.
        name: The function's name.
    """
    wanted = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": params["maximum_age"]}
    live = optional(lambda: functions.get_function_event_invoke_config(FunctionName=name), "ResourceNotFoundException")
    plan.converge(
        f"Asynchronous invocation of function {name}",
        project(live, wanted) if live else {},
        wanted,
        lambda: patient(lambda: functions.put_function_event_invoke_config(FunctionName=name, **wanted)),
    )


def targets_of(events: Any, name: str) -> list[dict[str, Any]]:
    """The rule's targets.

    Args:
        events: An EventBridge client.
        name: The rule's name.

    Returns:
        Its targets, at most five; none where there is no rule.
    """
    answer = optional(lambda: events.list_targets_by_rule(Rule=name), "ResourceNotFoundException")
    return list((answer or {}).get("Targets", []))


def converge_targets(plan: Plan, events: Any, name: str, wanted: list[dict[str, Any]]) -> int:
    """Make the rule's targets exactly the wanted ones.

    Args:
        plan: Where the step goes.
        events: An EventBridge client.
        name: The rule's name.
        wanted: The targets.

    Returns:
        How many there were.
    """
    live = targets_of(events, name)
    surplus = [target["Id"] for target in live if target["Id"] not in {one["Id"] for one in wanted}]

    def action() -> None:
        if surplus:
            whole(patient(lambda: events.remove_targets(Rule=name, Ids=surplus)))
        if wanted:
            whole(patient(lambda: events.put_targets(Rule=name, Targets=wanted)))

    plan.converge(f"Targets of rule {name}", live, wanted, action)
    return len(live)


def ensure(plan: Plan, events: Any, functions: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the schedule what is asked for.

    Args:
        plan: Where the steps go.
        events: An EventBridge client.
        functions: A Lambda client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    rule, function = params["rule_arn"].rpartition("/")[2], params["function_arn"].rpartition(":")[2]
    if params["state"] == "absent":
        count = converge_targets(plan, events, rule, [])
        live = optional(lambda: events.describe_rule(Name=rule), "ResourceNotFoundException")
        if live:
            plan.step(f"Rule {rule}", live["Arn"], "", lambda: patient(lambda: events.delete_rule(Name=rule)))
        return {"targets": count}
    converge_rule(plan, events, params, rule)
    converge_policy(plan, functions, params, function)
    converge_retries(plan, functions, params, function)
    retries = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": params["maximum_age"]}
    target = {"Id": TARGET, "Arn": params["function_arn"], "RetryPolicy": retries}
    return {"targets": converge_targets(plan, events, rule, [target])}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "rule_arn": {"type": "str", "required": True},
            "function_arn": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "schedule": {"type": "str"},
            "description": {"type": "str", "default": ""},
            "maximum_age": {"type": "int", "default": 900},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["schedule"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("events"), module.client("lambda"), module.params))


if __name__ == "__main__":
    main()
