#!/usr/bin/python
"""Ansible module: what a Lambda function and its mappings are called."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.plan import Plan, run
from ansible.module_utils.waiting import optional
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: lambda_function_info
short_description: Look up a function, its code's checksum and its event source mappings
description:
  - Answers with two calls, none of which returns a secret of the function's environment.
  - M(amazon.aws.lambda_info) returns the environment, and fails the play when the function does not exist.
options:
  name:
    description: The function's name.
    type: str
    required: true
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Look the dispatcher up
  lambda_function_info:
    name: estancia-dev-dispatcher
"""

RETURN = r"""
function_arn:
  description: The function's ARN; empty where there is none.
  returned: always
  type: str
zip_sha256:
  description: SHA-256 of the deployed code, base64 as Lambda writes it; empty where there is none.
  returned: always
  type: str
mappings:
  description: The ids of the function's event source mappings.
  returned: always
  type: list
  elements: str
"""


def read(client: Any, name: str) -> dict[str, Any]:
    """The function and its mappings.

    Args:
        client: A Lambda client.
        name: The function's name.

    Returns:
        The module's result.
    """
    function = optional(lambda: client.get_function_configuration(FunctionName=name), "ResourceNotFoundException") or {}
    answer = client.list_event_source_mappings(FunctionName=name) if function else {"EventSourceMappings": []}
    return {
        "function_arn": function.get("FunctionArn", ""),
        "zip_sha256": function.get("CodeSha256", ""),
        "mappings": [mapping["UUID"] for mapping in answer["EventSourceMappings"] if mapping["State"] != "Deleting"],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec={"name": {"type": "str", "required": True}}, supports_check_mode=True)

    def work(_plan: Plan) -> dict[str, Any]:
        return read(module.client("lambda"), module.params["name"])

    run(module, work)


if __name__ == "__main__":
    main()
