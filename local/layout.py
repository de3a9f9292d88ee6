"""Where everything of one local platform lives: its ports, addresses, interpreters and files."""

import os
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalPlatformError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
BASE_PORT = 4566
REGION = "eu-west-1"
ACCOUNT_ID = "000000000000"
DEFAULT_NAME = "estancia-local"
PROCESSOR_PORT = 8080
METADATA_PORT = 1338
FIRST_HOST = 10
MAXIMUM_PROCESSORS = 200


def port_from_environment() -> int:
    """Return the port of the platform to use: `ESTANCIA_LOCAL_PORT`, else 4566.

    Raises:
        LocalPlatformError: if the variable is not a port number.
    """
    value = os.environ.get("ESTANCIA_LOCAL_PORT", str(BASE_PORT))
    if not value.isdecimal():
        raise LocalPlatformError(
            f"ESTANCIA_LOCAL_PORT={value!r} is not a port: set it to a number such as {BASE_PORT}."
        )
    return int(value)


@dataclass(frozen=True)
class Layout:
    """The files, addresses and interpreters of the platform that listens on `port`."""

    port: int = BASE_PORT
    root: Path = PROJECT_ROOT
    name: str = DEFAULT_NAME

    def __post_init__(self) -> None:
        if not BASE_PORT <= self.port <= BASE_PORT + 255:
            raise LocalPlatformError(
                f"Port {self.port} cannot be used: the fleet's addresses 127.0.<port-{BASE_PORT}>.x need a port from "
                f"{BASE_PORT} to {BASE_PORT + 255}. Set ESTANCIA_LOCAL_PORT accordingly."
            )

    @property
    def endpoint(self) -> str:
        """The URL that every AWS call goes to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        """The folder that holds everything this platform keeps."""
        return self.root / ".local" / str(self.port)

    @property
    def log(self) -> Path:
        """The log of the embedded AWS."""
        return self.state / "ministack.log"

    @property
    def emulator_python(self) -> Path:
        """The interpreter of the environment that holds ministack."""
        return self.root / ".venvs" / "embedded-aws" / "bin" / "python"

    @property
    def processor_python(self) -> Path:
        """The interpreter of the environment that holds the processor."""
        return self.root / ".venvs" / "processor" / "bin" / "python"

    def address(self, number: int) -> str:
        """Return the loopback address of processor `number` (from 0).

        Raises:
            LocalPlatformError: if there can be no such processor.
        """
        if not 0 <= number < MAXIMUM_PROCESSORS:
            raise LocalPlatformError(f"A fleet of {number + 1} processors has no addresses: ask for 0 to 200.")
        return f"127.0.{self.port - BASE_PORT}.{FIRST_HOST + number}"


def require_interpreter(path: Path, purpose: str) -> Path:
    """Return `path` if it is there.

    Raises:
        LocalPlatformError: if the virtual environment is missing.
    """
    if not path.exists():
        raise LocalPlatformError(f"{path} is missing, so {purpose} cannot start: run `make setup` first.")
    return path
