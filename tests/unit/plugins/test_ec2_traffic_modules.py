"""What may pass: security groups and endpoints as exact sets, no gap while they change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.plan import Plan
from ansible.module_utils.security_group_rules import Rule, permission, rules_of, show

from plugins.modules import ec2_security_groups as groups
from plugins.modules import ec2_vpc_endpoints as endpoints

VPC = "vpc-1"


def name_tag(name: str) -> list[dict[str, str]]:
    """The tags of something that has only a name."""
    return [{"Key": "Name", "Value": name}]


# Security groups


def group(name: str, **rules: Any) -> dict[str, Any]:
    return {"name": name, "description": name, "ingress": [], "egress": [], **rules}


def live_group(name: str, ingress: Any = (), egress: Any = ()) -> dict[str, Any]:
    return {
        "GroupId": f"sg-{name}",
        "GroupName": name,
        "Tags": name_tag(name),
        "IpPermissions": list(ingress),
        "IpPermissionsEgress": list(egress),
    }


ANYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
CALL = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-b"}]}
TO_B = {"port": 443, "group": "b", "description": "B"}


def ensure_groups(ec2: Any, *wanted: dict[str, Any], check: bool = False) -> Plan:
    plan = Plan(check)
    groups.ensure_present(plan, ec2, {"vpc_id": VPC, "groups": list(wanted), "tags": {}})
    return plan


def test_groups_as_wanted_are_left_alone(client: Any) -> None:
    ec2 = client(describe_security_groups={"SecurityGroups": [live_group("a", egress=[CALL]), live_group("b")]})
    assert not ensure_groups(ec2, group("a", egress=[TO_B]), group("b")).changed


def test_the_default_group_is_emptied(client: Any) -> None:
    ec2 = client(describe_security_groups={"SecurityGroups": [live_group("default", [ANYTHING], [ANYTHING])]})
    ensure_groups(ec2)
    assert ec2.writes() == ["revoke_security_group_ingress", "revoke_security_group_egress"]


def test_new_rules_come_before_old_ones_go(client: Any) -> None:
    found = [live_group("a", egress=[ANYTHING]), live_group("b")]
    ec2 = client(describe_security_groups={"SecurityGroups": found})
    ensure_groups(ec2, group("a", egress=[TO_B]), group("b"))
    assert ec2.writes() == ["authorize_security_group_egress", "revoke_security_group_egress"]
    (added,) = ec2.arguments("authorize_security_group_egress")["IpPermissions"]
    assert added["UserIdGroupPairs"] == [{"GroupId": "sg-b", "Description": "B"}]


def test_check_mode_shows_rules_of_groups_that_are_not_there(client: Any) -> None:
    ec2 = client(describe_security_groups={"SecurityGroups": []})
    plan = ensure_groups(ec2, group("a", egress=[TO_B]), group("b"), check=True)
    assert ec2.writes() == []
    assert plan.diff[-1]["after"] == "tcp 443 group b\n"


def test_prefix_lists_are_named_not_numbered(client: Any) -> None:
    rule = {"port": 443, "prefix_list": "com.amazonaws.eu-west-1.s3", "description": "S3"}
    lists = {"PrefixLists": [{"PrefixListName": rule["prefix_list"], "PrefixListId": "pl-1"}]}
    ec2 = client(describe_security_groups={"SecurityGroups": [live_group("a")]}, describe_prefix_lists=lists)
    ensure_groups(ec2, group("a", egress=[rule]))
    (added,) = ec2.arguments("authorize_security_group_egress")["IpPermissions"]
    assert added["PrefixListIds"] == [{"PrefixListId": "pl-1", "Description": "S3"}]
    with pytest.raises(ValueError, match="no prefix list named nope"):
        ensure_groups(ec2, group("a", egress=[{**rule, "prefix_list": "nope"}]))


def test_groups_that_name_each_other_can_go(client: Any) -> None:
    ec2 = client(describe_security_groups={"SecurityGroups": [live_group("a", egress=[CALL]), live_group("b")]})
    groups.ensure_absent(Plan(False), ec2, {"vpc_id": VPC, "groups": [group("a"), group("b")]})
    assert ec2.writes() == ["revoke_security_group_egress", "delete_security_group", "delete_security_group"]


@pytest.mark.parametrize(
    "rule", [{"port": 1}, {"port": 1, "group": "a", "cidr": "0.0.0.0/0"}, {"port": 1, "group": "z"}]
)
def test_a_rule_has_one_known_peer(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="The rule"):
        Rule.wanted(rule, {"a": "sg-a"}, {})


def test_a_rule_travels_both_ways() -> None:
    rule = Rule("tcp", 443, 443, "cidr", "0.0.0.0/0")
    assert list(rules_of([permission(rule, "AWS")])) == [rule]
    assert rules_of([ANYTHING]) == {Rule("-1", -1, -1, "cidr", "0.0.0.0/0"): ANYTHING}
    assert show([rule], {}) == "tcp 443 cidr 0.0.0.0/0\n"


# Endpoints

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
S3 = "com.amazonaws.eu-west-1.s3"


def endpoint(**change: Any) -> dict[str, Any]:
    base = {"service": S3, "type": "Gateway", "policy": POLICY, "route_table_ids": ["rtb-1"]}
    return {**base, "subnet_ids": [], "security_group_ids": [], **change}


def live_endpoint(**change: Any) -> dict[str, Any]:
    base = {
        "VpcEndpointId": "vpce-1",
        "VpcEndpointType": "Gateway",
        "VpcId": VPC,
        "ServiceName": S3,
        "State": "available",
        "PolicyDocument": POLICY,
        "RouteTableIds": ["rtb-1"],
        "SubnetIds": [],
        "Groups": [],
        "Tags": name_tag("x-s3"),
    }
    return {**base, **change}


def ensure_endpoints(ec2: Any, *wanted: dict[str, Any]) -> Plan:
    plan = Plan(False)
    endpoints.ensure(plan, ec2, {"vpc_id": VPC, "name": "x", "endpoints": list(wanted), "tags": {}})
    return plan


def test_endpoints_as_wanted_are_left_alone(client: Any) -> None:
    ec2 = client(describe_vpc_endpoints={"VpcEndpoints": [live_endpoint()]})
    assert not ensure_endpoints(ec2, endpoint()).changed


def test_an_endpoint_follows_its_policy_and_tables(client: Any) -> None:
    open_policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}]})
    live = live_endpoint(PolicyDocument=open_policy, RouteTableIds=["rtb-0"])
    ec2 = client(describe_vpc_endpoints={"VpcEndpoints": [live]})
    ensure_endpoints(ec2, endpoint())
    change = ec2.arguments("modify_vpc_endpoint")
    assert change["PolicyDocument"] == POLICY
    assert (change["AddRouteTableIds"], change["RemoveRouteTableIds"]) == (["rtb-1"], ["rtb-0"])


def test_an_interface_endpoint_answers_by_the_services_own_name(client: Any) -> None:
    ec2 = client(create_vpc_endpoint={"VpcEndpoint": {"VpcEndpointId": "vpce-2"}})
    wanted = endpoint(type="Interface", route_table_ids=[], subnet_ids=["subnet-1"], security_group_ids=["sg-1"])
    ec2.answers["describe_vpc_endpoints"] = {"VpcEndpoints": []}
    ensure_endpoints(ec2, wanted)
    assert ec2.arguments("create_vpc_endpoint")["PrivateDnsEnabled"] is True


def test_an_endpoint_that_nothing_wants_goes_and_a_refusal_is_told(client: Any) -> None:
    ec2 = client(describe_vpc_endpoints={"VpcEndpoints": [live_endpoint()]})
    ensure_endpoints(ec2)
    assert ec2.writes() == ["delete_vpc_endpoints"]
    ec2.answers["delete_vpc_endpoints"] = {"Unsuccessful": [{"Error": {"Message": "in use"}}]}
    with pytest.raises(ValueError, match="in use"):
        ensure_endpoints(ec2)
