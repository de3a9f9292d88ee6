"""`python -m demo`: the whole path on the embedded AWS. `python -m demo put`: one file of one's own."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from demo import show
from demo.files import Upload, demo_uploads
from demo.outcomes import WaitError, put_and_wait
from estancia_protocol import names
from estancia_protocol.status import Status
from local.errors import LocalPlatformError
from local.layout import port_from_environment
from local.platform import LocalPlatform
from ops.stack import ROOT, Stack, StackError

INTERRUPTED = 130
PROCESSORS = 2
DEMO_PATIENCE = 150.0
PUT_PATIENCE = 900.0
EXPECTED_REJECTIONS = {"airlines/empty.csv"}


class DemoError(Exception):
    """The demo did not end as it should; the message says where."""


class Phases:
    """Announces each long step and keeps its time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.times: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a step, and note its seconds when it has ended."""
        self._console.rule(f"[bold]{name}", align="left")
        started = time.monotonic()
        yield
        self.times.append((name, time.monotonic() - started))


def provision() -> None:
    """Run the real playbook against the embedded AWS.

    Raises:
        DemoError: it failed.
    """
    playbook = Path(sys.executable).with_name("ansible-playbook")
    if subprocess.run([playbook, "-i", "inventory/local", "site.yml"], cwd=ROOT, check=False).returncode:
        raise DemoError("`ansible-playbook -i inventory/local site.yml` failed; its last task above says why")


def demo(console: Console) -> None:
    """Provision, upload the demo's files, show what became of them.

    Raises:
        DemoError: a step failed, or a file ended otherwise than it should.
    """
    phases = Phases(console)
    platform = LocalPlatform(port_from_environment())
    stack = Stack.from_inventory(ROOT / "inventory" / "local")
    with phases.phase("Starting the embedded AWS"):
        platform.up()
        console.print(f"answers at {platform.endpoint}")
    with phases.phase("Provisioning: ansible-playbook site.yml"):
        provision()
    with phases.phase(f"Starting {PROCESSORS} processors"):
        platform.fleet_up(PROCESSORS)
    uploads = demo_uploads()
    with phases.phase(f"Uploading {len(uploads)} files and waiting for their outcomes"):
        outcomes = put_and_wait(stack, uploads, DEMO_PATIENCE, teller(console))
    console.print(show.outcome_table(stack, outcomes))
    by_key = {outcome.key: outcome for outcome in outcomes}
    with phases.phase("Asking the Parquet"):
        console.print(show.delays_chart(stack, by_key["flights/flights.csv.zip"], by_key["airlines/airlines.csv"]))
    console.print(show.time_table(phases.times))
    unexpected = [o.key for o in outcomes if (o.status is not Status.PROCESSED) != (o.key in EXPECTED_REJECTIONS)]
    if unexpected:
        raise DemoError(f"these files ended otherwise than they should: {', '.join(unexpected)}")
    console.print(
        "Next: `make put FILE=... DATASET=...` for a file of your own, `make local-status`, `make local-down` to stop."
    )


def teller(console: Console) -> Callable[[str, str], None]:
    """Return what prints a line for each step of a file, with the seconds since now."""
    started = time.monotonic()
    return lambda key, news: console.print(f"{time.monotonic() - started:6.1f} s  {key}: {news}")


def put(console: Console, file: Path, dataset: str, inventory: Path) -> int:
    """Upload one file, wait for its outcome and show it.

    Returns:
        The exit status: 0 when it was processed, 1 otherwise.

    Raises:
        DemoError: the arguments name no file or no dataset.
    """
    if file == Path() or not dataset:
        raise DemoError("FILE and DATASET are both needed: make put FILE=path/to/file.csv DATASET=sales")
    if not file.is_file():
        raise DemoError(f"FILE={file} is no file; name one: make put FILE=path/to/file.csv DATASET=sales")
    if not names.DATASET.fullmatch(dataset):
        raise DemoError(f"DATASET={dataset!r} does not match {names.DATASET.pattern}; choose such a name, as in sales")
    upload = Upload(file, dataset, file.name)
    stack = Stack.from_inventory(inventory)
    if inventory.name == "local" and not any(processor.alive for processor in LocalPlatform().processors):
        raise DemoError(
            "no local processor runs, so the file would wait: make fleet-up (after make local-up), then again"
        )
    console.print(f"{file} -> s3://{stack.bucket('raw')}/{upload.key}; waiting for its outcome")
    (outcome,) = put_and_wait(stack, [upload], PUT_PATIENCE, teller(console))
    console.print(show.outcome_table(stack, [outcome]))
    if outcome.status is Status.PROCESSED:
        console.print(f"read as: {show.reading_of(stack, outcome)}")
    return 0 if outcome.status is Status.PROCESSED else 1


def main() -> int:
    """Run the verb of the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    verbs = parser.add_subparsers(dest="verb")
    one = verbs.add_parser("put", help="upload one file and wait for its outcome")
    one.add_argument("--file", type=Path, required=True)
    one.add_argument("--dataset", required=True)
    one.add_argument("--inventory", type=Path, default=ROOT / "inventory" / "local")
    arguments = parser.parse_args()
    console = show.console()
    try:
        if arguments.verb == "put":
            return put(console, arguments.file, arguments.dataset, arguments.inventory)
        demo(console)
    except (DemoError, StackError, WaitError, LocalPlatformError) as error:
        print(f"{'put' if arguments.verb else 'demo'}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing is lost, run it again to go on", file=sys.stderr)
        return INTERRUPTED
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        print(
            f"AWS did not do as asked: {error}\nIs it up (make local-status) and deployed (site.yml)?", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
