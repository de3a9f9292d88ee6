#!/usr/bin/python
"""Ansible module: a standard SQS queue with its policies and all of its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.compare import canonical_policy, without_none
from ansible.module_utils.plan import Plan, converge_tags, run
from ansible.module_utils.waiting import error_code, optional, retry, wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

DOCUMENTATION = r"""
module: sqs_standard_queue
short_description: Manage a standard SQS queue, encrypted and closed from its first moment
description:
  - Creates the queue with its key, policies and tags in one call, and afterwards repairs what differs.
  - Waits, with a bound, while a queue of the same name that was just deleted blocks it (60 seconds).
  - M(community.aws.sqs_queue) creates the queue without policy, never sets an attribute that the live queue lacks
    (so that encryption which was taken off stays off), knows no redrive allow policy and shows no difference.
options:
  name:
    description: The queue's name.
    type: str
    required: true
  state:
    description: Whether the queue exists. Deleting it deletes its messages.
    type: str
    choices: [present, absent]
    default: present
  kms_master_key_id:
    description: ARN of the key that encrypts the messages. Required when O(state=present).
    type: str
  visibility_timeout:
    description: Seconds that a received message stays invisible.
    type: int
    default: 30
  message_retention_period:
    description: Seconds that a message is kept.
    type: int
    default: 345600
  policy:
    description: The queue policy. Required when O(state=present).
    type: json
  redrive_policy:
    description: Where messages go that were received too often; none leaves it unset.
    type: json
  redrive_allow_policy:
    description: Which queues may name this one as their dead-letter queue; none leaves it unset.
    type: json
  tags:
    description: The queue's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the dead-letter queue
  sqs_standard_queue:
    name: estancia-dev-ingest-dlq
    kms_master_key_id: "{{ encryption_result.messaging_key_arn }}"
    message_retention_period: 1209600
    policy: "{{ lookup('ansible.builtin.template', 'dead-letter-policy.json.j2') }}"
    redrive_allow_policy:
      redrivePermission: byQueue
      sourceQueueArns: ["arn:aws:sqs:eu-west-1:123456789012:estancia-dev-ingest"]
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
queue_url:
  description: The queue's URL; empty where there is none.
  returned: always
  type: str
"""

POLICIES = {"Policy": "policy", "RedrivePolicy": "redrive_policy", "RedriveAllowPolicy": "redrive_allow_policy"}
NAME_BLOCKED_SECONDS = 75
MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def wanted_attributes(params: dict[str, Any]) -> dict[str, str]:
    """The attributes in the form in which SQS takes them.

    Args:
        params: The module's parameters.

    Returns:
        Text by attribute name.
    """
    plain = {
        "KmsMasterKeyId": params["kms_master_key_id"],
        "MessageRetentionPeriod": str(params["message_retention_period"]),
        "VisibilityTimeout": str(params["visibility_timeout"]),
    }
    given: dict[str, str] = without_none({attribute: params[option] for attribute, option in POLICIES.items()})
    return plain | given


def readable(attributes: dict[str, str], names: list[str]) -> dict[str, Any]:
    """Attributes as they are compared and shown.

    Args:
        attributes: Text by attribute name.
        names: The attributes that count.

    Returns:
        The attributes, policies in their canonical form; None where one is missing.
    """
    return {
        name: canonical_policy(attributes.get(name)) if name in POLICIES else attributes.get(name) for name in names
    }


def create(plan: Plan, sqs: Any, params: dict[str, Any]) -> str:
    """Make the queue whole, in one call.

    Args:
        plan: Where the step goes.
        sqs: A client.
        params: The module's parameters.

    Returns:
        The queue's URL; empty in check mode.
    """
    attributes = wanted_attributes(params)

    def blocked(error: ClientError) -> bool:
        return str(error_code(error)).endswith("QueueDeletedRecently")

    def action() -> str:
        def call() -> str:
            answer = sqs.create_queue(QueueName=params["name"], Attributes=attributes, tags=params["tags"])
            return str(answer["QueueUrl"])

        return str(retry(call, blocked, NAME_BLOCKED_SECONDS))

    return str(plan.step(f"Queue {params['name']}", {}, readable(attributes, list(attributes)), action) or "")


def update(plan: Plan, sqs: Any, url: str, params: dict[str, Any]) -> None:
    """Repair what differs on a queue that exists.

    Args:
        plan: Where the steps go.
        sqs: A client.
        url: The queue's URL.
        params: The module's parameters.
    """
    wanted = wanted_attributes(params)
    names = list(wanted)
    live = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
    plan.converge(
        f"Attributes of queue {params['name']}",
        readable(live, names),
        readable(wanted, names),
        lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted),
    )
    converge_tags(
        plan,
        f"queue {params['name']}",
        sqs.list_queue_tags(QueueUrl=url).get("Tags", {}),
        params["tags"],
        add=lambda tags: sqs.tag_queue(QueueUrl=url, Tags=tags),
        remove=lambda keys: sqs.untag_queue(QueueUrl=url, TagKeys=keys),
    )


def ensure(plan: Plan, sqs: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the queue what is asked for.

    Args:
        plan: Where the steps go.
        sqs: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    name = params["name"]

    def find() -> str:
        answer = optional(lambda: sqs.get_queue_url(QueueName=name), *MISSING)
        return answer["QueueUrl"] if answer else ""

    url = find()
    if params["state"] == "present":
        if url:
            update(plan, sqs, url, params)
        return {"queue_url": url or create(plan, sqs, params)}

    def delete() -> None:
        sqs.delete_queue(QueueUrl=url)
        wait_until(lambda: not find(), f"queue {name} is gone", 90)

    if url:
        plan.step(f"Queue {name}", url, "", delete)
    return {"queue_url": ""}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "kms_master_key_id": {"type": "str", "no_log": False},
            "visibility_timeout": {"type": "int", "default": 30},
            "message_retention_period": {"type": "int", "default": 345600},
            "policy": {"type": "json"},
            "redrive_policy": {"type": "json"},
            "redrive_allow_policy": {"type": "json"},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["kms_master_key_id", "policy"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("sqs"), module.params))


if __name__ == "__main__":
    main()
