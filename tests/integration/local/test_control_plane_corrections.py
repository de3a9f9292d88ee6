"""Answers of the control plane: as AWS gives them with our corrections, and still different without."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.support import Clients


def test_an_unknown_target_group_name_is_an_error(aws: Clients, uncorrected: Clients) -> None:
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        aws.elbv2.describe_target_groups(Names=["nope"])
    assert not uncorrected.elbv2.describe_target_groups(Names=["nope"])["TargetGroups"], (
        "ministack refuses unknown names now: remove refuse_unknown_target_group_names"
    )


def test_known_target_groups_are_described_as_before(aws: Clients) -> None:
    name = f"tg-{uuid.uuid4().hex[:8]}"
    aws.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId="vpc-1")
    (group,) = aws.elbv2.describe_target_groups(Names=[name])["TargetGroups"]
    assert group["TargetGroupName"] == name


def test_a_group_lists_its_suspended_processes(aws: Clients, uncorrected: Clients) -> None:
    name = f"group-{uuid.uuid4().hex[:8]}"
    for clients in (aws, uncorrected):
        template = clients.ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-00000000000000001"}
        )["LaunchTemplate"]
        clients.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=1,
            AvailabilityZones=["eu-west-1a"],
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
        )
    described = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert described["SuspendedProcesses"] == []
    assert described["AutoScalingGroupARN"]
    without = uncorrected.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert "SuspendedProcesses" not in without, "ministack lists them now: remove describe_suspended_processes"
