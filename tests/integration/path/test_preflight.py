"""A wrong variable stops `site.yml` before the first change, and the message names it, the rule and the remedy."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.path.account import Account
from tests.integration.path.conftest import Deployment
from tests.integration.path.holdings import holdings

# Each run takes some seconds, so two go at a time, and what a role's rules find in one run is tried in one run.
AT_A_TIME = 2


def zone(letter: str, private: str, public: str) -> dict[str, str]:
    return {"name": f"eu-west-1{letter}", "private_cidr": private, "public_cidr": public}


# case: the variables, and a sentence for each thing that is wrong with them
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
            "estancia_name is 'estancia-with-a-long-name'; it has 3 to 24 small letters,",
            "estancia_environment is 'My Environment'; it is one word,",
            "estancia_account_id is '1234'; it has the account's twelve digits, in quotes",
            "estancia_region is 'Ireland'; it is a region's code like eu-west-1.",
            "estancia_cost_center is not filled in;",
        ],
    ),
    "another account": (
        {"estancia_account_id": "123456789012"},
        ["The credentials belong to account 000000000000", "but estancia_account_id is 123456789012."],
    ),
    "a region that does not exist": (
        {"estancia_region": "eu-west-9"},
        ["estancia_region is eu-west-9, which account 000000000000 does not have; it has af-south-1,"],
    ),
    "what is no choice and no number": (
        {"network_egress": "nat", "network_destroy_wait_minutes": "long"},
        [
            "value of network_egress must be one of: nat_single, nat_per_zone, interface_endpoints, got: nat",
            "argument 'network_destroy_wait_minutes' is of type str and we were unable to convert to int",
        ],
    ),
    "ranges that are none, subnets that overlap, one zone": (
        {"network_vpc_cidr": "10.64.0.0/99", "network_zones": [zone("a", "10.64.0.0/20", "10.64.8.0/21")]},
        [
            "network_vpc_cidr is '10.64.0.0/99', which is no IPv4 range",
            "network_zones[0].private_cidr (10.64.0.0/20) and network_zones[0].public_cidr (10.64.8.0/21) overlap;",
            "network_zones names 1 zone(s); a load balancer needs two or more. Add one.",
        ],
    ),
    "a zone that the region does not have, and another range than the live network's": (
        {
            "network_vpc_cidr": "10.0.0.0/16",
            "network_zones": [zone("a", "10.0.0.0/20", "10.0.240.0/24"), zone("z", "10.0.16.0/20", "10.0.241.0/24")],
        },
        [
            "network_zones names eu-west-1z, which eu-west-1 does not have; it has eu-west-1a, eu-west-1b",
            "network_vpc_cidr is 10.0.0.0/16, but the VPC of estancia-local has 10.64.0.0/16, which cannot change.",
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
            "queue_retention_days is 14, not less than queue_dead_letter_retention_days (14);",
            "queue_senders has arn:aws:iam::123456789012:role/x; a sender is the ARN of a role in account 000000000000",
        ],
    ),
    "storage": (
        {"storage_raw_deep_days": 100, "storage_logs_days": 0},
        [
            "storage_raw_deep_days is 100; it is 0 for never, or at least 90 more than storage_raw_glacier_ir_days",
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
            "processor_max_bytes is 30000000000; fleet_slots_per_instance (2) such files at a time, each with outputs"
            " of the same size, take 120000000000 bytes, but nine tenths of fleet_scratch_volume_gib (100) are"
            " 96636764160. Raise fleet_scratch_volume_gib to 125, or lower one of the other two.",
            "processor_max_bytes is 30000000000; writing and reading 2 such files and their outputs at"
            " fleet_scratch_throughput (250 MiB/s) takes 916 s, but one attempt has 870 s: fleet_longest_job_seconds"
            " (900) without the last 30. Raise fleet_scratch_throughput to 264, or lower processor_max_bytes or"
            " fleet_slots_per_instance.",
            "fleet_max_size is 2; it is at least 1 and at least fleet_min_size (3). Raise it.",
            "fleet_deregistration_delay is 900; an instance that leaves must be able to finish its jobs,",
            "fleet_terminate_heartbeat_seconds is 7201; an instance that ends must be able to finish its jobs,",
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
            "dispatcher_timeout is 950, more than queue_function_timeout (900),",
            "dispatcher_memory_mb is 64; Lambda gives 128 to 10240 MB. Set it within.",
            "dispatcher_reserved_concurrency is 0; it is -1 for none, or at least the fleet's slots and 2. Correct it.",
            "dispatcher_processor_url is http://processors.example; HTTP is only for loopback addresses,",
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
            "dispatcher_reserved_concurrency is 3, less than the fleet's slots (4:",
            "dispatcher_max_bytes is 20000000000, more than fleet_max_bytes (1000000),",
        ],
    ),
}


@pytest.fixture(scope="module")
def answers(deployment: Deployment, account: Account) -> dict[str, tuple[int, int, str]]:
    """For each case the playbook's status, the number of changes and its words on one line; nothing was changed."""

    def run(variables: dict[str, Any]) -> tuple[int, int, str]:
        status, numbers, text = deployment.playbook("site.yml", "-e", json.dumps(variables))
        return status, numbers["changed"], re.sub(r"\s+", " ", text)

    before = holdings(account)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = dict(zip(CASES, pool.map(run, [variables for variables, _ in CASES.values()]), strict=True))
    assert holdings(account) == before
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_variable_is_named_before_the_first_change(answers: dict[str, tuple[int, int, str]], case: str) -> None:
    status, changed, text = answers[case]
    assert (status, changed) == (2, 0), text
    assert [sentence for sentence in CASES[case][1] if sentence not in text] == [], text
    assert len(re.findall(r"\[ERROR\]: Task failed", text)) <= len(CASES[case][1]), text


def test_a_run_of_one_role_is_checked_like_a_whole_one(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml", "--tags", "queue", "-e", "fleet_min_size=-1")
    assert (status, numbers["changed"]) == (2, 0), text
    assert "fleet_min_size is -1; a group has at least 0. Raise it." in text
