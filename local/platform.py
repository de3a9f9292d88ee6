"""The Python interface of the local platform, for the demo and the tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from local import processes
from local.deployment import Deployment
from local.emulator import Emulator
from local.errors import LocalPlatformError
from local.fleet import Fleet, Processor
from local.layout import DEFAULT_NAME, PROJECT_ROOT, REGION, Layout, port_from_environment


@dataclass(frozen=True)
class Status:
    """What runs of a platform: `problem` says why it does not, with the remedy."""

    endpoint: str
    running: bool
    pid: int | None
    uptime_seconds: float
    problem: str
    processors: list[Processor]
    target_health: dict[str, str]


@dataclass(frozen=True)
class LocalPlatform:
    """The embedded AWS and the fleet that listen below one port.

    Args:
        port: the embedded AWS's port; by default what `ESTANCIA_LOCAL_PORT` says, else 4566.
        root: the project's folder; its `.local/<port>/` holds the state.
        name: `estancia_name` of the deployment that the fleet belongs to.
        say: receives one sentence for each step.
        processor_endpoint: where the processors reach AWS if not at the embedded AWS itself, for tests with faults.
    """

    port: int = field(default_factory=port_from_environment)
    root: Path = PROJECT_ROOT
    name: str = DEFAULT_NAME
    say: Callable[[str], None] = field(default=lambda _: None)
    processor_endpoint: str = ""

    @property
    def layout(self) -> Layout:
        """The platform's files and addresses."""
        return Layout(self.port, self.root, self.name)

    @property
    def endpoint(self) -> str:
        """The URL that every AWS call goes to."""
        return self.layout.endpoint

    @property
    def processors(self) -> list[Processor]:
        """The fleet's processors, dead ones too."""
        return self._fleet.processors()

    def root_environment(self) -> dict[str, str]:
        """Return the variables that let boto3 and Ansible reach the embedded AWS as its root principal."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def up(self, *, corrected: bool = True) -> bool:
        """Start the embedded AWS unless it runs, and wait until it answers.

        Args:
            corrected: False starts bare ministack, for the tests of the corrections.

        Returns:
            Whether it was started now.

        Raises:
            LocalPlatformError: if it cannot be started; the text names the cause and the remedy.
        """
        with self._exclusive():
            running = self._emulator.running()
            if running is None:
                self._emulator.start(corrected=corrected)
            return running is None

    def down(self) -> None:
        """Stop the fleet, then the embedded AWS, which keeps its state."""
        with self._exclusive():
            self._fleet.down()
            self.say(self._emulator.stop())

    def restart(self) -> None:
        """Stop and start the embedded AWS alone, as after a fault; the fleet goes on."""
        with self._exclusive():
            self.say(self._emulator.stop())
            self._emulator.start()

    def status(self) -> Status:
        """Return what runs and how the targets are."""
        record = self._emulator.record()
        alive = record is not None and record.alive
        problem = ""
        if record is not None and not alive:
            problem = (
                f"The embedded AWS (pid {record.pid}) was killed or crashed. Its log: {self.layout.log}. "
                "Start it again: make local-up."
            )
        elif record is None:
            problem = "The embedded AWS does not run. Start it: make local-up."
        elif not self._emulator.healthy():
            problem = f"The embedded AWS (pid {record.pid}) runs but does not answer. Its log: {self.layout.log}."
        return Status(
            endpoint=self.endpoint,
            running=alive and not problem,
            pid=record.pid if record and alive else None,
            uptime_seconds=record.uptime_seconds if record and alive else 0.0,
            problem=problem,
            processors=self.processors,
            target_health=self._target_health() if alive and not problem else {},
        )

    def fleet_up(self, count: int) -> list[Processor]:
        """Run exactly `count` processors, ready and registered in the target group.

        Raises:
            LocalPlatformError: if the embedded AWS does not run, nothing is deployed, or one does not become ready.
        """
        with self._exclusive():
            if self._emulator.running() is None:
                raise LocalPlatformError("The embedded AWS does not run, so there is no fleet: make local-up first.")
            return self._fleet.up(count)

    def fleet_down(self) -> None:
        """Deregister and stop every processor."""
        with self._exclusive():
            self._fleet.down()

    @property
    def _emulator(self) -> Emulator:
        return Emulator(self.layout)

    @property
    def _fleet(self) -> Fleet:
        return Fleet(self.layout, self._deployment, self.say, self.processor_endpoint)

    @property
    def _deployment(self) -> Deployment:
        return Deployment(self.layout, self.root_environment())

    def _target_health(self) -> dict[str, str]:
        try:
            return self._deployment.target_health()
        except LocalPlatformError:
            return {}

    def _exclusive(self) -> AbstractContextManager[None]:
        return processes.exclusive(self.layout.state / "lock")
