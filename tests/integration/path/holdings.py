"""What an account holds: everything of every service that the roles use, by the words that AWS knows it by."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from tests.integration.path.account import Account

Holdings = dict[str, set[str]]

# service, operation, member of the answer, what names one thing; a word without a member is the thing itself
LISTED: dict[str, tuple[str, str, str, str]] = {
    "buckets": ("s3", "list_buckets", "Buckets", "Name"),
    "queues": ("sqs", "list_queues", "QueueUrls", ""),
    "tables": ("dynamodb", "list_tables", "TableNames", ""),
    "backups of tables": ("dynamodb", "list_backups", "BackupSummaries", "BackupArn"),
    "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "event source mappings": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    "rules": ("events", "list_rules", "Rules", "Name"),
    "event buses": ("events", "list_event_buses", "EventBuses", "Name"),
    "load balancers": ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    "target groups": ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    "groups of instances": ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    "networks": ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "subnets": ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "security groups": ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "network ACLs": ("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    "route tables": ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "internet gateways": ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "NAT gateways": ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "addresses": ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    "endpoints": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "flow logs": ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "network interfaces": ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    "launch templates": ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "volumes": ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    "hosted zones": ("route53", "list_hosted_zones", "HostedZones", "Id"),
    "certificates": ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    "roles": ("iam", "list_roles", "Roles", "RoleName"),
    "policies": ("iam", "list_policies", "Policies", "Arn"),
    "instance profiles": ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    "users": ("iam", "list_users", "Users", "UserName"),
    "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "keys": ("kms", "list_keys", "Keys", "KeyArn"),
    "key aliases": ("kms", "list_aliases", "Aliases", "AliasName"),
    "parameters": ("ssm", "describe_parameters", "Parameters", "Name"),
}
# What AWS still shows for a while, or by itself, and what then says so.
GONE: dict[str, Callable[[Any], bool]] = {
    "NAT gateways": lambda gateway: gateway["State"] == "deleted",
    "endpoints": lambda endpoint: endpoint["State"] == "deleted",
    "policies": lambda policy: ":aws:policy/" in policy["Arn"],
    "key aliases": lambda alias: alias["AliasName"].startswith("alias/aws/"),
}


def all_of(account: Account, service: str, operation: str) -> Iterator[Any]:
    """Yield the answers to a listing, all its pages."""
    client = account.client(service)
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate()
    else:
        yield getattr(client, operation)()


def listed(account: Account, kind: str) -> set[str]:
    """Return the names of all of a kind."""
    service, operation, member, name = LISTED[kind]
    things = [thing for page in all_of(account, service, operation) for thing in page.get(member, [])]
    return {str(thing[name] if name else thing) for thing in things if not GONE.get(kind, lambda _: False)(thing)}


def versions(account: Account) -> set[str]:
    """Return the published versions of all functions."""
    functions = account.client("lambda")
    return {
        version["FunctionArn"]
        for name in listed(account, "functions")
        for version in functions.list_versions_by_function(FunctionName=name)["Versions"]
        if version["Version"] != "$LATEST"
    }


def listeners(account: Account) -> set[str]:
    """Return the listeners of all load balancers."""
    balancers = listed(account, "load balancers")
    found = [account.client("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"] for arn in balancers]
    return {listener["ListenerArn"] for part in found for listener in part}


def instances(account: Account) -> set[str]:
    """Return the instances that are not terminated."""
    found = [page["Reservations"] for page in all_of(account, "ec2", "describe_instances")]
    return {
        instance["InstanceId"]
        for reservations in found
        for reservation in reservations
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    }


def holdings(account: Account) -> Holdings:
    """Return all that the account holds, kind by kind."""
    found = {kind: listed(account, kind) for kind in LISTED}
    return found | {"versions": versions(account), "listeners": listeners(account), "instances": instances(account)}


def added(before: Holdings, after: Holdings) -> Holdings:
    """Return what the account holds now and did not hold before; kinds without a difference are left out."""
    return {kind: names - before[kind] for kind, names in after.items() if names - before[kind]}


def pending(account: Account, key_arn: str) -> bool:
    """Return whether KMS waits to delete a key."""
    with contextlib.suppress(ClientError):
        return bool(account.client("kms").describe_key(KeyId=key_arn)["KeyMetadata"]["KeyState"] == "PendingDeletion")
    return False
