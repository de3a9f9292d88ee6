"""Policies that demand TLS, against an embedded AWS that speaks HTTP on the loopback interface."""

import json

import pytest
from botocore.exceptions import ClientError

from local.platform import LocalPlatform
from tests.integration.local.test_s3_corrections import Bucket, make_bucket


def tls_only(platform: LocalPlatform) -> Bucket:
    """Return a bucket that refuses plain HTTP; ministack holds its root principal to no bucket policy."""
    bucket = make_bucket(platform)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket.name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bucket.root.s3.put_bucket_policy(Bucket=bucket.name, Policy=document)
    return bucket


def test_a_call_over_loopback_counts_as_secure(corrected: LocalPlatform, bare: LocalPlatform) -> None:
    bucket, without = tls_only(corrected), tls_only(bare)
    assert bucket.writer.s3.put_object(Bucket=bucket.name, Key="k", Body=b"x")["ETag"]
    with pytest.raises(ClientError, match="AccessDenied"):
        without.writer.s3.put_object(Bucket=without.name, Key="k", Body=b"x")
    # If that call passes: remove count_loopback_as_secure.
