"""Set-up does again only what its locks ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.setup import SetupError, fingerprint, run, up_to_date


def test_a_changed_lock_is_seen(tmp_path: Path) -> None:
    lock, stamp = tmp_path / "group.txt", tmp_path / ".locked"
    lock.write_text("one==1\n")
    stamp.write_text(fingerprint(lock))
    assert up_to_date(stamp, fingerprint(lock))
    lock.write_text("one==2\n")
    assert not up_to_date(stamp, fingerprint(lock))


def test_a_failed_command_is_named_with_its_last_lines() -> None:
    with pytest.raises(SetupError, match=r"`sh -c echo no room; exit 3` failed with status 3:\nno room"):
        run("sh", "-c", "echo no room; exit 3")
