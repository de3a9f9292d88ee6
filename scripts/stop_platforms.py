"""Stops every local platform in .local/, with the standard library alone: the environments may be gone already."""

from __future__ import annotations

import sys
from pathlib import Path

from local import processes

ROOT = Path(__file__).resolve().parent.parent
GRACE_SECONDS = 30.0
# Processors before their metadata, and both before the embedded AWS that they call.
STOPPED_IN_ORDER = ("fleet/processor-*.pid", "fleet/metadata-*.pid", "ministack.pid")


def stop_platform(folder: Path) -> int:
    """Stop what one platform started.

    Args:
        folder: its state, `.local/<port>`.

    Returns:
        How many processes were stopped.
    """
    stopped = 0
    with processes.exclusive(folder / "lock"):
        for pattern in STOPPED_IN_ORDER:
            files = sorted(folder.glob(pattern))
            alive = [record for record in map(processes.read_record, files) if record and record.alive]
            processes.terminate(alive)
            for record in alive:
                processes.stop(record, grace_seconds=GRACE_SECONDS)
            for file in files:
                file.unlink()
            stopped += len(alive)
    return stopped


def main(root: Path = ROOT) -> int:
    """Stop the platforms of every port and say which ones ran."""
    for folder in sorted(path for path in root.glob(".local/*") if path.is_dir()):
        if stopped := stop_platform(folder):
            print(f"Stopped the local platform on port {folder.name}: {stopped} process{'es' if stopped > 1 else ''}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
