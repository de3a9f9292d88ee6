#!/usr/bin/python
"""Ansible module: the URLs of SQS queues, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.plan import Plan, run
from ansible.module_utils.waiting import optional
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DOCUMENTATION = r"""
module: sqs_queue_info
short_description: Look up the URLs of SQS queues
description:
  - Answers each name with the queue's URL; no collection has such a module.
options:
  names:
    description: The queues' names.
    type: list
    elements: str
    required: true
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Look the ingest queue up
  sqs_queue_info:
    names: [estancia-dev-ingest]
"""

RETURN = r"""
urls:
  description: URL by name; empty where there is no such queue.
  returned: always
  type: dict
"""

MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def urls(sqs: SQSClient, names: list[str]) -> dict[str, Any]:
    """The URLs of queues.

    Args:
        sqs: A client.
        names: The queues' names.

    Returns:
        The module's result.
    """

    def find(name: str) -> str:
        answer = optional(lambda: sqs.get_queue_url(QueueName=name), *MISSING)
        return answer["QueueUrl"] if answer else ""

    return {"urls": {name: find(name) for name in names}}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )

    def work(_plan: Plan) -> dict[str, Any]:
        return urls(module.client("sqs"), module.params["names"])

    run(module, work)


if __name__ == "__main__":
    main()
