"""Elastic Load Balancing: errors, target health and the choice of the target."""

import asyncio
import itertools
from collections import Counter
from typing import Any

from local.corrections import module
from local.corrections.target_health import HealthChecker

_outstanding: Counter[tuple[str, str, int]] = Counter()
_turns = itertools.count()


def apply() -> None:
    """Apply the corrections of Elastic Load Balancing."""
    refuse_unknown_target_group_names()
    checker = HealthChecker(module("services.alb"))
    describe_checked_target_health(checker)
    choose_among_healthy_targets(checker)
    checker.start()


def refuse_unknown_target_group_names() -> None:
    """DescribeTargetGroups by names answers TargetGroupNotFound if one is missing, not an empty list.

    AWS: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html, Errors.
    """
    alb = module("services.alb")
    describe = alb._ACTION_MAP["DescribeTargetGroups"]

    def describe_target_groups(parameters: dict[str, Any]) -> Any:
        known = {group["TargetGroupName"] for group in alb._tgs.values()}
        if any(name not in known for name in alb._parse_member_list(parameters, "Names")):
            return alb._error("TargetGroupNotFound", "One or more target groups not found", 400)
        return describe(parameters)

    alb._ACTION_MAP["DescribeTargetGroups"] = describe_target_groups


def describe_checked_target_health(checker: HealthChecker) -> None:
    """DescribeTargetHealth tells what the group's own health checks found, with state, reason and description.

    AWS: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html.
    """
    alb = module("services.alb")

    def describe_target_health(parameters: dict[str, Any]) -> Any:
        arn = alb._p(parameters, "TargetGroupArn")
        group = alb._tgs.get(arn)
        if group is None:
            return alb._error("TargetGroupNotFound", f"Target group '{arn}' not found.")
        registered = {_identity(group, target) for target in alb._targets.get(arn, [])}
        asked = [_identity(group, target) for target in alb._parse_targets_param(parameters)] or sorted(registered)
        members = "".join(_health_member(group, identity, checker, identity in registered) for identity in asked)
        return alb._xml(200, "DescribeTargetHealth", f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>")

    alb._ACTION_MAP["DescribeTargetHealth"] = describe_target_health


def choose_among_healthy_targets(checker: HealthChecker) -> None:
    """Requests go to healthy targets in turn, or to the least busy; to every target if none is healthy.

    AWS: routing algorithms, https://docs.aws.amazon.com/elasticloadbalancing/latest/application/
    edit-target-group-attributes.html; no healthy target at all, .../application/target-group-health-checks.html:
    "the load balancer routes requests to all those targets, regardless of their health status".
    """
    alb = module("services.alb")
    forward = alb._forward_to_tg

    async def forward_to_group(group_arn: str, *request: Any) -> Any:
        group = alb._tgs.get(group_arn)
        registered = alb._targets.get(group_arn, [])
        if not group or not registered or group.get("TargetType", "instance") == "lambda":
            return await forward(group_arn, *request)
        target = _choose(alb, group, registered, checker)
        method, path, headers, body, query_params, raw_query, raw_path = (*request, None, None)[:7]
        key = (group_arn, *_identity(group, target))
        _outstanding[key] += 1
        try:
            answer = await alb._proxy_http_target(
                target, group, method, raw_path or path, headers, body, query_params, raw_query
            )
        except (Exception, asyncio.CancelledError):
            _outstanding[key] -= 1
            raise
        return _released_when_sent(answer, key)

    alb._forward_to_tg = forward_to_group


def _choose(
    alb: Any, group: dict[str, Any], registered: list[dict[str, Any]], checker: HealthChecker
) -> dict[str, Any]:
    arn = group["TargetGroupArn"]
    healthy = [target for target in registered if checker.health(arn, _identity(group, target)).state == "healthy"]
    candidates = healthy or registered
    attributes = {item["Key"]: item["Value"] for item in alb._tg_attrs.get(arn, [])}
    if attributes.get("load_balancing.algorithm.type") == "least_outstanding_requests":
        least = min(_outstanding[(arn, *_identity(group, target))] for target in candidates)
        candidates = [item for item in candidates if _outstanding[(arn, *_identity(group, item))] == least]
    return candidates[next(_turns) % len(candidates)]


def _released_when_sent(answer: Any, key: tuple[str, str, int]) -> Any:
    """Count the request as outstanding until its last byte is sent, or at once if there is no stream."""
    status, headers, body = answer
    streaming = module("core.responses").StreamingResponse
    if not isinstance(body, streaming):
        _outstanding[key] -= 1
        return answer
    run = body.runner

    async def runner(send: Any, receive: Any) -> None:
        try:
            await run(send, receive)
        finally:
            _outstanding[key] -= 1

    return status, headers, streaming(runner)


def _identity(group: dict[str, Any], target: dict[str, Any]) -> tuple[str, int]:
    return str(target["Id"]), int(target.get("Port") or group.get("Port") or 80)


def _health_member(group: dict[str, Any], identity: tuple[str, int], checker: HealthChecker, registered: bool) -> str:
    health = checker.health(group["TargetGroupArn"], identity) if registered else checker.not_registered
    reason = f"<Reason>{health.reason}</Reason>" if health.reason else ""
    description = f"<Description>{health.description}</Description>" if health.description else ""
    port = group["HealthCheckPort"]
    return (
        f"<member><Target><Id>{identity[0]}</Id><Port>{identity[1]}</Port></Target>"
        f"<HealthCheckPort>{identity[1] if port == 'traffic-port' else port}</HealthCheckPort>"
        f"<TargetHealth><State>{health.state}</State>{reason}{description}</TargetHealth></member>"
    )
