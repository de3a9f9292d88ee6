"""`python -m estancia_processor`: serves until SIGTERM, then finishes its jobs."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from pathlib import Path
from typing import IO

from estancia_processor import app, config, instance, logs, server
from estancia_processor.errors import ConfigError

_log = logging.getLogger("estancia_processor")


def main() -> int:
    """Run the processor; return the exit status."""
    logs.configure()
    try:
        settings = config.load(os.environ)
        lock = _lock(settings.scratch_dir)
        instance_id = instance.InstanceId().fetch()
    except ConfigError as error:
        _log.error("cannot start: %s", error)
        return 2
    with lock:
        application = app.build(settings, instance_id)
        for name in application.runner.clean():
            _log.info("removed the leftover %s", name)
        server.serve(application, settings)
    return 0


def _lock(scratch: Path) -> IO[bytes]:
    """Keep other processes off the scratch folder for as long as the file is open."""
    lock = (scratch / ".lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        message = f"ESTANCIA_SCRATCH_DIR={scratch} is used by another process; give each a folder of its own"
        raise ConfigError(message) from error
    return lock


if __name__ == "__main__":
    sys.exit(main())
