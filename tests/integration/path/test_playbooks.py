"""The playbooks as an operator types them: a second run, check mode, destroy and back; in this order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from demo.files import Upload
from demo.outcomes import work_item
from estancia_protocol.status import Status
from tests.integration.path.conftest import PROCESSORS, Deployment

MakeFile = Callable[[str, str, bytes | str], Upload]
CONFIRM = ("-e", "estancia_destroy_confirm=estancia-local")
WITH_DATA = (*CONFIRM, "-e", "estancia_destroy_data=true")


def holdings(deployment: Deployment) -> dict[str, list[str]]:
    """Return the names of all that the account holds, kind by kind."""
    session, endpoint = deployment.stack.session, deployment.stack.endpoint
    s3, sqs = session.client("s3", endpoint_url=endpoint), session.client("sqs", endpoint_url=endpoint)
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    functions = session.client("lambda", endpoint_url=endpoint)
    ec2, elb = session.client("ec2", endpoint_url=endpoint), session.client("elbv2", endpoint_url=endpoint)
    iam, logs = session.client("iam", endpoint_url=endpoint), session.client("logs", endpoint_url=endpoint)
    kms, ssm = session.client("kms", endpoint_url=endpoint), session.client("ssm", endpoint_url=endpoint)
    return {
        "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
        "queues": sqs.list_queues().get("QueueUrls", []),
        "tables": dynamodb.list_tables()["TableNames"],
        "functions": [found["FunctionName"] for found in functions.list_functions()["Functions"]],
        "load balancers": [found["LoadBalancerName"] for found in elb.describe_load_balancers()["LoadBalancers"]],
        "target groups": [found["TargetGroupName"] for found in elb.describe_target_groups()["TargetGroups"]],
        "networks": [found["VpcId"] for found in ec2.describe_vpcs()["Vpcs"] if not found["IsDefault"]],
        "launch templates": [f["LaunchTemplateName"] for f in ec2.describe_launch_templates()["LaunchTemplates"]],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"] if "/aws-service-role/" not in role["Path"]],
        "policies": [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]],
        "log groups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
        "key aliases": [a["AliasName"] for a in kms.list_aliases()["Aliases"] if "alias/aws/" not in a["AliasName"]],
        "parameters": [parameter["Name"] for parameter in ssm.describe_parameters()["Parameters"]],
    }


@pytest.mark.usefixtures("invariants")
def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml")
    assert (status, numbers["changed"]) == (0, 0), text


def test_check_mode_on_a_full_account_shows_no_difference(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml", "--check", "--diff")
    assert (status, numbers["changed"]) == (0, 0), text


@pytest.mark.usefixtures("invariants")
def test_state_survives_down_and_up(deployment: Deployment, file: MakeFile) -> None:
    (before,) = deployment.put(file("survivor", "one.csv", "a\n1\n"))
    deployment.platform.down()
    deployment.platform.up()
    status, numbers, text = deployment.playbook("site.yml")
    assert (status, numbers["changed"]) == (0, 0), text
    assert work_item(deployment.stack, before.key, before.version_id) == before.item
    deployment.platform.fleet_up(PROCESSORS)
    (after,) = deployment.put(file("survivor", "two.csv", "a\n2\n"))
    assert after.status is Status.PROCESSED


def test_one_role_runs_by_itself(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml", "--tags", "dispatcher")
    assert (status, numbers["changed"]) == (0, 0), text


def test_destroy_asks_for_its_flag(deployment: Deployment) -> None:
    before = holdings(deployment)
    status, _, text = deployment.playbook("destroy.yml")
    assert status != 0
    assert "estancia_destroy_confirm=estancia-local" in text
    assert holdings(deployment) == before


def test_destroy_leaves_the_data_without_its_flag(deployment: Deployment, file: MakeFile) -> None:
    deployment.put(file("kept", "kept.csv", "a\n1\n"))
    status, _, text = deployment.playbook("destroy.yml", *CONFIRM)
    assert status == 0, text
    left = {kind: names for kind, names in holdings(deployment).items() if names}
    stack = deployment.stack
    assert set(left) == {"buckets", "tables", "key aliases"}, left
    assert {stack.bucket("raw"), stack.bucket("processed")} <= set(left["buckets"])
    assert left["tables"] == [f"{stack.name}-ledger"]
    assert left["key aliases"] == [f"alias/{stack.name}-data"]


def test_destroy_with_its_flag_leaves_only_what_aws_keeps(deployment: Deployment) -> None:
    status, _, text = deployment.playbook("destroy.yml", *WITH_DATA)
    assert status == 0, text
    assert {kind: names for kind, names in holdings(deployment).items() if names} == {}
    assert "KMS deletes it on" in text
    status, numbers, text = deployment.playbook("destroy.yml", *WITH_DATA)
    assert (status, numbers["changed"]) == (0, 0), text


def test_check_mode_works_on_an_empty_account(deployment: Deployment) -> None:
    status, _, text = deployment.playbook("site.yml", "--check", "--diff")
    assert status == 0, text
    assert {kind: names for kind, names in holdings(deployment).items() if names} == {}


@pytest.mark.usefixtures("invariants")
def test_the_site_comes_back_after_a_destroy(deployment: Deployment, file: MakeFile) -> None:
    status, _, text = deployment.playbook("site.yml")
    assert status == 0, text
    deployment.platform.fleet_up(PROCESSORS)
    (outcome,) = deployment.put(file("again", "again.csv", "a\n1\n"))
    assert outcome.status is Status.PROCESSED
