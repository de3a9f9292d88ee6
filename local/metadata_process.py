"""The process behind one processor's metadata address: `python -m local.metadata_process <instance as JSON>`."""

import json
import sys
from datetime import UTC, datetime

import boto3

from local.layout import METADATA_PORT
from local.metadata import Credentials, Instance, MetadataService, RenewedCredentials, serve

SESSION_SECONDS = 3600


def main() -> None:
    """Serve the metadata of the instance that the only argument describes, until the process is ended."""
    description = json.loads(sys.argv[1])
    endpoint, role_arn = description.pop("endpoint"), description.pop("role_arn")
    instance = Instance(**description)
    credentials = RenewedCredentials(lambda: _assume(endpoint, role_arn, instance))
    credentials.current()
    service = MetadataService(instance, credentials)
    serve(service, instance.address, METADATA_PORT).serve_forever()


def _assume(endpoint: str, role_arn: str, instance: Instance) -> Credentials:
    """Assume the instance role as EC2 does, in a session named after the instance."""
    sts = boto3.client("sts", endpoint_url=endpoint, region_name=instance.region)
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=instance.instance_id, DurationSeconds=SESSION_SECONDS)[
        "Credentials"
    ]
    return Credentials(
        answer["AccessKeyId"],
        answer["SecretAccessKey"],
        answer["SessionToken"],
        answer["Expiration"].astimezone(UTC),
        datetime.now(UTC),
    )


if __name__ == "__main__":
    main()
