"""How this project's modules compare what AWS has with what is wanted, act on the difference and report it.

A module reads a resource as a plain dictionary, builds the wanted one, and hands both to an `Outcome`.
Check mode and diff mode follow from that alone, so that no module has to think of them again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from botocore.exceptions import BotoCoreError, ClientError

State = dict[str, Any]
Work = Callable[[Any, Mapping[str, Any], bool], "Outcome"]
T = TypeVar("T")


class DesiredStateError(Exception):
    """A wanted state that AWS cannot reach from the present one; the message says what to do instead."""


@dataclass(frozen=True)
class Outcome:
    """What a resource was, what it is to be, and what the module returns about it."""

    before: State
    after: State
    result: State = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything that is asked for differs from what is there."""
        return self.before != self.after

    def differences(self) -> list[str]:
        """Return the top-level names that differ, in the wanted state's order."""
        names = [*self.after, *(name for name in self.before if name not in self.after)]
        return [name for name in names if self.before.get(name) != self.after.get(name)]


def project(actual: Any, wanted: Any) -> Any:
    """Return the part of `actual` that `wanted` speaks of.

    AWS answers with more than was asked (ids, defaults, new features); only what is asked for is compared.

    Args:
        actual: A value as AWS returned it.
        wanted: The wanted value; its mappings say which keys count.

    Returns:
        `actual` without the mapping keys that `wanted` does not have.
    """
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return {key: project(actual.get(key), value) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        return [project(one, other) for one, other in zip(actual, wanted, strict=True)]
    return actual


def canonical_policy(document: str | Mapping[str, Any] | None) -> Any:
    """Return a policy in the one form in which equal policies are equal.

    AWS keeps a policy's meaning, not its writing: a list of one may come back as a scalar, lists in another order.

    Args:
        document: The policy as JSON text or as a mapping; None or empty text for none.

    Returns:
        Nested dictionaries with scalar text values, or None when there is no policy.
    """
    if not document:
        return None
    return _canonical(json.loads(document) if isinstance(document, str) else document)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        items = sorted((_canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def tag_list(tags: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return tags as AWS's list of Key and Value, sorted by key."""
    return [{"Key": key, "Value": str(value)} for key, value in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return AWS's list of Key and Value as a mapping, without the tags that AWS itself sets (`aws:...`)."""
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def tag_changes(current: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the tag keys to remove, so that `current` becomes `wanted`."""
    to_set = {key: value for key, value in wanted.items() if current.get(key) != value}
    return to_set, sorted(set(current) - set(wanted))


def error_code(error: ClientError) -> str:
    """Return the AWS error code of a failed call."""
    return str(error.response.get("Error", {}).get("Code", ""))


def optional(call: Callable[[], T], *codes: str) -> T | None:
    """Return what a call returns, or None when it fails with one of the error codes that mean "there is none".

    Args:
        call: The AWS call.
        codes: Error codes that stand for absence.

    Raises:
        ClientError: The call failed for any other reason.
    """
    try:
        return call()
    except ClientError as error:
        if error_code(error) in codes:
            return None
        raise


def retry(
    call: Callable[[], T],
    *,
    when: Callable[[ClientError], bool],
    seconds: float,
    pause: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call until it succeeds, fails for good, or the time is over.

    Args:
        call: The AWS call.
        when: Says of a failure whether waiting can mend it.
        seconds: How long to go on, in seconds.
        pause: Time between two calls, in seconds.
        clock: Monotonic clock, in seconds.
        sleep: Waits the given seconds.

    Returns:
        What the call returned.

    Raises:
        ClientError: The last failure.
    """
    end = clock() + seconds
    while True:
        try:
            return call()
        except ClientError as error:
            if not when(error) or clock() + pause > end:
                raise
        sleep(pause)


def wait_until(
    done: Callable[[], bool],
    *,
    what: str,
    seconds: float,
    pause: float = 2.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until a condition holds.

    Args:
        done: Asks AWS whether the condition holds.
        what: The condition in words, for the error.
        seconds: How long to wait, in seconds.
        pause: Time between two questions, in seconds.
        clock: Monotonic clock, in seconds.
        sleep: Waits the given seconds.

    Raises:
        DesiredStateError: The time is over.
    """
    end = clock() + seconds
    while not done():
        if clock() + pause > end:
            msg = f"Waited {seconds:.0f} s until {what}; it did not happen. Look at the resource, then run again."
            raise DesiredStateError(msg)
        sleep(pause)


def run_module(service: str, argument_spec: Mapping[str, Any], work: Work, **options: Any) -> None:
    """Run a module: make its client, do the work, report change and difference.

    Args:
        service: The boto3 client's name.
        argument_spec: The module's options.
        work: Gets the client, the options and whether this is check mode; returns the outcome.
        options: Further arguments of AnsibleAWSModule.
    """
    module = AnsibleAWSModule(argument_spec=dict(argument_spec), supports_check_mode=True, **options)
    try:
        outcome = work(module.client(service), module.params, module.check_mode)
    except DesiredStateError as error:
        module.fail_json(msg=str(error))
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"{service} refused the call for {module.params.get('name', 'the resource')}")
    else:
        names = outcome.differences()
        shown = [{name: side[name] for name in names if name in side} for side in (outcome.before, outcome.after)]
        module.exit_json(changed=outcome.changed, diff={"before": shown[0], "after": shown[1]}, **outcome.result)
