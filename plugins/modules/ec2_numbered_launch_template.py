#!/usr/bin/python
"""Ansible module: a launch template whose newest version is the wanted one, known by its number."""

from __future__ import annotations

import base64
from typing import Any

from ansible.module_utils.compare import project
from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import optional
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: ec2_numbered_launch_template
short_description: Manage a launch template and the number of its version
description:
  - Makes a new version only where the newest one differs from what is asked for, and makes it the default.
    Older versions stay, as the way back.
  - M(amazon.aws.ec2_launch_template) compares with everything that EC2 answers, which has fields that nobody sent (the
    metadata options' state), and so makes a new version on each run; it shows no difference.
options:
  name:
    description: The template's name.
    type: str
    required: true
  state:
    description: Whether the template exists.
    type: str
    choices: [present, absent]
    default: present
  data:
    description: The template, as EC2's RequestLaunchTemplateData, without user data.
    type: dict
    default: {}
  user_data:
    description: The user data in plain text. Never a secret, since every process of the instance can read it.
    type: str
    default: ""
  tags:
    description: The template's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the launch template
  ec2_numbered_launch_template:
    name: estancia-dev-processor
    data:
      ImageId: ami-0123456789abcdef0
      InstanceType: m7g.large
      MetadataOptions: {HttpTokens: required, HttpPutResponseHopLimit: 1}
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
template_id:
  description: The template's id; empty where there is none.
  returned: always
  type: str
version:
  description: The number of the version that was asked for; 0 in check mode where it would be made.
  returned: always
  type: int
"""

MISSING = "InvalidLaunchTemplateName.NotFoundException"


def find(ec2: Any, name: str) -> dict[str, Any]:
    """The live template.

    Args:
        ec2: A client.
        name: The template's name.

    Returns:
        EC2's description; empty when there is no such template.
    """
    answer = optional(lambda: ec2.describe_launch_templates(LaunchTemplateNames=[name]), MISSING)
    templates = answer["LaunchTemplates"] if answer else []
    return dict(templates[0]) if templates else {}


def wanted_data(params: dict[str, Any]) -> dict[str, Any]:
    """The version as EC2 takes it.

    Args:
        params: The module's parameters.

    Returns:
        RequestLaunchTemplateData.
    """
    text = params["user_data"]
    coded = {"UserData": base64.b64encode(text.encode()).decode()} if text else {}
    return {**params["data"], **coded}


def comparable(live: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The part of a live version that is asked for.

    Args:
        live: The version's data as EC2 answers it.
        wanted: The wanted data.

    Returns:
        What is compared with the wanted data; an image that is no longer wanted counts, too.
    """
    found: dict[str, Any] = project(live, wanted)
    if "ImageId" in live and "ImageId" not in wanted:
        found["ImageId"] = live["ImageId"]
    return found


def update(plan: Plan, ec2: Any, template: dict[str, Any], params: dict[str, Any]) -> int:
    """Make a new version where the newest one differs.

    Args:
        plan: Where the steps go.
        ec2: A client.
        template: The live template.
        params: The module's parameters.

    Returns:
        The number of the version that was asked for; 0 in check mode where it would be made.
    """
    template_id, name, wanted = template["LaunchTemplateId"], params["name"], wanted_data(params)
    answer = ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["$Latest"])
    newest = answer["LaunchTemplateVersions"][0]

    def add() -> int:
        made = ec2.create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData=wanted)
        return int(made["LaunchTemplateVersion"]["VersionNumber"])

    live = comparable(newest["LaunchTemplateData"], wanted)
    number = int(newest["VersionNumber"])
    if live != wanted:
        number = int(plan.step(f"Newest version of launch template {name}", live, wanted, add) or 0)
    plan.converge(
        f"Default version of launch template {name}",
        str(template["DefaultVersionNumber"]),
        str(number),
        lambda: ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion=str(number)),
    )
    converge_tags(
        plan,
        f"launch template {name}",
        tag_dict(template.get("Tags")),
        params["tags"],
        add=lambda tags: ec2.create_tags(Resources=[template_id], Tags=tag_list(tags)),
        remove=lambda keys: ec2.delete_tags(Resources=[template_id], Tags=[{"Key": key} for key in keys]),
    )
    return number


def ensure(plan: Plan, ec2: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the template what is asked for.

    Args:
        plan: Where the steps go.
        ec2: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    name = params["name"]
    template = find(ec2, name)
    template_id = str(template.get("LaunchTemplateId", ""))
    if params["state"] == "absent":
        if template:
            title = f"Launch template {name}"
            plan.step(title, template_id, "", lambda: ec2.delete_launch_template(LaunchTemplateId=template_id))
        return {"template_id": "", "version": 0}
    if template:
        return {"template_id": template_id, "version": update(plan, ec2, template, params)}
    wanted = wanted_data(params)
    tags = [{"ResourceType": "launch-template", "Tags": tag_list(params["tags"])}]

    def create() -> str:
        made = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=wanted, TagSpecifications=tags)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    template_id = str(plan.step(f"Launch template {name}", {}, wanted, create) or "")
    return {"template_id": template_id, "version": 1 if template_id else 0}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "data": {"type": "dict", "default": {}},
            "user_data": {"type": "str", "default": ""},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("ec2"), module.params))


if __name__ == "__main__":
    main()
