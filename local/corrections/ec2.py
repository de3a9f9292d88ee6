"""EC2: rules of security groups and network ACLs, kept as they were given."""

from typing import Any

from local.corrections import module


def apply() -> None:
    """Apply the corrections of EC2."""
    keep_prefix_lists_of_rules()
    keep_port_ranges_of_network_acls()


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


def keep_port_ranges_of_network_acls() -> None:
    """A network ACL's entry keeps its port range and shows it when it is described.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html, portRange.
    """
    ec2 = module("services.ec2")
    for action in ("CreateNetworkAclEntry", "ReplaceNetworkAclEntry"):
        ec2._ACTION_MAP[action] = _with_port_range(ec2, ec2._ACTION_MAP[action])
    show = ec2._network_acl_entry_xml

    def entry_xml(entry: dict[str, Any]) -> str:
        text: str = show(entry)
        ports = entry.get("PortRange")
        if not ports:
            return text
        shown = f"<portRange><from>{ports['From']}</from><to>{ports['To']}</to></portRange>"
        return text.replace("</item>", f"{shown}</item>")

    ec2._network_acl_entry_xml = entry_xml


def _with_port_range(ec2: Any, handle: Any) -> Any:
    def handle_entry(parameters: dict[str, Any]) -> Any:
        answer = handle(parameters)
        first = ec2._p(parameters, "PortRange.From")
        acl = ec2._network_acls.get(ec2._p(parameters, "NetworkAclId"))
        if acl and first:
            acl["Entries"][-1]["PortRange"] = {"From": int(first), "To": int(ec2._p(parameters, "PortRange.To"))}
        return answer

    return handle_entry


def _prefix_lists(ec2: Any, parameters: dict[str, Any], prefix: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while identifier := ec2._p(parameters, f"{prefix}.{len(found) + 1}.PrefixListId"):
        description = ec2._p(parameters, f"{prefix}.{len(found) + 1}.Description")
        found.append({"PrefixListId": identifier} | ({"Description": description} if description else {}))
    return found
