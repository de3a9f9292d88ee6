"""The embedded AWS: ministack with our corrections, as a detached process on the loopback interface."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from local import http, processes
from local.errors import LocalPlatformError
from local.layout import ACCOUNT_ID, REGION, Layout, require_interpreter
from local.processes import ProcessRecord
from local.sockets import listeners_of, owner_of_port

START_SECONDS = 60
PORT_SECONDS = 2
STOP_SECONDS = 30


@dataclass(frozen=True)
class Emulator:
    """The embedded AWS of one layout."""

    layout: Layout

    @property
    def pid_file(self) -> Path:
        """Where the process is remembered."""
        return self.layout.state / "ministack.pid"

    def record(self) -> ProcessRecord | None:
        """Return what was last started, alive or not, or None if it was stopped in order."""
        return processes.read_record(self.pid_file)

    def running(self) -> ProcessRecord | None:
        """Return the process if it runs."""
        record = self.record()
        return record if record and record.alive else None

    def start(self, *, corrected: bool = True) -> ProcessRecord:
        """Start the embedded AWS and wait until it answers.

        Args:
            corrected: False starts bare ministack, as the tests of the corrections need it.

        Returns:
            The process, which may have been running already.

        Raises:
            LocalPlatformError: if the environment is missing, the port is taken, or it does not come up on loopback.
        """
        if running := self.running():
            return running
        python = require_interpreter(self.layout.emulator_python, "the embedded AWS")
        # A process killed a moment ago may still be giving its port back.
        if not processes.wait_until(lambda: owner_of_port(self.layout.port) is None, PORT_SECONDS):
            owner = owner_of_port(self.layout.port)
            raise LocalPlatformError(
                f"Port {self.layout.port} is in use by {owner}, which this platform did not start. "
                f"Stop it, or choose another port: ESTANCIA_LOCAL_PORT={self.layout.port + 1}."
            )
        self.layout.state.mkdir(parents=True, exist_ok=True)
        (self.layout.state / "tmp").mkdir(exist_ok=True)
        if self.layout.log.exists():
            self.layout.log.replace(self.layout.log.with_suffix(".log.1"))
        record = processes.start_detached(
            [str(python), "-m", "local.launcher" if corrected else "ministack"],
            environment=self._environment(),
            folder=self.layout.root,
            log=self.layout.log,
            pid_file=self.pid_file,
        )
        self._wait_until_ready(record)
        return record

    def stop(self) -> str:
        """Stop the embedded AWS, which saves its state, and return a sentence about it."""
        record = self.record()
        if record is None:
            return "The embedded AWS was not running."
        alive = record.alive
        in_order = not alive or processes.stop(record, grace_seconds=STOP_SECONDS)
        self.pid_file.unlink(missing_ok=True)
        shutil.rmtree(self.layout.state / "tmp", ignore_errors=True)
        if not alive:
            return f"The embedded AWS (pid {record.pid}) had already ended; see {self.layout.log}."
        if not in_order:
            return f"The embedded AWS had to be killed after {STOP_SECONDS} s: its last changes may be lost."
        return "The embedded AWS is stopped; its state is kept."

    def _environment(self) -> dict[str, str]:
        state = self.layout.state
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return inherited | {
            "AUTH": "true",
            "CLOUDTRAIL_RECORDING": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.layout.port),
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(state / "state"),
            "S3_DATA_DIR": str(state / "s3"),
            "TMPDIR": str(state / "tmp"),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            # Listeners of services that this platform does not use.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _wait_until_ready(self, record: ProcessRecord) -> None:
        answered = processes.wait_until(lambda: self.healthy() or not record.alive, START_SECONDS)
        if not answered or not record.alive:
            processes.stop(record, grace_seconds=1)
            self.pid_file.unlink(missing_ok=True)
            raise LocalPlatformError(
                f"The embedded AWS did not come up on port {self.layout.port}.\n{processes.tail(self.layout.log)}"
            )
        exposed = [item for item in listeners_of({record.pid}) if not item.loopback]
        if exposed:
            processes.stop(record, grace_seconds=1)
            self.pid_file.unlink(missing_ok=True)
            places = ", ".join(f"{item.address}:{item.port}" for item in exposed)
            raise LocalPlatformError(
                f"The embedded AWS listened on {places}, which other machines can reach, and was stopped. "
                "Its root credentials are known to all: check the environment that local/emulator.py gives it."
            )

    def healthy(self) -> bool:
        """Return whether it answers on its port."""
        return http.status(f"{self.layout.endpoint}/_ministack/health") == 200
