"""What is done for a message, with fakes for the world."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field

import pytest

from dispatcher.ports import Answer, AskedAgain, Busy, Finished, NotAJob, Unclear
from dispatcher.work import Dispatcher, Invocation
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

CREATED = s3_record("ObjectCreated:Put", "d/a.csv", "v1")
BUSY_AT_ONCE = 5


@dataclass
class World:
    """A dispatcher and all that it touches."""

    clock: Clock = field(default_factory=Clock)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    objects: FakeObjects = field(default_factory=FakeObjects)
    messages: FakeMessages = field(default_factory=FakeMessages)
    answer: Answer = field(default_factory=lambda: Busy("full"))
    then: WorkItem | None = None
    """The item as the processor leaves it."""

    def __post_init__(self) -> None:
        self.processor = FakeProcessor(self._answer)
        settler = Settler(self.ledger, self.objects, self.clock)
        self.dispatcher = Dispatcher(
            self.ledger, self.messages, self.processor, settler, RAW, 1000, self.clock, lambda: 0.5
        )

    def _answer(self, _: Job) -> Answer:
        if self.then:
            self.ledger.put(self.then)
        return self.answer

    def deliver(self, *records: dict[str, object], sent_at: dt.datetime | None = None) -> int | None:
        """Deliver a message of these records; return the delay that it was handed back with, None when it is done."""
        return self.deliver_body(s3_body(*records), sent_at)

    def deliver_body(self, body: str, sent_at: dt.datetime | None = None) -> int | None:
        invocation = Invocation("request-1", self.clock() + seconds(900))
        done = self.dispatcher.handle(queue_message(body, sent_at or self.clock()), invocation)
        return None if done else self.messages.back[-1][1]

    def item(self, version_id: str = "v1") -> WorkItem:
        return self.ledger.work["d/a.csv", version_id]

    def have(self, status: Status, attempt: int = 1, lease: float | None = None, limit: int = 5) -> None:
        until = None if lease is None else self.clock() + seconds(lease)
        self.ledger.put(WorkItem("d/a.csv", "v1", status, attempt, limit, until, "01", 10, "e", "principal:x"))


@pytest.fixture
def world() -> World:
    return World()


def processed(attempt: int = 1) -> WorkItem:
    return WorkItem("d/a.csv", "v1", Status.PROCESSED, attempt, sequencer="01")


def test_a_new_object_becomes_a_job_and_its_message_goes_with_the_outcome(world: World) -> None:
    world.answer, world.then = Finished({"status": "PROCESSED"}), processed()
    assert world.deliver(CREATED) is None
    deadline = world.clock() + seconds(870)
    assert world.processor.jobs == [Job("d/a.csv", "v1", 1, deadline, "request-1")]
    assert world.processor.patience == [890]


def test_the_item_is_written_before_the_job_is_posted(world: World) -> None:
    seen: list[Status | None] = []

    def answer(_: Job) -> Answer:
        seen.append(world.item().status)
        return Busy("full")

    world.processor.answer = answer
    world.deliver(CREATED)
    assert seen == [Status.RECEIVED]


@pytest.mark.parametrize(("age", "delay"), [(0, 5), (100, 25), (86400, 1200)])
def test_a_busy_fleet_hands_back_for_a_quarter_of_the_messages_age(world: World, age: int, delay: int) -> None:
    assert world.deliver(CREATED, sent_at=world.clock() - seconds(age)) == delay
    assert world.item().attempt == 0


@pytest.mark.parametrize(("retry_after", "delay"), [(3, BUSY_AT_ONCE), (30, 30), (10**9, 1200)])
def test_a_busy_fleet_may_ask_for_more_time(world: World, retry_after: int, delay: int) -> None:
    world.answer = Busy("draining", retry_after)
    assert world.deliver(CREATED) == delay


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_retry_comes_back_later_with_each_attempt(world: World, attempt: int) -> None:
    world.have(Status.PROCESSING, attempt - 1, lease=-11)
    world.answer = AskedAgain(ErrorCode.INTERNAL, "broke")
    assert world.deliver(CREATED) == 15 * attempt
    assert world.processor.jobs[0].attempt == attempt


def test_a_job_that_is_refused_is_handed_back(world: World) -> None:
    world.answer = NotAJob("no item")
    assert world.deliver(CREATED) == BUSY_AT_ONCE


def test_anothers_lease_is_waited_for_without_a_post(world: World) -> None:
    world.have(Status.PROCESSING, lease=30)
    assert world.deliver(CREATED) == 40
    assert world.processor.jobs == []


def test_a_lost_attempt_is_waited_for_until_its_lease_is_over(world: World) -> None:
    world.answer = Unclear("silence")
    world.then = WorkItem("d/a.csv", "v1", Status.PROCESSING, 1, lease_until=world.clock() + seconds(44))
    assert world.deliver(CREATED) == 54


def test_a_lost_stream_whose_job_was_finished_is_settled_at_once(world: World) -> None:
    world.answer, world.then = Unclear("cut"), processed()
    assert world.deliver(CREATED) is None


def test_an_attempt_that_never_started_is_busy_and_never_posted_twice(world: World) -> None:
    world.answer = Unclear("409", retry_after=20)
    assert world.deliver(CREATED) == 20
    assert len(world.processor.jobs) == 1


@pytest.mark.parametrize("status", [Status.PROCESSED, Status.REJECTED, Status.DELETED, Status.EXPIRED])
def test_a_message_for_a_final_item_is_settled_and_done(world: World, status: Status) -> None:
    world.have(status)
    world.ledger.record("d/a.csv", "v1", "k-of-attempt-9", 9)
    assert world.deliver(CREATED) is None
    assert world.processor.jobs == []
    assert world.objects.hidden == (["k-of-attempt-9"] if status in (Status.PROCESSED, Status.REJECTED) else [])


def test_the_last_attempt_without_an_outcome_fails_the_item_and_tells_the_dead_letter_queue(world: World) -> None:
    world.have(Status.PROCESSING, attempt=5, lease=-11)
    assert world.deliver(CREATED) is None
    assert (world.item().status, world.item().dead_lettered) == (Status.FAILED, True)
    ((body, reason),) = world.messages.given_up
    assert json.loads(body)["Records"][0]["s3"]["object"]["versionId"] == "v1"
    assert reason == "failed after 5 attempts"


def test_the_limit_is_the_items_own(world: World) -> None:
    world.have(Status.PROCESSING, attempt=5, lease=-11, limit=10)
    world.deliver(CREATED)
    assert world.processor.jobs[0].attempt == 6


def test_an_item_that_changed_while_it_was_given_up_is_looked_at_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.have(Status.PROCESSING, attempt=5, lease=-11)
    monkeypatch.setattr(world.ledger, "fail", lambda *_: None)
    assert world.deliver(CREATED) == 10
    assert world.messages.given_up == []


def test_a_failed_item_whose_message_was_never_sent_is_sent_again(world: World) -> None:
    world.have(Status.FAILED, attempt=5)
    assert world.deliver(CREATED) is None
    assert len(world.messages.given_up) == 1
    assert world.deliver(CREATED) is None
    assert len(world.messages.given_up) == 1


def test_a_dead_letter_that_could_not_be_sent_is_not_noted_as_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.have(Status.PROCESSING, attempt=5, lease=-11)
    with monkeypatch.context() as patch:
        patch.setattr(world.messages, "give_up", lambda *_: 1 / 0)
        assert world.deliver(CREATED) == BUSY_AT_ONCE
    assert (world.item().status, world.item().dead_lettered) == (Status.FAILED, False)
    assert world.deliver(CREATED) is None
    assert world.item().dead_lettered
    assert len(world.messages.given_up) == 1


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (s3_record("ObjectCreated:Put", "nowhere", "v1"), Status.REJECTED),
        (s3_record("ObjectCreated:Put", "d/a.csv", "v1", size=0), Status.REJECTED),
        (s3_record("ObjectCreated:Put", "d/a.csv", "v1", size=1001), Status.REJECTED),
        (s3_record("ObjectRemoved:DeleteMarkerCreated", "d/a.csv", "v1"), Status.DELETED),
        (s3_record("LifecycleExpiration:DeleteMarkerCreated", "d/a.csv", "v1"), Status.EXPIRED),
    ],
)
def test_what_the_event_decides_needs_no_processor(world: World, record: dict[str, object], status: Status) -> None:
    assert world.deliver(record) is None
    assert [item.status for item in world.ledger.work.values()] == [status]
    assert world.processor.jobs == []


def test_a_test_event_is_done(world: World) -> None:
    assert world.deliver_body('{"Event": "s3:TestEvent"}') is None
    assert (world.messages.given_up, world.ledger.work) == ([], {})


def test_garbage_is_kept_for_a_person_and_not_tried_again(world: World) -> None:
    assert world.deliver_body("garbage") is None
    ((body, reason),) = world.messages.given_up
    assert body == "garbage"
    assert reason.startswith("refused: ")


def test_a_fault_of_aws_hands_the_message_back_soon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.ledger, "arrived", lambda *_: world.ledger.read("no", "such"))
    assert world.deliver(CREATED) == BUSY_AT_ONCE


def test_only_one_job_is_posted_for_a_message_of_several_records(world: World) -> None:
    world.answer, world.then = Finished({"status": "PROCESSED"}), processed()
    second = s3_record("ObjectCreated:Put", "d/b.csv", "v2")
    assert world.deliver(CREATED, second) == BUSY_AT_ONCE
    world.then = WorkItem("d/b.csv", "v2", Status.PROCESSED, 1, sequencer="01")
    assert world.deliver(CREATED, second) is None
    assert [job.key for job in world.processor.jobs] == ["d/a.csv", "d/b.csv"]


def test_a_removal_seen_first_is_kept_when_the_arrival_follows(world: World) -> None:
    assert world.deliver(s3_record("ObjectRemoved:Delete", "d/a.csv", "v1", "09")) is None
    assert (world.item().status, world.item().removed, world.item().sequencer) == (None, True, None)
    world.deliver(CREATED)
    assert (world.item().status, world.item().removed, world.item().sequencer) == (Status.RECEIVED, True, "01")


def test_a_late_event_adds_the_sequencer_that_an_item_lacks_and_overwrites_nothing(world: World) -> None:
    world.ledger.put(WorkItem("d/a.csv", "v1", Status.PROCESSED, 1, size=77))
    assert world.deliver(CREATED) is None
    assert (world.item().sequencer, world.item().size) == ("01", 77)


def test_an_undeleted_version_is_processed_again_and_its_message_kept_until_it_is(world: World) -> None:
    world.have(Status.PROCESSED, attempt=2)
    world.ledger.record("d/a.csv", "v1", "k", 2)
    world.objects.visible = {"k"}
    marker = ("d/a.csv", "m1", "02")
    world.deliver(s3_record("ObjectRemoved:DeleteMarkerCreated", *marker))
    assert world.objects.visible == set()

    undelete = s3_record("ObjectRemoved:Delete", *marker)
    assert world.deliver(undelete) == BUSY_AT_ONCE
    assert (world.item().status, world.item().attempt_limit) == (Status.RECEIVED, 7)
    assert world.processor.jobs[-1].attempt == 3

    world.have(Status.PROCESSING, 3, lease=30, limit=7)
    assert world.deliver(undelete) == 40
    world.answer, world.then = Finished({"status": "PROCESSED"}), processed(attempt=4)
    world.ledger.record("d/a.csv", "v1", "k", 4)
    world.clock.pass_by(40)
    assert world.deliver(undelete) is None
    assert world.deliver(undelete) is None
    assert [job.attempt for job in world.processor.jobs] == [3, 4]
