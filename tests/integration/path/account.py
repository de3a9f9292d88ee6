"""What the account holds, read back with the ids that AWS chose put into words, so that it can be compared whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast

from ops.stack import Stack

# Effect, principal (None in an identity's policy), actions, resources, condition.
Statement = tuple[str, Any, frozenset[str], frozenset[str], Any]
KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Account:
    """The deployed stack's account, by its root principal."""

    stack: Stack

    def client(self, service: str) -> Any:
        """Return a client for a service."""
        return made_client(self.stack.session, service, self.stack.endpoint)

    @cached_property
    def vpc_id(self) -> str:
        """The stack's VPC."""
        (vpc,) = [vpc for vpc in self.client("ec2").describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        return str(vpc["VpcId"])

    def described(self, kind: str) -> list[Any]:
        """Return all of a kind that EC2 describes: "Vpcs", "RouteTables", ...; EC2 still shows what was deleted."""
        operation = "describe" + re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), kind)
        return [one for one in getattr(self.client("ec2"), operation)()[kind] if one.get("State") != "deleted"]

    def in_vpc(self, kind: str) -> list[Any]:
        """Return what the stack's VPC holds of a kind that EC2 describes."""
        return [found for found in self.described(kind) if found["VpcId"] == self.vpc_id]

    @cached_property
    def words(self) -> dict[str, str]:
        """The chosen ids and ARNs, each with the word that stands for it."""
        prefix, found = f"{self.stack.name}-", {self.vpc_id: "vpc"}
        for kind, key in (("Subnets", "SubnetId"), ("RouteTables", "RouteTableId"), ("NatGateways", "NatGatewayId")):
            for thing in self.in_vpc(kind):
                found[thing[key]] = tags_of(thing).get("Name", "main").removeprefix(prefix)
        for group in self.in_vpc("SecurityGroups"):
            found[group["GroupId"]] = group["GroupName"].removeprefix(prefix)
        for gateway in self.client("ec2").describe_internet_gateways()["InternetGateways"]:
            found[gateway["InternetGatewayId"]] = "internet"
        for prefixes in self.client("ec2").describe_managed_prefix_lists()["PrefixLists"]:
            found[prefixes["PrefixListId"]] = prefixes["PrefixListName"]
        for alias in self.client("kms").list_aliases()["Aliases"]:
            found[alias["TargetKeyId"]] = alias["AliasName"].removeprefix(f"alias/{prefix}")
        for balancer in self.client("elbv2").describe_load_balancers()["LoadBalancers"]:
            found[balancer["LoadBalancerArn"]] = "load balancer"
        for targets in self.client("elbv2").describe_target_groups()["TargetGroups"]:
            found[targets["TargetGroupArn"]] = "target group"
        for certificate in self.client("acm").list_certificates()["CertificateSummaryList"]:
            found[certificate["CertificateArn"]] = "certificate"
        return found

    def readable(self, value: Any) -> Any:
        """Return a response with words for ids."""
        if isinstance(value, dict):
            return {key: self.readable(inner) for key, inner in value.items() if key != "ResponseMetadata"}
        if isinstance(value, list):
            return [self.readable(inner) for inner in value]
        if not isinstance(value, str):
            return value
        return re.sub("|".join(map(re.escape, self.words)), lambda found: self.words[found[0]], value)

    def policy(self, document: str | dict[str, Any]) -> dict[str, Statement]:
        """Return a policy's statements by Sid.

        Raises:
            AssertionError: two have one Sid, or one has an element that the tables of literals do not know.
        """
        policy = self.readable(json.loads(document) if isinstance(document, str) else document)
        assert (set(policy), policy["Version"]) == ({"Version", "Statement"}, "2012-10-17")
        statements = {statement["Sid"]: statement for statement in policy["Statement"]}
        assert len(statements) == len(policy["Statement"])
        assert {key for statement in statements.values() for key in statement} <= KNOWN
        return {
            sid: (
                s["Effect"],
                s.get("Principal"),
                as_set(s["Action"]),
                as_set(s.get("Resource", [])),
                s.get("Condition", {}),
            )
            for sid, s in statements.items()
        }


@cache
def made_client(session: Any, service: str, endpoint: str | None) -> Any:
    return cast("Any", session).client(service, endpoint_url=endpoint)


def as_set(value: str | list[str]) -> frozenset[str]:
    """Return what a policy writes as a word or as a list of words."""
    return frozenset([value] if isinstance(value, str) else value)


def words(text: str) -> frozenset[str]:
    """Return a blank-separated list as a set, as the tables of literals write actions and resources."""
    return frozenset(text.split())


def tags_of(thing: Any) -> dict[str, str]:
    """Return EC2's list of tags as a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}
