"""One deployed stack for the session: provisioned by the real playbook on an embedded AWS of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from demo.files import Upload
from demo.outcomes import Outcome, put_and_wait
from local.deployment import role_credentials
from local.platform import LocalPlatform
from ops.stack import Stack
from tests.integration.path.account import Account
from tests.integration.path.holdings import Holdings, holdings
from tests.integration.path.state import State, at_rest
from tests.invariants import assert_invariants

ROOT = Path(__file__).resolve().parents[3]
PORT = int(os.environ.get("ESTANCIA_TEST_PORT", "4600"))
PROCESSORS = 2
PATIENCE = 90.0


@dataclass(frozen=True)
class Deployment:
    """The deployed stack, what runs it, and what its account held before anything was made."""

    platform: LocalPlatform
    stack: Stack
    at_first: Holdings

    def playbook(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """Run `ansible-playbook -i inventory/local <arguments>` as typed.

        Returns:
            Its exit status, the JSON of its statistics for localhost, and all that it printed.
        """
        return run_playbook(PORT, *arguments)

    def put(self, *uploads: Upload) -> list[Outcome]:
        """Upload files and wait for their outcomes."""
        return put_and_wait(self.stack, uploads, PATIENCE, lambda _key, _news: None)

    def sweep(self) -> dict[str, Any]:
        """Call the sweep, as its rule would, and return what it says."""
        functions = self.stack.session.client("lambda", endpoint_url=self.stack.endpoint)
        answer = functions.invoke(FunctionName=f"{self.stack.name}-sweep", Payload=b"{}")
        return read_json(answer["Payload"].read())

    def principal(self, name: str) -> boto3.Session:
        """Return a session with the credentials that the running dispatcher or a running processor holds."""
        if name == "processor":
            return boto3.Session(**role_credentials(self.platform.processors[0].address), region_name=self.stack.region)
        held = self._function_environment(f"{self.stack.name}-{name}")
        return boto3.Session(
            held["AWS_ACCESS_KEY_ID"],
            held["AWS_SECRET_ACCESS_KEY"],
            held["AWS_SESSION_TOKEN"],
            region_name=self.stack.region,
        )

    def _function_environment(self, function: str) -> dict[str, str]:
        for file in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                variables = environment_of(file)
                if (variables.get("AWS_LAMBDA_FUNCTION_NAME"), variables.get("GATEWAY_PORT")) == (function, str(PORT)):
                    return variables
        raise AssertionError(f"no process runs {function}; put a file first")


def run_playbook(port: int, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run `ansible-playbook -i inventory/local <arguments>` on the platform at a port, see `Deployment.playbook`."""
    environment = {**os.environ, "ESTANCIA_LOCAL_PORT": str(port)}
    command = [str(ROOT / ".venvs/main/bin/ansible-playbook"), "-i", "inventory/local", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, recap(done.stdout), done.stdout + done.stderr


def environment_of(file: Path) -> dict[str, str]:
    """Read a process's environment from `/proc/<pid>/environ`."""
    entries = file.read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def recap(text: str) -> dict[str, int]:
    """Return localhost's numbers of the PLAY RECAP."""
    (line,) = [line for line in text.splitlines() if line.startswith("localhost ") and "changed=" in line]
    return {name: int(number) for name, number in (pair.split("=") for pair in line.split(":")[1].split())}


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """The deployed stack, made from nothing and stopped at the end."""
    platform = LocalPlatform(PORT)
    platform.down()
    shutil.rmtree(ROOT / ".local" / str(PORT), ignore_errors=True)
    os.environ["ESTANCIA_LOCAL_PORT"] = str(PORT)
    platform.up()
    try:
        stack = Stack.from_inventory(ROOT / "inventory" / "local")
        deployed = Deployment(platform, stack, holdings(Account(stack)))
        status, numbers, text = deployed.playbook("site.yml")
        assert status == 0, text
        assert numbers["changed"] > 0
        platform.fleet_up(PROCESSORS)
        yield deployed
    finally:
        platform.down()


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[None]:
    """What every test ends with, but for those that say why not: the invariants hold for the whole account."""
    excused = request.node.get_closest_marker("without_invariants")
    assert excused is None or excused.args, "without_invariants lacks its reason"
    yield
    if excused is None:
        assert_invariants(deployment.stack)


@pytest.fixture(scope="module", autouse=True)
def invariants_at_the_end(deployment: Deployment) -> Iterator[None]:
    """What every module ends with, whatever its tests say."""
    yield
    assert_invariants(deployment.stack)


@pytest.fixture(scope="module")
def account(deployment: Deployment) -> Account:
    """The deployed stack's account; by module, since a module may make the stack again with other ids."""
    return Account(deployment.stack)


@pytest.fixture(scope="module")
def warm_function(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file was put and the sweep called, so that an environment of each function runs and holds its credentials."""
    path = tmp_path_factory.mktemp("warm") / "warm.csv"
    path.write_text("a\n1\n")
    deployment.put(Upload(path, "warm", path.name))
    deployment.sweep()


@pytest.fixture
def before(deployment: Deployment) -> State:
    """Everything as it is before the test."""
    return at_rest(deployment.stack)


@pytest.fixture
def send(deployment: Deployment) -> Callable[[str], None]:
    """Sends a body to the ingest queue as the sweep, which is the one identity that may."""
    session = deployment.principal("sweep")
    sqs = session.client("sqs", endpoint_url=deployment.stack.endpoint)
    url = deployment.stack.queue_url("ingest")

    def make(body: str) -> None:
        sqs.send_message(QueueUrl=url, MessageBody=body)

    return make


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """A maker of uploads: `file(dataset, name, content)`."""

    def make(dataset: str, name: str, content: bytes | str) -> Upload:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Upload(path, dataset, name)

    return make


def read_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object."""
    return dict(json.loads(body))
