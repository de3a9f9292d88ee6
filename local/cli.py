"""The commands `up`, `down`, `status` and `fleet` of the local platform."""

import argparse
import sys
from collections.abc import Sequence

from local.errors import LocalPlatformError
from local.layout import DEFAULT_NAME
from local.platform import LocalPlatform, Status

NOT_RUNNING = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `python -m local`; by default those of this process.

    Returns:
        0, 1 after an error that was explained, 3 from `status` when the embedded AWS does not run.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(LocalPlatform(name=options.name, say=print), options))
    except LocalPlatformError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The platform on this machine alone.")
    parser.add_argument("--name", default=DEFAULT_NAME, help="estancia_name of the deployment (%(default)s)")
    commands = parser.add_subparsers(required=True)
    _command(commands, "up", "start the embedded AWS", _up)
    _command(commands, "down", "stop the fleet and the embedded AWS; its state is kept", _down)
    _command(commands, "restart", "stop and start the embedded AWS alone", _restart)
    _command(commands, "status", "say what runs; exit code 3 if the embedded AWS does not", _status)
    fleet = commands.add_parser("fleet", help="the processors").add_subparsers(required=True)
    up = _command(fleet, "up", "run exactly N processors", _fleet_up)
    up.add_argument("--processors", type=int, default=2, metavar="N", help="how many (%(default)s)")
    _command(fleet, "down", "deregister and stop every processor", _fleet_down)
    _command(fleet, "status", "say which processors run", _fleet_status)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, purpose: str, run: object
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose)
    parser.set_defaults(run=run)
    return parser


def _up(platform: LocalPlatform, _: argparse.Namespace) -> int:
    started = platform.up()
    print(f"The embedded AWS {'listens' if started else 'runs already'} on {platform.endpoint} (this machine only).")
    print("Stop it: make local-down. See it: make local-status.")
    return 0


def _down(platform: LocalPlatform, _: argparse.Namespace) -> int:
    platform.down()
    return 0


def _restart(platform: LocalPlatform, _: argparse.Namespace) -> int:
    platform.restart()
    print(f"The embedded AWS listens on {platform.endpoint} again.")
    return 0


def _status(platform: LocalPlatform, _: argparse.Namespace) -> int:
    status = platform.status()
    if status.running:
        print(f"Embedded AWS   {status.endpoint}   pid {status.pid}   up {_duration(status.uptime_seconds)}")
    else:
        print(f"Embedded AWS   {status.endpoint}   {status.problem}")
    _print_processors(status)
    return 0 if status.running else NOT_RUNNING


def _fleet_up(platform: LocalPlatform, options: argparse.Namespace) -> int:
    platform.fleet_up(options.processors)
    return 0


def _fleet_down(platform: LocalPlatform, _: argparse.Namespace) -> int:
    platform.fleet_down()
    print("The fleet is stopped.")
    return 0


def _fleet_status(platform: LocalPlatform, _: argparse.Namespace) -> int:
    _print_processors(platform.status())
    return 0


def _print_processors(status: Status) -> None:
    if not status.processors:
        print("Processors     none. Start some: make fleet-up.")
    for item in status.processors:
        health = status.target_health.get(item.address, "not registered")
        state = f"pid {item.pid}   up {_duration(item.uptime_seconds)}" if item.alive else f"ended; see {item.log}"
        print(f"Processor {item.number:<4} {item.address:<14} {item.instance_id}   {state}   target {health}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
