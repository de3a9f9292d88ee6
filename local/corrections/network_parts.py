"""EC2: flow logs, VPC endpoints and NAT gateways, described with what they were made with."""

import re
from typing import Any

from local.corrections import module
from local.corrections.ec2_descriptions import Parameters, only

ANYBODY = '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
FLOW_LOG_MEMBERS = {
    "DeliverLogsPermissionArn": "deliverLogsPermissionArn",
    "LogGroupName": "logGroupName",
    "MaxAggregationInterval": "maxAggregationInterval",
}
ENDPOINT_FILTERS = {
    "vpc-id": "VpcId",
    "service-name": "ServiceName",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
}


def apply() -> None:
    """Apply the corrections of flow logs, endpoints and NAT gateways."""
    keep_tags_of_flow_logs()
    describe_flow_logs_whole()
    describe_endpoints_whole()
    filter_endpoints()
    describe_addresses_of_nat_gateways()


def keep_tags_of_flow_logs() -> None:
    """A flow log keeps the tags of its creation, which name the resource type vpc-flow-log.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagSpecification.html, ResourceType.
    """
    ec2 = module("services.ec2")
    parse = ec2._parse_tag_specs

    def parse_tags(parameters: Parameters, resource_type: str, identifier: str) -> None:
        parse(parameters, "vpc-flow-log" if resource_type == "flow-log" else resource_type, identifier)

    ec2._parse_tag_specs = parse_tags


def describe_flow_logs_whole() -> None:
    """A described flow log has its role, its log group and its interval, 600 s if none was given.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html;
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html, MaxAggregationInterval.
    """
    ec2 = module("services.ec2")
    create, describe = ec2._ACTION_MAP["CreateFlowLogs"], ec2._ACTION_MAP["DescribeFlowLogs"]

    def create_flow_logs(parameters: Parameters) -> Any:
        before = set(ec2._flow_logs)
        answer = create(parameters)
        given = {member: ec2._p(parameters, member) for member in FLOW_LOG_MEMBERS}
        for identifier in set(ec2._flow_logs) - before:
            kept = {member: value for member, value in given.items() if value}
            ec2._flow_logs[identifier].update({"MaxAggregationInterval": "600"} | kept)
        return answer

    def describe_flow_logs(parameters: Parameters) -> tuple[int, dict[str, str], bytes]:
        def with_members(match: re.Match[str]) -> str:
            log = ec2._flow_logs[match[1]]
            shown = {tag: log[member] for member, tag in FLOW_LOG_MEMBERS.items() if member in log}
            return match[0] + "".join(f"<{tag}>{ec2._esc(value)}</{tag}>" for tag, value in shown.items())

        status, headers, body = describe(parameters)
        return status, headers, re.sub(r"<flowLogId>([^<]+)</flowLogId>", with_members, body.decode()).encode()

    ec2._ACTION_MAP.update(CreateFlowLogs=create_flow_logs, DescribeFlowLogs=describe_flow_logs)


def describe_endpoints_whole() -> None:
    """A described endpoint has its policy, its security groups and whether it answers to the service's own names.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html;
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html.
    """
    ec2 = module("services.ec2")
    show = ec2._vpce_fields_xml
    create, modify = ec2._ACTION_MAP["CreateVpcEndpoint"], ec2._ACTION_MAP["ModifyVpcEndpoint"]

    def endpoint_xml(endpoint: dict[str, Any], tag: str = "item") -> str:
        return re.sub(rf"</{tag}>\s*$", lambda end: _endpoint_members(ec2, endpoint) + end[0], show(endpoint, tag))

    def create_endpoint(parameters: Parameters) -> Any:
        before = set(ec2._vpc_endpoints)
        answer = create(parameters)
        if answer[0] != 200:
            return answer
        (identifier,) = set(ec2._vpc_endpoints) - before
        _keep_endpoint(ec2, ec2._vpc_endpoints[identifier], parameters)
        shown = endpoint_xml(ec2._vpc_endpoints[identifier], "vpcEndpoint")
        return ec2._xml(200, "CreateVpcEndpointResponse", shown)

    def modify_endpoint(parameters: Parameters) -> Any:
        answer = modify(parameters)
        if answer[0] == 200:
            _keep_endpoint(ec2, ec2._vpc_endpoints[ec2._p(parameters, "VpcEndpointId")], parameters)
        return answer

    ec2._vpce_fields_xml = endpoint_xml
    ec2._ACTION_MAP.update(CreateVpcEndpoint=create_endpoint, ModifyVpcEndpoint=modify_endpoint)


def filter_endpoints() -> None:
    """Endpoints are found by VPC, service, id, state, type and tags.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html, Filter.
    """
    ec2 = module("services.ec2")
    describe = ec2._ACTION_MAP["DescribeVpcEndpoints"]

    def describe_endpoints(parameters: Parameters) -> Any:
        filters = ec2._parse_filters(parameters)
        found = [
            identifier
            for identifier, endpoint in ec2._vpc_endpoints.items()
            if all(endpoint[member] in filters[name] for name, member in ENDPOINT_FILTERS.items() if name in filters)
            and ec2._resource_matches_tag_filters(identifier, filters)
        ]
        return describe(only(parameters, "VpcEndpointId", found) if filters else parameters)

    ec2._ACTION_MAP["DescribeVpcEndpoints"] = describe_endpoints


def describe_addresses_of_nat_gateways() -> None:
    """A public NAT gateway shows the elastic address that it was given.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGatewayAddress.html.
    """
    ec2 = module("services.ec2")
    empty = re.compile(r"(<natGatewayId>([^<]+)</natGatewayId>(?:(?!<natGatewayId>).)*?)<natGatewayAddressSet/>", re.S)

    def with_address(match: re.Match[str]) -> str:
        address = ec2._addresses.get(ec2._nat_gateways[match[2]].get("AllocationId") or "")
        if not address:
            return match[0]
        item = (
            f"<allocationId>{address['AllocationId']}</allocationId><publicIp>{address['PublicIp']}</publicIp>"
            "<isPrimary>true</isPrimary><status>succeeded</status>"
        )
        return f"{match[1]}<natGatewayAddressSet><item>{item}</item></natGatewayAddressSet>"

    def with_addresses(handle: Any) -> Any:
        def handler(parameters: Parameters) -> tuple[int, dict[str, str], bytes]:
            status, headers, body = handle(parameters)
            return status, headers, empty.sub(with_address, body.decode()).encode()

        return handler

    for action in ("CreateNatGateway", "DescribeNatGateways"):
        ec2._ACTION_MAP[action] = with_addresses(ec2._ACTION_MAP[action])


def _endpoint_members(ec2: Any, endpoint: dict[str, Any]) -> str:
    policy = ec2._esc(endpoint.get("PolicyDocument", ANYBODY))
    private = "true" if endpoint.get("PrivateDnsEnabled") else "false"
    groups = "".join(f"<item><groupId>{group}</groupId></item>" for group in endpoint.get("Groups", []))
    return (
        f"<policyDocument>{policy}</policyDocument><privateDnsEnabled>{private}</privateDnsEnabled>"
        f"<groupSet>{groups}</groupSet>"
    )


def _keep_endpoint(ec2: Any, endpoint: dict[str, Any], parameters: Parameters) -> None:
    """Keep what a creation or a change says of the policy, the groups and the names."""
    if policy := ec2._p(parameters, "PolicyDocument"):
        endpoint["PolicyDocument"] = policy
    private = ec2._p(parameters, "PrivateDnsEnabled")
    if private or "PrivateDnsEnabled" not in endpoint:
        endpoint["PrivateDnsEnabled"] = endpoint["VpcEndpointType"] == "Interface" and private != "false"
    groups = endpoint.get("Groups", [])
    for name in ("SecurityGroupId", "AddSecurityGroupId"):
        groups = groups + [group for group in ec2._parse_member_list(parameters, name) if group not in groups]
    removed = ec2._parse_member_list(parameters, "RemoveSecurityGroupId")
    endpoint["Groups"] = [group for group in groups if group not in removed]
