"""`destroy.yml` leaves what the account held before, and what AWS keeps, which it names; in this order."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable

import pytest
import yaml

from demo.files import Upload
from estancia_protocol.status import Status
from tests.integration.path.account import Account
from tests.integration.path.conftest import PORT, PROCESSORS, ROOT, Deployment
from tests.integration.path.holdings import added, holdings, pending

MakeFile = Callable[[str, str, bytes | str], Upload]
CONFIRM = ("-e", "estancia_destroy_confirm=estancia-local")
WITH_DATA = (*CONFIRM, "-e", "estancia_destroy_data=true")
SERVICE_ROLES = {"AWSServiceRoleForAutoScaling", "AWSServiceRoleForElasticLoadBalancing"}
GONE = pytest.mark.without_invariants("the stack is not whole")
RETRYING = "FAILED - RETRYING"


def named(text: str) -> list[str]:
    """Return the lines that the playbook's summary has below "Still there", each up to its colon."""
    (message,) = re.findall(
        r"^    msg:\n(.*?)\n\n", text.partition("TASK [Say what is left]")[2], re.DOTALL | re.MULTILINE
    )
    lines: list[str] = yaml.safe_load(message)
    below = lines[lines.index("Still there") + 1 :]
    return [line.removeprefix("- ").partition(": ")[0] for line in below if line.startswith("- ")]


def test_it_asks_for_its_flag(deployment: Deployment, account: Account) -> None:
    before = holdings(account)
    status, numbers, text = deployment.playbook("destroy.yml")
    assert (status != 0, numbers["changed"]) == (True, 0)
    assert "estancia_destroy_confirm=estancia-local" in text
    assert holdings(account) == before


def test_check_mode_changes_nothing(deployment: Deployment, account: Account) -> None:
    before = holdings(account)
    status, _, text = deployment.playbook("destroy.yml", *WITH_DATA, "--check", "--diff")
    assert status == 0, text
    assert holdings(account) == before


@GONE
def test_data_stays_without_its_flag(deployment: Deployment, account: Account, file: MakeFile) -> None:
    deployment.put(file("kept", "kept.csv", "a\n1\n"))
    status, _, text = deployment.playbook("destroy.yml", *CONFIRM)
    assert status == 0, text
    left, stack = added(deployment.at_first, holdings(account)), deployment.stack
    assert set(left) == {"buckets", "tables", "keys", "key aliases", "roles"}, left
    assert {stack.bucket("raw"), stack.bucket("processed")} <= left["buckets"]
    assert left["tables"] == {f"{stack.name}-ledger"}
    assert left["key aliases"] == {f"alias/{stack.name}-data"}
    assert left["roles"] == SERVICE_ROLES
    shown = named(text)
    assert {line for line in shown if line.startswith("Bucket ")} == {f"Bucket {name}" for name in left["buckets"]}
    assert {f"Table {stack.name}-ledger", f"Key {stack.name}-data"} <= set(shown)


def assert_the_site_comes_back(deployment: Deployment, upload: Upload) -> None:
    status, _, text = deployment.playbook("site.yml")
    assert status == 0, text
    deployment.platform.fleet_up(PROCESSORS)
    (outcome,) = deployment.put(upload)
    assert outcome.status is Status.PROCESSED


def test_the_site_finds_the_data_again(deployment: Deployment, file: MakeFile) -> None:
    assert_the_site_comes_back(deployment, file("kept", "more.csv", "a\n1\n"))


@GONE
def test_removal_waits_while_a_functions_interface_lingers(deployment: Deployment, account: Account) -> None:
    """The wait is the playbook's own, 30 s between two looks; the interface goes once the first look has found it."""
    ec2 = account.client("ec2")
    subnet = account.in_vpc("Subnets")[0]["SubnetId"]
    described = "AWS Lambda VPC ENI-estancia-local-dispatcher-0b1e4b6c"
    interface = ec2.create_network_interface(SubnetId=subnet, Description=described)["NetworkInterface"]
    retried = []
    with subprocess.Popen(
        [str(ROOT / ".venvs/main/bin/ansible-playbook"), "-i", "inventory/local", "destroy.yml", *WITH_DATA],
        cwd=ROOT,
        env={**os.environ, "ESTANCIA_LOCAL_PORT": str(PORT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        lines = []
        for line in running.stdout:
            lines.append(line)
            if RETRYING in line:
                retried.append(line)
                held = {role["RoleName"] for role in account.client("iam").list_roles()["Roles"]}
                ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    text = "".join(lines)
    assert running.returncode == 0, text
    assert ["no function's network interface stands in the VPC" in line for line in retried] == [True]
    assert "estancia-local-dispatcher" in held, "Lambda removes its interfaces with the function's role"
    assert_only_what_aws_keeps_is_left(deployment, account, text)


def assert_only_what_aws_keeps_is_left(deployment: Deployment, account: Account, text: str) -> None:
    left = added(deployment.at_first, holdings(account))
    keys = left.pop("keys")
    assert all(pending(account, key) for key in keys)
    assert left == {"roles": SERVICE_ROLES}
    shown = named(text)
    told = {re.sub(r"^Key \S+ \((.*)\)$", r"\1", line) for line in shown if line.startswith("Key ")}
    assert told == keys
    assert {line.split()[1] for line in shown if line.startswith("Role ")} == SERVICE_ROLES
    # The embedded AWS makes no such backup.
    assert [line for line in shown if not line.startswith(("Key ", "Role "))] in (
        [],
        ["Backup of estancia-local-ledger"],
    )


@GONE
def test_a_second_run_removes_nothing(deployment: Deployment, account: Account) -> None:
    status, numbers, text = deployment.playbook("destroy.yml", *WITH_DATA)
    assert (status, numbers["changed"]) == (0, 0), text
    assert "KMS deletes it on" in text
    assert_only_what_aws_keeps_is_left(deployment, account, text)


@GONE
def test_check_mode_works_on_an_empty_account(deployment: Deployment, account: Account) -> None:
    before = holdings(account)
    status, _, text = deployment.playbook("site.yml", "--check", "--diff")
    assert status == 0, text
    assert holdings(account) == before


def test_the_site_comes_back(deployment: Deployment, file: MakeFile) -> None:
    assert_the_site_comes_back(deployment, file("again", "again.csv", "a\n1\n"))
