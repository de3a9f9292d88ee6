"""What policies see of a write's encryption: as AWS with our corrections, and still less without."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.platform import LocalPlatform
from tests.integration.local.support import Clients
from tests.integration.local.test_kms_corrections import Encrypted, make

OTHER_KEY = "arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-0000-0000-000000000000"


def writer(platform: LocalPlatform, *conditions: Callable[[str], dict[str, Any]]) -> tuple[Encrypted, Clients]:
    """Return a bucket that refuses writes to which one of the conditions applies, and a role that may write."""
    thing = make(platform)
    statements = [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{thing.name}/*",
            "Condition": condition(thing.key_arn),
        }
        for condition in conditions
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    thing.root.s3.put_bucket_policy(Bucket=thing.name, Policy=document)
    return thing, thing.caller("kms:*")


def no_key_named(_: str) -> dict[str, Any]:
    return {
        "Null": {
            "s3:x-amz-server-side-encryption": "false",
            "s3:x-amz-server-side-encryption-aws-kms-key-id": "true",
        }
    }


def other_key_named(key_arn: str) -> dict[str, Any]:
    return {
        "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
        "ArnNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key_arn},
    }


def own_key_brought(_: str) -> dict[str, Any]:
    return {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}


def test_the_right_key_passes_and_no_other(corrected: LocalPlatform, bare: LocalPlatform) -> None:
    thing, by = writer(corrected, no_key_named, other_key_named)
    right: Any = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": thing.key_arn}
    assert by.s3.put_object(Bucket=thing.name, Key="k", Body=b"x", **right)["SSEKMSKeyId"] == thing.key_arn
    assert by.s3.put_object(Bucket=thing.name, Key="k", Body=b"x")["SSEKMSKeyId"] == thing.key_arn
    for wrong in ({"ServerSideEncryption": "aws:kms"}, right | {"SSEKMSKeyId": OTHER_KEY}):
        with pytest.raises(ClientError, match="AccessDenied"):
            by.s3.put_object(Bucket=thing.name, Key="k", Body=b"x", **wrong)
    without, by = writer(bare, no_key_named)
    with pytest.raises(ClientError, match="AccessDenied"):
        by.s3.put_object(
            Bucket=without.name, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=without.key_arn
        )
    # If that call passes: remove tell_policies_the_key_of_a_write.


def test_the_parts_of_an_upload_have_its_key(corrected: LocalPlatform) -> None:
    thing, by = writer(corrected, no_key_named, other_key_named)
    place: Any = {"Bucket": thing.name, "Key": "parts"}
    right: Any = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": thing.key_arn}
    requests: list[Any] = [{}, right]
    for named in requests:
        upload = place | {"UploadId": by.s3.create_multipart_upload(**place, **named)["UploadId"]}
        part = by.s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]
        parts: Any = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        assert by.s3.complete_multipart_upload(**upload, MultipartUpload=parts)["Key"] == "parts"


def test_a_key_of_the_customers_own_is_seen(corrected: LocalPlatform, bare: LocalPlatform) -> None:
    own: Any = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
    thing, by = writer(corrected, own_key_brought)
    with pytest.raises(ClientError, match="AccessDenied"):
        by.s3.put_object(Bucket=thing.name, Key="k", Body=b"x", **own)
    assert by.s3.put_object(Bucket=thing.name, Key="k", Body=b"x")["ETag"]
    without, by = writer(bare, own_key_brought)
    assert by.s3.put_object(Bucket=without.name, Key="k", Body=b"x", **own)["ETag"], (
        "ministack tells policies of such keys now: remove tell_policies_of_customer_provided_keys"
    )
