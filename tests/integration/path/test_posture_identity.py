"""Who may do what: the roles and their boundary, read back whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.path.account import Account, words

pytestmark = pytest.mark.without_invariants("nothing is processed")

ACCOUNT = "000000000000"
BUCKETS = f"arn:aws:s3:::estancia-local-{ACCOUNT}-eu-west-1-"
OUTPUTS = words(f"{BUCKETS}processed/data/* {BUCKETS}processed/rejects/* {BUCKETS}processed/reports/*")
LEDGER = words(f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/estancia-local-ledger")
QUEUES = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:estancia-local-"
KEYS = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/"
LOGS = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:"
PARAMETERS = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/estancia-local/"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:estancia-local-dispatcher"
GROUP = words(
    f"arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/estancia-local-processor"
)
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/estancia-local-boundary"
ASSUME = words("sts:AssumeRole")
HOOKS = words("autoscaling:CompleteLifecycleAction autoscaling:RecordLifecycleActionHeartbeat")
DECRYPT, DECRYPT_AND_GENERATE = words("kms:Decrypt"), words("kms:Decrypt kms:GenerateDataKey")
LEDGER_ACTIONS = words(
    "dynamodb:ConditionCheckItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem"
)
NETWORK_INTERFACES = words(
    "ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface"
    " ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses"
)


def via(service: str) -> dict[str, Any]:
    return {"StringEquals": {"kms:ViaService": f"{service}.eu-west-1.amazonaws.com"}}


LAMBDA: dict[str, Any] = {
    "LambdaForThisAccount": (
        "Allow", {"Service": "lambda.amazonaws.com"}, ASSUME, words(""),
        {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
    ),
}  # fmt: skip
# role: Sid: effect, principal, actions, resources, condition
TRUST: dict[str, Any] = {
    "dispatcher": LAMBDA,
    "sweep": LAMBDA,
    "processor": {
        "InstancesWithTheProfile": ("Allow", {"Service": "ec2.amazonaws.com"}, ASSUME, words(""), {}),
    },
    "flow-logs": {
        "FlowLogsOfThisAccount": (
            "Allow", {"Service": "vpc-flow-logs.amazonaws.com"}, ASSUME, words(""),
            {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc-flow-log/*"},
            },
        ),
    },
}  # fmt: skip
PERMISSIONS: dict[str, Any] = {
    "dispatcher": {
        "WriteTheLedger": ("Allow", None, words("dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem"), LEDGER, {}),
        "TakeMessages": (
            "Allow", None,
            words("sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage"),
            words(f"{QUEUES}ingest"), {},
        ),
        "GiveUpMessages": ("Allow", None, words("sqs:SendMessage"), words(f"{QUEUES}ingest-dlq"), {}),
        "OrderVersionsOfOriginals": ("Allow", None, words("s3:ListBucketVersions"), words(f"{BUCKETS}raw"), {}),
        "HideOutputs": ("Allow", None, words("s3:DeleteObject"), OUTPUTS, {}),
        "TrustTheLoadBalancer": (
            "Allow", None, words("ssm:GetParameter"), words(f"{PARAMETERS}processor/certificate"), {},
        ),
        "WriteOwnLogs": (
            "Allow", None, words("logs:CreateLogStream logs:PutLogEvents"),
            words(f"{LOGS}/aws/lambda/estancia-local-dispatcher:*"), {},
        ),
        "LambdaAttachesToTheVpc": ("Allow", None, NETWORK_INTERFACES, words("*"), {}),
        "TheCodeDoesNot": (
            "Deny", None, NETWORK_INTERFACES, words("*"), {"ArnEquals": {"lambda:SourceFunctionArn": FUNCTION}},
        ),
        "MessagesAreEncrypted": ("Allow", None, DECRYPT_AND_GENERATE, words(f"{KEYS}messaging"), via("sqs")),
        "TheLedgerIsEncrypted": ("Allow", None, DECRYPT, words(f"{KEYS}data"), via("dynamodb")),
        "TheEnvironmentIsEncrypted": ("Allow", None, DECRYPT, words(f"{KEYS}data"), via("lambda")),
    },
    "sweep": {
        "WriteTheLedger": (
            "Allow", None, words("dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem"),
            LEDGER, {},
        ),
        "FindTheUnfinished": (
            "Allow", None, words("dynamodb:Query"), frozenset(f"{table}/index/by_status" for table in LEDGER), {},
        ),
        "SendAgain": (
            "Allow", None, words("sqs:GetQueueAttributes sqs:SendMessage"), words(f"{QUEUES}ingest"), {},
        ),
        "TidyDeadLetters": (
            "Allow", None,
            words("sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage"),
            words(f"{QUEUES}ingest-dlq"), {},
        ),
        "ListVersions": (
            "Allow", None, words("s3:ListBucketVersions"), words(f"{BUCKETS}raw {BUCKETS}processed"), {},
        ),
        "HideAndShowOutputs": ("Allow", None, words("s3:DeleteObject s3:DeleteObjectVersion"), OUTPUTS, {}),
        "ReadTheAgeOfTheOldestMessage": (
            "Allow", None, words("cloudwatch:GetMetricStatistics"), words("*"), {},
        ),
        "WriteOwnLogs": (
            "Allow", None, words("logs:CreateLogStream logs:PutLogEvents"),
            words(f"{LOGS}/aws/lambda/estancia-local-sweep:*"), {},
        ),
        "MessagesAreEncrypted": ("Allow", None, DECRYPT_AND_GENERATE, words(f"{KEYS}messaging"), via("sqs")),
        "TheLedgerIsEncrypted": ("Allow", None, DECRYPT, words(f"{KEYS}data"), via("dynamodb")),
        "TheEnvironmentIsEncrypted": ("Allow", None, DECRYPT, words(f"{KEYS}data"), via("lambda")),
    },
    "processor": {
        "ReadOriginals": ("Allow", None, words("s3:GetObjectVersion"), words(f"{BUCKETS}raw/*"), {}),
        "TellMissingFromForbidden": (
            "Allow", None, words("s3:ListBucket s3:ListBucketVersions"), words(f"{BUCKETS}raw"), {},
        ),
        "WriteOutputs": ("Allow", None, words("s3:AbortMultipartUpload s3:PutObject"), OUTPUTS, {}),
        "WriteTheLedger": ("Allow", None, LEDGER_ACTIONS, LEDGER, {}),
        "ReadSettings": ("Allow", None, words("ssm:GetParameter"), words(f"{PARAMETERS}processor/*"), {}),
        "CompleteTheLifecycleHooks": ("Allow", None, HOOKS, GROUP, {}),
        "ObjectsAreEncrypted": ("Allow", None, DECRYPT_AND_GENERATE, words(f"{KEYS}data"), via("s3")),
        "TheLedgerIsEncrypted": ("Allow", None, DECRYPT, words(f"{KEYS}data"), via("dynamodb")),
    },
    "flow-logs": {
        "WriteRecords": (
            "Allow", None, words("logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents"),
            words(f"{LOGS}/estancia-local/flow-logs:*"), {},
        ),
        "FindTheLogGroup": ("Allow", None, words("logs:DescribeLogGroups"), words(f"{LOGS}*"), {}),
    },
}  # fmt: skip
LIMITS: dict[str, Any] = {
    "OwnObjects": (
        "Allow", None,
        words(
            "s3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:GetObjectVersion s3:ListBucket"
            " s3:ListBucketVersions s3:PutObject"
        ),
        words(f"{BUCKETS}*"), {},
    ),
    "OutputsAreRemovedForGood": (
        "Allow", None, words("s3:DeleteObjectVersion"), words(f"{BUCKETS}processed/*"), {},
    ),
    "ReadMetrics": ("Allow", None, words("cloudwatch:GetMetricStatistics"), words("*"), {}),
    "OwnLedger": (
        "Allow", None, LEDGER_ACTIONS | {"dynamodb:BatchGetItem"},
        words(f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/estancia-local-*"), {},
    ),
    "OwnQueues": (
        "Allow", None,
        words(
            "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage"
        ),
        words(f"{QUEUES}*"), {},
    ),
    "OwnParameters": ("Allow", None, words("ssm:GetParameter"), words(f"{PARAMETERS}*"), {}),
    "OwnLifecycleHooks": ("Allow", None, HOOKS, GROUP, {}),
    "OwnKeysThroughServices": (
        "Allow", None, DECRYPT_AND_GENERATE, words(f"{KEYS}data {KEYS}messaging"),
        {
            "StringEquals": {
                "kms:ViaService": [
                    f"{service}.eu-west-1.amazonaws.com" for service in ("dynamodb", "lambda", "s3", "sqs")
                ],
            },
        },
    ),
    "OwnLogs": (
        "Allow", None, words("logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents"),
        words(f"{LOGS}/estancia-local/* {LOGS}/aws/lambda/estancia-local-*"), {},
    ),
    "FindLogGroups": ("Allow", None, words("logs:DescribeLogGroups"), words("*"), {}),
    "FunctionsInTheVpc": ("Allow", None, NETWORK_INTERFACES, words("*"), {}),
    "NeverTheControls": (
        "Deny", None,
        words(
            "account:* cloudtrail:* dynamodb:DeleteTable dynamodb:UpdateContinuousBackups dynamodb:UpdateTable"
            " ec2:DeleteFlowLogs iam:* kms:CancelKeyDeletion kms:CreateGrant kms:Disable* kms:PutKeyPolicy"
            " kms:ScheduleKeyDeletion logs:Delete* logs:DisassociateKmsKey logs:PutRetentionPolicy organizations:*"
            " s3:BypassGovernanceRetention s3:DeleteBucket* s3:PutBucket* s3:PutEncryptionConfiguration"
            " s3:PutLifecycleConfiguration s3:PutReplicationConfiguration sqs:SetQueueAttributes"
        ),
        words("*"), {},
    ),
    "OriginalsStay": (
        "Deny", None, words("s3:DeleteObjectVersion s3:PutObjectVersionAcl"), words(f"{BUCKETS}raw/*"), {},
    ),
}  # fmt: skip


def test_there_are_no_other_roles_or_policies(account: Account) -> None:
    iam = account.client("iam")
    roles = {role["Path"] + role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert roles == {
        "/estancia-local-dispatcher",
        "/estancia-local-flow-logs",
        "/estancia-local-processor",
        "/estancia-local-sweep",
        "/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        "/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing",
    }
    assert [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]] == [BOUNDARY]
    assert iam.list_users()["Users"] == []
    profiles = iam.list_instance_profiles()["InstanceProfiles"]
    assert {p["InstanceProfileName"]: [role["RoleName"] for role in p["Roles"]] for p in profiles} == {
        "estancia-local-processor": ["estancia-local-processor"]
    }


@pytest.mark.parametrize("role", PERMISSIONS)
def test_a_role_may_do_this_and_nothing_else(account: Account, role: str) -> None:
    iam, name = account.client("iam"), f"estancia-local-{role}"
    found = iam.get_role(RoleName=name)["Role"]
    assert account.policy(found["AssumeRolePolicyDocument"]) == TRUST[role]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["permissions"]
    document = iam.get_role_policy(RoleName=name, PolicyName="permissions")["PolicyDocument"]
    assert account.policy(document) == PERMISSIONS[role]


def test_the_boundary(account: Account) -> None:
    iam = account.client("iam")
    version = iam.get_policy(PolicyArn=BOUNDARY)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=BOUNDARY, VersionId=version)["PolicyVersion"]["Document"]
    assert account.policy(document) == LIMITS
