"""Security group rules in a form that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# The key of a peer's list in EC2's permissions, and of the peer in an entry of that list.
PEERS = {
    "group": ("UserIdGroupPairs", "GroupId"),
    "prefix_list": ("PrefixListIds", "PrefixListId"),
    "cidr": ("IpRanges", "CidrIp"),
    "cidr_v6": ("Ipv6Ranges", "CidrIpv6"),
}


class Rule(NamedTuple):
    """One permission towards one peer; ports are -1 where EC2 names none."""

    protocol: str
    first: int
    last: int
    kind: str
    peer: str

    @classmethod
    def wanted(cls, rule: Mapping[str, Any], groups: Mapping[str, str], lists: Mapping[str, str]) -> Rule:
        """The rule that a play describes.

        Args:
            rule: Its port, and one of group, prefix_list and cidr.
            groups: Group ids by name.
            lists: Prefix list ids by name.

        Returns:
            The rule.

        Raises:
            ValueError: When it does not name exactly one known peer.
        """
        kinds = [kind for kind in ("group", "prefix_list", "cidr") if rule.get(kind)]
        if len(kinds) != 1:
            raise ValueError(f"The rule {dict(rule)} must have exactly one of group, prefix_list and cidr.")
        kind = kinds[0]
        name = str(rule[kind])
        if kind == "group" and name not in groups:
            raise ValueError(f"The rule {dict(rule)} names a group that is not among the groups: {', '.join(groups)}.")
        peer = {"group": groups, "prefix_list": lists}.get(kind, {}).get(name, name)
        return cls("tcp", int(rule["port"]), int(rule["port"]), kind, peer)


def rules_of(permissions: Iterable[Mapping[str, Any]]) -> dict[Rule, dict[str, Any]]:
    """The rules of a group as EC2 describes them.

    Args:
        permissions: `IpPermissions` or `IpPermissionsEgress`.

    Returns:
        For each peer of each permission the rule, and the permission with that peer alone, as a revocation names it.
    """
    found = {}
    for item in permissions:
        ports = {key: item[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in item}
        for kind, (key, field) in PEERS.items():
            for peer in item.get(key, []):
                rule = Rule(item["IpProtocol"], item.get("FromPort", -1), item.get("ToPort", -1), kind, peer[field])
                found[rule] = {**ports, key: [peer]}
    return found


def permission(rule: Rule, description: str) -> dict[str, Any]:
    """A rule as EC2 takes it.

    Args:
        rule: The rule.
        description: Its description.

    Returns:
        One entry of `IpPermissions`.
    """
    key, field = PEERS[rule.kind]
    entry = {field: rule.peer, "Description": description}
    return {"IpProtocol": rule.protocol, "FromPort": rule.first, "ToPort": rule.last, key: [entry]}


def show(rules: Iterable[Rule], names: Mapping[str, str]) -> str:
    """Rules as lines of text.

    Args:
        rules: The rules.
        names: What to show in place of a peer's id.

    Returns:
        One line for each, in order.
    """
    lines = [
        f"{rule.protocol} {rule.first if rule.first == rule.last else f'{rule.first}-{rule.last}'} "
        f"{rule.kind} {names.get(rule.peer, rule.peer)}\n"
        for rule in rules
    ]
    return "".join(sorted(lines))
