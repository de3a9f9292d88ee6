"""A project folder of its own for each platform under test, clients for it, and small functions in it."""

import io
import json
import sys
import zipfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from local.deployment import SessionKeys
from local.layout import PROJECT_ROOT, REGION
from local.platform import LocalPlatform

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

FAKE_PROCESSOR = Path(__file__).with_name("fake_processor.py")


def project_folder(folder: Path) -> Path:
    """Make `folder` look like the project to the local platform, with a fake processor in it."""
    (folder / ".venvs" / "processor" / "bin").mkdir(parents=True)
    (folder / ".venvs" / "embedded-aws").symlink_to(PROJECT_ROOT / ".venvs" / "embedded-aws")
    (folder / "local").symlink_to(PROJECT_ROOT / "local")
    python = folder / ".venvs" / "processor" / "bin" / "python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} {FAKE_PROCESSOR}\n", encoding="utf-8")
    python.chmod(0o755)
    return folder


# One session for all clients: it keeps the services' descriptions, which take long to read.
SESSION = boto3.session.Session(region_name=REGION)


class Clients:
    """boto3 clients of one platform; of its root principal unless a session's keys are given."""

    def __init__(self, platform: LocalPlatform, **keys: str) -> None:
        root = platform.root_environment()
        self._keys: SessionKeys = {
            "aws_access_key_id": keys.get("aws_access_key_id", root["AWS_ACCESS_KEY_ID"]),
            "aws_secret_access_key": keys.get("aws_secret_access_key", root["AWS_SECRET_ACCESS_KEY"]),
            "aws_session_token": keys.get("aws_session_token", ""),
        }
        self._endpoint = platform.endpoint
        self._config = Config(proxies={}, retries={"max_attempts": 1}, parameter_validation=False)

    @cached_property
    def s3(self) -> "S3Client":
        return SESSION.client("s3", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def sqs(self) -> "SQSClient":
        return SESSION.client("sqs", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def iam(self) -> "IAMClient":
        return SESSION.client("iam", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def sts(self) -> "STSClient":
        return SESSION.client("sts", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def ssm(self) -> "SSMClient":
        return SESSION.client("ssm", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def ec2(self) -> "EC2Client":
        return SESSION.client("ec2", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def elbv2(self) -> "ElasticLoadBalancingv2Client":
        return SESSION.client("elbv2", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def autoscaling(self) -> "AutoScalingClient":
        return SESSION.client("autoscaling", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def kms(self) -> "KMSClient":
        return SESSION.client("kms", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return SESSION.client("cloudwatch", endpoint_url=self._endpoint, config=self._config, **self._keys)

    @cached_property
    def functions(self) -> "LambdaClient":
        return SESSION.client("lambda", endpoint_url=self._endpoint, config=self._config, **self._keys)


def make_function(aws: Clients, name: str, source: str, timeout_seconds: int = 3) -> str:
    """Make a function of one module with a role of its own and return the role's ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("module.py", source)
    aws.functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="module.handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=timeout_seconds,
    )
    return role
