"""The local fleet: addresses, credentials, settings, registration, and what happens to it."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.deployment import role_credentials
from local.errors import LocalPlatformError
from local.fleet import Processor
from local.platform import LocalPlatform
from tests.integration.local.support import Clients, project_folder
from tests.integration.local.test_s3_corrections import TRUST, policy

NAME = "estancia-local"
SETTINGS = {"ESTANCIA_RAW_BUCKET": "raw", "ESTANCIA_SLOTS": "2", "AWS_REGION": "eu-west-1"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    said: list[str] = []
    found = LocalPlatform(port=4704, root=project_folder(tmp_path_factory.mktemp("fleet")), say=said.append)
    found.up()
    yield found
    found.down()


@pytest.fixture(scope="module")
def deployed(platform: LocalPlatform) -> LocalPlatform:
    """The platform with what the roles deploy for processors."""
    aws = Clients(platform)
    role = f"{NAME}-processor"
    aws.iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(TRUST))
    allowed = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": f"arn:aws:ssm:*:*:parameter/{NAME}/*"}
    aws.iam.put_role_policy(RoleName=role, PolicyName="settings", PolicyDocument=policy(allowed))
    aws.iam.create_instance_profile(InstanceProfileName=role)
    aws.iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    aws.ec2.create_launch_template(
        LaunchTemplateName=role,
        LaunchTemplateData={
            "ImageId": "ami-00000000000000001",
            "IamInstanceProfile": {"Arn": f"arn:aws:iam::000000000000:instance-profile/{role}"},
        },
    )
    put_settings(platform, SETTINGS)
    balancer = aws.elbv2.create_load_balancer(Name=NAME, Subnets=["subnet-1", "subnet-2"], Scheme="internal")
    group = aws.elbv2.create_target_group(
        Name=f"{NAME}-fleet",
        Protocol="HTTP",
        Port=8080,
        VpcId="vpc-1",
        HealthCheckPath="/healthz",
        HealthCheckIntervalSeconds=5,
    )["TargetGroups"][0]["TargetGroupArn"]
    aws.elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return platform


@pytest.fixture
def fleet(deployed: LocalPlatform) -> Iterator[LocalPlatform]:
    deployed.fleet_up(2)
    yield deployed
    deployed.fleet_down()


def put_settings(platform: LocalPlatform, settings: dict[str, str]) -> None:
    Clients(platform).ssm.put_parameter(
        Name=f"/{NAME}/processor/settings", Type="String", Value=json.dumps(settings), Overwrite=True
    )


def answer(processor: Processor, path: str = "/") -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"http://{processor.address}:8080{path}", trust_env=False).json()
    return found


def test_nothing_deployed_is_explained(platform: LocalPlatform, tmp_path: Path) -> None:
    with pytest.raises(LocalPlatformError, match=r"There is no launch template other-processor .*deploy the platform"):
        LocalPlatform(port=4704, root=platform.root, name="other").fleet_up(1)


def test_a_platform_that_does_not_run_has_no_fleet(tmp_path: Path) -> None:
    with pytest.raises(LocalPlatformError, match="make local-up first"):
        LocalPlatform(port=4705, root=project_folder(tmp_path)).fleet_up(1)


def test_processors_run_on_addresses_of_their_own_with_a_clean_environment(fleet: LocalPlatform) -> None:
    first, second = fleet.processors
    assert (first.address, second.address) == ("127.0.138.10", "127.0.138.11")
    environment = answer(first)["environment"]
    assert environment.keys() >= SETTINGS.keys()
    assert environment["AWS_ENDPOINT_URL"] == fleet.endpoint
    assert environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == "http://127.0.138.10:1338/"
    assert environment["ESTANCIA_SCRATCH_DIR"].endswith(f"/.local/4704/scratch/{first.instance_id}")
    assert not {name for name in environment if name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION"))}


def test_the_role_of_the_deployment_is_served_and_limited_to_its_policy(fleet: LocalPlatform) -> None:
    first, second = fleet.processors
    keys = role_credentials(first.address)
    instance = Clients(fleet, **keys)
    arn = instance.sts.get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::000000000000:assumed-role/{NAME}-processor/{first.instance_id}"
    with pytest.raises(ClientError, match="AccessDenied"):
        instance.s3.list_buckets()
    assert role_credentials(second.address)["aws_access_key_id"] != keys["aws_access_key_id"]


def test_metadata_needs_a_token(fleet: LocalPlatform) -> None:
    url = f"http://{fleet.processors[0].address}:1338/latest"
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{url}/meta-data/instance-id").status_code == 401
        assert client.put(f"{url}/api/token").status_code == 400
        token = client.put(f"{url}/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}).text
        answered = client.get(f"{url}/meta-data/instance-id", headers={"X-aws-ec2-metadata-token": token})
    assert answered.text == fleet.processors[0].instance_id


def test_processors_are_registered_and_answer_through_the_load_balancer(fleet: LocalPlatform) -> None:
    deadline = time.monotonic() + 10
    while set(fleet.status().target_health.values()) != {"healthy"}:
        assert time.monotonic() < deadline, fleet.status().target_health
        time.sleep(0.2)
    url = f"{fleet.endpoint}/_alb/{NAME}/"
    answered = {httpx.get(url, trust_env=False).json()["environment"]["ESTANCIA_LISTEN_HOST"] for _ in range(4)}
    assert answered == {processor.address for processor in fleet.processors}


def test_a_second_up_changes_nothing(fleet: LocalPlatform) -> None:
    before = [(processor.pid, processor.metadata_pid) for processor in fleet.processors]
    fleet.fleet_up(2)
    assert [(processor.pid, processor.metadata_pid) for processor in fleet.processors] == before


def test_a_dead_processor_is_started_again_and_a_surplus_one_stopped(fleet: LocalPlatform) -> None:
    first, second = fleet.processors
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert not fleet.processors[0].alive
    fleet.fleet_up(2)
    assert fleet.processors[0].alive
    assert fleet.processors[1].pid == second.pid
    fleet.fleet_up(1)
    assert [processor.number for processor in fleet.processors] == [0]
    assert set(fleet.status().target_health) == {first.address}


def test_changed_settings_replace_the_processors(fleet: LocalPlatform) -> None:
    before = [processor.pid for processor in fleet.processors]
    put_settings(fleet, {**SETTINGS, "ESTANCIA_SLOTS": "3"})
    fleet.fleet_up(2)
    assert answer(fleet.processors[0])["environment"]["ESTANCIA_SLOTS"] == "3"
    assert not set(before) & {processor.pid for processor in fleet.processors}
    put_settings(fleet, SETTINGS)


def test_the_fleet_works_on_after_a_restart_of_the_embedded_aws(fleet: LocalPlatform) -> None:
    keys = role_credentials(fleet.processors[0].address)
    fleet.restart()
    assert Clients(fleet, **keys).ssm.get_parameter(Name=f"/{NAME}/processor/settings")
    assert all(processor.alive for processor in fleet.processors)


def test_down_leaves_nothing(deployed: LocalPlatform) -> None:
    deployed.fleet_up(1)
    (processor,) = deployed.processors
    deployed.fleet_down()
    assert deployed.processors == []
    assert deployed.status().target_health == {}
    assert not (deployed.layout.state / "scratch" / processor.instance_id).exists()
    with pytest.raises(httpx.ConnectError):
        answer(processor)


def test_an_address_in_use_names_its_owner(deployed: LocalPlatform) -> None:
    with socket.socket() as taken:
        taken.bind((deployed.layout.address(0), 8080))
        taken.listen()
        with pytest.raises(LocalPlatformError, match=rf"127\.0\.138\.10:8080.*in use by pid {os.getpid()} "):
            deployed.fleet_up(1)
    deployed.fleet_down()
    assert deployed.processors == []


def test_a_processor_that_ends_is_explained_with_its_log(deployed: LocalPlatform) -> None:
    python = deployed.layout.processor_python
    whole = python.read_text(encoding="utf-8")
    python.write_text("#!/bin/sh\necho no such module\nexit 1\n", encoding="utf-8")
    try:
        with pytest.raises(LocalPlatformError, match=r"(?s)Processor 0 ended before it was ready.*no such module"):
            deployed.fleet_up(1)
    finally:
        python.write_text(whole, encoding="utf-8")
        deployed.fleet_down()
