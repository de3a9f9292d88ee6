"""The local fleet: processors as separate processes, each with an address and a metadata service of its own."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from local import http, processes
from local.deployment import Deployment, InstanceRole
from local.errors import LocalPlatformError
from local.layout import (
    ACCOUNT_ID,
    MAXIMUM_PROCESSORS,
    METADATA_PORT,
    PROCESSOR_PORT,
    REGION,
    Layout,
    require_interpreter,
)
from local.metadata import Instance, instance_id
from local.processes import ProcessRecord
from local.sockets import owner_of_port

READY_SECONDS = 60.0
METADATA_SECONDS = 30.0
STOP_SECONDS = 30.0
PORT_SECONDS = 2.0


@dataclass(frozen=True)
class Processor:
    """One processor of the fleet as it stands now."""

    number: int
    address: str
    instance_id: str
    pid: int | None
    metadata_pid: int | None
    uptime_seconds: float
    log: Path

    @property
    def alive(self) -> bool:
        """Whether its process and its metadata service both run."""
        return self.pid is not None and self.metadata_pid is not None


@dataclass(frozen=True)
class Fleet:
    """Starts, stops and describes the processors of one platform.

    Args:
        layout: its files and addresses.
        deployment: what the roles deployed.
        say: receives one sentence for each step.
        processor_endpoint: where the processors reach AWS if not at the embedded AWS itself, for tests with faults.
    """

    layout: Layout
    deployment: Deployment
    say: Callable[[str], None]
    processor_endpoint: str = ""

    def processors(self) -> list[Processor]:
        """Return every processor that was started and not stopped, dead ones too."""
        numbers = {int(path.stem.rpartition("-")[2]) for path in self._folder.glob("*-*.pid")}
        return [self._processor(number) for number in sorted(numbers)]

    def up(self, count: int) -> list[Processor]:
        """Run exactly `count` processors, ready and registered; one that runs with the same inputs is left alone.

        Args:
            count: how many, from 0 to 200.

        Raises:
            LocalPlatformError: if the platform is not deployed or a processor does not become ready.
        """
        if not 0 <= count <= MAXIMUM_PROCESSORS:
            raise LocalPlatformError(f"{count} processors cannot be run: ask for 0 to {MAXIMUM_PROCESSORS}.")
        require_interpreter(self.layout.processor_python, "a processor")
        self._stop([item.number for item in self.processors() if item.number >= count])
        role = self.deployment.instance_role() if count else None
        started = [number for number in range(count) if role and self._start(number, role)]
        for number in started:
            self._wait_until_ready(number)
        if count:
            self.deployment.register([self.layout.address(number) for number in range(count)])
        if count and not started:
            self.say(f"The fleet of {count} processors runs already.")
        return self.processors()

    def down(self) -> None:
        """Deregister and stop every processor."""
        self._stop([item.number for item in self.processors()])

    def _start(self, number: int, role: InstanceRole) -> bool:
        """Start what is missing of a processor and return whether its process is a new one."""
        metadata_new = self._start_metadata(number, role)
        environment = self._environment(number)
        fingerprint = self._fingerprint(environment, role)
        record = processes.read_record(self._pid_file("processor", number))
        if record and record.alive:
            if record.details.get("fingerprint") == fingerprint and not metadata_new:
                return False
            self.say(f"Processor {number} runs with older code, settings or role: replacing it.")
            processes.stop(record, grace_seconds=STOP_SECONDS)
        elif record:
            self.say(f"Processor {number} (pid {record.pid}) had ended: starting it again.")
        scratch = Path(environment["ESTANCIA_SCRATCH_DIR"])
        self._require_free(number, PROCESSOR_PORT)
        # A new instance comes with a blank volume.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        processes.start_detached(
            [str(self.layout.processor_python), "-m", "estancia_processor"],
            environment=environment,
            folder=scratch,
            log=self._log(number),
            pid_file=self._pid_file("processor", number),
            details={"fingerprint": fingerprint},
        )
        self.say(f"Processor {number} starts on {self.layout.address(number)}:{PROCESSOR_PORT}.")
        return True

    def _start_metadata(self, number: int, role: InstanceRole) -> bool:
        """Start the metadata service of a processor unless the right one runs; return whether it is a new one."""
        address = self.layout.address(number)
        description = json.dumps(self._instance(address, role), sort_keys=True)
        pid_file = self._pid_file("metadata", number)
        record = processes.read_record(pid_file)
        if record and record.alive:
            if record.details.get("instance") == description:
                return False
            processes.stop(record, grace_seconds=2)
        self._require_free(number, METADATA_PORT)
        log = self.layout.state / f"metadata-{number}.log"
        started = processes.start_detached(
            [sys.executable, "-m", "local.metadata_process", description],
            environment={**_base_environment(), **self.deployment.environment},
            folder=self.layout.root,
            log=log,
            pid_file=pid_file,
            details={"instance": description},
        )
        url = f"http://{address}:{METADATA_PORT}/latest/"
        up = processes.wait_until(lambda: not started.alive or http.status(url) == 401, METADATA_SECONDS)
        if not up or not started.alive:
            raise LocalPlatformError(
                f"The metadata service of processor {number} did not come up on {address}:{METADATA_PORT}.\n"
                f"{processes.tail(log)}"
            )
        return True

    def _require_free(self, number: int, port: int) -> None:
        """Raise LocalPlatformError if somebody else listens where a processor or its metadata is to."""
        address = self.layout.address(number)
        if not processes.wait_until(lambda: owner_of_port(port, address) is None, PORT_SECONDS):
            raise LocalPlatformError(
                f"{address}:{port}, which processor {number} needs, is in use by {owner_of_port(port, address)}: "
                "stop that, or choose another platform with ESTANCIA_LOCAL_PORT."
            )

    def _instance(self, address: str, role: InstanceRole) -> dict[str, str]:
        instance = Instance(
            address=address,
            region=REGION,
            account_id=ACCOUNT_ID,
            profile_arn=role.profile_arn,
            profile_id=role.profile_id,
            role_name=role.role_name,
            image_id=role.image_id,
        )
        return {**asdict(instance), "endpoint": self.layout.endpoint, "role_arn": role.role_arn}

    def _environment(self, number: int) -> dict[str, str]:
        """Return what the instance's own start-up would set: no credentials, they come from the metadata service."""
        address = self.layout.address(number)
        scratch = self._scratch(number)
        return {
            **_base_environment(),
            **self.deployment.processor_settings(address),
            # Neither the user's profile nor the user's AWS files are the processor's.
            "HOME": str(scratch),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{address}:{METADATA_PORT}/",
            "AWS_EC2_METADATA_V1_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.processor_endpoint or self.layout.endpoint,
            "ESTANCIA_SCRATCH_DIR": str(scratch),
            "ESTANCIA_LISTEN_HOST": address,
            "ESTANCIA_LISTEN_PORT": str(PROCESSOR_PORT),
            "PYTHONUNBUFFERED": "1",
        }

    def _fingerprint(self, environment: dict[str, str], role: InstanceRole) -> str:
        """Return a digest of all that a running processor holds and cannot change: environment, role and code."""
        sources = [
            (str(path), path.stat().st_mtime_ns)
            for folder in ("processor/src", "protocol/src")
            for path in sorted((self.layout.root / folder).rglob("*.py"))
        ]
        inputs = json.dumps([environment, asdict(role), sources], sort_keys=True)
        return hashlib.sha256(inputs.encode()).hexdigest()

    def _wait_until_ready(self, number: int) -> None:
        record = processes.read_record(self._pid_file("processor", number))
        url = f"http://{self.layout.address(number)}:{PROCESSOR_PORT}/readyz"
        ready = processes.wait_until(
            lambda: record is None or not record.alive or http.status(url) == 200, READY_SECONDS, pause_seconds=0.1
        )
        if record is None or not record.alive:
            raise LocalPlatformError(
                f"Processor {number} ended before it was ready.\n{processes.tail(self._log(number))}"
            )
        if not ready:
            raise LocalPlatformError(
                f"Processor {number} was not ready after {READY_SECONDS:.0f} s: GET {url} answered {http.status(url)}. "
                f"It was left running.\n{processes.tail(self._log(number))}"
            )
        self.say(f"Processor {number} is ready.")

    def _stop(self, numbers: list[int]) -> None:
        if not numbers:
            return
        try:
            self.deployment.deregister([self.layout.address(number) for number in numbers])
        except (LocalPlatformError, OSError) as error:
            self.say(f"The processors could not be deregistered: {error}")
        for kind, grace in (("processor", STOP_SECONDS), ("metadata", 2.0)):
            self._stop_all(kind, numbers, grace)
        for number in numbers:
            shutil.rmtree(self._scratch(number), ignore_errors=True)

    def _stop_all(self, kind: str, numbers: list[int], grace_seconds: float) -> None:
        records = {number: processes.read_record(self._pid_file(kind, number)) for number in numbers}
        running = [record for record in records.values() if record and record.alive]
        processes.terminate(running)
        for number, record in records.items():
            if record and record.alive and not processes.stop(record, grace_seconds=grace_seconds):
                self.say(f"{kind.capitalize()} {number} did not end in {grace_seconds:.0f} s and was killed.")
            self._pid_file(kind, number).unlink(missing_ok=True)

    def _processor(self, number: int) -> Processor:
        process = _running(self._pid_file("processor", number))
        metadata = _running(self._pid_file("metadata", number))
        address = self.layout.address(number)
        return Processor(
            number=number,
            address=address,
            instance_id=instance_id(address),
            pid=process.pid if process else None,
            metadata_pid=metadata.pid if metadata else None,
            uptime_seconds=process.uptime_seconds if process else 0.0,
            log=self._log(number),
        )

    @property
    def _folder(self) -> Path:
        return self.layout.state / "fleet"

    def _scratch(self, number: int) -> Path:
        return self.layout.state / "scratch" / instance_id(self.layout.address(number))

    def _pid_file(self, kind: str, number: int) -> Path:
        return self._folder / f"{kind}-{number}.pid"

    def _log(self, number: int) -> Path:
        return self.layout.state / f"processor-{number}.log"


def _running(pid_file: Path) -> ProcessRecord | None:
    record = processes.read_record(pid_file)
    return record if record and record.alive else None


def _base_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
