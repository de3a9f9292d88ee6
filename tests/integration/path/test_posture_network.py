"""What the deployed network is, read back whole: nothing may be added unseen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.path.account import Account, words

pytestmark = pytest.mark.without_invariants("nothing is processed")

VPC, ANY = "10.64.0.0/16", "0.0.0.0/0"
S3, DYNAMODB = "com.amazonaws.eu-west-1.s3", "com.amazonaws.eu-west-1.dynamodb"
BUCKETS = "arn:aws:s3:::estancia-local-000000000000-eu-west-1-"
LEDGER = "arn:aws:dynamodb:eu-west-1:000000000000:table/estancia-local-ledger"

# group: its inbound rules and its outbound rules, each (protocol, first port, last port, peer)
SECURITY_GROUPS: dict[str, tuple[set[Any], set[Any]]] = {
    "default": (set(), set()),
    "dispatcher": (
        set(),
        {
            ("tcp", 443, 443, "load-balancer"),
            ("tcp", 443, 443, S3),
            ("tcp", 443, 443, DYNAMODB),
            ("tcp", 443, 443, ANY),
        },
    ),
    "load-balancer": ({("tcp", 443, 443, "dispatcher")}, {("tcp", 8080, 8080, "processor")}),
    "processor": (
        {("tcp", 8080, 8080, "load-balancer")},
        {("tcp", 443, 443, S3), ("tcp", 443, 443, DYNAMODB), ("tcp", 443, 443, ANY)},
    ),
    "endpoints": ({("tcp", 443, 443, "dispatcher"), ("tcp", 443, 443, "processor")}, set()),
}
# subnets that an ACL holds for: its entries (direction, number, action, protocol, peer, first port, last port)
NETWORK_ACLS: dict[tuple[str, ...], list[Any]] = {
    ("private-eu-west-1a", "private-eu-west-1b"): [
        ("in", 100, "allow", "6", VPC, 443, 443),
        ("in", 110, "allow", "6", VPC, 8080, 8080),
        ("in", 120, "allow", "6", ANY, 1024, 65535),
        ("out", 100, "allow", "6", ANY, 443, 443),
        ("out", 110, "allow", "6", VPC, 8080, 8080),
        ("out", 120, "allow", "6", VPC, 1024, 65535),
    ],
    ("public-eu-west-1a",): [
        ("in", 100, "allow", "6", VPC, 443, 443),
        ("in", 110, "allow", "6", ANY, 1024, 65535),
        ("out", 100, "allow", "6", ANY, 443, 443),
        ("out", 110, "allow", "6", VPC, 1024, 65535),
    ],
    # The VPC's own ACL lets everything pass, and holds for no subnet.
    (): [("in", 100, "allow", "-1", ANY, None, None), ("out", 100, "allow", "-1", ANY, None, None)],
}
# subnet: its range, zone, and whether it gives public addresses
SUBNETS = {
    "private-eu-west-1a": ("10.64.0.0/20", "eu-west-1a", False),
    "private-eu-west-1b": ("10.64.16.0/20", "eu-west-1b", False),
    "public-eu-west-1a": ("10.64.240.0/24", "eu-west-1a", False),
}
# route table: its subnets, and the targets of its routes
ROUTE_TABLES: dict[str, tuple[list[str], set[tuple[str, str]]]] = {
    "main": ([], {(VPC, "local")}),
    "private-eu-west-1a": (["private-eu-west-1a"], {(VPC, "local"), (ANY, "nat-eu-west-1a")}),
    "private-eu-west-1b": (["private-eu-west-1b"], {(VPC, "local"), (ANY, "nat-eu-west-1a")}),
    "public": (["public-eu-west-1a"], {(VPC, "local"), (ANY, "internet")}),
}
PRIVATE_TABLES = {"private-eu-west-1a", "private-eu-west-1b"}
OWN_PRINCIPALS = {"StringEquals": {"aws:PrincipalAccount": "000000000000"}}
# service: endpoint's type, its route tables, its policy
ENDPOINTS = {
    S3: (
        "Gateway",
        PRIVATE_TABLES,
        {
            "OwnBucketsByOwnPrincipals": (
                "Allow", "*", words("s3:*"), words(f"{BUCKETS}* {BUCKETS}*/*"), OWN_PRINCIPALS,
            ),
        },
    ),
    DYNAMODB: (
        "Gateway",
        PRIVATE_TABLES,
        {
            "OwnTableByOwnPrincipals": (
                "Allow", "*", words("dynamodb:*"), words(f"{LEDGER} {LEDGER}/index/*"), OWN_PRINCIPALS,
            ),
        },
    ),
}  # fmt: skip


def rules(permissions: list[Any]) -> list[Any]:
    """Return a security group's permissions, a tuple for each peer."""
    return [
        (entry["IpProtocol"], entry.get("FromPort"), entry.get("ToPort"), peer[key])
        for entry in permissions
        for kind, key in (
            ("IpRanges", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6"),
            ("PrefixListIds", "PrefixListId"),
            ("UserIdGroupPairs", "GroupId"),
        )
        for peer in entry.get(kind, [])
    ]


def entries(acl: Any) -> list[Any]:
    """Return an ACL's entries; the last, which denies the rest, is in every ACL and cannot be changed."""
    return sorted(
        (
            "out" if entry["Egress"] else "in",
            entry["RuleNumber"],
            entry["RuleAction"],
            entry["Protocol"],
            entry.get("CidrBlock", entry.get("Ipv6CidrBlock")),
            entry.get("PortRange", {}).get("From"),
            entry.get("PortRange", {}).get("To"),
        )
        for entry in acl["Entries"]
        if entry["RuleNumber"] != 32767
    )


def test_security_groups(account: Account) -> None:
    groups = account.readable(account.in_vpc("SecurityGroups"))
    found = {g["GroupId"]: (rules(g["IpPermissions"]), rules(g["IpPermissionsEgress"])) for g in groups}
    assert {name: (set(inward), set(outward)) for name, (inward, outward) in found.items()} == SECURITY_GROUPS


def test_network_acls(account: Account) -> None:
    acls = account.readable(account.in_vpc("NetworkAcls"))
    found = {tuple(sorted(place["SubnetId"] for place in acl["Associations"])): entries(acl) for acl in acls}
    assert (len(acls), found) == (len(NETWORK_ACLS), NETWORK_ACLS)


def test_subnets(account: Account) -> None:
    subnets = account.readable(account.in_vpc("Subnets"))
    found = {s["SubnetId"]: (s["CidrBlock"], s["AvailabilityZone"], s["MapPublicIpOnLaunch"]) for s in subnets}
    assert found == SUBNETS


def test_route_tables(account: Account) -> None:
    targets = ("GatewayId", "NatGatewayId", "VpcPeeringConnectionId", "TransitGatewayId", "NetworkInterfaceId")
    found = {
        table["RouteTableId"]: (
            [place["SubnetId"] for place in table["Associations"] if "SubnetId" in place],
            {
                (route["DestinationCidrBlock"], *(route[key] for key in targets if key in route))
                for route in table["Routes"]
            },
        )
        for table in account.readable(account.in_vpc("RouteTables"))
    }
    assert found == ROUTE_TABLES


def test_endpoints_and_their_policies(account: Account) -> None:
    found = {
        endpoint["ServiceName"]: (
            endpoint["VpcEndpointType"],
            set(account.readable(endpoint["RouteTableIds"])),
            account.policy(endpoint["PolicyDocument"]),
        )
        for endpoint in account.in_vpc("VpcEndpoints")
    }
    assert found == ENDPOINTS


def test_every_packet_is_noted(account: Account) -> None:
    (log,) = account.readable(account.client("ec2").describe_flow_logs()["FlowLogs"])
    assert (log["ResourceId"], log["TrafficType"], log["FlowLogStatus"]) == ("vpc", "ALL", "ACTIVE")
    assert log["LogGroupName"] == "/estancia-local/flow-logs"
    assert log["DeliverLogsPermissionArn"] == "arn:aws:iam::000000000000:role/estancia-local-flow-logs"


def test_the_private_zone_names_the_fleet(account: Account) -> None:
    route53 = account.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    detail = account.readable(route53.get_hosted_zone(Id=zone["Id"]))
    assert (zone["Name"], zone["Config"]["PrivateZone"]) == ("estancia-local.internal.", True)
    assert detail["VPCs"] == [{"VPCRegion": "eu-west-1", "VPCId": "vpc"}]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    assert {(record["Name"], record["Type"]) for record in records} == {
        ("estancia-local.internal.", "NS"),
        ("estancia-local.internal.", "SOA"),
        ("processor.estancia-local.internal.", "A"),
    }
    (alias,) = [record["AliasTarget"]["DNSName"] for record in records if record["Type"] == "A"]
    (balancer,) = account.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert alias == balancer["DNSName"] + "."
