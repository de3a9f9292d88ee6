#!/usr/bin/python
"""Ansible module: a VPC's flow log to CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DOCUMENTATION = r"""
module: ec2_flow_log
short_description: Manage the flow log of a VPC to CloudWatch Logs
description:
  - Makes sure that a VPC has exactly one flow log to the log group given.
  - EC2 cannot change a flow log, so one that differs is replaced.
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  log_group_name:
    description: The log group that takes the records. Required when O(state=present).
    type: str
  role_arn:
    description: The role that writes the records. Required when O(state=present).
    type: str
  traffic_type:
    description: Which traffic is recorded.
    type: str
    choices: [ACCEPT, REJECT, ALL]
    default: ALL
  max_aggregation_interval:
    description: Seconds that a record sums up, 60 or 600.
    type: int
    choices: [60, 600]
    default: 600
  state:
    description: With V(absent) every flow log of the VPC is removed.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: The flow log's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Record the VPC's traffic
  ec2_flow_log:
    vpc_id: vpc-0123456789abcdef0
    log_group_name: /estancia-dev/flow-logs
    role_arn: arn:aws:iam::123456789012:role/estancia-dev-flow-logs
"""

RETURN = r"""
flow_log_id:
  description: The flow log's id; empty when there is none.
  returned: always
  type: str
"""


def describe(ec2: EC2Client, vpc_id: str) -> list[dict[str, Any]]:
    """The flow logs of a VPC.

    Args:
        ec2: A client.
        vpc_id: The VPC.

    Returns:
        EC2's descriptions.
    """
    pages = ec2.get_paginator("describe_flow_logs").paginate(Filters=[{"Name": "resource-id", "Values": [vpc_id]}])
    return [dict(log) for page in pages for log in page["FlowLogs"] if log["ResourceId"] == vpc_id]


def summary(log: dict[str, Any]) -> dict[str, Any]:
    """What of a description can differ; what EC2 leaves out is left out.

    Args:
        log: A description.

    Returns:
        Destination, role, traffic and interval.
    """
    fields = ("DeliverLogsPermissionArn", "TrafficType", "MaxAggregationInterval")
    known: dict[str, Any] = {field: log[field] for field in fields if field in log}
    destination = log.get("LogGroupName") or log.get("LogDestination", "").rpartition(":log-group:")[2].removesuffix(
        ":*"
    )
    return {**known, "LogGroupName": destination}


def wanted_summary(params: dict[str, Any]) -> dict[str, Any]:
    """The wanted flow log in the terms of `summary`.

    Args:
        params: The module's parameters.

    Returns:
        Destination, role, traffic and interval.
    """
    return {
        "DeliverLogsPermissionArn": params["role_arn"],
        "TrafficType": params["traffic_type"],
        "MaxAggregationInterval": params["max_aggregation_interval"],
        "LogGroupName": params["log_group_name"],
    }


def create(ec2: EC2Client, params: dict[str, Any]) -> str:
    """Create the flow log; a role that was made a moment ago is refused until EC2 sees it.

    Args:
        ec2: A client.
        params: The module's parameters.

    Returns:
        The flow log's id.

    Raises:
        ValueError: When EC2 answers that it could not make it.
    """
    retry = AWSRetry.jittered_backoff(retries=8, delay=3, max_delay=15, catch_extra_error_codes=["InvalidParameter"])
    answer = retry(ec2.create_flow_logs)(
        ResourceIds=[params["vpc_id"]],
        ResourceType="VPC",
        LogDestinationType="cloud-watch-logs",
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": tag_list(params["tags"])}],
        **wanted_summary(params),
    )
    if answer.get("Unsuccessful"):
        raise ValueError(f"EC2 did not make the flow log: {answer['Unsuccessful'][0]['Error']['Message']}")
    return str(answer["FlowLogIds"][0])


def ensure(plan: Plan, ec2: EC2Client, params: dict[str, Any]) -> dict[str, Any]:
    """Bring the VPC's flow log to the wanted state.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    vpc_id, wanted = params["vpc_id"], wanted_summary(params)
    kept: dict[str, Any] = {}
    for log in describe(ec2, vpc_id):
        live = summary(log)
        if params["state"] == "present" and not kept and live.items() <= wanted.items():
            kept = log
            continue
        drop = [log["FlowLogId"]]
        title = f"Flow log {log['FlowLogId']} of {vpc_id}"
        plan.step(title, live, {}, lambda ids=drop: ec2.delete_flow_logs(FlowLogIds=ids))
    if params["state"] == "absent":
        return {"flow_log_id": ""}
    if not kept:
        return {"flow_log_id": plan.step(f"Flow log of {vpc_id}", {}, wanted, lambda: create(ec2, params)) or ""}
    log_id = kept["FlowLogId"]
    converge_tags(
        plan,
        f"flow log {log_id}",
        tag_dict(kept.get("Tags")),
        params["tags"],
        add=lambda tags: ec2.create_tags(Resources=[log_id], Tags=tag_list(tags)),
        remove=lambda keys: ec2.delete_tags(Resources=[log_id], Tags=[{"Key": key} for key in keys]),
    )
    return {"flow_log_id": log_id}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "log_group_name": {"type": "str"},
            "role_arn": {"type": "str"},
            "traffic_type": {"type": "str", "choices": ["ACCEPT", "REJECT", "ALL"], "default": "ALL"},
            "max_aggregation_interval": {"type": "int", "choices": [60, 600], "default": 600},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["log_group_name", "role_arn"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("ec2"), module.params))


if __name__ == "__main__":
    main()
