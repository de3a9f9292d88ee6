"""A load balancer's attributes: all of them with our correction, and still only a few without."""

import uuid

from local.corrections.load_balancer_attributes import DEFAULTS
from tests.integration.local.support import Clients


def described(aws: Clients) -> dict[str, str]:
    made = aws.elbv2.create_load_balancer(Name=f"lb-{uuid.uuid4().hex[:8]}", Scheme="internal", Subnets=["subnet-1"])
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    found = aws.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {attribute["Key"]: attribute["Value"] for attribute in found}


def test_every_attribute_is_described(aws: Clients, uncorrected: Clients) -> None:
    assert described(aws) == DEFAULTS
    assert "access_logs.s3.bucket" not in described(uncorrected), (
        "ministack describes every attribute now: remove describe_every_attribute"
    )
