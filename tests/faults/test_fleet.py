"""No processor at all for minutes, and a fleet full for longer than the function waits: nobody fails for that."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator

from estancia_protocol.job import parse_timestamp
from tests.faults.case import Case
from tests.faults.conftest import Stacks
from tests.faults.final_checks import assert_final
from tests.faults.rules import HoldAnswer, operation
from tests.faults.stacks import Running
from tests.waiting import until

GONE_SECONDS = 180.0
BACK_SECONDS = 60.0
FULL_SECONDS = 100.0


def hand_backs(case: Case) -> Counter[str]:
    """Count how often each key's message was handed back."""
    calls = case.running.functions.calls(case.name)
    return Counter(call.key for call in calls if call.operation == "ChangeMessageVisibility")


def health(running: Running) -> list[str]:
    """Return what the load balancer says of each processor."""
    balancer = running.client("elbv2")
    (group,) = balancer.describe_target_groups()["TargetGroups"]
    targets = balancer.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    return [target["TargetHealth"]["State"] for target in targets]


def test_all_processors_stopped_for_three_minutes_while_twenty_files_arrive(made: Stacks) -> None:
    """By the ledger's times all are done within a minute of the moment when the load balancer finds all healthy again.

    Until then it sends every job to those that are, and one that finds no slot stays away for a quarter of its age, as
    one that found no processor just before: up to 58 s of that minute.
    """
    running = made.of("whole")
    case = Case(running, "case_nofleet")
    with running.no_processors():
        started = time.monotonic()
        versions = {}
        for number in range(20):
            versions[f"{number}.csv"] = case.put(file=f"{number}.csv")
            time.sleep(2)
        time.sleep(GONE_SECONDS - (time.monotonic() - started))
        assert {case.item(version, file).get("attempt", 0) for file, version in versions.items()} == {0}
        told = hand_backs(case)
        assert set(told) == {case.key(file) for file in versions}
        assert min(told.values()) >= 3, told
    until(lambda: health(running) == ["healthy"] * running.count, 60, "all processors are back")
    returned = dt.datetime.now(dt.UTC)
    items = [case.processed(version, file=file) for file, version in versions.items()]
    took = max(parse_timestamp(item["finished_at"]) for item in items) - returned
    assert took <= dt.timedelta(seconds=BACK_SECONDS), took
    assert_final(running)


@contextlib.contextmanager
def more_functions_than_slots(running: Running, count: int) -> Iterator[None]:
    """Let more of the function run than there are slots: as deployed, it waits for a slot with them in the queue.

    So it is while the fleet shrinks, or loses processors, and only so does a full fleet answer that it is busy.
    """
    functions = running.client("lambda")
    listed = functions.list_event_source_mappings(FunctionName=f"{running.stack.name}-dispatcher")
    (mapping,) = listed["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": count})
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig=mapping["ScalingConfig"])


def test_a_fleet_full_for_longer_than_the_function_waits(made: Stacks) -> None:
    """Busy answers are no attempts: after 100 s of them, more than any wait of the function, none was started."""
    running = made.of("whole")
    case = Case(running, "case_full")
    rule = case.at_processor(operation("GetObject"), HoldAnswer(), times=1000)
    with more_functions_than_slots(running, 6):
        held = {name: case.put(file=name) for name in ("held0.csv", "held1.csv")}
        until(lambda: len({call.pid for call in rule.met}) == 2, 60, "both slots are taken")
        waiting = {name: case.put(file=name) for name in (f"{n}.csv" for n in range(5))}
        time.sleep(FULL_SECONDS)
        told = hand_backs(case)
        assert min(told[case.key(file)] for file in waiting) >= 3, told
        assert {case.item(version, file)["attempt"] for file, version in waiting.items()} == {0}
        rule.nth, rule.times = 1, 0
        rule.released.set()
        for file, version in {**held, **waiting}.items():
            assert case.processed(version, file=file)["attempt_limit"] == 5
    assert_final(running)
