"""The network's modules: exact sets, no gap while they change, nothing done in check mode."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.plan import Plan

from plugins.modules import ec2_flow_log as flow_log
from plugins.modules import ec2_nat_gateways as nat
from plugins.modules import ec2_route_tables as routes
from plugins.modules import vpc_network_info as network

VPC = "vpc-1"
NAMED = [{"Key": "Name", "Value": "x"}]


def name_tag(name: str) -> list[dict[str, str]]:
    """The tags of something that has only a name."""
    return [{"Key": "Name", "Value": name}]


# Flow logs


def flow_params(**change: Any) -> dict[str, Any]:
    base = {
        "vpc_id": VPC,
        "log_group_name": "/x/flow-logs",
        "role_arn": "arn:r",
        "traffic_type": "ALL",
        "max_aggregation_interval": 600,
        "state": "present",
        "tags": {"Name": "x"},
    }
    return {**base, **change}


def flow_account(client: Any, **change: Any) -> Any:
    log = {
        "FlowLogId": "fl-1",
        "ResourceId": VPC,
        "LogGroupName": "/x/flow-logs",
        "DeliverLogsPermissionArn": "arn:r",
        "TrafficType": "ALL",
        "MaxAggregationInterval": 600,
        "Tags": NAMED,
    }
    return client(describe_flow_logs={"FlowLogs": [{**log, **change}]}, create_flow_logs={"FlowLogIds": ["fl-2"]})


def test_a_flow_log_as_wanted_is_left_alone(client: Any) -> None:
    plan = Plan(False)
    assert flow_log.ensure(plan, flow_account(client), flow_params()) == {"flow_log_id": "fl-1"}
    assert not plan.changed


def test_a_flow_log_cannot_change_and_is_replaced(client: Any) -> None:
    ec2 = flow_account(client)
    assert flow_log.ensure(Plan(False), ec2, flow_params(traffic_type="REJECT")) == {"flow_log_id": "fl-2"}
    assert ec2.writes() == ["delete_flow_logs", "create_flow_logs"]


def test_a_log_group_is_known_by_its_arn_too(client: Any) -> None:
    plan = Plan(False)
    arn = "arn:aws:logs:eu-west-1:1:log-group:/x/flow-logs:*"
    flow_log.ensure(plan, flow_account(client, LogGroupName="", LogDestination=arn), flow_params())
    assert not plan.changed


def test_a_flow_log_that_ec2_refuses_is_an_error(client: Any) -> None:
    refusal = {"Unsuccessful": [{"Error": {"Message": "Access Denied for LogDestination"}}]}
    with pytest.raises(ValueError, match="Access Denied for LogDestination"):
        flow_log.create(client(create_flow_logs=refusal), flow_params())


def test_all_flow_logs_go(client: Any) -> None:
    ec2 = flow_account(client)
    flow_log.ensure(Plan(False), ec2, flow_params(state="absent"))
    assert ec2.writes() == ["delete_flow_logs"]


# Route tables


def table(name: str, subnet: str, target: str) -> dict[str, Any]:
    return {"name": name, "subnet_ids": [subnet], "default_target": target}


def route_account(client: Any, target: str = "nat-1") -> Any:
    live = {
        "RouteTableId": "rtb-1",
        "Tags": name_tag("private"),
        "Associations": [{"Main": False, "SubnetId": "subnet-1", "RouteTableAssociationId": "a-1"}],
        "Routes": [
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
            {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": target},
        ],
    }
    main = {"RouteTableId": "rtb-0", "Associations": [{"Main": True}], "Routes": []}
    return client(
        describe_route_tables={"RouteTables": [main, live]},
        create_route_table={"RouteTable": {"RouteTableId": "rtb-2"}},
    )


def ensure_routes(ec2: Any, *tables: dict[str, Any], check: bool = False) -> Plan:
    plan = Plan(check)
    routes.ensure(plan, ec2, {"vpc_id": VPC, "tables": list(tables), "tags": {}})
    return plan


def test_tables_as_wanted_are_left_alone(client: Any) -> None:
    assert not ensure_routes(route_account(client), table("private", "subnet-1", "nat-1")).changed


def test_a_new_target_replaces_the_route_in_place(client: Any) -> None:
    ec2 = route_account(client)
    ensure_routes(ec2, table("private", "subnet-1", "nat-2"))
    assert ec2.writes() == ["replace_route"]
    assert ec2.arguments("replace_route")["NatGatewayId"] == "nat-2"


def test_a_route_that_nothing_wants_goes(client: Any) -> None:
    ec2 = route_account(client)
    ensure_routes(ec2, table("private", "subnet-1", ""))
    assert ec2.writes() == ["delete_route"]


def test_a_subnet_that_moves_is_never_without_a_table(client: Any) -> None:
    ec2 = route_account(client)
    ensure_routes(ec2, table("other", "subnet-1", "igw-1"))
    assert ec2.writes()[:3] == ["create_route_table", "create_route", "replace_route_table_association"]
    assert ec2.arguments("create_route")["GatewayId"] == "igw-1"


def test_check_mode_writes_no_route(client: Any) -> None:
    ec2 = route_account(client)
    assert ensure_routes(ec2, table("other", "subnet-1", "igw-1"), check=True).changed
    assert ec2.writes() == []


# NAT gateways


def nat_account(client: Any, gateways: Any = (), addresses: Any = ()) -> Any:
    return client(
        describe_nat_gateways={"NatGateways": list(gateways)},
        describe_addresses={"Addresses": list(addresses)},
        allocate_address={"AllocationId": "eip-new"},
        create_nat_gateway={"NatGateway": {"NatGatewayId": "nat-2"}},
    )


GATEWAY = {"NatGatewayId": "nat-1", "SubnetId": "subnet-1", "Tags": name_tag("x-nat-a")}
ADDRESS = {"AllocationId": "eip-1", "Tags": name_tag("x-nat-a")}


def ensure_nat(ec2: Any, *gateways: dict[str, str], purge: bool = True) -> Plan:
    plan = Plan(False)
    base = {"vpc_id": VPC, "name": "x-nat-", "wait_seconds": 10, "tags": {}}
    params = {**base, "gateways": list(gateways), "purge": purge}
    nat.ensure(plan, ec2, params)
    return plan


def test_a_gateway_gets_an_address_of_its_name(client: Any) -> None:
    ec2 = nat_account(client)
    ensure_nat(ec2, {"name": "x-nat-a", "subnet_id": "subnet-1"})
    assert ec2.writes() == ["allocate_address", "create_nat_gateway"]


def test_an_address_of_a_run_that_failed_is_used_again(client: Any) -> None:
    ec2 = nat_account(client, addresses=[ADDRESS])
    ensure_nat(ec2, {"name": "x-nat-a", "subnet_id": "subnet-1"})
    assert ec2.arguments("create_nat_gateway")["AllocationId"] == "eip-1"


def test_gateways_as_wanted_are_left_alone(client: Any) -> None:
    wanted = {"name": "x-nat-a", "subnet_id": "subnet-1"}
    assert not ensure_nat(nat_account(client, [GATEWAY], [ADDRESS]), wanted).changed


def test_a_gateway_goes_before_its_address(client: Any) -> None:
    ec2 = nat_account(client, [GATEWAY], [ADDRESS])
    ensure_nat(ec2)
    assert ec2.writes() == ["delete_nat_gateway", "release_address"]


def test_a_gateway_stays_while_routes_may_lead_there(client: Any) -> None:
    assert not ensure_nat(nat_account(client, [GATEWAY], [ADDRESS]), purge=False).changed


# The network as a whole


class FakeModule:
    """A module that hands out one client for every service."""

    region = "eu-west-1"

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def client(self, _service: str) -> Any:
        return self.answers


def test_no_vpc_is_answered_by_nothing(client: Any) -> None:
    found = network.look(FakeModule(client(describe_vpcs={"Vpcs": []})), "x", "x.internal")
    assert found["vpc_id"] == ""
    assert found["subnets"] == []


def test_two_vpcs_of_a_name_are_an_error(client: Any) -> None:
    both = {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]}
    with pytest.raises(ValueError, match="2 VPCs are named x"):
        network.look(FakeModule(client(describe_vpcs=both)), "x", "x.internal")


def test_a_vpc_is_described_with_what_stands_in_it(client: Any) -> None:
    subnet = {"SubnetId": "subnet-1", "Tags": NAMED, "AvailabilityZone": "eu-west-1a", "CidrBlock": "10.0.0.0/20"}
    cards = [
        {"NetworkInterfaceId": "eni-1", "VpcId": VPC, "InterfaceType": "lambda"},
        {"NetworkInterfaceId": "eni-3", "VpcId": VPC, "Description": "AWS Lambda VPC ENI-f-0b1e4b6c"},
        {"NetworkInterfaceId": "eni-2", "VpcId": "vpc-other"},
    ]
    zones = [{"Name": "x.internal.", "HostedZoneId": "Z1"}]
    answers = client(
        describe_vpcs={"Vpcs": [{"VpcId": VPC, "CidrBlock": "10.0.0.0/16"}]},
        describe_subnets={"Subnets": [subnet]},
        describe_security_groups={"SecurityGroups": [{"GroupName": "a", "GroupId": "sg-a"}]},
        describe_vpc_endpoints={"VpcEndpoints": []},
        describe_nat_gateways={"NatGateways": [GATEWAY]},
        describe_internet_gateways={"InternetGateways": []},
        describe_network_interfaces={"NetworkInterfaces": cards},
        list_hosted_zones_by_vpc={"HostedZoneSummaries": zones},
    )
    found = network.look(FakeModule(answers), "x", "x.internal")
    assert found["subnets"] == [{"id": "subnet-1", "name": "x", "zone": "eu-west-1a", "cidr": "10.0.0.0/20"}]
    assert found["security_groups"] == {"a": "sg-a"}
    assert found["function_interface_ids"] == ["eni-1", "eni-3"]
    assert found["interface_ids"] == ["eni-1", "eni-3"]
    assert found["hosted_zone_id"] == "Z1"
