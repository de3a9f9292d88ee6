"""The Auto Scaling group and its template: hooks before instances, versions only for differences."""

from __future__ import annotations

import base64
from typing import Any

from ansible.module_utils.plan import Plan

from plugins.modules import autoscaling_hooked_group as group
from plugins.modules import ec2_numbered_launch_template as template
from tests.unit.plugins.scripted import Scripted, refusal

TAGS = {"Name": "x"}
TAG_SET = [{"Key": "Name", "Value": "x"}]

# Auto Scaling group

HOOK = {"LifecycleHookName": "launch", "DefaultResult": "ABANDON"}
SETTINGS = {
    "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "3"},
    "VPCZoneIdentifier": ["subnet-b", "subnet-a"],
    "TargetGroupARNs": ["arn:t"],
}


def group_params(**change: Any) -> dict[str, Any]:
    base = {
        "name": "g",
        "state": "present",
        "settings": SETTINGS,
        "min_size": 1,
        "max_size": 4,
        "hooks": [HOOK],
        "metrics": ["GroupMaxSize"],
        "tags": TAGS,
    }
    return {**base, **change}


def live_group(**change: Any) -> Scripted:
    base = {
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "x", "Version": "3"},
        "VPCZoneIdentifier": "subnet-a,subnet-b",
        "TargetGroupARNs": ["arn:t"],
        "MinSize": 1,
        "MaxSize": 4,
        "DesiredCapacity": 3,
        "EnabledMetrics": [{"Metric": "GroupMaxSize"}],
        "Tags": [{"Key": "Name", "Value": "x", "PropagateAtLaunch": True}],
    }
    return Scripted(
        describe_auto_scaling_groups={"AutoScalingGroups": [{**base, **change}]},
        describe_lifecycle_hooks={"LifecycleHooks": [{**HOOK, "AutoScalingGroupName": "g", "GlobalTimeout": 1}]},
    )


def test_a_group_has_its_hooks_before_its_first_instance() -> None:
    scaling = Scripted(describe_auto_scaling_groups={"AutoScalingGroups": []})
    group.ensure(Plan(check_mode=False), scaling, group_params())
    assert scaling.writes() == [
        "create_auto_scaling_group",
        "enable_metrics_collection",
        "update_auto_scaling_group",
    ]
    made = scaling.sent("create_auto_scaling_group")
    assert (made["MinSize"], made["MaxSize"], made["DesiredCapacity"]) == (0, 0, 0)
    assert made["LifecycleHookSpecificationList"] == [HOOK]
    scaled = scaling.sent("update_auto_scaling_group")
    assert (scaled["MinSize"], scaled["MaxSize"], scaled["DesiredCapacity"]) == (1, 4, 1)


def test_the_desired_capacity_is_left_to_the_policies() -> None:
    scaling, plan = live_group(), Plan(check_mode=False)
    group.ensure(plan, scaling, group_params())
    assert (plan.changed, scaling.writes()) == (False, [])


def test_a_desired_capacity_outside_the_sizes_is_brought_in() -> None:
    scaling = live_group()
    group.ensure(Plan(check_mode=False), scaling, group_params(max_size=2))
    assert scaling.sent("update_auto_scaling_group")["DesiredCapacity"] == 2


def test_target_groups_are_changed_by_their_own_calls() -> None:
    scaling = live_group(TargetGroupARNs=["arn:old"])
    group.ensure(Plan(check_mode=False), scaling, group_params())
    assert "TargetGroupARNs" not in scaling.sent("update_auto_scaling_group")
    assert scaling.sent("attach_load_balancer_target_groups")["TargetGroupARNs"] == ["arn:t"]
    assert scaling.sent("detach_load_balancer_target_groups")["TargetGroupARNs"] == ["arn:old"]


def test_hooks_are_exactly_the_wanted_ones() -> None:
    scaling = live_group()
    group.ensure(Plan(check_mode=False), scaling, group_params(hooks=[{**HOOK, "LifecycleHookName": "other"}]))
    assert scaling.writes() == ["put_lifecycle_hook", "delete_lifecycle_hook"]


def test_check_mode_on_an_empty_account_shows_group_metrics_and_sizes() -> None:
    scaling, plan = Scripted(describe_auto_scaling_groups={"AutoScalingGroups": []}), Plan(check_mode=True)
    group.ensure(plan, scaling, group_params())
    assert (len(plan.diff), scaling.writes()) == (3, [])


# Launch template


def template_params(**change: Any) -> dict[str, Any]:
    data = {"ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "required"}}
    return {"name": "t", "state": "present", "data": data, "user_data": "hello", "tags": TAGS, **change}


def live_template(**change: Any) -> Scripted:
    user_data = base64.b64encode(b"hello").decode()
    options = {"State": "applied", "HttpTokens": "required"}
    data = {"ImageId": "ami-1", "MetadataOptions": options, "UserData": user_data, **change}
    return Scripted(
        describe_launch_templates={
            "LaunchTemplates": [{"LaunchTemplateId": "lt-1", "DefaultVersionNumber": 3, "Tags": TAG_SET}]
        },
        describe_launch_template_versions={
            "LaunchTemplateVersions": [{"VersionNumber": 3, "LaunchTemplateData": data}]
        },
        create_launch_template_version={"LaunchTemplateVersion": {"VersionNumber": 4}},
        create_launch_template={"LaunchTemplate": {"LaunchTemplateId": "lt-1"}},
    )


def test_fields_that_nobody_sent_make_no_new_version() -> None:
    ec2, plan = live_template(), Plan(check_mode=False)
    assert template.ensure(plan, ec2, template_params()) == {"template_id": "lt-1", "version": 3}
    assert (plan.changed, ec2.writes()) == (False, [])


def test_another_image_makes_a_new_version_and_the_default() -> None:
    ec2 = live_template(ImageId="ami-0")
    assert template.ensure(Plan(check_mode=False), ec2, template_params())["version"] == 4
    assert ec2.sent("modify_launch_template")["DefaultVersion"] == "4"


def test_an_image_that_is_no_longer_wanted_counts() -> None:
    ec2 = live_template()
    wanted = template_params(data={"MetadataOptions": {"HttpTokens": "required"}})
    assert template.ensure(Plan(check_mode=False), ec2, wanted)["version"] == 4


def test_a_first_template_has_version_one() -> None:
    ec2 = live_template()
    ec2.script["describe_launch_templates"] = refusal(template.MISSING)
    assert template.ensure(Plan(check_mode=False), ec2, template_params())["version"] == 1
