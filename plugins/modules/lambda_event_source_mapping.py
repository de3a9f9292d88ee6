#!/usr/bin/python
"""Ansible module: the event source mapping between one queue and one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, converge_tags, run
from ansible.module_utils.waiting import error_code, retry, wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

DOCUMENTATION = r"""
module: lambda_event_source_mapping
short_description: Manage the event source mapping of a queue and a function
description:
  - Finds the mapping by its queue and its function, makes it, repairs it or takes it away.
  - Waits, with a bound, until Lambda sees the execution role's right to the queue, and until a change is through.
  - M(amazon.aws.lambda_event) knows neither a scaling configuration nor partial batch responses.
options:
  function_name:
    description: The function's name.
    type: str
    required: true
  event_source_arn:
    description: The queue's ARN.
    type: str
    required: true
  state:
    description: Whether the mapping exists.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description: The mapping, as UpdateEventSourceMapping takes it, without its id and the function's name.
    type: dict
    default: {}
  enabled:
    description: Whether the mapping reads the queue.
    type: bool
    default: true
  tags:
    description: The mapping's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Let the function read the queue, one message at a time
  lambda_event_source_mapping:
    function_name: estancia-dev-dispatcher
    event_source_arn: arn:aws:sqs:eu-west-1:123456789012:estancia-dev-ingest
    settings:
      BatchSize: 1
      FunctionResponseTypes: [ReportBatchItemFailures]
      ScalingConfig: {MaximumConcurrency: 8}
"""

RETURN = r"""
uuid:
  description: The mapping's id; empty where there is none.
  returned: always
  type: str
"""

SECONDS = 180
MOVING = ("Creating", "Updating", "Enabling", "Disabling", "Deleting")


def find(client: Any, params: dict[str, Any]) -> dict[str, Any]:
    """The live mapping, whatever its state.

    Args:
        client: A Lambda client.
        params: The module's parameters.

    Returns:
        Lambda's configuration of the mapping; empty when there is none.
    """
    answer = client.list_event_source_mappings(
        EventSourceArn=params["event_source_arn"], FunctionName=params["function_name"]
    )
    found = answer["EventSourceMappings"]
    return dict(found[0]) if found else {}


def not_yet(error: ClientError) -> bool:
    """Whether a refusal ends by itself within seconds.

    Args:
        error: The refusal.

    Returns:
        True for a role whose right to the queue Lambda does not see yet, and for a change that is under way.
    """
    code = error_code(error)
    young_role = code == "InvalidParameterValueException" and "permission" in str(error)
    return bool(young_role or code in {"ResourceInUseException", "ResourceConflictException"})


def settled(client: Any, params: dict[str, Any]) -> None:
    """Wait until Lambda is through with the last change.

    Args:
        client: A Lambda client.
        params: The module's parameters.
    """
    what = f"the mapping of {params['function_name']} is settled"
    wait_until(lambda: find(client, params).get("State") not in MOVING, what, SECONDS)


def create(plan: Plan, client: Any, params: dict[str, Any]) -> str:
    """Make the mapping.

    Args:
        plan: Where the step goes.
        client: A Lambda client.
        params: The module's parameters.

    Returns:
        Its id; empty in check mode.
    """
    request = {
        "EventSourceArn": params["event_source_arn"],
        "FunctionName": params["function_name"],
        "Enabled": params["enabled"],
        "Tags": params["tags"],
        **params["settings"],
    }

    def action() -> str:
        answer = retry(lambda: client.create_event_source_mapping(**request), not_yet, SECONDS)
        settled(client, params)
        return str(answer["UUID"])

    return str(plan.step(f"Event source mapping of {params['function_name']}", {}, request, action) or "")


def update(plan: Plan, client: Any, live: dict[str, Any], params: dict[str, Any]) -> None:
    """Repair what differs on a mapping that exists.

    Args:
        plan: Where the steps go.
        client: A Lambda client.
        live: The live mapping.
        params: The module's parameters.
    """
    wanted = {**params["settings"], "Enabled": params["enabled"]}
    found = {**project(live, params["settings"]), "Enabled": live["State"] in {"Enabled", "Enabling", "Creating"}}
    title = f"event source mapping of {params['function_name']}"

    def action() -> None:
        retry(lambda: client.update_event_source_mapping(UUID=live["UUID"], **wanted), not_yet, SECONDS)
        settled(client, params)

    plan.converge(f"Settings of the {title}", found, wanted, action)
    arn = live.get("EventSourceMappingArn")
    if arn:
        converge_tags(
            plan,
            f"the {title}",
            client.list_tags(Resource=arn).get("Tags", {}),
            params["tags"],
            add=lambda tags: client.tag_resource(Resource=arn, Tags=tags),
            remove=lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )


def ensure(plan: Plan, client: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the mapping what is asked for.

    Args:
        plan: Where the steps go.
        client: A Lambda client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    live = find(client, params)
    function = params["function_name"]
    if live.get("State") == "Deleting":
        if not plan.check_mode:
            wait_until(lambda: not find(client, params), f"the old mapping of {function} is gone", SECONDS)
        live = {}
    if params["state"] == "present":
        if live:
            update(plan, client, live, params)
        return {"uuid": live.get("UUID") or create(plan, client, params)}

    def delete() -> None:
        retry(lambda: client.delete_event_source_mapping(UUID=live["UUID"]), not_yet, SECONDS)
        wait_until(lambda: not find(client, params), f"the mapping of {function} is gone", SECONDS)

    if live:
        plan.step(f"Event source mapping of {function}", live["UUID"], "", delete)
    return {"uuid": ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "function_name": {"type": "str", "required": True},
            "event_source_arn": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "settings": {"type": "dict", "default": {}},
            "enabled": {"type": "bool", "default": True},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("lambda"), module.params))


if __name__ == "__main__":
    main()
