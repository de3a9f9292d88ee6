"""Ranges of an object's version: as AWS answers them with our correction, and still the whole without."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.support import Clients

CONTENT = bytes(range(256)) * 4


def version(aws: Clients) -> Any:
    name = f"ranges-{uuid.uuid4().hex[:8]}"
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = aws.s3.put_object(Bucket=name, Key="k", Body=CONTENT)["VersionId"]
    aws.s3.put_object(Bucket=name, Key="k", Body=b"newer")
    return {"Bucket": name, "Key": "k", "VersionId": first}


def test_a_range_of_a_version_is_just_that(aws: Clients, uncorrected: Clients) -> None:
    source = version(aws)
    answer = aws.s3.get_object(**source, Range="bytes=300-555")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (answer["ContentRange"], answer["Body"].read()) == ("bytes 300-555/1024", CONTENT[300:556])
    assert aws.s3.get_object(**source)["Body"].read() == CONTENT
    whole = uncorrected.s3.get_object(**version(uncorrected), Range="bytes=300-555")
    assert whole["ResponseMetadata"]["HTTPStatusCode"] == 200, (
        "ministack answers ranges of versions now: remove answer_ranges_of_versions"
    )


def test_a_range_outside_is_refused(aws: Clients) -> None:
    with pytest.raises(ClientError, match="InvalidRange"):
        aws.s3.get_object(**version(aws), Range="bytes=2000-3000")
