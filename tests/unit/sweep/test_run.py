"""A run's frame: the way around a listing, faults, the time, the answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep.run
from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_protocol.job import timestamp
from estancia_protocol.names import report_key
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status
from sweep.ports import Copy
from sweep.rules import Output
from sweep.run import Run
from sweep.summary import Summary
from sweep.sweeping import sweep as sweep_once
from tests.unit.dispatcher.fakes import NOON, RAW, Clock, seconds
from tests.unit.sweep.fakes import FakeQueues, SweepFakeLedger, SweepFakeObjects, one_by_one


def new_run(clock: Clock, ledger: SweepFakeLedger | None = None, queues: FakeQueues | None = None) -> Run:
    return Run(
        ledger or SweepFakeLedger(),
        SweepFakeObjects(clock),
        queues or FakeQueues(),
        RAW,
        clock,
        one_by_one,
        clock() + seconds(540),
    )


def listing(keys: Sequence[str], page: int) -> Iterator[list[list[Entry]]]:
    for start in range(0, len(keys), page):
        yield [[Entry(key, "v", False, NOON)] for key in keys[start : start + page]]


@given(
    st.lists(st.integers(0, 99).map("k{:02}".format), unique=True).map(sorted),
    st.tuples(st.integers(1, 5), st.integers(1, 7)),
    st.sampled_from(["", "k00", "k50", "k99"]),
    st.integers(0, 6),
)
def test_every_key_is_looked_at_however_often_the_time_runs_out(
    keys: list[str], sizes: tuple[int, int], begun: str, patience: int
) -> None:
    clock, ledger = Clock(), SweepFakeLedger()
    seen: list[str] = []
    ledger.cursors["part"] = begun
    page, slice_size = sizes

    def look(found: Sequence[list[Entry]]) -> None:
        clock.pass_by(1)
        seen.extend(entries[0].key for entries in found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep.run, "SLICE", slice_size)
        runs = 0
        while not new_run(clock, ledger).walk(
            "part", lambda after: listing([key for key in keys if key > after], page), clock() + seconds(patience), look
        ):
            runs += 1
            # A run that began at the cursor goes around: it may need as many slices as there are keys, twice.
            patience += runs
            assert runs < 60
    assert set(seen) == set(keys)
    assert ledger.cursor("part") == ""


def test_a_run_looks_at_so_many_keys_at_most_and_the_next_goes_on_behind_them() -> None:
    clock, ledger = Clock(), SweepFakeLedger()
    keys = [f"k{number:04}" for number in range(1000)]
    seen: list[list[str]] = []

    def look(found: Sequence[list[Entry]]) -> None:
        seen[-1].extend(entries[0].key for entries in found)

    for _ in range(3):
        seen.append([])
        run = new_run(clock, ledger)
        run.most = 400
        assert not run.walk("part", lambda after: listing([k for k in keys if k > after], 1000), run.ends_at, look)
    assert seen == [keys[:400], keys[400:800], [*keys[800:], *keys[:200]]]


def test_one_key_s_fault_leaves_the_others_their_turn_and_the_run_incomplete() -> None:
    clock, ledger = Clock(), SweepFakeLedger()
    for name in ("v1", "v2", "v3"):
        ledger.put(WorkItem("d/a", name, Status.RECEIVED, size=1, received_at=timestamp(NOON - dt.timedelta(hours=2))))
    refused: list[str] = []

    class Refusing(FakeQueues):
        def send(self, body: str) -> None:
            if not refused:
                refused.append(body)
                raise ConnectionError("no answer")
            super().send(body)

    queues = Refusing()
    assert sweep_once(new_run(clock, ledger, queues)).as_json() == Summary(sent=2).as_json()
    assert len(queues.sent) == 2
    assert sweep_once(new_run(clock, ledger, queues)).as_json() == Summary(sent=1, complete=True).as_json()


def test_a_part_s_fault_leaves_the_other_parts_their_turn() -> None:
    clock, ledger = Clock(), SweepFakeLedger()

    class Silent(FakeQueues):
        def oldest_message(self, now: dt.datetime) -> dt.timedelta:
            raise ConnectionError(f"no metric at {now}")

    queues = Silent()
    queues.dead_letters = ["{}"] * 25
    run = new_run(clock, ledger, queues)
    assert not sweep_once(run).complete
    assert (queues.dead_letters, queues.taken) == (["{}"] * 25, {})


def test_copies_are_released_when_the_time_runs_out_or_a_copy_cannot_be_judged() -> None:
    clock = Clock()

    class Slow(FakeQueues):
        def receive_copies(self) -> list[Copy]:
            clock.pass_by(200)
            return super().receive_copies()

    queues = Slow()
    queues.dead_letters = ["garbage"] * 25
    assert not sweep_once(new_run(clock, None, queues)).complete
    assert (queues.dead_letters, queues.taken) == (["garbage"] * 25, {})


def test_the_parts_share_the_time_that_is_left() -> None:
    clock = Clock()
    run = new_run(clock)
    assert run.share(4) == NOON + seconds(135)
    clock.pass_by(440)
    assert run.share(2) == NOON + seconds(490)
    assert run.share(1) == run.ends_at


def test_the_answer_has_exactly_the_members_of_the_protocol() -> None:
    assert Summary().as_json() == {
        "sent": 0,
        "found": 0,
        "removals": 0,
        "set_back": 0,
        "hidden": 0,
        "shown": 0,
        "versions_removed": 0,
        "dead_letters_deleted": 0,
        "complete": False,
    }


class Counting(SweepFakeLedger):
    """Counts the reads of a pass."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()

    def items(self, key: str) -> list[WorkItem]:
        self.reads["items"] += 1
        return super().items(key)

    def outputs(self, item: WorkItem) -> list[RecordedOutput]:
        self.reads["outputs"] += 1
        return super().outputs(item)

    def recorded(self, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Output]:
        self.reads["batches"] += -(-len(names) // 100)
        return super().recorded(names)


def test_what_a_pass_over_a_thousand_files_costs() -> None:
    clock, ledger = Clock(), Counting()
    dice = itertools.cycle([0.0, *[0.5] * 9])
    run = dataclasses.replace(new_run(clock, ledger), dice=lambda: next(dice))
    objects = SweepFakeObjects(clock, page=1000)
    run.objects = objects
    for number in range(1000):
        item = ledger.put(WorkItem(f"d/{number:04}", "v", Status.PROCESSED, 1, sequencer="01"))
        objects.raw[item.key] = [Entry(item.key, "v", False, NOON)]
        for name in (f"data/d/{item.work}.parquet", report_key("d", item.work)):
            ledger.record(item.key, "v", name, 1)
            ledger.puts[name] = objects.put(name)
    assert sweep_once(run).as_json() == Summary(complete=True).as_json()
    chosen = 100
    assert ledger.reads == {"items": 2000 + 3 * chosen, "outputs": 1000 + chosen, "batches": 20}
    assert len(objects.listed) == 0
