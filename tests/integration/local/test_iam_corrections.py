"""Service-linked roles: under AWS's names with our corrections, and still under others without."""

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.support import Clients

NAMES = {
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
}


@pytest.mark.parametrize("service", NAMES)
def test_a_service_linked_role_has_its_documented_name(aws: Clients, uncorrected: Clients, service: str) -> None:
    role = aws.iam.create_service_linked_role(AWSServiceName=service)["Role"]
    name = NAMES[service]
    assert role["RoleName"] == name
    assert role["Arn"] == f"arn:aws:iam::000000000000:role/aws-service-role/{service}/{name}"
    assert aws.iam.get_role(RoleName=name)["Role"]["Arn"] == role["Arn"]
    with pytest.raises(ClientError, match="InvalidInput"):
        aws.iam.create_service_linked_role(AWSServiceName=service)
    without = uncorrected.iam.create_service_linked_role(AWSServiceName=service)["Role"]
    assert without["RoleName"] != name, "ministack names these roles as AWS does: remove name_service_linked_roles"
