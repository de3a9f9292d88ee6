"""EC2: network ACLs with the port ranges of their entries and the subnets that they hold for."""

from typing import Any

from local.corrections import module
from local.corrections.ec2_descriptions import Parameters, only


def apply() -> None:
    """Apply the corrections of network ACLs; filters after the associations that they look at."""
    keep_port_ranges_of_network_acls()
    associate_subnets_with_the_default_acl()
    keep_the_subnet_of_a_replaced_association()
    filter_network_acls_by_their_subnets()


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


def associate_subnets_with_the_default_acl() -> None:
    """A subnet that nobody associated with a network ACL is associated with its VPC's default one.

    AWS: "Each subnet in your VPC must be associated with a network ACL. If you don't explicitly associate a subnet
    with a network ACL, the subnet is automatically associated with the default network ACL",
    https://docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html.
    """
    ec2 = module("services.ec2")

    def settled(handle: Any) -> Any:
        def handler(parameters: Parameters) -> Any:
            _settle(ec2)
            return handle(parameters)

        return handler

    for action in ("DescribeNetworkAcls", "ReplaceNetworkAclAssociation"):
        ec2._ACTION_MAP[action] = settled(ec2._ACTION_MAP[action])


def keep_the_subnet_of_a_replaced_association() -> None:
    """A replaced association is one of the same subnet with another network ACL; an unknown one is an error.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclAssociation.html.
    """
    ec2 = module("services.ec2")
    replace = ec2._ACTION_MAP["ReplaceNetworkAclAssociation"]

    def replace_association(parameters: Parameters) -> Any:
        _settle(ec2)
        wanted = ec2._p(parameters, "AssociationId")
        subnets = {link["NetworkAclAssociationId"]: link["SubnetId"] for link in _links(ec2)}
        if wanted not in subnets:
            message = f"The association ID '{wanted}' does not exist"
            return ec2._error("InvalidAssociationID.NotFound", message, 400)
        answer = replace(parameters)
        for link in _links(ec2):
            link["SubnetId"] = link["SubnetId"] or subnets[wanted]
        return answer

    ec2._ACTION_MAP["ReplaceNetworkAclAssociation"] = replace_association


def filter_network_acls_by_their_subnets() -> None:
    """Network ACLs are found by the subnets and the associations that they have.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html, the filters
    association.subnet-id and association.association-id.
    """
    ec2 = module("services.ec2")
    describe = ec2._ACTION_MAP["DescribeNetworkAcls"]
    members = {
        "association.subnet-id": "SubnetId",
        "association.association-id": "NetworkAclAssociationId",
    }

    def describe_acls(parameters: Parameters) -> Any:
        _settle(ec2)
        filters = ec2._parse_filters(parameters)
        asked = [(member, filters[name]) for name, member in members.items() if name in filters]
        if not asked:
            return describe(parameters)
        found = [
            identifier
            for identifier, acl in ec2._network_acls.items()
            if all(any(link[member] in values for link in acl["Associations"]) for member, values in asked)
        ]
        return describe(only(parameters, "NetworkAclId", found))

    ec2._ACTION_MAP["DescribeNetworkAcls"] = describe_acls


def _settle(ec2: Any) -> None:
    """Give every subnet that no network ACL names to its VPC's default one, and forget subnets that are gone."""
    for acl in ec2._network_acls.values():
        acl["Associations"] = [link for link in acl["Associations"] if link["SubnetId"] in ec2._subnets]
    linked = {link["SubnetId"] for link in _links(ec2)}
    defaults = {acl["VpcId"]: acl for acl in ec2._network_acls.values() if acl["IsDefault"]}
    for identifier, subnet in ec2._subnets.items():
        if identifier not in linked and subnet["VpcId"] in defaults:
            association = {
                "NetworkAclAssociationId": f"aclassoc-{identifier.removeprefix('subnet-')}",
                "SubnetId": identifier,
            }
            defaults[subnet["VpcId"]]["Associations"].append(association)


def _links(ec2: Any) -> list[dict[str, str]]:
    return [link for acl in ec2._network_acls.values() for link in acl["Associations"]]


def _with_port_range(ec2: Any, handle: Any) -> Any:
    def handle_entry(parameters: Parameters) -> Any:
        answer = handle(parameters)
        first = ec2._p(parameters, "PortRange.From")
        acl = ec2._network_acls.get(ec2._p(parameters, "NetworkAclId"))
        if acl and first:
            acl["Entries"][-1]["PortRange"] = {"From": int(first), "To": int(ec2._p(parameters, "PortRange.To"))}
        return answer

    return handle_entry
