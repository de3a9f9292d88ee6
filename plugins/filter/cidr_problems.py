"""Filter: what is wrong with a network's address ranges."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

DOCUMENTATION = r"""
name: cidr_problems
short_description: Say what is wrong with the address ranges of a VPC and its subnets
description: Each sentence names the variable, the range, the rule and so the remedy; none at all means that all is well.
options:
  _input:
    description: The VPC's range, in CIDR notation.
    type: str
    required: true
  subnets:
    description: The subnets' ranges by the variable that holds each.
    type: dict
    required: true
  variable:
    description: The variable that holds the VPC's range.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Check the ranges
  ansible.builtin.assert:
    that: "'10.0.0.0/16' | cidr_problems({'private_a': '10.0.1.0/24'}, 'vpc_range') | length == 0"
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


def cidr_problems(vpc: str, subnets: dict[str, str], variable: str) -> list[str]:
    """Say what is wrong with the ranges of a VPC and its subnets.

    The limits are in "VPC CIDR blocks" and "Subnet CIDR blocks" of the Amazon VPC User Guide.

    Args:
        vpc: The VPC's range.
        subnets: The subnets' ranges by the variable that holds each.
        variable: The variable that holds the VPC's range.

    Returns:
        One sentence for each problem.
    """
    read = {name: parse(str(text)) for name, text in {variable: vpc, **subnets}.items()}
    problems = [f"{name} {found}" for name, found in read.items() if isinstance(found, str)]
    whole = read.pop(variable)
    good = {name: found for name, found in read.items() if isinstance(found, IPv4Network)}
    if isinstance(whole, IPv4Network):
        problems += [
            f"{name} is {part}, outside of {variable} ({whole}); choose a range within it."
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
