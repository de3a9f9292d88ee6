"""What shows against what is recorded: each difference put right once on the real calls, and nothing else touched."""

from __future__ import annotations

import pytest

from estancia_protocol.names import work_id
from estancia_protocol.status import Status
from tests.integration.sweep.conftest import Stage

KEY = "d/2024 a+b/ñ.csv"
DONE = {"complete": True}


def winner(stage: Stage, attempt: int = 1) -> tuple[str, str]:
    """A processed version of the key with one output that shows; return the version and the processed key."""
    version = stage.put(KEY)
    return version, stage.output(stage.item(KEY, version, Status.PROCESSED, sequencer="01", attempt=attempt))


def versions(stage: Stage, key: str) -> list[str]:
    return [
        entry.version_id for page in stage.objects.outputs("") for group in page for entry in group if entry.key == key
    ]


def test_what_a_woken_worker_put_is_removed_so_that_the_right_version_shows(stage: Stage) -> None:
    _, key = winner(stage, attempt=2)
    right = versions(stage, key)
    stage.put_output(key, b"woken")
    stage.put_output(key, b"woken again")
    assert stage.sweep() == {"versions_removed": 2} | DONE
    assert stage.visible() == {key: b"right"}
    assert versions(stage, key) == right
    assert stage.sweep() == DONE


def test_a_late_delete_marker_on_a_winner_s_output_is_removed(stage: Stage) -> None:
    _, key = winner(stage)
    right = versions(stage, key)
    stage.objects.hide(key)
    stage.put_output(key, b"woken")
    stage.objects.hide(key)
    assert stage.sweep() == {"versions_removed": 1, "shown": 2} | DONE
    assert stage.visible() == {key: b"right"}
    assert versions(stage, key) == right
    assert stage.sweep() == DONE


def test_what_a_woken_worker_put_over_a_hidden_output_is_hidden_again(stage: Stage) -> None:
    _, key = winner(stage)
    newer = stage.put(KEY)
    shown = stage.output(stage.item(KEY, newer, Status.PROCESSED, sequencer="02"))
    assert stage.sweep() == {"hidden": 1} | DONE
    stage.put_output(key, b"woken")
    assert stage.sweep() == {"hidden": 1} | DONE
    assert stage.visible() == {shown: b"right"}
    assert len(versions(stage, key)) == 4
    assert stage.sweep() == DONE


def test_an_output_of_another_attempt_than_the_one_that_finished_is_hidden(stage: Stage) -> None:
    version, key = winner(stage, attempt=2)
    item = stage.read(KEY, version)
    lost = stage.output(
        stage.item(KEY, version, Status.PROCESSED, sequencer="01", attempt=1), "data/d/extra/{}.parquet"
    )
    stage.item(KEY, version, Status.PROCESSED, sequencer="01", attempt=item.attempt)
    assert set(stage.visible()) == {key, lost}
    assert stage.sweep() == {"hidden": 1} | DONE
    assert set(stage.visible()) == {key}
    assert stage.sweep() == DONE


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.PROCESSING])
def test_outputs_of_unfinished_work_are_left_alone(stage: Stage, status: Status) -> None:
    version, key = winner(stage)
    stage.item(KEY, version, status, sequencer="01", age=stage.now - stage.now)
    stage.put_output(key, b"being made")
    assert stage.sweep() == DONE
    assert stage.visible() == {key: b"being made"}


def test_an_object_that_nobody_recorded_and_a_lost_version_are_left_alone(stage: Stage) -> None:
    _, key = winner(stage)
    (right,) = versions(stage, key)
    stage.put_output(key, b"woken")
    stage.objects.remove_version(key, right)
    foreign = f"data/d/main/{work_id('d/b', 'v')}.parquet"
    stage.put_output(foreign, b"foreign")
    stage.put_output("elsewhere/x", b"elsewhere")
    assert stage.sweep() == DONE
    assert stage.visible() == {key: b"woken", foreign: b"foreign", "elsewhere/x": b"elsewhere"}


def test_removing_a_version_twice_is_no_error(stage: Stage) -> None:
    _, key = winner(stage)
    woken = stage.put_output(key, b"woken")
    stage.objects.remove_version(key, woken)
    stage.objects.remove_version(key, woken)
    assert stage.visible() == {key: b"right"}
