"""What a fault proxy does to a request: rules that a test sets, each with one action."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.calls import Call


@dataclass(frozen=True)
class Answer:
    """Answer without forwarding, as the service or the load balancer itself would."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cut:
    """Cut the client's connection: before forwarding the request is lost, after it the answer is."""

    forward: bool


@dataclass(frozen=True)
class CutStream:
    """Cut the client's connection after so many lines of the answer."""

    lines: int


@dataclass(frozen=True)
class Kill:
    """kill -9 the client's process once upstream has answered and before it hears of it."""


@dataclass(frozen=True)
class Hold:
    """Keep the request until the rule is released, then forward it."""


@dataclass(frozen=True)
class HoldAnswer:
    """Forward the request, keep the answer until the rule is released."""


Action = Answer | Cut | CutStream | Kill | Hold | HoldAnswer


@dataclass
class Rule:
    """One fault.

    Attributes:
        subject: the dataset whose requests it meets.
        matches: which of them.
        action: what is done.
        nth: the first matching request that is met, counted from 1.
        times: how many are met from there on.
        reached: set when the action is done to the first, or held by it.
        released: set by the test to let what is held go on.
        met: the requests it was done to.
        answered: the status of upstream's answer to each of these that was forwarded, in the order of the answers.
    """

    subject: str
    matches: Callable[[Call], bool]
    action: Action
    nth: int = 1
    times: int = 1
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    met: list[Call] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    seen: int = 0

    def take(self, call: Call) -> bool:
        """Count a request; return whether the action is for it. Called under the proxy's lock."""
        if call.subject != self.subject or not self.matches(call):
            return False
        self.seen += 1
        if not self.nth <= self.seen < self.nth + self.times:
            return False
        self.met.append(call)
        return True


SLOW_DOWN = Answer(
    503,
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    (("Content-Type", "application/xml"),),
)
KMS_DENIED = Answer(
    403,
    b"<Error><Code>AccessDenied</Code><Message>User is not authorized to perform: kms:GenerateDataKey on the resource "
    b"associated with this ciphertext because no identity-based policy allows the kms:GenerateDataKey action"
    b"</Message></Error>",
    (("Content-Type", "application/xml"),),
)
LEDGER_FAILS = Answer(
    500,
    b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"}',
    (("Content-Type", "application/x-amz-json-1.0"),),
)
LEDGER_THROTTLES = Answer(
    400,
    b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",'
    b'"message":"The level of configured provisioned throughput for the table was exceeded"}',
    (("Content-Type", "application/x-amz-json-1.0"),),
)


def balancer(status: int) -> Answer:
    """Return a load balancer's own answer: HTML, and no header of a processor."""
    return Answer(
        status, b"<html><body>awselb</body></html>", (("Server", "awselb/2.0"), ("Content-Type", "text/html"))
    )


def operation(*names: str) -> Callable[[Call], bool]:
    """Match calls by the beginning of their name, `PutObject data` for one."""
    return lambda call: call.name.startswith(names)
