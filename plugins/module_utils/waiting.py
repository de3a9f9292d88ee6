"""Calls that AWS refuses for a while, and states that it reaches after a while: each with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

Answer = TypeVar("Answer")


def error_code(error: ClientError) -> str:
    """The error code of a failed call.

    Args:
        error: The failure.

    Returns:
        AWS's code, for example `NoSuchBucket`.
    """
    return str(error.response.get("Error", {}).get("Code", ""))


def optional(call: Callable[[], Answer], *codes: str) -> Answer | None:
    """What a call returns, or None where its failure says that there is nothing.

    Args:
        call: The AWS call.
        codes: Error codes that stand for absence.

    Returns:
        The call's answer, or None.

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
    call: Callable[[], Answer],
    when: Callable[[ClientError], bool],
    seconds: float,
    *,
    pause: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
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
    what: str,
    seconds: float,
    *,
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
        ValueError: The time is over.
    """
    end = clock() + seconds
    while not done():
        if clock() + pause > end:
            msg = f"Waited {seconds:.0f} s until {what}; it did not happen. Look at the resource, then run again."
            raise ValueError(msg)
        sleep(pause)
