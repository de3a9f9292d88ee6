#!/usr/bin/python
"""Ansible module: a private S3 bucket with its whole configuration, each part compared before it is written."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.plan import Plan, run
from ansible.module_utils.s3_bucket_parts import PARTS, converge_part, empty_bucket, has_content, wanted_parts
from ansible.module_utils.waiting import error_code, optional, retry, wait_until
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from botocore.exceptions import ClientError

DOCUMENTATION = r"""
module: s3_private_bucket
short_description: Manage a private S3 bucket as a whole
description:
  - Creates the bucket without ACLs, and writes encryption, public access block, ownership, versioning, policy, tags,
    lifecycle, access logging and notifications where they differ. What the options do not name is left alone.
  - The notification configuration is written whole, EventBridge included.
  - M(amazon.aws.s3_bucket) and M(community.aws.s3_lifecycle) have no check mode, and
    M(community.aws.s3_bucket_notification) drops the EventBridge entry.
options:
  name:
    description: The bucket's name.
    type: str
    required: true
  state:
    description: Whether the bucket exists.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - With O(state=absent), delete every object version and delete marker first, a thousand a call.
      - Without it a bucket that holds anything stays, and the result says so.
    type: bool
    default: false
  encryption:
    description: The one default encryption rule, as S3's ServerSideEncryptionRule. Required when O(state=present).
    type: dict
  versioning:
    description: Whether the bucket keeps versions.
    type: bool
    default: true
  policy:
    description: The bucket policy. Required when O(state=present).
    type: json
  lifecycle:
    description: Lifecycle rules, as S3's LifecycleRule; all of them.
    type: list
    elements: dict
    default: []
  logging:
    description: Access logging, as S3's LoggingEnabled; empty for none.
    type: dict
    default: {}
  notifications:
    description: The notification configuration, as S3's NotificationConfiguration; all of it.
    type: dict
    default: {}
  tags:
    description: The bucket's tags, exactly.
    type: dict
    default: {}
author: Estancia
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Make the raw bucket
  s3_private_bucket:
    name: estancia-dev-123456789012-eu-west-1-raw
    encryption:
      ApplyServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms, KMSMasterKeyID: "{{ key_arn }}"}
      BucketKeyEnabled: true
    policy: "{{ lookup('ansible.builtin.template', 'data-bucket-policy.json.j2') }}"
    notifications:
      QueueConfigurations:
        - {Id: ingest, QueueArn: "{{ queue_arn }}", Events: ["s3:ObjectCreated:*"]}
      EventBridgeConfiguration: {}
    tags: "{{ estancia_tags }}"
"""

RETURN = r"""
kept:
  description: With O(state=absent), whether the bucket stays because it holds something.
  returned: always
  type: bool
"""


def exists(s3: Any, name: str) -> bool:
    """Whether this account has the bucket.

    Args:
        s3: A client.
        name: The bucket's name.

    Returns:
        True when it is there and ours.

    Raises:
        ValueError: The name is taken by somebody else.
    """
    try:
        return optional(lambda: s3.head_bucket(Bucket=name), "404", "NoSuchBucket") is not None
    except ClientError as error:
        if error_code(error) != "403":
            raise
        msg = f"Bucket {name} answers 403: another account has the name, or the caller lacks s3:ListBucket on it."
        raise ValueError(msg) from error


def create(s3: Any, name: str) -> None:
    """Make the bucket, without ACLs from the start.

    Args:
        s3: A client.
        name: The bucket's name.
    """
    region = s3.meta.region_name
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    # After a deletion S3 answers OperationAborted for the name until it is through with it.
    retry(
        lambda: s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced", **place),
        lambda error: error_code(error) == "OperationAborted",
        120,
    )
    wait_until(lambda: exists(s3, name), f"bucket {name} is there", 60)


def remove(plan: Plan, s3: Any, name: str, purge: bool) -> bool:
    """Delete the bucket, and what is in it only if that was asked for.

    Args:
        plan: Where the steps go.
        s3: A client.
        name: The bucket's name.
        purge: Whether to delete its objects.

    Returns:
        True when the bucket stays because it holds something.
    """
    full = has_content(s3, name)
    if full and not purge:
        return True
    if full:
        plan.step(f"Every version in {name}", "kept", "deleted", lambda: empty_bucket(s3, name))
    plan.step(f"Bucket {name}", name, "", lambda: s3.delete_bucket(Bucket=name))
    return False


def ensure(plan: Plan, s3: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Make the bucket what is asked for.

    Args:
        plan: Where the steps go.
        s3: A client.
        params: The module's parameters.

    Returns:
        The module's result.
    """
    name = params["name"]
    found = exists(s3, name)
    if params["state"] == "absent":
        return {"kept": found and remove(plan, s3, name, params["purge"])}
    wanted = wanted_parts(params)
    if not found:
        plan.step(f"Bucket {name}", "", name, lambda: create(s3, name))
    for part in PARTS:
        live = part.read(s3, name, wanted[part.title]) if found or not plan.check_mode else part.absent
        converge_part(plan, s3, name, part, live=live, wanted=wanted[part.title])
    return {"kept": False}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purge": {"type": "bool", "default": False},
            "encryption": {"type": "dict", "no_log": False},
            "versioning": {"type": "bool", "default": True},
            "policy": {"type": "json"},
            "lifecycle": {"type": "list", "elements": "dict", "default": []},
            "logging": {"type": "dict", "default": {}},
            "notifications": {"type": "dict", "default": {}},
            "tags": {"type": "dict", "default": {}},
        },
        required_if=[("state", "present", ["encryption", "policy"])],
        supports_check_mode=True,
    )
    run(module, lambda plan: ensure(plan, module.client("s3"), module.params))


if __name__ == "__main__":
    main()
