"""Events twice, late and in another order; objects overwritten, deleted, undeleted and removed at any moment."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.concurrency import concurrent
from tests.faults.events import created, deleted, removed
from tests.faults.rules import Hold, HoldAnswer, operation
from tests.waiting import until

OTHER = "a,b\n7,q\n"
OTHER_ROWS = [{"a": 7, "b": "q"}]
GONE = {"code": "GONE", "message": "This version of the object was removed before it could be read."}


@concurrent("production")
def test_the_same_event_twice_at_once(case: Case) -> Iterator[None]:
    version = case.put()
    yield
    event = created(case, version, 1)
    case.running.send(event, event)
    case.processed(version)
    for key in case.visible(version):
        assert len(case.versions(key)) == 1, "put once"


@concurrent("production")
def test_the_same_event_again_afterwards(case: Case) -> Iterator[None]:
    version = case.put()
    yield
    case.running.send(created(case, version, 1))
    before = case.processed(version)
    rule = case.at_function(operation("UpdateItem raw"), HoldAnswer())
    case.running.send(created(case, version, 1))
    case.reached(rule)
    rule.released.set()
    time.sleep(5)
    assert case.item(version) == before
    assert [len(case.versions(key)) for key in case.visible(version)] == [1, 1]


@concurrent("production")
def test_events_in_another_order(case: Case) -> Iterator[None]:
    """The newest version counts, though the event of the older one comes last."""
    older, newer = case.put(), case.put(OTHER)
    yield
    case.running.send(created(case, newer, 2))
    case.processed(newer, rows=OTHER_ROWS)
    case.running.send(created(case, older, 1))
    assert case.final(older)["status"] == "PROCESSED"
    case.hidden(older)
    case.processed(newer, rows=OTHER_ROWS)


@concurrent("production")
def test_a_delete_seen_before_its_create(case: Case) -> Iterator[None]:
    version = case.put()
    marker = case.delete()
    yield
    case.running.send(deleted(case, marker, 2))
    assert case.final(marker)["status"] == "DELETED"
    case.running.send(created(case, version, 1))
    assert case.final(version)["status"] == "PROCESSED"
    case.hidden(version)


@concurrent("production")
def test_a_removal_seen_before_its_create(case: Case) -> Iterator[None]:
    version = case.put()
    case.delete(version)
    yield
    case.running.send(removed(case, version, 2))
    until(lambda: "removed_at" in case.item(version), 120, "the removal is recorded")
    case.running.send(created(case, version, 1))
    item = case.final(version)
    assert (item["status"], item["error"], "removed_at" in item) == ("REJECTED", GONE, True)
    assert case.visible(version) == set()


@concurrent("production")
def test_an_event_that_comes_late(case: Case) -> Iterator[None]:
    """An event of a version that was overwritten and removed meanwhile changes nothing that is visible."""
    older, newer = case.put(), case.put(OTHER)
    case.delete(older)
    yield
    case.running.send(created(case, newer, 2), removed(case, older, 3))
    case.processed(newer, rows=OTHER_ROWS)
    case.running.send(created(case, older, 1))
    assert case.final(older)["error"] == GONE
    case.processed(newer, rows=OTHER_ROWS)


@concurrent("production")
def test_overwritten_while_it_is_read(case: Case) -> None:
    rule = case.at_processor(operation("GetObject"), HoldAnswer())
    older = case.put()
    case.reached(rule)
    newer = case.put(OTHER)
    case.processed(newer, rows=OTHER_ROWS)
    rule.released.set()
    assert case.final(older)["status"] == "PROCESSED"
    case.hidden(older)
    case.processed(newer, rows=OTHER_ROWS)


@concurrent("production")
def test_deleted_while_it_is_read(case: Case) -> None:
    rule = case.at_processor(operation("GetObject"), HoldAnswer())
    version = case.put()
    case.reached(rule)
    marker = case.delete()
    assert case.final(marker)["status"] == "DELETED"
    rule.released.set()
    assert case.final(version)["status"] == "PROCESSED"
    case.hidden(version)


@concurrent("production")
def test_deleted_before_it_is_read(case: Case) -> None:
    """The version is read by its id, whatever lies over it; what was made of it is hidden."""
    rule = case.at_processor(operation("GetObject"), Hold())
    version = case.put()
    case.reached(rule)
    marker = case.delete()
    rule.released.set()
    assert case.final(version)["status"] == "PROCESSED"
    assert case.final(marker)["status"] == "DELETED"
    case.hidden(version)


@concurrent("production")
def test_deleted_afterwards_and_undeleted(case: Case) -> None:
    """The outputs were retired, so the version that counts again is processed again, as a second attempt."""
    version = case.put()
    case.processed(version)
    marker = case.delete()
    case.hidden(version)
    case.delete(marker)
    until(lambda: int(case.item(version)["attempt"]) == 2, 120, "it is processed again")
    item = case.processed(version, attempt=2)
    assert (item["attempt_limit"], "removed_at" in case.item(marker)) == (6, True)


@concurrent("production")
def test_removed_for_good_before_it_is_read(case: Case) -> None:
    rule = case.at_processor(operation("GetObject"), Hold())
    version = case.put()
    case.reached(rule)
    case.delete(version)
    rule.released.set()
    assert case.final(version)["error"] == GONE
    assert case.visible(version) == set()
    until(lambda: "removed_at" in case.item(version), 120, "the removal is recorded")


@concurrent("production")
def test_removed_for_good_while_it_is_read(case: Case) -> None:
    rule = case.at_processor(operation("GetObject"), HoldAnswer())
    version = case.put()
    case.reached(rule)
    case.delete(version)
    rule.released.set()
    assert case.final(version)["status"] == "PROCESSED"
    case.hidden(version)
    assert "removed_at" in case.item(version)


@concurrent("production")
def test_the_newest_removed_for_good(case: Case) -> None:
    """The version before it counts again."""
    older = case.put()
    case.processed(older)
    newer = case.put(OTHER)
    case.processed(newer, rows=OTHER_ROWS)
    case.hidden(older)
    case.delete(newer)
    case.hidden(newer)
    until(lambda: int(case.item(older)["attempt"]) == 2, 120, "it is processed again")
    case.processed(older, attempt=2)
