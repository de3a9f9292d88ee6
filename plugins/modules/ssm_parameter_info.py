#!/usr/bin/python
"""Ansible module: the values of SSM parameters, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, run
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

DOCUMENTATION = r"""
module: ssm_parameter_info
short_description: Read SSM parameters that are not secret
description:
  - Answers each name with the parameter's value, in one call; SecureString values stay encrypted.
  - The lookup plugin P(amazon.aws.ssm_parameter#lookup) runs outside the play's C(environment) and so asks another
    AWS than the play's modules do.
options:
  names:
    description: The parameters' names, ten at most.
    type: list
    elements: str
    required: true
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Read the image's id
  ssm_parameter_info:
    names: [/estancia-dev/processor/image]
"""

RETURN = r"""
values:
  description: Value by name; empty where there is no such parameter.
  returned: always
  type: dict
"""


def read(ssm: SSMClient, names: list[str]) -> dict[str, Any]:
    """The values of parameters.

    Args:
        ssm: A client.
        names: The parameters' names.

    Returns:
        The module's result.
    """
    found = {item["Name"]: item["Value"] for item in ssm.get_parameters(Names=names)["Parameters"]}
    return {"values": {name: found.get(name, "") for name in names}}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )

    def work(_plan: Plan) -> dict[str, Any]:
        return read(module.client("ssm"), module.params["names"])

    run(module, work)


if __name__ == "__main__":
    main()
