"""What survives a restart, in order and by force: with our corrections, and still not without."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.platform import LocalPlatform
from tests.integration.local.support import Clients, make_function, project_folder
from tests.integration.local.test_s3_corrections import TRUST, policy

SESSION = """
import os

def handler(event, context):
    return {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": os.environ["AWS_SESSION_TOKEN"],
    }
"""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    found = LocalPlatform(port=4703, root=project_folder(tmp_path))
    yield found
    found.down()


def session(platform: LocalPlatform) -> Clients:
    """Return clients of a role's session that is an hour long."""
    root = Clients(platform)
    role = root.iam.create_role(RoleName="role", AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    keys = root.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    return Clients(
        platform,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def kill(platform: LocalPlatform) -> None:
    pid = platform.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while platform.status().pid is not None:
        time.sleep(0.05)


def test_state_and_sessions_survive_a_restart(platform: LocalPlatform) -> None:
    platform.up()
    Clients(platform).sqs.create_queue(QueueName="kept")
    role = session(platform)
    platform.restart()
    assert Clients(platform).sqs.list_queues()["QueueUrls"]
    assert role.sts.get_caller_identity()["Arn"].endswith("assumed-role/role/session")


def test_state_and_sessions_survive_a_kill(platform: LocalPlatform) -> None:
    platform.up()
    Clients(platform).sqs.create_queue(QueueName="kept")
    role = session(platform)
    saved = platform.layout.state / "state" / "sqs.json"
    deadline = time.monotonic() + 30
    while not saved.exists():
        assert time.monotonic() < deadline, "the state was not saved while running"
        time.sleep(0.2)
    kill(platform)
    assert "was killed or crashed" in platform.status().problem
    platform.up()
    assert Clients(platform).sqs.list_queues()["QueueUrls"]
    assert role.sts.get_caller_identity()["Arn"].endswith("assumed-role/role/session")


def test_a_function_has_its_role_again_after_a_restart(platform: LocalPlatform) -> None:
    platform.up()
    make_function(Clients(platform), "function", SESSION)
    for _ in range(2):
        answer = Clients(platform).functions.invoke(FunctionName="function")
        function = Clients(platform, **json.loads(answer["Payload"].read()))
        assert function.sts.get_caller_identity()["Arn"].endswith("assumed-role/function/function")
        platform.restart()


def test_bare_ministack_forgets_sessions_at_a_restart_and_state_at_a_kill(platform: LocalPlatform) -> None:
    platform.up(corrected=False)
    role = session(platform)
    platform.down()
    platform.up(corrected=False)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        role.sts.get_caller_identity()  # If this succeeds: remove keep_sessions_over_a_restart.
    Clients(platform).sqs.create_queue(QueueName="kept")
    time.sleep(6)
    kill(platform)
    platform.up(corrected=False)
    kept = Clients(platform).sqs.list_queues().get("QueueUrls")
    assert not kept, "ministack saves by itself now: remove save_while_running"
