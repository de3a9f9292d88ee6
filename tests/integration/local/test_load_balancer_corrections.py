"""Target health and the choice of the target: as AWS with our corrections, and still different without."""

import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.platform import LocalPlatform
from tests.integration.local.support import FAKE_PROCESSOR, Clients

ADDRESSES = ("127.0.135.200", "127.0.135.201")


@dataclass(frozen=True)
class Group:
    """A target group behind a load balancer, its targets the addresses above."""

    platform: LocalPlatform
    name: str
    arn: str

    @property
    def clients(self) -> Clients:
        return Clients(self.platform)

    def states(self) -> dict[str, str]:
        answer = self.clients.elbv2.describe_target_health(TargetGroupArn=self.arn)
        return {item["Target"]["Id"]: item["TargetHealth"]["State"] for item in answer["TargetHealthDescriptions"]}

    def wait_for(self, wanted: dict[str, str], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while (states := self.states()) != wanted:
            assert time.monotonic() < deadline, states
            time.sleep(0.2)

    def get(self, path: str = "/") -> str:
        """Return the address of the target that answered."""
        answer = httpx.get(f"{self.platform.endpoint}/_alb/{self.name}{path}", trust_env=False, timeout=20)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["environment"]["ESTANCIA_LISTEN_HOST"])


def make_group(platform: LocalPlatform, port: int) -> Group:
    elbv2, name = Clients(platform).elbv2, f"lb-{uuid.uuid4().hex[:8]}"
    balancer = elbv2.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"], Scheme="internal")
    arn = elbv2.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=port,
        VpcId="vpc-1",
        HealthCheckPath="/healthz",
        HealthCheckIntervalSeconds=1,  # Less than AWS takes, to see more in less time.
        HealthCheckTimeoutSeconds=1,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": address, "Port": port} for address in ADDRESSES])
    return Group(platform, name, arn)


class Targets:
    """Fake processors at the addresses above."""

    def __init__(self, folder: Path) -> None:
        self.port = 8080
        self._folder = folder
        self.processes = {address: self.start(address) for address in ADDRESSES}

    def start(self, address: str) -> subprocess.Popen[bytes]:
        environment = {
            "ESTANCIA_LISTEN_HOST": address,
            "ESTANCIA_LISTEN_PORT": str(self.port),
            "ESTANCIA_SCRATCH_DIR": str(self._folder),
        }
        return subprocess.Popen([sys.executable, str(FAKE_PROCESSOR)], env=environment)

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def targets(tmp_path: Path) -> Iterator[Targets]:
    found = Targets(tmp_path)
    yield found
    found.stop()


def test_health_is_what_the_checks_find(corrected: LocalPlatform, bare: LocalPlatform, targets: Targets) -> None:
    group, without = make_group(corrected, targets.port), make_group(bare, targets.port)
    first, second = ADDRESSES
    group.wait_for({first: "healthy", second: "healthy"})
    targets.processes[second].kill()
    group.wait_for({first: "healthy", second: "unhealthy"}, 20)
    assert {group.get() for _ in range(6)} == {first}
    unhealthy = group.clients.elbv2.describe_target_health(TargetGroupArn=group.arn)["TargetHealthDescriptions"][1]
    assert unhealthy["TargetHealth"]["Reason"] == "Target.FailedHealthChecks"
    targets.processes[second] = targets.start(second)
    group.wait_for({first: "healthy", second: "healthy"}, 20)
    group.clients.elbv2.deregister_targets(TargetGroupArn=group.arn, Targets=[{"Id": second}])
    assert group.states() == {first: "healthy"}
    targets.stop()
    assert set(without.states().values()) == {"healthy"}, (
        "ministack checks its targets now: remove describe_checked_target_health"
    )


def chosen(group: Group) -> Counter[str]:
    """Return who answers six requests while one of the targets is busy with a slow one."""
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(group.get, "/slow")
        time.sleep(0.3)
        answers = Counter(group.get() for _ in range(6))
        answers[f"slow:{slow.result()}"] += 1
    return answers


def test_the_least_busy_target_is_chosen(corrected: LocalPlatform, targets: Targets) -> None:
    group = make_group(corrected, targets.port)
    group.wait_for(dict.fromkeys(ADDRESSES, "healthy"))
    group.clients.elbv2.modify_target_group_attributes(
        TargetGroupArn=group.arn,
        Attributes=[{"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"}],
    )
    answers = chosen(group)
    (busy,) = [name.removeprefix("slow:") for name in answers if name.startswith("slow:")]
    assert answers[busy] == 0


def test_targets_take_turns(corrected: LocalPlatform, bare: LocalPlatform, targets: Targets) -> None:
    group, without = make_group(corrected, targets.port), make_group(bare, targets.port)
    group.wait_for(dict.fromkeys(ADDRESSES, "healthy"))
    assert Counter(group.get() for _ in range(20)) == dict.fromkeys(ADDRESSES, 10)
    # A random choice gives twenty strict turns once in half a million times.
    order = [without.get() for _ in range(20)]
    turns = order[0] != order[1] and order == order[:2] * 10
    assert not turns, "ministack takes turns now: remove choose_among_healthy_targets"
