"""The health checks of target groups, made as the group says."""

import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

TICK_SECONDS = 0.25
Identity = tuple[str, int]


@dataclass(frozen=True)
class Health:
    """A target's health: state, reason code and description in AWS's words."""

    state: str
    reason: str = ""
    description: str = ""


INITIAL = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
UNUSED = Health("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
NOT_REGISTERED = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
HEALTHY = Health("healthy")


@dataclass
class _Track:
    """What is known of one registered target."""

    health: Health = INITIAL
    passed: int = 0
    failed: int = 0
    due: float = 0.0
    checking: bool = False


class HealthChecker:
    """Checks the registered targets of every group that a load balancer uses.

    A new target is healthy after one passed check, an unhealthy one after HealthyThresholdCount:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html.
    """

    not_registered = NOT_REGISTERED

    def __init__(self, alb: Any) -> None:
        self._alb = alb
        self._tracks: dict[tuple[str, Identity], _Track] = {}
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="estancia-health")

    def start(self) -> None:
        """Check in the background for as long as the process lives."""
        threading.Thread(target=self._run, name="estancia-health", daemon=True).start()

    def health(self, group_arn: str, identity: Identity) -> Health:
        """Return what the checks found last about a registered target."""
        track = self._tracks.get((group_arn, identity))
        return track.health if track else INITIAL

    def tick(self, now: float) -> None:
        """Begin the checks that are due at `now` (monotonic seconds) and forget targets that are gone."""
        registered = {}
        for group, identity in self._registered():
            key = (group["TargetGroupArn"], identity)
            registered[key] = group
            track = self._tracks.setdefault(key, _Track())
            if not self._used(group):
                track.health = UNUSED
            elif not track.checking and now >= track.due:
                if track.health == UNUSED:
                    track.health = INITIAL
                track.checking, track.due = True, now + group["HealthCheckIntervalSeconds"]
                self._pool.submit(self._check, dict(group), identity, track)
        for key in self._tracks.keys() - registered.keys():
            del self._tracks[key]

    def _run(self) -> None:
        while True:
            self.tick(time.monotonic())
            time.sleep(TICK_SECONDS)

    def _registered(self) -> Iterator[tuple[dict[str, Any], Identity]]:
        targets = {scoped[-1]: list(members) for scoped, members in list(self._alb._targets._data.items())}
        for scoped, group in list(self._alb._tgs._data.items()):
            if group.get("TargetType", "instance") in ("instance", "ip"):
                for target in targets.get(scoped[-1], []):
                    yield group, (str(target["Id"]), int(target.get("Port") or group.get("Port") or 80))

    def _used(self, group: dict[str, Any]) -> bool:
        """Whether a listener or a rule names the group, in whichever of the two forms of a forward action."""
        stores = (self._alb._listeners, self._alb._rules)
        named = [item.get("DefaultActions") or item.get("Actions") for store in stores for item in store._data.values()]
        return bool(group.get("LoadBalancerArns")) or group["TargetGroupArn"] in str(named)

    def _check(self, group: dict[str, Any], identity: Identity, track: _Track) -> None:
        try:
            judge(track, group, probe(group, identity))
        finally:
            track.checking = False


def probe(group: dict[str, Any], identity: Identity) -> Health | None:
    """Ask a target once as its group says; return None if it passed, else why it is unhealthy."""
    host, port = identity
    if group["HealthCheckPort"] != "traffic-port":
        port = int(group["HealthCheckPort"])
    connection = http.client.HTTPConnection(host, port, timeout=group["HealthCheckTimeoutSeconds"])
    try:
        connection.request("GET", group["HealthCheckPath"], headers={"User-Agent": "ELB-HealthChecker/2.0"})
        status = connection.getresponse().status
    except TimeoutError:
        return Health("unhealthy", "Target.Timeout", "Request timed out")
    except (OSError, http.client.HTTPException):
        return Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    finally:
        connection.close()
    if matches(group["Matcher"]["HttpCode"], status):
        return None
    return Health("unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


def matches(codes: str, status: int) -> bool:
    """Return whether `status` is among `codes`, such as `200`, `200,202` or `200-299`."""
    for part in codes.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def judge(track: _Track, group: dict[str, Any], failure: Health | None) -> None:
    """Count one check of a target and change its health when a threshold is reached."""
    if failure is None:
        track.passed, track.failed = track.passed + 1, 0
        if track.health.state == "initial" or track.passed >= group["HealthyThresholdCount"]:
            track.health = HEALTHY
    else:
        track.passed, track.failed = 0, track.failed + 1
        if track.failed >= group["UnhealthyThresholdCount"]:
            track.health = failure
