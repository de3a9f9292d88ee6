#!/usr/bin/python
"""Ansible module: a certificate that was made elsewhere and imported into ACM."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.plan import Plan, converge_tags, run, tag_dict, tag_list
from ansible.module_utils.waiting import error_code, optional, retry
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

DOCUMENTATION = r"""
module: acm_imported_certificate
short_description: Import a certificate into ACM, onto the ARN that it has
description:
  - Imports the certificate, tagged from its first moment, or onto the ARN of the one it replaces, so that listeners
    which show that go on with the new one.
  - M(community.aws.acm_certificate) fails on a certificate without chain, imports without tags, and deletes the
    certificate again when tagging it fails.
options:
  certificate_arn:
    description: ARN of the certificate to replace or to delete; empty for a new one.
    type: str
    default: ""
  state:
    description: Whether the certificate exists.
    type: str
    choices: [present, absent]
    default: present
  certificate:
    description: The certificate, PEM. Required when O(state=present).
    type: str
  private_key:
    description: Its private key, PEM. Required when O(state=present).
    type: str
  tags:
    description: The certificate's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Import the certificate
  acm_imported_certificate:
    certificate: "{{ certificate }}"
    private_key: "{{ private_key }}"
    tags: "{{ estancia_tags }}"
  no_log: true
"""

RETURN = r"""
arn:
  description: The certificate's ARN; empty where there is none.
  returned: always
  type: str
"""

# A listener that was just deleted holds its certificate for some time.
IN_USE_SECONDS = 300


def replace(plan: Plan, acm: Any, arn: str, params: dict[str, Any]) -> str:
    """Import onto the ARN where the certificate differs.

    Args:
        plan: Where the steps go.
        acm: A client.
        arn: The certificate's ARN.
        params: The module's parameters.

    Returns:
        The ARN.
    """
    live = acm.get_certificate(CertificateArn=arn)["Certificate"].strip()
    plan.converge(
        f"Certificate {arn}",
        live,
        params["certificate"].strip(),
        lambda: acm.import_certificate(
            CertificateArn=arn, Certificate=params["certificate"].encode(), PrivateKey=params["private_key"].encode()
        ),
    )
    live_tags = tag_dict(acm.list_tags_for_certificate(CertificateArn=arn)["Tags"])
    converge_tags(
        plan,
        f"certificate {arn}",
        live_tags,
        params["tags"],
        add=lambda tags: acm.add_tags_to_certificate(CertificateArn=arn, Tags=tag_list(tags)),
        remove=lambda keys: acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": key} for key in keys]),
    )
    return arn


def ensure(plan: Plan, acm: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the certificate what is asked for.

    Args:
        plan: Where the steps go.
        acm: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    arn = params["certificate_arn"]
    found = optional(lambda: acm.describe_certificate(CertificateArn=arn), "ResourceNotFoundException") if arn else None

    def create() -> str:
        answer = acm.import_certificate(
            Certificate=params["certificate"].encode(),
            PrivateKey=params["private_key"].encode(),
            Tags=tag_list(params["tags"]),
        )
        return str(answer["CertificateArn"])

    def delete() -> None:
        retry(
            lambda: acm.delete_certificate(CertificateArn=arn),
            lambda error: error_code(error) == "ResourceInUseException",
            IN_USE_SECONDS,
        )

    if params["state"] == "absent":
        if found:
            plan.step(f"Certificate {arn}", arn, "", delete)
        return {"arn": ""}
    if found:
        return {"arn": replace(plan, acm, arn, params)}
    return {"arn": plan.step("Certificate", "", params["certificate"], create) or ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "certificate_arn": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "certificate": {"type": "str"},
            "private_key": {"type": "str", "no_log": True},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["certificate", "private_key"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("acm"), module.params))


if __name__ == "__main__":
    main()
