#!/usr/bin/python
"""Ansible module: an Auto Scaling group whose lifecycle hooks are there before its first instance."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.autoscaling_parts import apply_settings, comparable, create_request, hook_request
from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, run
from ansible.module_utils.waiting import error_code, retry, wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: autoscaling_hooked_group
short_description: Manage an Auto Scaling group with its lifecycle hooks
description:
  - Makes the group at size 0, with its hooks, and only then gives it its sizes; so no instance ever starts or ends
    without them.
  - Leaves the desired capacity to the scaling policies, as long as it lies between the two sizes.
  - M(amazon.aws.autoscaling_group) reports a change on every check, and knows neither hooks nor an instance
    maintenance policy.
options:
  name:
    description: The group's name.
    type: str
    required: true
  state:
    description: Whether the group exists. Deleting it ends its instances and waits until they are gone.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description:
      - What the group is, as CreateAutoScalingGroup takes it, without name, sizes, hooks and tags.
      - O(settings.VPCZoneIdentifier) and O(settings.TargetGroupARNs) are lists of ids and of ARNs.
    type: dict
    default: {}
  min_size:
    description: The smallest number of instances.
    type: int
    default: 0
  max_size:
    description: The greatest number of instances.
    type: int
    default: 0
  hooks:
    description: The lifecycle hooks, as PutLifecycleHook takes them, without the group's name; all of them.
    type: list
    elements: dict
    default: []
  metrics:
    description: The group metrics that are collected each minute.
    type: list
    elements: str
    default: []
  tags:
    description: The group's tags, exactly; its instances get them too.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the group
  autoscaling_hooked_group:
    name: estancia-dev-processor
    settings:
      LaunchTemplate: {LaunchTemplateId: lt-0123456789abcdef0, Version: "3"}
      VPCZoneIdentifier: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
      HealthCheckType: ELB
      HealthCheckGracePeriod: 300
    min_size: 1
    max_size: 4
    hooks:
      - LifecycleHookName: launch
        LifecycleTransition: autoscaling:EC2_INSTANCE_LAUNCHING
        DefaultResult: ABANDON
        HeartbeatTimeout: 600
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
exists:
  description: Whether the group is there.
  returned: always
  type: bool
"""

# EC2 sees a new instance profile some seconds after IAM has made it.
PROFILE_SECONDS = 90
# The longest a terminate hook and the deregistration before it may take.
GONE_SECONDS = 2700


def find(autoscaling: Any, name: str) -> dict[str, Any]:
    """The live group.

    Args:
        autoscaling: A client.
        name: The group's name.

    Returns:
        Auto Scaling's description; empty when there is no such group.
    """
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return dict(groups[0]) if groups else {}


def create(plan: Plan, autoscaling: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the group at size 0, with its hooks.

    Args:
        plan: Where the step goes.
        autoscaling: A client.
        params: The module's parameters.

    Returns:
        The new group as far as the next steps compare it.
    """
    request = create_request(params)

    def action() -> None:
        retry(
            lambda: autoscaling.create_auto_scaling_group(**request),
            lambda error: error_code(error) == "ValidationError" and "IAM Instance Profile" in str(error),
            PROFILE_SECONDS,
        )

    plan.step(f"Auto Scaling group {params['name']}, at size 0", {}, request, action)
    return {**request, "MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0, "EnabledMetrics": []}


def update_hooks(plan: Plan, autoscaling: Any, params: dict[str, Any]) -> None:
    """Make a live group's hooks exactly the wanted ones.

    Args:
        plan: Where the steps go.
        autoscaling: A client.
        params: The module's parameters.
    """
    name = params["name"]
    answer = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name)
    live = {hook["LifecycleHookName"]: hook for hook in answer["LifecycleHooks"]}
    for hook in params["hooks"]:
        request = hook_request(name, hook)
        found = live.pop(hook["LifecycleHookName"], {})
        plan.converge(
            f"Hook {hook['LifecycleHookName']} of {name}",
            project(found, request),
            request,
            lambda request=request: autoscaling.put_lifecycle_hook(**request),
        )
    for hook_name, hook in live.items():
        plan.step(
            f"Hook {hook_name} of {name}",
            hook,
            {},
            lambda hook_name=hook_name: autoscaling.delete_lifecycle_hook(
                AutoScalingGroupName=name, LifecycleHookName=hook_name
            ),
        )


def update_tags(plan: Plan, autoscaling: Any, group: dict[str, Any], params: dict[str, Any]) -> None:
    """Make a live group's tags exactly the wanted ones, all of them handed on to its instances.

    Args:
        plan: Where the step goes.
        autoscaling: A client.
        group: The live group.
        params: The module's parameters.
    """
    name = params["name"]
    place = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    live = {
        tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"])
        for tag in group.get("Tags", [])
        if not tag["Key"].startswith("aws:")
    }
    wanted = {key: (str(value), True) for key, value in params["tags"].items()}

    def action() -> None:
        surplus = [{**place, "Key": key} for key in sorted(set(live) - set(wanted))]
        if surplus:
            autoscaling.delete_tags(Tags=surplus)
        tags = [{**place, "Key": key, "Value": pair[0], "PropagateAtLaunch": True} for key, pair in wanted.items()]
        autoscaling.create_or_update_tags(Tags=tags)

    plan.converge(f"Tags of Auto Scaling group {name}", live, wanted, action)


def update(plan: Plan, autoscaling: Any, group: dict[str, Any], params: dict[str, Any]) -> None:
    """Give the group its settings, metrics and, last, its sizes.

    Args:
        plan: Where the steps go.
        autoscaling: A client.
        group: The live group, or what `create` returned.
        params: The module's parameters.
    """
    name = params["name"]
    # Auto Scaling answers no lifetime where there is none, and takes 0 for that.
    live = {"MaxInstanceLifetime": 0, **comparable(group)}
    wanted = comparable(params["settings"])
    plan.converge(
        f"Settings of Auto Scaling group {name}",
        project(live, wanted),
        wanted,
        lambda: apply_settings(autoscaling, live, params),
    )
    collected = sorted(item["Metric"] for item in group.get("EnabledMetrics", []))
    plan.converge(
        f"Metrics of Auto Scaling group {name}",
        collected,
        sorted(params["metrics"]),
        lambda: autoscaling.enable_metrics_collection(
            AutoScalingGroupName=name, Metrics=sorted(params["metrics"]), Granularity="1Minute"
        ),
    )
    low, high = params["min_size"], params["max_size"]
    sizes = {"MinSize": low, "MaxSize": high, "DesiredCapacity": min(max(group["DesiredCapacity"], low), high)}
    plan.converge(
        f"Sizes of Auto Scaling group {name}",
        project(group, sizes),
        sizes,
        lambda: autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, **sizes),
    )


def ensure(plan: Plan, autoscaling: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the group what is asked for.

    Args:
        plan: Where the steps go.
        autoscaling: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    name = params["name"]
    group = find(autoscaling, name)
    if params["state"] == "present":
        if group:
            update_hooks(plan, autoscaling, params)
            update_tags(plan, autoscaling, group, params)
        else:
            group = create(plan, autoscaling, params)
        update(plan, autoscaling, group, params)
        return {"exists": True}

    def delete() -> None:
        # Emptied first: deleting by force alone would skip the terminate hook and cut jobs off.
        autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=0, MaxSize=0, DesiredCapacity=0)
        wait_until(lambda: not find(autoscaling, name).get("Instances"), f"{name}'s instances are gone", GONE_SECONDS)
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        wait_until(lambda: not find(autoscaling, name), f"group {name} and its instances are gone", GONE_SECONDS)

    if group:
        plan.step(f"Auto Scaling group {name}", name, "", delete)
    return {"exists": False}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "settings": {"type": "dict", "default": {}},
            "min_size": {"type": "int", "default": 0},
            "max_size": {"type": "int", "default": 0},
            "hooks": {"type": "list", "elements": "dict", "default": []},
            "metrics": {"type": "list", "elements": "str", "default": []},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("autoscaling"), module.params))


if __name__ == "__main__":
    main()
