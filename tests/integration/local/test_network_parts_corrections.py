"""Flow logs, endpoints and NAT gateways: described whole with our corrections, and still in part without."""

import json
from typing import Any

from tests.integration.local.support import Clients
from tests.integration.local.test_network_corrections import make_subnet, make_vpc

ROLE = "arn:aws:iam::000000000000:role/flow-logs"
TAGS: Any = [{"Key": "Name", "Value": "a & b"}]
POLICY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:Get<Object>", "Resource": "*"}]})
SERVICES = {"Gateway": "com.amazonaws.eu-west-1.s3", "Interface": "com.amazonaws.eu-west-1.sqs"}


def flow_log(aws: Clients) -> dict[str, Any]:
    vpc = make_vpc(aws)
    aws.ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/flow-logs",
        DeliverLogsPermissionArn=ROLE,
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": TAGS}],
    )
    (found,) = aws.ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    return dict(found)


def make_endpoint(aws: Clients, kind: Any, **options: Any) -> dict[str, Any]:
    made = aws.ec2.create_vpc_endpoint(
        VpcId=make_vpc(aws), ServiceName=SERVICES[kind], VpcEndpointType=kind, PolicyDocument=POLICY, **options
    )
    return dict(made["VpcEndpoint"])


def described_endpoint(aws: Clients, identifier: str) -> dict[str, Any]:
    (found,) = aws.ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"]
    return dict(found)


def nat_gateway(aws: Clients) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return a new NAT gateway as it was made and as it is described, and its allocation."""
    allocation = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    subnet = make_subnet(aws, make_vpc(aws))
    made = aws.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]
    (found,) = aws.ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    return dict(made), dict(found), allocation


def test_a_flow_log_keeps_its_tags(aws: Clients, uncorrected: Clients) -> None:
    assert flow_log(aws)["Tags"] == TAGS
    assert not flow_log(uncorrected).get("Tags"), "ministack keeps these tags now: remove keep_tags_of_flow_logs"


def test_a_flow_log_is_described_whole(aws: Clients, uncorrected: Clients) -> None:
    members = ("DeliverLogsPermissionArn", "LogGroupName", "MaxAggregationInterval")
    found = flow_log(aws)
    assert [found[member] for member in members] == [ROLE, "/flow-logs", 600]
    without = flow_log(uncorrected)
    assert not any(member in without for member in members), (
        "ministack describes flow logs whole now: remove describe_flow_logs_whole"
    )


def test_an_endpoint_is_described_whole(aws: Clients, uncorrected: Clients) -> None:
    made = make_endpoint(aws, "Interface", SecurityGroupIds=["sg-1", "sg-2"], PrivateDnsEnabled=True)
    identifier = made["VpcEndpointId"]
    found = described_endpoint(aws, identifier)
    for each in (made, found):
        assert [group["GroupId"] for group in each["Groups"]] == ["sg-1", "sg-2"]
        assert (each["PolicyDocument"], each["PrivateDnsEnabled"]) == (POLICY, True)
    aws.ec2.modify_vpc_endpoint(
        VpcEndpointId=identifier,
        AddSecurityGroupIds=["sg-3"],
        RemoveSecurityGroupIds=["sg-1"],
        PrivateDnsEnabled=False,
        PolicyDocument="{}",
    )
    found = described_endpoint(aws, identifier)
    assert [group["GroupId"] for group in found["Groups"]] == ["sg-2", "sg-3"]
    assert (found["PolicyDocument"], found["PrivateDnsEnabled"]) == ("{}", False)
    assert make_endpoint(aws, "Gateway")["PrivateDnsEnabled"] is False
    without = make_endpoint(uncorrected, "Interface", SecurityGroupIds=["sg-1"], PrivateDnsEnabled=True)
    assert not {"PolicyDocument", "PrivateDnsEnabled", "Groups"} <= set(without), (
        "ministack describes endpoints whole now: remove describe_endpoints_whole"
    )


def test_endpoints_are_filtered(aws: Clients, uncorrected: Clients) -> None:
    tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "filtered"}]}]
    gateway = make_endpoint(aws, "Gateway", TagSpecifications=tags)
    make_endpoint(aws, "Interface")
    for name, value in (
        ("vpc-id", gateway["VpcId"]),
        ("tag:Name", "filtered"),
        ("vpc-endpoint-id", gateway["VpcEndpointId"]),
    ):
        found = aws.ec2.describe_vpc_endpoints(Filters=[{"Name": name, "Values": [value]}])["VpcEndpoints"]
        assert [endpoint["VpcEndpointId"] for endpoint in found] == [gateway["VpcEndpointId"]]
    nowhere: Any = [{"Name": "vpc-id", "Values": ["vpc-0"]}]
    assert aws.ec2.describe_vpc_endpoints(Filters=nowhere)["VpcEndpoints"] == []
    make_endpoint(uncorrected, "Gateway")
    assert uncorrected.ec2.describe_vpc_endpoints(Filters=nowhere)["VpcEndpoints"], (
        "ministack filters endpoints now: remove filter_endpoints"
    )


def test_a_nat_gateway_has_addresses(aws: Clients, uncorrected: Clients) -> None:
    made, found, allocation = nat_gateway(aws)
    nat_gateway(aws)
    for each in (made, found):
        (address,) = each["NatGatewayAddresses"]
        assert address["AllocationId"] == allocation
        assert address["PublicIp"]
    _, without, _ = nat_gateway(uncorrected)
    assert without["NatGatewayAddresses"] == [], (
        "ministack describes addresses now: remove describe_addresses_of_nat_gateways"
    )
