"""The function is killed right after each call that changes something, for each kind of message.

`queue_function_timeout` is 60 s here, a legitimate setting: a killed function's message comes back after two minutes
instead of sixteen.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import pytest

from estancia_protocol import names
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status, status_shard
from tests.faults.calls import Call
from tests.faults.case import Case
from tests.faults.crowd import concurrent
from tests.faults.ending import dead_letters
from tests.faults.rules import Hold, Kill, Rule, balancer, operation
from tests.waiting import until

OTHER = "a,b\n7,q\n"
OTHER_ROWS = [{"a": 7, "b": "q"}]
BACK = 300.0
HIDING = ("DeleteObject data", "UpdateItem out retired_at", "DeleteObject reports", "UpdateItem out retired_at")
# The first call of each delivery is tried again by each later one, and refused then.
TABLES: dict[str, tuple[str, ...]] = {
    "arrival": ("UpdateItem raw RECEIVED", "Process", *HIDING),
    "deletion": ("UpdateItem raw DELETED", *HIDING),
    "removal": ("UpdateItem raw removed_at", *HIDING, "UpdateItem raw RECEIVED", "Process"),
    "failure": ("UpdateItem raw FAILED", "SendMessage", "UpdateItem raw dlq_sent_at"),
    "busy": (
        "UpdateItem raw RECEIVED", "Process", "ChangeMessageVisibility",
        "UpdateItem raw RECEIVED", "Process",
    ),
}  # fmt: skip
ROWS_OF_TABLES = [(kind, step) for kind, table in TABLES.items() for step in range(len(table))]
Watch = Callable[[], Rule | None]


def changing(call: Call) -> bool:
    """Whether a call changes something."""
    return call.changing


def arrival(case: Case, watch: Watch) -> None:
    """A newer version is processed, and hides the older one's outputs."""
    older = case.put()
    case.processed(older)
    quiet(case)
    watch()
    newer = case.put(OTHER)
    case.processed(newer, rows=OTHER_ROWS, seconds=BACK)
    case.hidden(older, seconds=BACK)


def deletion(case: Case, watch: Watch) -> None:
    """A delete marker hides the outputs."""
    version = case.put()
    case.processed(version)
    quiet(case)
    watch()
    marker = case.delete()
    assert case.final(marker, seconds=BACK)["status"] == "DELETED"
    case.hidden(version, seconds=BACK)


def removal(case: Case, watch: Watch) -> None:
    """The newest version is removed for good, and the one before it counts again."""
    older = case.put()
    case.processed(older)
    newer = case.put(OTHER)
    case.processed(newer, rows=OTHER_ROWS)
    case.hidden(older)
    quiet(case)
    watch()
    case.delete(newer)
    until(lambda: int(case.item(older)["attempt"]) == 2, BACK, "it is processed again")
    case.processed(older, attempt=2, seconds=BACK)
    case.hidden(newer, seconds=BACK)


def failure(case: Case, watch: Watch) -> None:
    """A fifth attempt was lost: the item fails, and the dead-letter queue is told.

    The item is written as five processors would have left it, while the function waits.
    """
    hold = case.at_function(operation("UpdateItem raw RECEIVED"), Hold())
    version = case.put()
    case.reached(hold)
    past = timestamp(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))
    shard = status_shard(Status.PROCESSING, names.work_id(case.key(), version))
    case.remember(
        {"pk": names.work_pk(case.key()), "sk": version, "status": "PROCESSING", "status_shard": shard, "attempt": 5}
        | {"attempt_limit": 5, "lease_id": "0" * 32, "lease_until": past, "started_at": past, "received_at": past}
        | {"sequencer": "00", "size": 1, "etag": "e", "owner": "principal:x", "dataset": case.name}
    )
    rule = watch()
    hold.released.set()
    until(lambda: "dlq_sent_at" in case.item(version), BACK, "the dead-letter queue was told")
    item = case.item(version)
    lost = {"code": ErrorCode.LOST_ATTEMPT.value, "message": ErrorCode.LOST_ATTEMPT.sentence}
    assert (item["status"], item["attempt"], item["error"]) == ("FAILED", 5, lost)
    copies = 2 if rule and rule.met[0].operation == "SendMessage" else 1
    until(lambda: dead_letters(case.running, case.name) == ["FAILED"] * copies, BACK, f"{copies} dead letters")


def busy(case: Case, watch: Watch) -> None:
    """The load balancer has no target: the message is handed back."""
    case.at_function(operation("Process"), balancer(503))
    watch()
    case.processed(case.put(), seconds=BACK)


KINDS: dict[str, Callable[[Case, Watch], None]] = {
    "arrival": arrival, "deletion": deletion, "removal": removal, "failure": failure, "busy": busy,
}  # fmt: skip


def quiet(case: Case) -> None:
    """Wait until the function asks nothing about a case any more: for longer than a settling takes."""
    seen = -1
    while seen != (seen := len(case.running.functions.calls(case.name))):
        time.sleep(3)


@pytest.mark.parametrize("kind", TABLES)
@concurrent("short")
def test_the_table_is_what_the_function_changes(case: Case, kind: str) -> None:
    begun: list[int] = []

    def watch() -> None:
        begun.append(len(case.running.functions.calls(case.name)))

    KINDS[kind](case, watch)
    quiet(case)
    made = [call.name for call in case.running.functions.calls(case.name)[begun[0] :] if changing(call)]
    assert tuple(made) == TABLES[kind]


@pytest.mark.parametrize(
    ("kind", "step"), ROWS_OF_TABLES, ids=[f"{kind} {step}: {TABLES[kind][step]}" for kind, step in ROWS_OF_TABLES]
)
@concurrent("short")
def test_killed_after(case: Case, kind: str, step: int) -> None:
    rules: list[Rule] = []

    def watch() -> Rule:
        rules.append(case.at_function(changing, Kill(), nth=step + 1))
        return rules[0]

    KINDS[kind](case, watch)
    assert case.reached(rules[0]).name == TABLES[kind][step]
