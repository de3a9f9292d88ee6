from typing import Any

import pytest

from local.corrections.target_health import HEALTHY, INITIAL, Health, _Track, judge, matches

GROUP: dict[str, Any] = {"HealthyThresholdCount": 3, "UnhealthyThresholdCount": 2}
FAILURE = Health("unhealthy", "Target.Timeout", "Request timed out")


def states(*checks: Health | None) -> list[str]:
    track, seen = _Track(), []
    for check in checks:
        judge(track, GROUP, check)
        seen.append(track.health.state)
    return seen


def test_a_new_target_is_healthy_after_one_check() -> None:
    assert _Track().health == INITIAL
    assert states(None) == ["healthy"]


def test_thresholds_count_checks_in_a_row() -> None:
    assert states(None, FAILURE, None, FAILURE, FAILURE) == ["healthy"] * 4 + ["unhealthy"]
    assert states(FAILURE, FAILURE, None, None, None) == ["initial", *["unhealthy"] * 3, "healthy"]


def test_the_last_reason_is_told() -> None:
    track = _Track(health=HEALTHY)
    for failure in (FAILURE, FAILURE):
        judge(track, GROUP, failure)
    assert track.health == FAILURE


@pytest.mark.parametrize(
    ("codes", "status", "expected"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200-299", 204, True),
        ("200,301", 301, True),
        ("200-204,301", 300, False),
    ],
)
def test_matchers(codes: str, status: int, expected: bool) -> None:
    assert matches(codes, status) is expected
