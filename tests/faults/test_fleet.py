"""No processor at all for minutes, and a fleet full for longer than the function waits: nobody fails for that."""

from __future__ import annotations

import time

from tests.faults.case import Case
from tests.faults.conftest import Stacks
from tests.faults.ending import assert_ended
from tests.faults.rules import HoldAnswer, operation
from tests.waiting import until

GONE_SECONDS = 180.0
FULL_SECONDS = 100.0


def test_all_processors_stopped_for_three_minutes_while_twenty_files_arrive(made: Stacks) -> None:
    """All are done within a minute of the processors' return; the function runs as often as there are slots."""
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
    until(lambda: all(processor.alive for processor in running.platform.processors), 60, "processors are back")
    returned = time.monotonic()
    for file, version in versions.items():
        case.processed(version, file=file, seconds=60 - (time.monotonic() - returned))
    assert_ended(running)


def test_a_fleet_full_for_longer_than_the_function_waits(made: Stacks) -> None:
    """Busy answers are no attempts: after 100 s of them, more than any wait of the function, none was started."""
    running = made.of("whole")
    functions = running.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=f"{running.stack.name}-dispatcher")[
        "EventSourceMappings"
    ]
    functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": 6})
    case = Case(running, "case_full")
    rule = case.at_processor(operation("GetObject"), HoldAnswer(), times=1000)
    held = {name: case.put(file=name) for name in ("held0.csv", "held1.csv")}
    until(lambda: len({call.pid for call in rule.met}) == 2, 60, "both slots are taken")
    waiting = {name: case.put(file=name) for name in (f"{n}.csv" for n in range(5))}
    time.sleep(FULL_SECONDS)
    told = [call for call in running.functions.calls(case.name) if call.operation == "ChangeMessageVisibility"]
    assert len(told) >= 2 * len(waiting)
    assert {case.item(version, file)["attempt"] for file, version in waiting.items()} == {0}
    rule.nth, rule.times = 1, 0
    rule.released.set()
    for file, version in {**held, **waiting}.items():
        assert case.processed(version, file=file)["attempt_limit"] == 5
    assert_ended(running)
