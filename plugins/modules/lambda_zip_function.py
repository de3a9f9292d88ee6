#!/usr/bin/python
"""Ansible module: a Lambda function whose code is a local zip, uploaded only when it is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, converge_tags, run
from ansible.module_utils.waiting import error_code, optional, retry
from ansible.module_utils.zip_code import read_zip
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

DOCUMENTATION = r"""
module: lambda_zip_function
short_description: Manage a Lambda function from a zip file
description:
  - Compares the zip by its SHA-256 with the deployed code, and the settings with the deployed ones.
  - Waits, with a bound, until Lambda can assume a role that was just made.
  - M(amazon.aws.lambda) reports a change on every run of a function with a KMS key, and knows neither log settings
    nor reserved concurrency.
options:
  name:
    description: The function's name.
    type: str
    required: true
  state:
    description: Whether the function exists.
    type: str
    choices: [present, absent]
    default: present
  zip_file:
    description: Path of the zip, smaller than 50 MB. Required when O(state=present).
    type: path
  architecture:
    description: The instruction set that the zip's wheels are for.
    type: str
    choices: [arm64, x86_64]
    default: arm64
  settings:
    description: What the function is, as UpdateFunctionConfiguration takes it, without the name.
    type: dict
    default: {}
  reserved_concurrency:
    description: Executions kept for this function alone; -1 for none.
    type: int
    default: -1
  tags:
    description: The function's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the function
  lambda_zip_function:
    name: estancia-dev-dispatcher
    zip_file: dist/dispatcher.zip
    settings:
      Role: "{{ identity_result.dispatcher_role_arn }}"
      Runtime: python3.13
      Handler: dispatcher.handler.handler
      Timeout: 900
    tags: "{{ estancia_tags }}"
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
"""

ROLE_SECONDS = 120
UPDATE_SECONDS = 300
# Lambda's words for a role, or a grant of it, that IAM has not spread yet.
NOT_YET = ("cannot be assumed", "does not have permissions", "is not authorized", "KMS")


def find(client: Any, name: str) -> dict[str, Any]:
    """The live function.

    Args:
        client: A Lambda client.
        name: The function's name.

    Returns:
        Lambda's configuration; empty when there is no such function.
    """
    answer = optional(lambda: client.get_function_configuration(FunctionName=name), "ResourceNotFoundException")
    return dict(answer) if answer else {}


def not_yet(error: ClientError) -> bool:
    """Whether a refusal ends by itself within seconds.

    Args:
        error: The refusal.

    Returns:
        True for a role that Lambda cannot use yet and for an update that is under way.
    """
    code = error_code(error)
    young_role = code == "InvalidParameterValueException" and any(word in str(error) for word in NOT_YET)
    return bool(young_role or code == "ResourceConflictException")


def create(plan: Plan, client: Any, params: dict[str, Any], code: bytes) -> str:
    """Make the function and wait until it can be called.

    Args:
        plan: Where the step goes.
        client: A Lambda client.
        params: The module's parameters.
        code: The zip.

    Returns:
        The function's ARN; empty in check mode.
    """
    name = params["name"]
    request = {
        "FunctionName": name,
        "PackageType": "Zip",
        "Architectures": [params["architecture"]],
        "Tags": params["tags"],
        **params["settings"],
    }

    def action() -> str:
        answer = retry(lambda: client.create_function(**request, Code={"ZipFile": code}), not_yet, ROLE_SECONDS)
        wait(client, name, "function_active_v2")
        return str(answer["FunctionArn"])

    return str(plan.step(f"Function {name}", {}, request, action) or "")


def wait(client: Any, name: str, waiter: str) -> None:
    """Wait until Lambda is through with the last change.

    Args:
        client: A Lambda client.
        name: The function's name.
        waiter: The client's waiter.
    """
    config = {"Delay": 2, "MaxAttempts": UPDATE_SECONDS // 2}
    client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=config)


def comparable(configuration: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The part of a live configuration that is asked for, network ids in the wanted order.

    Args:
        configuration: The live configuration.
        wanted: The wanted settings.

    Returns:
        What is compared with the wanted settings.
    """
    live: dict[str, Any] = project(configuration, wanted)
    network = live.get("VpcConfig") or {}
    for key, ids in network.items():
        if sorted(ids or []) == sorted(wanted["VpcConfig"][key]):
            network[key] = wanted["VpcConfig"][key]
    return live


def update(plan: Plan, client: Any, live: dict[str, Any], params: dict[str, Any], code: tuple[bytes, str]) -> None:
    """Repair what differs on a function that exists.

    Args:
        plan: Where the steps go.
        client: A Lambda client.
        live: The live configuration.
        params: The module's parameters.
        code: The zip and its checksum.
    """
    name, settings = params["name"], params["settings"]

    def configure() -> None:
        retry(lambda: client.update_function_configuration(FunctionName=name, **settings), not_yet, ROLE_SECONDS)
        wait(client, name, "function_updated_v2")

    def upload() -> None:
        request = {"FunctionName": name, "ZipFile": code[0], "Architectures": [params["architecture"]]}
        retry(lambda: client.update_function_code(**request), not_yet, ROLE_SECONDS)
        wait(client, name, "function_updated_v2")

    plan.converge(f"Settings of function {name}", comparable(live, settings), settings, configure)
    plan.converge(
        f"Code of function {name}",
        {"sha256": live["CodeSha256"], "architectures": live.get("Architectures", ["x86_64"])},
        {"sha256": code[1], "architectures": [params["architecture"]]},
        upload,
    )
    arn = live["FunctionArn"]
    converge_tags(
        plan,
        f"function {name}",
        client.list_tags(Resource=arn).get("Tags", {}),
        params["tags"],
        add=lambda tags: client.tag_resource(Resource=arn, Tags=tags),
        remove=lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
    )


def reserve(plan: Plan, client: Any, params: dict[str, Any], exists: bool) -> None:
    """Keep executions for the function, or give them back.

    Args:
        plan: Where the step goes.
        client: A Lambda client.
        params: The module's parameters.
        exists: Whether there is a live function to ask.
    """
    name, wanted = params["name"], params["reserved_concurrency"]
    answer = client.get_function_concurrency(FunctionName=name) if exists else {}
    live = answer.get("ReservedConcurrentExecutions", -1)

    def action() -> None:
        if wanted < 0:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=wanted)

    plan.converge(f"Reserved concurrency of function {name}", str(live), str(wanted), action)


def ensure(plan: Plan, client: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the function what is asked for.

    Args:
        plan: Where the steps go.
        client: A Lambda client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    name = params["name"]
    live = find(client, name)
    if params["state"] == "absent":
        if live:
            plan.step(f"Function {name}", live["FunctionArn"], "", lambda: client.delete_function(FunctionName=name))
        return {"function_arn": "", "zip_sha256": ""}
    code = read_zip(params["zip_file"])
    if live:
        update(plan, client, live, params, code)
    else:
        live = {"FunctionArn": create(plan, client, params, code[0])}
    reserve(plan, client, params, exists=bool(live["FunctionArn"]))
    return {"function_arn": live["FunctionArn"], "zip_sha256": code[1]}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "zip_file": {"type": "path"},
            "architecture": {"type": "str", "choices": ["arm64", "x86_64"], "default": "arm64"},
            "settings": {"type": "dict", "default": {}},
            "reserved_concurrency": {"type": "int", "default": -1},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["zip_file"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("lambda"), module.params))


if __name__ == "__main__":
    main()
