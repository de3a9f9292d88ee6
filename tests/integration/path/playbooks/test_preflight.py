"""A wrong variable stops `site.yml` before the first change, and the message names it, the rule and the remedy."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.path.account import Account
from tests.integration.path.conftest import Deployment
from tests.integration.path.holdings import holdings

pytestmark = pytest.mark.without_invariants("nothing is processed")

# Each run takes some seconds, so two go at a time, and what a role's rules find in one run is tried in one run.
AT_A_TIME = 2


def zone(letter: str, private: str, public: str) -> dict[str, str]:
    return {"name": f"eu-west-1{letter}", "private_cidr": private, "public_cidr": public}


# In each run this waits to be changed, too: a role that ran would tag everything anew.
PENDING = {"estancia_cost_center": "pending"}
SET_IT = " Set it in inventory/My Environment/group_vars/all.yml."
# case: the variables, and what is said of each thing that is wrong with them, in this order
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "names and words": (
        {
            "estancia_name": "estancia-with-a-long-name",
            "estancia_environment": "My Environment",
            "estancia_account_id": "1234",
            "estancia_region": "Ireland",
            "estancia_cost_center": "fill-in",
        },
        [
            "estancia_name is 'estancia-with-a-long-name'; it has 3 to 24 small letters, digits and single hyphens"
            " and begins with a letter, but not with internal-, sg-, aws or ssm, since names of buckets, groups and"
            f" load balancers grow from it.{SET_IT}",
            f"estancia_environment is 'My Environment'; it is one word, the tag of every resource.{SET_IT}",
            "estancia_account_id is '1234'; it has the account's twelve digits, in quotes (`aws sts"
            f" get-caller-identity` tells them).{SET_IT}",
            f"estancia_region is 'Ireland'; it is a region's code like eu-west-1.{SET_IT}",
            f"estancia_cost_center is not filled in; it is what the account's owner books the platform to.{SET_IT}",
        ],
    ),
    "another account": (
        {"estancia_account_id": "123456789012"},
        [
            "The credentials belong to account 000000000000 (arn:aws:iam::000000000000:root), but estancia_account_id"
            " is 123456789012. Choose the profile of local (AWS_PROFILE), or correct the inventory."
        ],
    ),
    "a region that does not exist": (
        {"estancia_region": "eu-west-9"},
        [
            "estancia_region is eu-west-9, which account 000000000000 does not have; it has {regions}. Correct the"
            " inventory, or enable the region."
        ],
    ),
    "a region of its own for a name that is there": (
        {"estancia_region": "eu-central-1"},
        [
            "estancia_region is eu-central-1, but estancia-local is there in another region (bucket"
            " estancia-local-000000000000-eu-west-1-raw), and a name is one region's, since its IAM roles are the"
            " account's. Correct estancia_region, or choose another estancia_name."
        ],
    ),
    "a variable that is misspelt": (
        {"estancia_redrive_kye": "a/b.csv"},
        [
            "estancia_redrive_kye: there is no such variable; those that begin with estancia_ are estancia_account_id,"
            " estancia_aws_environment, estancia_cost_center, estancia_destroy_confirm, estancia_destroy_data,"
            " estancia_environment, estancia_name, estancia_redrive_dataset, estancia_redrive_key, estancia_region,"
            " estancia_tags. Correct the name."
        ],
    ),
    "what is no choice and no number": (
        {"network_egress": "nat", "network_destroy_wait_minutes": "long"},
        [
            "Validation of arguments failed: argument 'network_destroy_wait_minutes' is of type str and we were unable"
            " to convert to int: \"'long'\" cannot be converted to an int value of network_egress must be one of:"
            " nat_single, nat_per_zone, interface_endpoints, got: nat",
        ],
    ),
    "ranges that are none, subnets that overlap, one zone": (
        {"network_vpc_cidr": "10.64.0.0/99", "network_zones": [zone("a", "10.64.0.0/20", "10.64.8.0/21")]},
        [
            "network_vpc_cidr is '10.64.0.0/99', which is no IPv4 range ('99' is not a valid netmask); write one like"
            " 10.0.0.0/16. network_zones[0].private_cidr (10.64.0.0/20) and network_zones[0].public_cidr (10.64.8.0/21)"
            " overlap; choose ranges that do not.",
            "network_zones names 1 zone(s); a load balancer needs two or more. Add one.",
        ],
    ),
    "a zone that the region does not have, and another range than the live network's": (
        {
            "network_vpc_cidr": "10.0.0.0/16",
            "network_zones": [zone("a", "10.0.0.0/20", "10.0.240.0/24"), zone("z", "10.0.16.0/20", "10.0.241.0/24")],
        },
        [
            "network_zones names eu-west-1z, which eu-west-1 does not have; it has eu-west-1a, eu-west-1b, eu-west-1c."
            " Name two of these.",
            "network_vpc_cidr is 10.0.0.0/16, but the VPC of estancia-local has 10.64.0.0/16, which cannot change. Set"
            " it back, or destroy the platform first.",
        ],
    ),
    "encryption": (
        {"encryption_pending_window_days": 6},
        ["encryption_pending_window_days is 6; KMS keeps a key for 7 to 30 days. Set it within."],
    ),
    "queue": (
        {
            "queue_function_timeout": 901,
            "queue_max_receive_count": 1001,
            "queue_retention_days": 14,
            "queue_senders": ["arn:aws:iam::123456789012:role/x"],
        },
        [
            "queue_function_timeout is 901; the dispatcher may run for 60 to 900 seconds. Set it within.",
            "queue_max_receive_count is 1001; SQS allows 1 to 1000 receives. Set it within.",
            "queue_retention_days is 14, not less than queue_dead_letter_retention_days (14); a message keeps its age"
            " when it is moved, and would vanish with the move. Lower the first.",
            "queue_senders has arn:aws:iam::123456789012:role/x; a sender is the ARN of a role in account 000000000000."
            " Correct or remove it.",
        ],
    ),
    "storage": (
        {"storage_raw_deep_days": 100, "storage_logs_days": 0},
        [
            "storage_raw_deep_days is 100; it is 0 for never, or at least 90 more than storage_raw_glacier_ir_days"
            " (90), since Glacier Instant Retrieval is paid for 90 days. Raise it.",
            "storage_logs_days is 0; it is at least 1 day. Raise it.",
        ],
    ),
    "ledger": (
        {"ledger_recovery_days": 36},
        ["ledger_recovery_days is 36; DynamoDB takes a table back 1 to 35 days. Set it within."],
    ),
    "fleet, and the largest file": (
        {
            "processor_max_bytes": 30_000_000_000,
            "fleet_min_size": 3,
            "fleet_deregistration_delay": 900,
            "fleet_terminate_heartbeat_seconds": 7201,
            "fleet_grace_seconds": 601,
            "fleet_image_id": "latest",
            "fleet_certificate_days": 60,
        },
        [
            "fleet_max_size is 2; it is at least 1 and at least fleet_min_size (3). Raise it.",
            "processor_max_bytes is 30000000000; fleet_slots_per_instance (2) such files at a time, each with outputs"
            " of the same size, take 120000000000 bytes, but nine tenths of fleet_scratch_volume_gib (100) are"
            " 96636764160. Raise fleet_scratch_volume_gib to 125, or lower one of the other two.",
            "processor_max_bytes is 30000000000; writing and reading 2 such files and their outputs at"
            " fleet_scratch_throughput (250 MiB/s) takes 916 s, but one attempt has 870 s: fleet_longest_job_seconds"
            " (900) without the last 30. Raise fleet_scratch_throughput to 264, or lower processor_max_bytes or"
            " fleet_slots_per_instance.",
            "fleet_deregistration_delay is 900; an instance that leaves must be able to finish its jobs, so it is more"
            " than fleet_longest_job_seconds (900) and at most 3600. Set it within.",
            "fleet_terminate_heartbeat_seconds is 7201; an instance that ends must be able to finish its jobs, so it is"
            " more than fleet_longest_job_seconds (900) and at most 7200. Set it within.",
            "fleet_grace_seconds is 601; it is at most fleet_launch_heartbeat_seconds (600). Lower it.",
            "fleet_image_id is 'latest'; it is an image's id, ami-..., or empty. Correct it.",
            "fleet_certificate_days is 60; it is more than twice fleet_certificate_renew_days (30). Raise it.",
        ],
    ),
    "dispatcher": (
        {
            "dispatcher_timeout": 950,
            "dispatcher_memory_mb": 64,
            "dispatcher_reserved_concurrency": 0,
            "dispatcher_processor_url": "http://processors.example",
        },
        [
            "dispatcher_timeout is 950; the function may run for 60 to 900 seconds. Set it within.",
            "dispatcher_timeout is 950, more than queue_function_timeout (900), from which the queue's visibility"
            " time-out follows; Lambda refuses that. Set queue_function_timeout alone.",
            "dispatcher_memory_mb is 64; Lambda gives 128 to 10240 MB. Set it within.",
            "dispatcher_reserved_concurrency is 0; it is -1 for none, or at least the fleet's slots and 2. Correct it.",
            "dispatcher_processor_url is http://processors.example; HTTP is only for loopback addresses, so that"
            " files' contents never travel in clear text. Make it https.",
        ],
    ),
    "sweep": (
        {"sweep_schedule": "rate(10 minutes)", "sweep_memory_mb": 20000},
        [
            "sweep_schedule is 'rate(10 minutes)'; a run takes up to 10 minutes, so leave it 11 or more.",
            "sweep_memory_mb is 20000; Lambda gives 128 to 10240 MB. Set it within.",
        ],
    ),
    "two roles that do not agree": (
        {"dispatcher_reserved_concurrency": 3, "fleet_max_bytes": 1_000_000},
        [
            "dispatcher_reserved_concurrency is 3, less than the fleet's slots (4: fleet_max_size times"
            " fleet_slots_per_instance); files would wait for an execution. Raise it, or set it to -1.",
            "dispatcher_max_bytes is 20000000000, more than fleet_max_bytes (1000000), for which the instances have"
            " room and time. Set processor_max_bytes alone, which both follow.",
        ],
    ),
}


ROLES = ("encryption", "network", "queue", "storage", "ledger", "identity", "fleet", "dispatcher", "sweep")
# What may run of roles before a wrong variable stops the play: none of these changes anything.
CHECKS = {
    *(f"{role} : Check the role's variables" for role in ROLES),
    *(f"{role} : Validating arguments against arg spec 'variables'" for role in ROLES),
    "encryption : Look the keys up by their aliases",
    "encryption : Publish the keys",
    "network : Read the region's zones",
    "network : See what is there",
    "network : Check ranges and zones against the region's and the live network's",
}

SAID = re.compile(r"^\[ERROR\]: Task failed: (?:Action failed: )?(.*?)\n(?:Origin: |\n)", re.DOTALL | re.MULTILINE)
TASK = re.compile(r"^TASK \[(\w+ : .*?)(?: - .*)?\] \*", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What a run of `site.yml` came to: its status, the number of changes, what it said was wrong, roles' tasks."""

    status: int
    changed: int
    said: list[str]
    tasks: set[str]
    text: str


def run(deployment: Deployment, variables: dict[str, Any], *arguments: str) -> Answer:
    status, numbers, text = deployment.playbook("site.yml", "-e", json.dumps(PENDING | variables), *arguments)
    said = [" ".join(one.split()) for one in SAID.findall(text)]
    return Answer(status, numbers["changed"], said, set(TASK.findall(text)), text)


def assert_nothing_but_checks_ran(answer: Answer) -> None:
    assert (answer.status, answer.changed, answer.tasks - CHECKS) == (2, 0, set()), answer.text


@pytest.fixture(scope="module")
def answers(deployment: Deployment, account: Account) -> dict[str, Answer]:
    """The answer to each case; what the account holds stayed as it was."""
    before = holdings(account)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        made = pool.map(lambda case: run(deployment, case[0]), CASES.values())
        found = dict(zip(CASES, made, strict=True))
    assert holdings(account) == before
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_variable_is_named_before_the_first_change(
    account: Account, answers: dict[str, Answer], case: str
) -> None:
    regions = sorted(region["RegionName"] for region in account.client("ec2").describe_regions()["Regions"])
    assert answers[case].said == [said.replace("{regions}", ", ".join(regions)) for said in CASES[case][1]]
    assert_nothing_but_checks_ran(answers[case])


def test_a_run_of_one_role_is_checked_like_a_whole_one(deployment: Deployment) -> None:
    answer = run(deployment, {"fleet_min_size": -1}, "--tags", "queue")
    assert answer.said == ["fleet_min_size is -1; a group has at least 0. Raise it."]
    assert_nothing_but_checks_ran(answer)


def test_a_role_that_ran_would_show(deployment: Deployment) -> None:
    answer = run(deployment, {}, "--check", "--tags", "encryption")
    assert (answer.status, answer.said) == (0, [])
    assert answer.changed > 0, "the pending change is none"
    assert answer.tasks - CHECKS != set()
