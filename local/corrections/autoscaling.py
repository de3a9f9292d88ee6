"""Auto Scaling: groups described as AWS describes them."""

from typing import Any

from local.corrections import module


def apply() -> None:
    """Apply the corrections of Auto Scaling."""
    describe_suspended_processes()


def describe_suspended_processes() -> None:
    """A described group lists its suspended processes, none as an empty list: modules read the member.

    AWS: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html, SuspendedProcesses.
    """
    autoscaling = module("services.autoscaling")
    describe = autoscaling._ACTION_MAP["DescribeAutoScalingGroups"]

    def describe_groups(parameters: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = describe(parameters)
        body = body.replace(b"<AutoScalingGroupARN>", b"<SuspendedProcesses></SuspendedProcesses><AutoScalingGroupARN>")
        return status, headers, body

    autoscaling._ACTION_MAP["DescribeAutoScalingGroups"] = describe_groups
