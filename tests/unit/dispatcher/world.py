"""A world for histories: one key of the raw bucket, a queue that delivers at least once, a processor that keeps the
protocol but fails in all its ways, and a crash or a fault between any two calls. And a director who makes histories up.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from random import Random
from typing import Any

from dispatcher.ports import Answer, AskedAgain, Busy, Finished, Unclear
from dispatcher.work import Dispatcher, Invocation
from estancia_functions.events import parse_message
from estancia_functions.items import WorkItem
from estancia_functions.settling import Settler
from estancia_protocol.errors import ErrorCode
from estancia_protocol.job import Job
from estancia_protocol.status import Status
from tests.unit.dispatcher.fakes import (
    RAW,
    Clock,
    FakeLedger,
    FakeMessages,
    FakeObjects,
    FakeProcessor,
    queue_message,
    s3_body,
    s3_record,
    seconds,
)

KEY = "d/a.csv"
WAYS = ("done", "rejected", "retry", "dies", "dies with outputs", "answer lost", "busy", "no header")


class Crash(BaseException):
    """The function's environment is gone."""


class FaultError(Exception):
    """AWS did not answer."""


class Fuse:
    """Wraps the edges: after so many calls of all of them together, one raises; before each, others may act."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.error: type[BaseException] = Crash
        self.others: Callable[[], None] | None = None

    def around(self, edge: object) -> Any:
        fuse = self

        class Wrapped:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(*arguments: Any, **named: Any) -> Any:
                    fuse.burn()
                    return getattr(edge, name)(*arguments, **named)

                return call

        return Wrapped()

    def burn(self) -> None:
        if self.others:
            others, self.others = self.others, None
            others()
            self.others = others
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise self.error


@dataclasses.dataclass
class Queued:
    """A message in the queue."""

    body: str
    visible_at: dt.datetime
    sent_at: dt.datetime


class World:
    """The bucket, the queue, the fleet and the dispatcher."""

    def __init__(self, ledger: FakeLedger, objects: FakeObjects) -> None:
        self.clock, self.ledger, self.objects, self.messages = Clock(), ledger, objects, FakeMessages()
        self.fuse = Fuse()
        self.queue: list[Queued] = []
        self.history: list[str] = []
        self.gone: set[str] = set()
        self.unseen: set[str] = set()
        """Versions whose arrival may have been told to nobody before they were gone."""
        self.ways: list[str] = []
        self.processor = FakeProcessor(self.process)
        fused = self.fuse.around(ledger)
        self.dispatcher = Dispatcher(
            fused,
            self.fuse.around(self.messages),
            self.fuse.around(self.processor),
            Settler(fused, self.fuse.around(objects), self.clock),
            RAW,
            1000,
            self.clock,
            lambda: 0.5,
        )

    def announce(self, name: str, version: str, *, sequencer: bool = True, copies: int = 1) -> None:
        place = f"{self.history.index(version) + 1:02}" if sequencer else None
        body = s3_body(s3_record(name, KEY, version, place))
        for _ in range(copies):
            self.send(body)

    def send(self, body: str) -> None:
        self.queue.append(Queued(body, self.clock(), self.clock()))

    def put(self, *, marker: bool = False, sequencer: bool = True, copies: int = 1) -> None:
        version = f"{'m' if marker else 'v'}{len(self.history)}"
        self.history.append(version)
        self.objects.listing.setdefault(KEY, []).insert(0, version)
        name = "ObjectRemoved:DeleteMarkerCreated" if marker else "ObjectCreated:Put"
        self.announce(name, version, sequencer=sequencer, copies=copies)

    def remove(self, index: int) -> None:
        left = [version for version in self.history if version not in self.gone]
        if left:
            version = left[index % len(left)]
            self.gone.add(version)
            self.objects.listing[KEY].remove(version)
            self.announce("ObjectRemoved:Delete", version)

    def redrive(self) -> None:
        """Send the dead-letter queue's messages again, as the operator's verb will."""
        for body, _ in self.messages.given_up:
            (event,) = parse_message(body, RAW)
            item = self.ledger.read(KEY, event.version_id)
            if item.status is Status.FAILED:
                fresh = dataclasses.replace(item, attempt_limit=item.attempt + 5, dead_lettered=False)
                self.ledger.put(dataclasses.replace(fresh, status=Status.RECEIVED))
                self.send(body)
        self.messages.given_up = []

    def deliver(self, index: int) -> None:
        """Deliver a message whether it is due or not: at least once means at any time."""
        if not self.queue:
            return
        message = self.queue[index % len(self.queue)]
        self.processor.jobs.clear()
        try:
            if self.dispatcher.handle(queue_message(message.body), Invocation("r", self.clock() + seconds(900))):
                self.queue.remove(message)
            else:
                message.visible_at = self.clock() + seconds(self.messages.back[-1][1])
        except (Crash, FaultError):
            message.visible_at = self.clock() + seconds(960)
        assert len(self.processor.jobs) <= 1

    def process(self, job: Job) -> Answer:
        way = self.ways.pop(0) if self.ways else "done"
        item = self.ledger.read(KEY, job.version_id)
        if item.final:
            return Finished({"status": item.status})
        free = item.lease_until is None or item.lease_until <= self.clock() - seconds(10)
        if way == "busy" or not free or item.attempt != job.attempt - 1 or item.attempt >= item.attempt_limit:
            return Busy("full") if way == "busy" else Unclear("409")
        until = self.clock() + seconds(60)
        item = self.ledger.put(
            dataclasses.replace(
                item, status=Status.PROCESSING, attempt=job.attempt, lease_until=until, started_at=self.clock()
            )
        )
        return self.run(item, "rejected" if job.version_id in self.gone else way)

    def run(self, item: WorkItem, way: str) -> Answer:
        if way == "retry":
            self.ledger.put(dataclasses.replace(item, lease_until=self.clock()))
            return AskedAgain(ErrorCode.INTERNAL, "broke")
        if way in ("done", "answer lost", "dies with outputs"):
            for output in self.outputs(item):
                self.ledger.record(KEY, item.version_id, output, item.attempt)
            for output in self.outputs(item):
                self.put_output(output)
        if way.startswith("dies"):
            return Unclear("silence")
        status = Status.REJECTED if way == "rejected" else Status.PROCESSED
        self.finish(item, status)
        if way == "no header":
            return Busy("no header")
        return Unclear("cut") if way == "answer lost" else Finished({"status": status})

    def outputs(self, item: WorkItem) -> list[str]:
        """The processed keys that an attempt makes: an earlier one may have had another table."""
        return [f"{item.version_id}/{table}" for table in ("main", f"only-{item.attempt % 2}")]

    def put_output(self, output: str) -> None:
        self.objects.visible.add(output)

    def finish(self, item: WorkItem, status: Status) -> None:
        self.ledger.put(dataclasses.replace(item, status=status, lease_until=None))

    def check(self) -> None:
        items = {item.version_id: item for item in self.ledger.items(KEY)}
        assert set(self.history) - self.unseen <= items.keys() <= set(self.history)
        assert {name for name, item in items.items() if item.removed} == self.gone & items.keys()
        counting = [
            items[name]
            for name in self.history
            if name not in self.gone and items[name].status in (Status.PROCESSED, Status.DELETED)
        ]
        winner = counting[-1] if counting else None
        outputs = self.ledger.outputs(winner) if winner else []
        wanted = {output.key for output in outputs if winner and output.attempt == winner.attempt}
        assert self.objects.visible == wanted
        assert all(item.final for name, item in items.items() if name not in self.unseen)
        failed = {name for name, item in items.items() if item.status is Status.FAILED}
        told = {parse_message(body, RAW)[0].version_id for body, _ in self.messages.given_up}
        assert failed <= told
        assert all(items[name].dead_lettered for name in failed)
        assert all(item.attempt <= item.attempt_limit for item in items.values())


class Director:
    """Makes up a history: how good the fleet's day is, what users do, when something breaks."""

    def __init__(self, random: Random, world: World) -> None:
        self.random, self.world = random, world
        self.health = random.choice((0.0, 0.2, 0.5, 0.9))
        self.calm = random.choice((0.3, 0.7, 1.0))
        self.eager = random.choice((0.2, 0.6))
        self.ways: tuple[str, ...] = WAYS

    def step(self) -> None:
        world, random = self.world, self.random
        if world.queue and random.random() < self.eager:
            self.deliver(random.randrange(len(world.queue)))
            return
        match random.choice(("put", "put", "put", "marker", "remove", "wait", "wait", "redrive")):
            case "put":
                world.put(sequencer=random.random() < 0.8, copies=random.choice((1, 1, 2)))
            case "marker":
                world.put(marker=True, sequencer=random.random() < 0.8)
            case "remove":
                world.remove(random.randrange(10))
            case "wait":
                world.clock.pass_by(random.choice((1, 30, 71, 1000)))
            case _:
                world.redrive()

    def deliver(self, index: int) -> None:
        world, random = self.world, self.random
        world.ways = ["done" if random.random() < self.health else random.choice(self.ways)]
        world.fuse.error = random.choice((Crash, FaultError))
        world.fuse.left = None if random.random() < self.calm else random.randrange(14)
        world.deliver(index)
        world.ways, world.fuse.left = [], None

    def drain(self) -> None:
        world = self.world
        for count in range(1000):
            if not world.queue:
                return
            world.queue.sort(key=lambda message: message.visible_at)
            world.clock.now = max(world.clock(), world.queue[0].visible_at)
            self.health, self.calm = (self.health, self.calm) if count < 100 else (0.9, 0.9)
            self.deliver(0)
        raise AssertionError(f"the queue never empties: {world.queue}")
