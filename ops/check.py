"""`make check`: holds an account to the protocol's four invariants and says what to do about what does not hold.

Exit status 0: all hold. 1: there are violations. 2: the account could not be read. What is under way is no violation.
The IAM actions that it needs are `ACTIONS` in ops/snapshot.py.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from ops import snapshot
from ops.account import Snapshot
from ops.findings import PATIENCE, Finding, Kind
from ops.invariants import TITLES, Verdict, judge
from ops.stack import ROOT, Stack, StackError

LOOK_AGAIN: Final = 5.0
"""Seconds until the second look: a running platform moves while it is read, and what is wrong stays."""


def look(take: Callable[[], Snapshot], patience: dt.timedelta, sleep: Callable[[float], None]) -> Verdict:
    """Judge an account; what looks wrong is looked at twice.

    Args:
        take: reads the account.
        patience: how long what an event or the sweep is to bring counts as under way.
        sleep: waits the given seconds.

    Returns:
        The last verdict; its violations are only those that both looks found.
    """
    first = judge(take(), patience)
    if not first.of(Kind.VIOLATION):
        return first
    sleep(LOOK_AGAIN)
    second = judge(take(), patience)
    seen = {_identity(finding) for finding in first.of(Kind.VIOLATION)}
    kept = [f for f in second.findings if f.kind is not Kind.VIOLATION or _identity(f) in seen]
    return Verdict(tuple(kept), second.counted)


def _identity(finding: Finding) -> tuple[int, str, str, str]:
    return finding.invariant, finding.key, finding.version_id, finding.rule


def lines(verdict: Verdict) -> Iterator[str]:
    """Write a verdict: a line for each invariant, then what is wrong, under way and worth knowing."""
    violations = verdict.of(Kind.VIOLATION)
    for number, title in TITLES.items():
        count = sum(finding.invariant == number for finding in violations)
        yield f"{number}  {title:<38}{f'{count} WRONG' if count else 'holds':<10}{verdict.counted[number]}"
    for kind, title in ((Kind.VIOLATION, "Wrong"), (Kind.UNDER_WAY, "Under way"), (Kind.NOTE, "To know")):
        found = verdict.of(kind)
        if found:
            yield ""
            yield f"{title} ({len(found)})"
        for finding in found:
            version = f" (version {finding.version_id})" if finding.version_id else ""
            yield f"[{finding.invariant}] {finding.key}{version} {finding.rule}"
            yield f"    -> {finding.remedy}"
    yield ""
    yield f"{len(violations)} violation{'s' * (len(violations) > 1)}." if violations else "All four invariants hold."


def check(stack: Stack, patience: dt.timedelta) -> int:
    """Check an account and print what was found.

    Returns:
        The exit status.
    """
    print(f"{stack.name} in account {stack.account}, {stack.region}")
    verdict = look(lambda: snapshot.take(stack), patience, time.sleep)
    for line in lines(verdict):
        print(line)
    return 1 if verdict.of(Kind.VIOLATION) else 0


def main() -> int:
    """Check the account of the inventory on the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.check", description=__doc__)
    parser.add_argument("--inventory", type=Path, default=ROOT / "inventory" / "local", help="inventory/<environment>")
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE.total_seconds(),
        help="seconds for which what an event or the sweep is to bring is under way; default: three sweeps",
    )
    arguments = parser.parse_args()
    try:
        return check(Stack.from_inventory(arguments.inventory), dt.timedelta(seconds=arguments.patience))
    except StackError as error:
        print(f"check: {error}", file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(f"check: the account cannot be read: {error}\n{remedy(error)}", file=sys.stderr)
    except (KeyError, ValueError) as error:
        print(
            f"check: the ledger holds what is no item of docs/protocol.md: {type(error).__name__}: {error}\n"
            "Find that item (a scan with this attribute or value), and take back what wrote it.",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("check: interrupted; what it looked at in the dead-letter queue is back", file=sys.stderr)
    return 2


def remedy(error: BotoCoreError | ClientError) -> str:
    """Say what a person does about an account that cannot be read."""
    if not isinstance(error, ClientError):
        return "Is AWS reachable, and are there credentials (AWS_PROFILE)? The embedded AWS starts with make local-up."
    code = error.response["Error"]["Code"]
    if "AccessDenied" in code or "Unauthorized" in code:
        return "The caller needs the actions that ops/snapshot.py lists; choose a profile that has them (AWS_PROFILE)."
    if "Expired" in code or "InvalidClientTokenId" in code:
        return "Renew the credentials (AWS_PROFILE)."
    return "Is the platform deployed? ansible-playbook -i <the same inventory> site.yml makes it."


if __name__ == "__main__":
    sys.exit(main())
