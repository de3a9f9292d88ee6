"""Each problem of the address ranges is told once, by the name of its variable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.filter.cidr_problems import FilterModule, cidr_problems

GOOD = [
    {"private_cidr": "10.0.0.0/20", "public_cidr": "10.0.240.0/24"},
    {"private_cidr": "10.0.16.0/20", "public_cidr": "10.0.241.0/24"},
]


def zones(**change: str) -> list[dict[str, str]]:
    """The good zones with one field of the first changed."""
    return [{**GOOD[0], **change}, GOOD[1]]


def test_good_ranges_have_no_problem() -> None:
    assert cidr_problems("10.0.0.0/16", GOOD) == []


@pytest.mark.parametrize(
    ("vpc", "change", "told"),
    [
        ("10.0.0.0/15", {}, "network_vpc_cidr is 10.0.0.0/15; AWS takes ranges from /16 to /28."),
        ("ten", {}, "network_vpc_cidr is 'ten', which is no IPv4 range"),
        ("10.0.0.1/16", {}, "network_vpc_cidr is '10.0.0.1/16', which is no IPv4 range"),
        ("10.0.0.0/16", {"private_cidr": "10.1.0.0/20"}, "network_zones[0].private_cidr is 10.1.0.0/20, outside of"),
        ("10.0.0.0/16", {"public_cidr": "10.0.240.0/29"}, "network_zones[0].public_cidr is 10.0.240.0/29; AWS takes"),
        (
            "10.0.0.0/16",
            {"private_cidr": "10.0.16.0/21"},
            "network_zones[0].private_cidr (10.0.16.0/21) and network_zones[1].private_cidr (10.0.16.0/20) overlap",
        ),
    ],
)
def test_a_problem_names_its_variable(vpc: str, change: dict[str, str], told: str) -> None:
    (problem,) = cidr_problems(vpc, zones(**change))
    assert problem.startswith(told)


@given(st.text(max_size=30))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(cidr_problems(text, zones(private_cidr=text)), list)


def test_ansible_finds_it() -> None:
    assert FilterModule().filters() == {"cidr_problems": cidr_problems}
