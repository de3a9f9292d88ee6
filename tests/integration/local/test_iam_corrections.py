"""Service-linked roles and conditions on roles: as AWS has them with our corrections, and still others without."""

import json
import uuid
from collections.abc import Mapping

import pytest
from botocore.exceptions import ClientError

from local.platform import LocalPlatform
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


def sender(platform: LocalPlatform) -> tuple[Clients, str]:
    """Return clients of a session of a role below a path, and a queue to which that role alone may send."""
    root, name = Clients(platform), f"sender-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    role = root.iam.create_role(RoleName=name, Path="/below/", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    root.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(allowed))
    refused = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = document(refused | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": [role]}}})
    queue = root.sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    held = root.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {
        "aws_access_key_id": held["AccessKeyId"],
        "aws_secret_access_key": held["SecretAccessKey"],
        "aws_session_token": held["SessionToken"],
    }
    return Clients(platform, **keys), queue


def document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_condition_names_the_role_behind_a_session(corrected: LocalPlatform, bare: LocalPlatform) -> None:
    by, queue = sender(corrected)
    assert code_of_sending(by, queue) == "sent"
    another, _ = sender(corrected)
    assert code_of_sending(another, queue) == "AccessDenied"
    by, queue = sender(bare)
    code = code_of_sending(by, queue)
    assert code == "AccessDenied", "ministack compares with the role: remove name_the_role_behind_a_session"


def code_of_sending(by: Clients, queue: str) -> str:
    try:
        by.sqs.send_message(QueueUrl=queue, MessageBody="x")
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    return "sent"


def test_a_batch_takes_the_single_actions_leave(corrected: LocalPlatform, bare: LocalPlatform) -> None:
    assert codes_of_batches(corrected) == {"SendMessage": "sent", "ReceiveMessage": "AccessDenied"}
    codes = codes_of_batches(bare)
    assert codes["SendMessage"] == "AccessDenied", (
        "ministack takes a batch for its single action: remove authorize_batches_as_their_single_actions"
    )


def codes_of_batches(platform: LocalPlatform) -> dict[str, str]:
    """Send a batch as a role that may do one thing; return what came of it for each such thing."""
    root, codes = Clients(platform), {}
    for allowed in ("SendMessage", "ReceiveMessage"):
        name = f"batch-{uuid.uuid4().hex[:8]}"
        queue = root.sqs.create_queue(QueueName=name)["QueueUrl"]
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        role = root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        leave = document({"Effect": "Allow", "Action": f"sqs:{allowed}", "Resource": "*"})
        root.iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=leave)
        held = root.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        keys = {
            "aws_access_key_id": held["AccessKeyId"],
            "aws_secret_access_key": held["SecretAccessKey"],
            "aws_session_token": held["SessionToken"],
        }
        codes[allowed] = code_of_batch(Clients(platform, **keys), queue)
    return codes


def code_of_batch(by: Clients, queue: str) -> str:
    try:
        by.sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "x"}])
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    return "sent"
