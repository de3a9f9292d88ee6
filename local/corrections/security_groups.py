"""EC2: rules of security groups, kept as they were given and revoked as they are known."""

from typing import Any

from local.corrections import module


def apply() -> None:
    """Apply the corrections of security groups."""
    keep_prefix_lists_of_rules()
    revoke_rules_whatever_their_descriptions()


def keep_prefix_lists_of_rules() -> None:
    """A security group's rule keeps the prefix lists that it names.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html, PrefixListIds.
    """
    ec2 = module("services.ec2")
    parse = ec2._parse_ip_permissions

    def parse_ip_permissions(parameters: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = parse(parameters, prefix)
        for number, rule in enumerate(rules, start=1):
            rule["PrefixListIds"] = _prefix_lists(ec2, parameters, f"{prefix}.{number}.PrefixListIds")
        return rules

    ec2._parse_ip_permissions = parse_ip_permissions


def revoke_rules_whatever_their_descriptions() -> None:
    """A rule is found by its peer alone: the description of a group or prefix list does not matter, nor its owner.

    AWS: "If the security group rule has a description, you do not need to specify the description to revoke the
    rule", https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupEgress.html. ministack passes
    over the descriptions of address ranges only.
    """
    ec2 = module("services.ec2")
    strip = ec2._strip_descriptions

    def strip_descriptions(rule: dict[str, Any]) -> dict[str, Any]:
        bare: dict[str, Any] = strip(rule)
        bare["UserIdGroupPairs"] = [
            pair.get("GroupId") or pair.get("GroupName") for pair in rule.get("UserIdGroupPairs", [])
        ]
        bare["PrefixListIds"] = [entry["PrefixListId"] for entry in rule.get("PrefixListIds", [])]
        return bare

    ec2._strip_descriptions = strip_descriptions


def _prefix_lists(ec2: Any, parameters: dict[str, Any], prefix: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while identifier := ec2._p(parameters, f"{prefix}.{len(found) + 1}.PrefixListId"):
        description = ec2._p(parameters, f"{prefix}.{len(found) + 1}.Description")
        found.append({"PrefixListId": identifier} | ({"Description": description} if description else {}))
    return found
