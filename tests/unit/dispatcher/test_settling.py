"""The edge that carries settling's plan out."""

from __future__ import annotations

import pytest

from estancia_functions.items import WorkItem
from estancia_functions.settling import Settler, UnsettledError
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status
from tests.unit.dispatcher.fakes import NOON, FakeLedger, FakeObjects

KEY = "d/a.csv"


class Stage:
    """A key with versions in order, each with one output, visible unless it is retired."""

    def __init__(self) -> None:
        self.ledger, self.objects = FakeLedger(), FakeObjects()
        self.settler = Settler(self.ledger, self.objects, lambda: NOON)

    def version(self, name: str, status: Status, *, retired: bool = False, sequencer: bool = True) -> None:
        place = f"{len(self.ledger.work) + 1:02}"
        self.ledger.put(WorkItem(KEY, name, status, 1, sequencer=place if sequencer else None))
        if status not in (Status.DELETED, Status.EXPIRED):
            self.ledger.record(KEY, name, f"out-{name}", 1, retired=retired)
            self.objects.visible |= set() if retired else {f"out-{name}"}

    def settle(self) -> list[str]:
        return [item.version_id for item in self.settler.settle(KEY)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_newest_version_hides_the_older_ones_and_a_second_settling_does_nothing(stage: Stage) -> None:
    for name in ("v1", "v2", "v3"):
        stage.version(name, Status.PROCESSED)
    assert stage.settle() == []
    assert stage.objects.visible == {"out-v3"}
    hidden = list(stage.objects.hidden)
    assert stage.settle() == []
    assert stage.objects.hidden == hidden
    assert stage.ledger.noted == [("retired_at", NOON)] * 2


def test_other_attempts_outputs_of_the_winner_are_hidden(stage: Stage) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.ledger.record(KEY, "v1", "half-done", 0)
    stage.settle()
    assert stage.objects.hidden == ["half-done"]


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.PROCESSING])
def test_outputs_of_unfinished_work_are_left_alone(stage: Stage, status: Status) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.version("v2", status)
    assert stage.settle() == []
    assert stage.objects.hidden == []


def test_a_crash_between_hiding_and_noting_ends_right(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.version("v2", Status.DELETED)
    with monkeypatch.context() as patch:
        patch.setattr(stage.ledger, "retire", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stage.settle()
    assert stage.objects.visible == set()
    assert stage.ledger.outputs(stage.ledger.read(KEY, "v1")) == [RecordedOutput("v1", "out-v1", 1, retired=False)]
    stage.settle()
    assert stage.ledger.outputs(stage.ledger.read(KEY, "v1")) == [RecordedOutput("v1", "out-v1", 1, retired=True)]


def test_a_winner_with_hidden_outputs_is_set_back(stage: Stage) -> None:
    stage.version("v1", Status.PROCESSED, retired=True)
    assert stage.settle() == ["v1"]
    assert stage.settle() == ["v1"]
    item = stage.ledger.read(KEY, "v1")
    assert (item.status, item.attempt, item.attempt_limit) == (Status.RECEIVED, 1, 6)


def test_an_undelete_brings_back_the_newest_version_alone(stage: Stage) -> None:
    for name in ("v1", "v2", "v3"):
        stage.version(name, Status.PROCESSED, retired=True)
    assert stage.settle() == ["v3"]
    assert stage.settle() == ["v3"]
    assert [item.status for item in stage.ledger.items(KEY)] == [Status.PROCESSED, Status.PROCESSED, Status.RECEIVED]


def test_a_removal_that_crosses_the_hiding_is_seen_by_the_next_look(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.version("m1", Status.DELETED)
    hide = stage.objects.hide

    def hide_while_the_marker_goes(key: str) -> None:
        hide(key)
        stage.ledger.put(WorkItem(KEY, "m1", Status.DELETED, sequencer="02", removed=True))

    monkeypatch.setattr(stage.objects, "hide", hide_while_the_marker_goes)
    assert stage.settle() == ["v1"]


def test_the_listing_is_read_only_where_sequencers_are_missing(stage: Stage) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.version("v2", Status.PROCESSED)
    stage.settle()
    assert stage.objects.listed == []


@pytest.mark.parametrize(("listing", "visible"), [(["v2", "v1"], {"out-v2"}), (["v1", "v2"], {"out-v1"})])
def test_without_a_sequencer_the_listing_orders(stage: Stage, listing: list[str], visible: set[str]) -> None:
    stage.version("v1", Status.PROCESSED, sequencer=False)
    stage.version("v2", Status.PROCESSED)
    stage.objects.listing[KEY] = listing
    stage.settle()
    assert stage.objects.visible == visible


def test_a_version_that_the_listing_no_longer_has_does_not_count(stage: Stage) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.version("v2", Status.PROCESSED, sequencer=False)
    stage.objects.listing[KEY] = ["v1"]
    stage.settle()
    assert stage.objects.visible == {"out-v1"}


def test_a_key_that_never_comes_to_rest_is_an_error(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.version("v1", Status.PROCESSED)
    stage.version("v2", Status.DELETED)
    monkeypatch.setattr(stage.ledger, "retire", lambda *_: None)
    with pytest.raises(UnsettledError, match=r"d/a\.csv"):
        stage.settle()
