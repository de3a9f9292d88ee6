"""Policies that demand TLS, against an embedded AWS that speaks HTTP on the loopback interface."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.support import Clients


def tls_only_bucket(aws: Clients) -> str:
    name = f"tls-{uuid.uuid4().hex[:8]}"
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    aws.s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def test_a_call_over_loopback_counts_as_secure(aws: Clients, uncorrected: Clients) -> None:
    assert aws.s3.put_object(Bucket=tls_only_bucket(aws), Key="k", Body=b"x")["ETag"]
    with pytest.raises(ClientError, match="AccessDenied"):
        uncorrected.s3.put_object(Bucket=tls_only_bucket(uncorrected), Key="k", Body=b"x")
