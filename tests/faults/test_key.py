"""The key is denied to the processors by IAM, not by a proxy's answer: the embedded AWS enforces it inside S3."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from estancia_protocol.errors import ErrorCode
from tests.faults.case import Case
from tests.faults.conftest import Stacks
from tests.faults.final_checks import assert_final
from tests.faults.stacks import Running
from tests.waiting import until


@contextlib.contextmanager
def denied(running: Running, action: str) -> Iterator[None]:
    """Deny the processors' role an action by a policy of its own."""
    role, iam = f"{running.stack.name}-processor", running.client("iam")
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="faults", PolicyDocument=policy)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="faults")


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_the_key_is_denied_to_the_processors(made: Stacks, action: str) -> None:
    """By IAM itself, for one attempt: nothing is read or nothing is put; in the next one it is."""
    running = made.of("whole")
    case = Case(running, f"case_denied{action.partition(':')[2].lower()}")
    with denied(running, action):
        version = case.put()
        error = until(lambda: case.item(version).get("error"), 60, "the attempt ends")
        assert error["code"] == ErrorCode.SERVICE_UNAVAILABLE.value
        assert f"is not authorized to perform: {action}" in error["message"]
        assert case.visible(version) == set()
    case.processed(version, attempt=2)
    assert_final(running)
