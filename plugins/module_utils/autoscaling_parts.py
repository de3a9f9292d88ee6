"""The requests that make and change an Auto Scaling group, and a live group in comparable form."""

from __future__ import annotations

from typing import Any


def _request(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as the interface takes them: the subnets are one text there."""
    return {**settings, "VPCZoneIdentifier": ",".join(settings["VPCZoneIdentifier"])}


def create_request(params: dict[str, Any]) -> dict[str, Any]:
    """The request that makes a group at size 0, with its hooks.

    Args:
        params: The module's parameters.

    Returns:
        The arguments of CreateAutoScalingGroup.
    """
    return {
        "AutoScalingGroupName": params["name"],
        "MinSize": 0,
        "MaxSize": 0,
        "DesiredCapacity": 0,
        **_request(params["settings"]),
        "LifecycleHookSpecificationList": params["hooks"],
        "Tags": [
            {"Key": key, "Value": str(value), "PropagateAtLaunch": True}
            for key, value in sorted(params["tags"].items())
        ],
    }


def apply_settings(autoscaling: Any, live: dict[str, Any], params: dict[str, Any]) -> None:
    """Change a group's settings; its target groups have calls of their own.

    Args:
        autoscaling: A client.
        live: The live group in comparable form.
        params: The module's parameters.
    """
    name = params["name"]
    request = _request(params["settings"])
    wanted = set(request.pop("TargetGroupARNs", []))
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, **request)
    there = set(live["TargetGroupARNs"])
    if wanted - there:
        autoscaling.attach_load_balancer_target_groups(
            AutoScalingGroupName=name, TargetGroupARNs=sorted(wanted - there)
        )
    if there - wanted:
        autoscaling.detach_load_balancer_target_groups(
            AutoScalingGroupName=name, TargetGroupARNs=sorted(there - wanted)
        )


def hook_request(group: str, hook: dict[str, Any]) -> dict[str, Any]:
    """The request that writes a hook.

    Args:
        group: The group's name.
        hook: One of the module's hooks.

    Returns:
        The arguments of PutLifecycleHook.
    """
    return {"AutoScalingGroupName": group, **hook}


def comparable(group: dict[str, Any]) -> dict[str, Any]:
    """A group, live or wanted, with its lists in one order.

    Args:
        group: Auto Scaling's description, or the module's settings.

    Returns:
        A copy; subnets and target groups as sorted lists, the template by id and version.
    """
    copy = dict(group)
    zones = copy.get("VPCZoneIdentifier") or []
    copy["VPCZoneIdentifier"] = sorted(zones.split(",") if isinstance(zones, str) else zones)
    copy["TargetGroupARNs"] = sorted(copy.get("TargetGroupARNs") or [])
    return copy
