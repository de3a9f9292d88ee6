"""The sweep in the dispatcher's world, with all that no message tells of.

Messages and events get lost, undeletes raise none, workers wake up after their end and put, delete markers come late,
and the sweep is cut off between any two calls, or others act between them. However a history went, after sweeping until
nothing is left to do, with all messages delivered in between, the invariants hold.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.ports import Answer, Unclear
from estancia_functions.events import parse_message
from estancia_functions.items import WorkItem
from estancia_functions.listing import Entry
from estancia_protocol.job import Job
from estancia_protocol.names import data_key, report_key
from estancia_protocol.status import Status
from sweep.ports import Copy
from sweep.run import Run
from sweep.summary import Summary
from sweep.sweeping import sweep
from tests.unit.dispatcher.fakes import NOON, RAW, Clock, seconds
from tests.unit.dispatcher.world import KEY, WAYS, Crash, Director, FaultError, World
from tests.unit.sweep.fakes import FakeQueues, SweepFakeLedger, SweepFakeObjects, one_by_one

ZEROS = {**Summary(complete=True).as_json()}


class WorldQueues(FakeQueues):
    """The queues of the world: what the sweep sends is delivered, what the dispatcher gave up is judged."""

    def __init__(self, world: SweptWorld) -> None:
        super().__init__()
        self.world = world

    def send(self, body: str) -> None:
        self.world.send(body)

    def receive_copies(self) -> list[Copy]:
        self.dead_letters = [body for body, _ in self.world.messages.given_up]
        copies = super().receive_copies()
        self.world.messages.given_up = self.world.messages.given_up[len(copies) :]
        return copies

    def release_copies(self, copies: Iterable[Copy]) -> None:
        self.dead_letters = []
        super().release_copies(copies)
        self.world.messages.given_up += [(body, "kept") for body in self.dead_letters]

    def oldest_message(self, now: dt.datetime) -> dt.timedelta:
        return max((now - message.sent_at for message in self.world.queue), default=dt.timedelta())


class SweptWorld(World):
    """The world with a processed bucket that keeps versions, and all that the sweep is there for."""

    def __init__(self) -> None:
        self.book = SweepFakeLedger()
        clock = Clock()
        self.bucket = SweepFakeObjects(clock)
        super().__init__(self.book, self.bucket)
        self.clock = self.bucket.clock = self.dispatcher_clock()
        self.queues = WorldQueues(self)
        self.asleep: list[WorkItem] = []
        self.last_ages: list[dt.timedelta] = []

    def dispatcher_clock(self) -> Clock:
        clock = self.dispatcher.clock
        assert isinstance(clock, Clock)
        return clock

    def put(self, *, marker: bool = False, sequencer: bool = True, copies: int = 1) -> None:
        super().put(marker=marker, sequencer=sequencer, copies=copies)
        entry = Entry(KEY, self.history[-1], marker, self.clock(), None if marker else 100, None if marker else "e1")
        self.bucket.raw.setdefault(KEY, []).insert(0, entry)

    def remove(self, index: int) -> None:
        super().remove(index)
        self.bucket.raw[KEY] = [entry for entry in self.bucket.raw.get(KEY, []) if entry.version_id not in self.gone]

    def silently(self, act: str, *arguments: int) -> None:
        """Change the bucket without an event."""
        before = list(self.queue)
        if act == "remove":
            self.remove(*arguments)
        else:
            self.put(marker=act == "marker")
        self.queue = before

    def lose(self, index: int, *, kept: bool) -> None:
        """Lose a message, or let SQS move it to the dead-letter queue after too many receives."""
        message = self.queue.pop(index)
        if kept:
            self.messages.given_up.append((message.body, ""))

    def outputs(self, item: WorkItem) -> list[str]:
        day = dt.date(2024, 3, 1)
        tables = ("main", f"only_{item.attempt % 2}")
        return [*(data_key("d", table, 1, day, item.work) for table in tables), report_key("d", item.work)]

    def put_output(self, output: str) -> None:
        self.bucket.put(output)

    def finish(self, item: WorkItem, status: Status) -> None:
        super().finish(item, status)
        for output in self.ledger.outputs(item):
            if output.attempt == item.attempt and output.key in self.bucket.shown():
                self.book.puts[output.key] = self.bucket.shown()[output.key]

    def process(self, job: Job) -> Answer:
        sleeps = self.ways[:1] == ["falls asleep"]
        self.ways = ["dies"] if sleeps else self.ways
        answer = super().process(job)
        item = self.ledger.read(KEY, job.version_id)
        if sleeps and answer == Unclear("silence"):
            self.asleep.append(item)
            for output in self.outputs(item):
                self.ledger.record(KEY, item.version_id, output, item.attempt)
        return answer

    def wake(self, index: int) -> None:
        """Let a worker put one output whose request was on its way when it fell asleep; all its writes are refused."""
        if self.asleep:
            item = self.asleep.pop(index % len(self.asleep))
            if self.clock() > (item.lease_until or NOON):
                self.bucket.put(self.outputs(item)[index % 3])

    def hide_late(self, index: int, *, note: bool) -> None:
        """Let a settling that was held up, while another version counted, hide an output, and perhaps note it."""
        if len(self.history) < 2:
            return
        made = [(item, output) for item in self.ledger.items(KEY) for output in self.ledger.outputs(item)]
        shown = [(item, output) for item, output in made if output.key in self.bucket.shown()]
        if some := shown or made:
            item, output = some[index % len(some)]
            self.bucket.hide(output.key)
            if note:
                self.book.retire(item, output, self.clock())

    def redrive(self) -> None:
        """Set failed items back, as the operator's verb does; the sweep sends them."""
        for item in self.ledger.items(KEY):
            if item.status is Status.FAILED:
                fresh = dataclasses.replace(item, attempt_limit=item.attempt + 5, dead_lettered=False, swept_at=None)
                self.ledger.put(dataclasses.replace(fresh, status=Status.RECEIVED, lease_until=None))

    def sweep(self) -> dict[str, int | bool]:
        fused = self.fuse.around
        run = Run(
            fused(self.book),
            fused(self.bucket),
            fused(self.queues),
            RAW,
            self.clock,
            one_by_one,
            self.clock() + seconds(540),
            one_in=1,
        )
        try:
            return sweep(run).as_json()
        except Crash:
            return {}
        finally:
            # What a crash left hidden SQS shows again.
            self.messages.given_up += [(body, "hidden") for body in self.queues.taken.values()]
            self.queues.taken.clear()

    def check(self) -> None:
        self.unseen = set(self.gone)
        if self.bucket.raw.get(KEY, not self.history):
            super().check()
        else:
            assert self.bucket.visible == set()
        items = {item.version_id: item for item in self.ledger.items(KEY)}
        failed = {name for name, item in items.items() if item.status is Status.FAILED}
        assert {parse_message(body, RAW)[0].version_id for body, _ in self.messages.given_up} == failed
        assert all(self.book.puts[key] == version for key, version in self.bucket.shown().items())


class SweepDirector(Director):
    """Makes up a history in which things get lost, come late and wake up, and the sweep runs at any time."""

    def __init__(self, random: Random) -> None:
        self.swept = SweptWorld()
        super().__init__(random, self.swept)
        self.ways = (*WAYS, "falls asleep", "falls asleep")

    def step(self) -> None:
        world, random = self.swept, self.random
        if random.random() < 0.6:
            super().step()
            return
        match random.choice(
            ("lose", "put", "marker", "remove", "remove", "wake", "wake", "late", "late", "sweep", "sweep", "long")
        ):
            case "lose" if world.queue:
                world.lose(random.randrange(len(world.queue)), kept=random.random() < 0.5)
            case "put" | "marker" as act:
                world.silently(act)
            case "remove":
                world.silently("remove", random.randrange(10))
            case "wake":
                world.wake(random.randrange(10))
            case "late":
                world.hide_late(random.randrange(10), note=random.random() < 0.5)
            case "sweep":
                self.sweep_once()
            case _:
                world.clock.pass_by(random.choice((1000, 4000, 90000)))

    def sweep_once(self) -> None:
        """Sweep; in between its calls others act, or one of them never returns."""
        world, random = self.swept, self.random
        world.fuse.error = random.choice((Crash, FaultError))
        world.fuse.left = None if random.random() < self.calm else random.randrange(40)
        busy = random.choice((0.0, 0.1, 0.4))
        world.fuse.others = lambda: self.act_in_between(busy)
        world.sweep()
        world.fuse.left = world.fuse.others = None

    def act_in_between(self, busy: float) -> None:
        world, random = self.swept, self.random
        left, world.fuse.left = world.fuse.left, None
        if random.random() < busy:
            match random.choice(("deliver", "deliver", "deliver", "put", "marker", "remove", "wake", "late", "lose")):
                case "deliver" if world.queue:
                    self.deliver(random.randrange(len(world.queue)))
                case "put" | "marker" as act:
                    world.silently(act) if random.random() < 0.3 else world.put(marker=act == "marker")
                case "remove":
                    world.silently("remove", random.randrange(10)) if random.random() < 0.3 else world.remove(0)
                case "wake":
                    world.wake(random.randrange(10))
                case "late":
                    world.hide_late(random.randrange(10), note=random.random() < 0.5)
                case _:
                    world.clock.pass_by(100)
        world.fuse.left = left

    def sweep_until_quiet(self) -> None:
        world = self.swept
        for _ in range(40):
            self.drain()
            if world.sweep() == ZEROS and not world.queue:
                return
            world.clock.pass_by(max(7200, (world.clock() - NOON).total_seconds() / 2))
        raise AssertionError("the sweep always finds something to do")


def play(director: SweepDirector, steps: int) -> None:
    """Play a history, sweep until nothing is left to do, and hold the world against the invariants."""
    for _ in range(steps):
        director.step()
    director.drain()
    world = director.swept
    while world.asleep:
        world.clock.pass_by(100)
        world.wake(0)
    world.clock.pass_by(max(7200, (world.clock() - NOON).total_seconds() / 2))
    director.sweep_until_quiet()
    world.check()
    before = world.bucket.shown(), dict(world.ledger.work), len(world.bucket.hidden)
    assert world.sweep() == ZEROS
    assert before == (world.bucket.shown(), world.ledger.work, len(world.bucket.hidden))


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_however_it_went_the_invariants_hold_once_it_was_swept(random: Random, steps: int) -> None:
    play(SweepDirector(random), steps)
