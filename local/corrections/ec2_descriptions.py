"""Descriptions of EC2, narrowed to certain resources."""

from collections.abc import Iterable
from typing import Any

from local.corrections import module

Parameters = dict[str, Any]


def only(parameters: Parameters, name: str, identifiers: Iterable[str]) -> Parameters:
    """Return the parameters of a description narrowed to `identifiers`, the members of the list `name`."""
    asked = module("services.ec2")._parse_member_list(parameters, name)
    chosen = [identifier for identifier in identifiers if not asked or identifier in asked]
    others = {key: value for key, value in parameters.items() if not key.startswith(f"{name}.")}
    return others | {f"{name}.{number}": [one] for number, one in enumerate(chosen or ["none"], start=1)}
