"""Everything that takes tags says whose it is, in which environment, by what it is managed and who pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.path.account import Account, tags_of

pytestmark = pytest.mark.without_invariants("nothing is processed")

TAGS = {"Project": "estancia", "Environment": "local", "ManagedBy": "ansible", "CostCenter": "none"}
NAME = "estancia-local"
BUCKETS = "estancia-local-000000000000-eu-west-1-"

# kind, as EC2 describes it: the names of all that the account holds, but for what AWS itself made
EC2: dict[str, list[str]] = {
    "Vpcs": [NAME],
    "Subnets": [f"{NAME}-private-eu-west-1a", f"{NAME}-private-eu-west-1b", f"{NAME}-public-eu-west-1a"],
    "RouteTables": [f"{NAME}-private-eu-west-1a", f"{NAME}-private-eu-west-1b", f"{NAME}-public"],
    "InternetGateways": [NAME],
    "NatGateways": [f"{NAME}-nat-eu-west-1a"],
    "Addresses": [f"{NAME}-nat-eu-west-1a"],
    "NetworkAcls": [f"{NAME}-private", f"{NAME}-public"],
    "SecurityGroups": [f"{NAME}-dispatcher", f"{NAME}-endpoints", f"{NAME}-load-balancer", f"{NAME}-processor"],
    "VpcEndpoints": [f"{NAME}-dynamodb", f"{NAME}-s3"],
    "FlowLogs": [NAME],
    "LaunchTemplates": [f"{NAME}-processor"],
}


def listed(tags: list[Any], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags}


def bucket_tags(account: Account, name: str) -> dict[str, str]:
    return listed(account.client("s3").get_bucket_tagging(Bucket=name)["TagSet"])


def queue_tags(account: Account, name: str) -> dict[str, str]:
    sqs = account.client("sqs")
    return dict(sqs.list_queue_tags(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])["Tags"])


def table_tags(account: Account, name: str) -> dict[str, str]:
    arn = account.client("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]
    return listed(account.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"])


def key_tags(account: Account, name: str) -> dict[str, str]:
    kms = account.client("kms")
    key = kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyId"]
    return listed(kms.list_resource_tags(KeyId=key)["Tags"], "TagKey", "TagValue")


def role_tags(account: Account, name: str) -> dict[str, str]:
    return listed(account.client("iam").list_role_tags(RoleName=name)["Tags"])


def policy_tags(account: Account, name: str) -> dict[str, str]:
    arn = f"arn:aws:iam::000000000000:policy/{name}"
    return listed(account.client("iam").list_policy_tags(PolicyArn=arn)["Tags"])


def profile_tags(account: Account, name: str) -> dict[str, str]:
    return listed(account.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Tags"])


def function_tags(account: Account, name: str) -> dict[str, str]:
    return dict(account.client("lambda").get_function(FunctionName=name)["Tags"])


def mapping_tags(account: Account, name: str) -> dict[str, str]:
    functions = account.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    return dict(functions.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"])


def rule_tags(account: Account, name: str) -> dict[str, str]:
    arn = f"arn:aws:events:eu-west-1:000000000000:rule/{name}"
    return listed(account.client("events").list_tags_for_resource(ResourceARN=arn)["Tags"])


def log_group_tags(account: Account, name: str) -> dict[str, str]:
    arn = f"arn:aws:logs:eu-west-1:000000000000:log-group:{name}"
    return dict(account.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])


def parameter_tags(account: Account, name: str) -> dict[str, str]:
    found = account.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
    return listed(found["TagList"])


def load_balancing_tags(account: Account, arn: str) -> dict[str, str]:
    (found,) = account.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return listed(found["Tags"])


def balancer_tags(account: Account, name: str) -> dict[str, str]:
    (found,) = account.client("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"]
    return load_balancing_tags(account, found["LoadBalancerArn"])


def target_group_tags(account: Account, name: str) -> dict[str, str]:
    (found,) = account.client("elbv2").describe_target_groups(Names=[name])["TargetGroups"]
    return load_balancing_tags(account, found["TargetGroupArn"])


def listener_tags(account: Account, name: str) -> dict[str, str]:
    elb = account.client("elbv2")
    (balancer,) = elb.describe_load_balancers(Names=[name])["LoadBalancers"]
    (found,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    return load_balancing_tags(account, found["ListenerArn"])


def certificate_tags(account: Account, _: str) -> dict[str, str]:
    acm = account.client("acm")
    (found,) = acm.list_certificates()["CertificateSummaryList"]
    return listed(acm.list_tags_for_certificate(CertificateArn=found["CertificateArn"])["Tags"])


def zone_tags(account: Account, name: str) -> dict[str, str]:
    route53 = account.client("route53")
    (zone,) = [zone for zone in route53.list_hosted_zones()["HostedZones"] if zone["Name"] == f"{name}."]
    found = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone["Id"].rsplit("/", 1)[1])
    return listed(found["ResourceTagSet"]["Tags"])


OTHERS: list[tuple[Callable[[Account, str], dict[str, str]], list[str]]] = [
    (bucket_tags, [f"{BUCKETS}{purpose}" for purpose in ("raw", "processed", "artifacts", "logs")]),
    (queue_tags, [f"{NAME}-ingest", f"{NAME}-ingest-dlq"]),
    (table_tags, [f"{NAME}-ledger"]),
    (key_tags, [f"{NAME}-data", f"{NAME}-logs", f"{NAME}-messaging"]),
    (role_tags, [f"{NAME}-dispatcher", f"{NAME}-sweep", f"{NAME}-processor", f"{NAME}-flow-logs"]),
    (policy_tags, [f"{NAME}-boundary"]),
    (profile_tags, [f"{NAME}-processor"]),
    (function_tags, [f"{NAME}-dispatcher", f"{NAME}-sweep"]),
    (mapping_tags, [f"{NAME}-dispatcher"]),
    (rule_tags, [f"{NAME}-sweep"]),
    (log_group_tags, [f"/aws/lambda/{NAME}-dispatcher", f"/aws/lambda/{NAME}-sweep", f"/{NAME}/flow-logs"]),
    (parameter_tags, [f"/{NAME}/processor/certificate", f"/{NAME}/processor/settings"]),
    (balancer_tags, [NAME]),
    (target_group_tags, [f"{NAME}-fleet"]),
    (listener_tags, [NAME]),
    (certificate_tags, [f"{NAME}-processor"]),
    (zone_tags, [f"{NAME}.internal"]),
]


def made_by_aws(thing: Any) -> bool:
    """Return whether AWS made it by itself: all of the account's default VPC, and what comes with any VPC."""
    if thing.get("VpcId") == "vpc-00000001" or thing.get("InternetGatewayId") == "igw-00000001":
        return True
    main = any(association.get("Main") for association in thing.get("Associations", []))
    return bool(thing.get("IsDefault") or thing.get("GroupName") == "default" or main)


@pytest.mark.parametrize(("kind", "names"), EC2.items(), ids=EC2)
def test_tags_of_what_ec2_describes(account: Account, kind: str, names: list[str]) -> None:
    found = [thing for thing in account.described(kind) if not made_by_aws(thing)]
    assert sorted((tags_of(thing) for thing in found), key=lambda tags: tags.get("Name", "")) == [
        {**TAGS, "Name": name} for name in names
    ]


@pytest.mark.parametrize(("read", "names"), OTHERS, ids=[read.__name__ for read, _ in OTHERS])
def test_tags_of_the_rest(account: Account, read: Callable[[Account, str], dict[str, str]], names: list[str]) -> None:
    assert {name: read(account, name) for name in names} == {name: {**TAGS, "Name": name} for name in names}
