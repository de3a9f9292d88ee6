"""The function is killed right after each call that changes something, for each kind of message.

`queue_function_timeout` is 60 s here, a legitimate setting: a killed function's message comes back after two minutes
instead of sixteen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from estancia_protocol import names
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import timestamp
from estancia_protocol.status import Status, status_shard
from tests.faults.calls import Call
from tests.faults.case import Case, Original, quiet
from tests.faults.concurrency import concurrent
from tests.faults.events import created
from tests.faults.final_checks import dead_letters, statuses_of_letters
from tests.faults.rules import KMS_DENIED, Hold, Kill, Rule, balancer, operation
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
    "retry": (
        "UpdateItem raw RECEIVED", "Process", "ChangeMessageVisibility",
        "UpdateItem raw RECEIVED", "Process",
    ),
    "lost": (
        "UpdateItem raw RECEIVED", "Process", "ChangeMessageVisibility",
        "UpdateItem raw RECEIVED", "Process",
    ),
    "held": ("ChangeMessageVisibility", "UpdateItem raw RECEIVED", "Process"),
    "decided": ("UpdateItem raw REJECTED",),
    "refused": ("SendMessage",),
}  # fmt: skip
# A busy answer, a retry and a lost attempt differ in the hand-back alone.
ONLY_HAND_BACK = {"retry", "lost"}
ROWS_OF_TABLES = [
    (kind, step)
    for kind, table in TABLES.items()
    for step, call in enumerate(table)
    if kind not in ONLY_HAND_BACK or call == "ChangeMessageVisibility"
]
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


def processing(case: Case, version: str, attempt: int, lease_until: dt.datetime) -> None:
    """Write an item as the processor of an attempt would have left it, all that its event tells included."""
    now, original = timestamp(dt.datetime.now(dt.UTC)), case.originals[version]
    shard = status_shard(Status.PROCESSING, names.work_id(case.key(), version))
    case.remember(
        {"pk": names.work_pk(case.key()), "sk": version, "status": "PROCESSING", "status_shard": shard}
        | {"attempt": attempt, "attempt_limit": 5, "lease_id": "0" * 32, "lease_until": timestamp(lease_until)}
        | {"started_at": now, "received_at": now, "sequencer": "00", "size": original.size, "etag": original.etag}
        | {"owner": "principal:x", "dataset": case.name}
    )


def left_by_another(case: Case, watch: Watch, attempt: int, seconds: float) -> tuple[str, Rule | None]:
    """Upload a file, and let the function find that a lease of it ends in so many seconds from now."""
    hold = case.at_function(operation("UpdateItem raw RECEIVED"), Hold())
    version = case.put()
    case.reached(hold)
    processing(case, version, attempt, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))
    rule = watch()
    hold.released.set()
    return version, rule


def failure(case: Case, watch: Watch) -> None:
    """A fifth attempt was lost: the item fails, and the dead-letter queue is told."""
    version, rule = left_by_another(case, watch, 5, -300)
    until(lambda: "dlq_sent_at" in case.item(version), BACK, "the dead-letter queue was told")
    item = case.item(version)
    lost = {"code": ErrorCode.LOST_ATTEMPT.value, "message": ErrorCode.LOST_ATTEMPT.sentence}
    assert (item["status"], item["attempt"], item["error"]) == ("FAILED", 5, lost)
    copies = 2 if rule and rule.met[0].operation == "SendMessage" else 1
    told = ["FAILED"] * copies
    until(lambda: statuses_of_letters(case.running, case.name) == told, BACK, f"{copies} dead letters")


def held(case: Case, watch: Watch) -> None:
    """Another's lease: the message is handed back until it is over, then the next attempt begins."""
    version, _ = left_by_another(case, watch, 1, 20)
    case.processed(version, attempt=2, seconds=BACK)


def retry(case: Case, watch: Watch) -> None:
    """The processor asks for a retry: the message is handed back."""
    case.at_processor(operation("PutObject data"), KMS_DENIED)
    watch()
    case.processed(case.put(), attempt=2, seconds=BACK)


def lost(case: Case, watch: Watch) -> None:
    """The processor dies: the message is handed back until the lease is over."""
    case.at_processor(operation("PutItem schema"), Kill())
    watch()
    case.processed(case.put(), attempt=2, seconds=BACK)


def decided(case: Case, watch: Watch) -> None:
    """The event alone decides."""
    watch()
    item = case.final(case.put(""), seconds=BACK)
    assert (item["status"], item["attempt"], item["error"]["code"]) == ("REJECTED", 0, "EMPTY_FILE")


def refused(case: Case, watch: Watch) -> None:
    """A message that can never become an event is moved to the dead-letter queue, twice after a crash at that."""
    case.running.refused.add(f"'{case.name}'")
    rule = watch()
    case.originals["elsewhere"] = Original("", 1, "e")
    record = created(case, "elsewhere", 1)
    record["s3"]["bucket"]["name"] = case.name
    case.running.send(record)
    copies = 2 if rule else 1

    def told() -> int:
        return sum(f"'{case.name}'" in (letter.reason or "") for letter in dead_letters(case.running))

    until(lambda: told() == copies, BACK, f"{copies} dead letters")


def busy(case: Case, watch: Watch) -> None:
    """The load balancer has no target: the message is handed back."""
    case.at_function(operation("Process"), balancer(503))
    watch()
    case.processed(case.put(), seconds=BACK)


KINDS: dict[str, Callable[[Case, Watch], None]] = {
    "arrival": arrival, "deletion": deletion, "removal": removal, "failure": failure, "busy": busy,
    "retry": retry, "lost": lost, "held": held, "decided": decided, "refused": refused,
}  # fmt: skip


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
