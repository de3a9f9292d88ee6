"""Rules of security groups and network ACLs: kept with our corrections, and still shortened without."""

import uuid
from typing import Any

from tests.integration.local.support import Clients

PREFIX_LIST = {"PrefixListId": "pl-6da54004", "Description": "S3"}


def egress_rules(aws: Clients) -> list[Any]:
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = aws.ec2.create_security_group(GroupName=uuid.uuid4().hex, Description="rules", VpcId=vpc)["GroupId"]
    rule: Any = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [PREFIX_LIST]}
    aws.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    (described,) = aws.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return [entry["PrefixListIds"] for entry in described["IpPermissionsEgress"] if entry.get("FromPort") == 443]


def port_ranges(aws: Clients) -> list[Any]:
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    acl = aws.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for number, last in ((200, 443), (201, 444)):
        aws.ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol="6",
            RuleAction="allow",
            Egress=False,
            CidrBlock="10.0.0.0/16",
            PortRange={"From": 443, "To": last},
        )
    (described,) = aws.ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    return [entry.get("PortRange") for entry in described["Entries"] if entry["RuleNumber"] in (200, 201)]


def test_a_rule_keeps_its_prefix_lists(aws: Clients, uncorrected: Clients) -> None:
    assert egress_rules(aws) == [[PREFIX_LIST]]
    assert egress_rules(uncorrected) == [[]], "ministack keeps prefix lists now: remove keep_prefix_lists_of_rules"


def test_an_entry_keeps_its_port_range(aws: Clients, uncorrected: Clients) -> None:
    assert port_ranges(aws) == [{"From": 443, "To": 443}, {"From": 443, "To": 444}]
    assert port_ranges(uncorrected) == [None, None], (
        "ministack keeps port ranges now: remove keep_port_ranges_of_network_acls"
    )
