"""IAM is enforced on the path: the deployed roles' own credentials, against what they must not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.path.conftest import Deployment, environment_of

pytestmark = [
    pytest.mark.usefixtures("warm_function"),
    pytest.mark.without_invariants("what is refused changes nothing"),
]
REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
PROBE = "data/probe/file.parquet"
VERSION = "00000000000000000000000000000000"
# principal, S3 operation, bucket, further arguments
FORBIDDEN: list[tuple[str, str, str, dict[str, Any]]] = [
    ("processor", "put_object", "raw", {"Key": PROBE, "Body": b"x"}),
    ("processor", "delete_object", "raw", {"Key": PROBE}),
    ("processor", "get_object", "processed", {"Key": PROBE}),
    ("processor", "list_objects_v2", "processed", {}),
    ("processor", "delete_object", "processed", {"Key": PROBE}),
    ("processor", "put_object", "processed", {"Key": "elsewhere/x", "Body": b"x"}),
    ("dispatcher", "get_object", "raw", {"Key": PROBE}),
    ("dispatcher", "put_object", "raw", {"Key": PROBE, "Body": b"x"}),
    ("dispatcher", "delete_object", "raw", {"Key": PROBE}),
    ("dispatcher", "get_object", "processed", {"Key": PROBE}),
    ("dispatcher", "put_object", "processed", {"Key": PROBE, "Body": b"x"}),
    ("dispatcher", "delete_object", "processed", {"Key": PROBE, "VersionId": VERSION}),
    ("sweep", "get_object", "raw", {"Key": PROBE}),
    ("sweep", "get_object", "raw", {"Key": PROBE, "VersionId": VERSION}),
    ("sweep", "put_object", "raw", {"Key": PROBE, "Body": b"x"}),
    ("sweep", "delete_object", "raw", {"Key": PROBE}),
    ("sweep", "delete_object", "raw", {"Key": PROBE, "VersionId": VERSION}),
    ("sweep", "get_object", "processed", {"Key": PROBE}),
    ("sweep", "get_object", "processed", {"Key": PROBE, "VersionId": VERSION}),
    ("sweep", "list_objects_v2", "processed", {}),
    ("sweep", "put_object", "processed", {"Key": PROBE, "Body": b"x"}),
    ("sweep", "delete_object", "processed", {"Key": "elsewhere/x", "VersionId": VERSION}),
    ("sweep", "delete_object", "artifacts", {"Key": PROBE, "VersionId": VERSION}),
    ("sweep", "list_object_versions", "logs", {}),
]


@pytest.mark.parametrize(("principal", "operation", "bucket", "arguments"), FORBIDDEN)
def test_what_a_role_must_not_do_is_refused(
    deployment: Deployment, principal: str, operation: str, bucket: str, arguments: dict[str, Any]
) -> None:
    s3 = deployment.principal(principal).client("s3", endpoint_url=deployment.stack.endpoint)
    with pytest.raises(ClientError) as refusal:
        getattr(s3, operation)(Bucket=deployment.stack.bucket(bucket), **arguments)
    assert refusal.value.response["Error"]["Code"] in REFUSED


def test_a_role_may_not_touch_iam(deployment: Deployment) -> None:
    for principal in ("processor", "dispatcher", "sweep"):
        iam = deployment.principal(principal).client("iam", endpoint_url=deployment.stack.endpoint)
        with pytest.raises(ClientError) as refusal:
            iam.list_roles()
        assert refusal.value.response["Error"]["Code"] in REFUSED


def test_processors_run_with_the_deployed_roles_temporary_credentials(deployment: Deployment) -> None:
    for processor in deployment.platform.processors:
        environment = environment_of(Path(f"/proc/{processor.pid}/environ"))
        assert {name for name in environment if name.startswith("AWS_")} == {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "AWS_EC2_METADATA_V1_DISABLED",
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
        }
        assert environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].startswith(f"http://{processor.address}:")
