"""Filter: what is wrong with a network's address ranges."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

DOCUMENTATION = r"""
name: cidr_problems
short_description: Say what is wrong with the address ranges of a VPC and its subnets
description: Each sentence names the variable, the range, the rule and so the remedy; none means that all is well.
positional: zones
options:
  _input:
    description: The VPC's range, C(network_vpc_cidr).
    type: str
    required: true
  zones:
    description: C(network_zones), each with name, private_cidr and public_cidr.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Check the ranges
  ansible.builtin.assert:
    that: network_vpc_cidr | cidr_problems(network_zones) | length == 0
"""

RETURN = r"""
_value:
  description: The problems, one sentence each.
  type: list
  elements: str
"""


def parse(text: str) -> IPv4Network | str:
    """Read a range.

    Args:
        text: The range in CIDR notation.

    Returns:
        The network, or what is wrong with it.
    """
    try:
        network = IPv4Network(text)
    except ValueError as error:
        return f"is {text!r}, which is no IPv4 range ({error}); write one like 10.0.0.0/16."
    if not 16 <= network.prefixlen <= 28:
        return f"is {text}; AWS takes ranges from /16 to /28."
    return network


def cidr_problems(vpc_cidr: str, zones: list[dict[str, str]]) -> list[str]:
    """Say what is wrong with the ranges of a VPC and its subnets.

    The limits are in "VPC CIDR blocks" and "Subnet CIDR blocks" of the Amazon VPC User Guide.

    Args:
        vpc_cidr: The VPC's range.
        zones: The zones, each with the ranges of its subnets.

    Returns:
        One sentence for each problem.
    """
    whole = parse(vpc_cidr)
    read = {
        f"network_zones[{index}].{kind}": parse(zone[kind])
        for index, zone in enumerate(zones)
        for kind in ("private_cidr", "public_cidr")
    }
    problems = [
        f"{name} {found}" for name, found in {"network_vpc_cidr": whole, **read}.items() if isinstance(found, str)
    ]
    good = {name: found for name, found in read.items() if isinstance(found, IPv4Network)}
    if isinstance(whole, IPv4Network):
        problems += [
            f"{name} is {part}, outside of network_vpc_cidr ({whole}); choose a range within it."
            for name, part in good.items()
            if not part.subnet_of(whole)
        ]
    problems += [
        f"{one} ({first}) and {other} ({second}) overlap; choose ranges that do not."
        for (one, first), (other, second) in combinations(good.items(), 2)
        if first.overlaps(second)
    ]
    return problems


class FilterModule:
    """What Ansible asks for a file's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name.

        Returns:
            One entry.
        """
        return {"cidr_problems": cidr_problems}
