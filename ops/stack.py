"""A deployed stack as an operator sees it: its names, from the inventory, and clients for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml

from local.layout import port_from_environment
from local.platform import LocalPlatform

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

ROOT = Path(__file__).resolve().parent.parent


class StackError(Exception):
    """An inventory cannot be read as a stack's; the message names the file and the remedy."""


@dataclass(frozen=True)
class Stack:
    """Names and clients of one environment.

    Attributes:
        name: `estancia_name`.
        account: the AWS account's id.
        region: the AWS region.
        session: the credentials and region to call with.
        endpoint: the embedded AWS's URL, None for AWS itself.
    """

    name: str
    account: str
    region: str
    session: boto3.Session
    endpoint: str | None

    @classmethod
    def from_inventory(cls, folder: Path) -> Stack:
        """Read an environment's names.

        Args:
            folder: `inventory/<environment>`; `local` is the embedded AWS, any other AWS itself.

        Raises:
            StackError: there is no such inventory, or its account is not filled in.
        """
        file = folder / "group_vars" / "all.yml"
        if not file.is_file():
            raise StackError(
                f"INVENTORY={folder} lacks {file.name}; name inventory/local, inventory/dev or inventory/prod"
            )
        variables: dict[str, Any] = yaml.safe_load(file.read_text())
        if not re.fullmatch(r"[0-9]{12}", str(variables["estancia_account_id"])):
            raise StackError(f"estancia_account_id in {file} is not twelve digits; fill it in")
        region = variables["estancia_region"]
        if folder.name == "local":
            platform = LocalPlatform(port_from_environment())
            root = platform.root_environment()
            session = boto3.Session(root["AWS_ACCESS_KEY_ID"], root["AWS_SECRET_ACCESS_KEY"], region_name=region)
            endpoint: str | None = platform.endpoint
        else:
            session, endpoint = boto3.Session(region_name=region), None
        return cls(variables["estancia_name"], str(variables["estancia_account_id"]), region, session, endpoint)

    def bucket(self, purpose: str) -> str:
        """Return the name of the bucket for `purpose`: raw, processed, ..."""
        return f"{self.name}-{self.account}-{self.region}-{purpose}"

    @property
    def ledger_name(self) -> str:
        """The ledger table's name."""
        return f"{self.name}-ledger"

    def queue_url(self, queue: str) -> str:
        """Return the URL of `<name>-<queue>`: ingest, ingest-dlq."""
        return self.sqs.get_queue_url(QueueName=f"{self.name}-{queue}")["QueueUrl"]

    @cached_property
    def s3(self) -> S3Client:
        """A client for S3."""
        return self.session.client("s3", endpoint_url=self.endpoint)

    @cached_property
    def sqs(self) -> SQSClient:
        """A client for SQS."""
        return self.session.client("sqs", endpoint_url=self.endpoint)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A client for DynamoDB."""
        return self.session.client("dynamodb", endpoint_url=self.endpoint)

    @cached_property
    def ledger(self) -> Table:
        """The ledger table."""
        return self.session.resource("dynamodb", endpoint_url=self.endpoint).Table(self.ledger_name)
