"""Rules of security groups and network ACLs: kept with our corrections, and still shortened without."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.support import Clients

PREFIX_LIST = {"PrefixListId": "pl-6da54004", "Description": "S3"}


def make_vpc(aws: Clients) -> str:
    return aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


def make_subnet(aws: Clients, vpc: str) -> str:
    return aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


def make_group(aws: Clients) -> str:
    name, vpc = uuid.uuid4().hex, make_vpc(aws)
    return aws.ec2.create_security_group(GroupName=name, Description="rules", VpcId=vpc)["GroupId"]


def described_group(aws: Clients, group: str) -> Any:
    (described,) = aws.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return described


def egress_rules(aws: Clients) -> list[Any]:
    group = make_group(aws)
    rule: Any = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [PREFIX_LIST]}
    aws.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    rules = described_group(aws, group)["IpPermissionsEgress"]
    return [entry["PrefixListIds"] for entry in rules if entry.get("FromPort") == 443]


def left_after_revoking(aws: Clients) -> list[Any]:
    """Revoke, without their descriptions, a rule for a group and one for a prefix list; a third must stay."""
    group, other = make_group(aws), make_group(aws)
    ports: Any = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    for peers in (
        {"UserIdGroupPairs": [{"GroupId": group, "Description": "itself"}]},
        {"UserIdGroupPairs": [{"GroupId": other, "Description": "the other"}]},
        {"PrefixListIds": [PREFIX_LIST]},
    ):
        aws.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ports | peers])
    for peers in (
        {"UserIdGroupPairs": [{"GroupId": group, "UserId": "000000000000"}]},
        {"PrefixListIds": [{"PrefixListId": PREFIX_LIST["PrefixListId"]}]},
    ):
        aws.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[ports | peers])
    return [
        "itself" if pair["GroupId"] == group else "other"
        for entry in described_group(aws, group)["IpPermissions"]
        for pair in entry["UserIdGroupPairs"] or [{"GroupId": ""}]
    ]


def port_ranges(aws: Clients) -> list[Any]:
    acl = aws.ec2.create_network_acl(VpcId=make_vpc(aws))["NetworkAcl"]["NetworkAclId"]
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


def associations(aws: Clients, vpc: str) -> dict[bool, list[Any]]:
    """Return the associations of the VPC's network ACLs, by whether it is the default one."""
    acls = aws.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    return {acl["IsDefault"]: list(acl["Associations"]) for acl in acls}


def test_a_rule_keeps_its_prefix_lists(aws: Clients, uncorrected: Clients) -> None:
    assert egress_rules(aws) == [[PREFIX_LIST]]
    assert egress_rules(uncorrected) == [[]], "ministack keeps prefix lists now: remove keep_prefix_lists_of_rules"


def test_a_rule_is_revoked_without_its_description(aws: Clients, uncorrected: Clients) -> None:
    assert left_after_revoking(aws) == ["other"]
    assert "itself" in left_after_revoking(uncorrected), (
        "ministack passes over descriptions now: remove revoke_rules_whatever_their_descriptions"
    )


def test_an_entry_keeps_its_port_range(aws: Clients, uncorrected: Clients) -> None:
    assert port_ranges(aws) == [{"From": 443, "To": 443}, {"From": 443, "To": 444}]
    assert port_ranges(uncorrected) == [None, None], (
        "ministack keeps port ranges now: remove keep_port_ranges_of_network_acls"
    )


def test_a_subnet_is_with_the_default_acl(aws: Clients, uncorrected: Clients) -> None:
    vpc = make_vpc(aws)
    subnet = make_subnet(aws, vpc)
    assert [link["SubnetId"] for link in associations(aws, vpc)[True]] == [subnet]
    aws.ec2.delete_subnet(SubnetId=subnet)
    assert associations(aws, vpc) == {True: []}
    without = make_vpc(uncorrected)
    make_subnet(uncorrected, without)
    assert associations(uncorrected, without) == {True: []}, (
        "ministack associates subnets now: remove associate_subnets_with_the_default_acl"
    )


def test_a_replaced_association_keeps_its_subnet(aws: Clients, uncorrected: Clients) -> None:
    vpc = make_vpc(aws)
    subnet = make_subnet(aws, vpc)
    acl = aws.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    (link,) = associations(aws, vpc)[True]
    made = aws.ec2.replace_network_acl_association(AssociationId=link["NetworkAclAssociationId"], NetworkAclId=acl)
    moved = {"NetworkAclAssociationId": made["NewAssociationId"], "NetworkAclId": acl, "SubnetId": subnet}
    assert associations(aws, vpc) == {True: [], False: [moved]}
    with pytest.raises(ClientError, match=r"InvalidAssociationID\.NotFound"):
        aws.ec2.replace_network_acl_association(AssociationId=link["NetworkAclAssociationId"], NetworkAclId=acl)
    without = make_vpc(uncorrected)
    other = uncorrected.ec2.create_network_acl(VpcId=without)["NetworkAcl"]["NetworkAclId"]
    uncorrected.ec2.replace_network_acl_association(AssociationId="aclassoc-1", NetworkAclId=other)
    (kept,) = associations(uncorrected, without)[False]
    assert not kept.get("SubnetId"), (
        "ministack knows associations now: remove keep_the_subnet_of_a_replaced_association"
    )


def test_acls_are_found_by_their_subnets(aws: Clients, uncorrected: Clients) -> None:
    subnets = [make_subnet(aws, make_vpc(aws)) for _ in range(2)]
    (found,) = aws.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": subnets[:1]}])[
        "NetworkAcls"
    ]
    (link,) = found["Associations"]
    assert link["SubnetId"] == subnets[0]
    nowhere: Any = [{"Name": "association.subnet-id", "Values": ["subnet-0"]}]
    assert aws.ec2.describe_network_acls(Filters=nowhere)["NetworkAcls"] == []
    assert uncorrected.ec2.describe_network_acls(Filters=nowhere)["NetworkAcls"], (
        "ministack filters by subnets now: remove filter_network_acls_by_their_subnets"
    )
