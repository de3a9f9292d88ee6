"""A stack to do harm to: provisioned by the real playbook, its clients behind fault proxies, its dead replaced."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from local.errors import LocalPlatformError
from local.layout import ACCOUNT_ID, REGION
from local.platform import LocalPlatform
from local.processes import exclusive
from ops.stack import Stack
from tests.faults.proxy import FaultProxy
from tests.integration.path.conftest import ROOT, run_playbook

SENDER = "estancia-events"
REPLACE_SECONDS = 1.0


@dataclass
class Running:
    """A stack that runs.

    Attributes:
        platform: the embedded AWS and the fleet.
        stack: its names and clients, past the proxies.
        processors: the proxy between the processors and AWS.
        functions: the proxy between the function, AWS and the load balancer.
        count: how many processors there are to be.
        redriven: datasets of which a test redrove something.
        refused: what names, in a dead letter's reason, a message that a test sent to be refused.
        letters_lock: held while the dead-letter queue is read.
    """

    platform: LocalPlatform
    stack: Stack
    processors: FaultProxy
    functions: FaultProxy
    count: int
    redriven: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    letters_lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _paused: threading.Event = field(default_factory=threading.Event)

    def client(self, service: str) -> Any:
        """Return a client of the root principal."""
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {
            service: self.stack.session.client(service, endpoint_url=self.stack.endpoint)
            for service in ("sqs", "s3", "lambda", "iam", "elbv2")
        }

    @cached_property
    def _sender(self) -> Any:
        sts = self.stack.session.client("sts", endpoint_url=self.stack.endpoint)
        keys = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{SENDER}", RoleSessionName="events")
        held = keys["Credentials"]
        session = boto3.Session(held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"], REGION)
        return session.client("sqs", endpoint_url=self.stack.endpoint)

    def queue(self, purpose: str) -> str:
        """Return the URL of the queue `ingest` or `ingest-dlq`."""
        return str(self.client("sqs").get_queue_url(QueueName=f"{self.stack.name}-{purpose}")["QueueUrl"])

    def send(self, *records: Mapping[str, Any]) -> None:
        """Send event records to the ingest queue, a message each, as a named sender."""
        url = self.queue("ingest")
        for record in records:
            self._sender.send_message(QueueUrl=url, MessageBody=json.dumps({"Records": [record]}))

    @contextlib.contextmanager
    def without_notifications(self) -> Iterator[None]:
        """Let the raw bucket send no events for a while."""
        bucket, s3 = self.stack.bucket("raw"), self.client("s3")
        kept = s3.get_bucket_notification_configuration(Bucket=bucket)
        kept.pop("ResponseMetadata")
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        try:
            yield
        finally:
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration=kept, SkipDestinationValidation=True
            )

    def scratch_folders(self, pattern: str) -> list[Path]:
        """Return the folders of attempts on the processors' scratch, by pattern."""
        return sorted((self.platform.layout.state / "scratch").glob(f"*/{pattern}"))

    def scratch_of(self, pid: int) -> Path:
        """Return the scratch folder of a processor."""
        (instance,) = [processor.instance_id for processor in self.platform.processors if processor.pid == pid]
        return self.platform.layout.state / "scratch" / instance

    @contextlib.contextmanager
    def no_processors(self) -> Iterator[None]:
        """Kill every processor, and let none come back for a while."""
        self._paused.set()
        with self.platform_lock:
            for processor in self.platform.processors:
                if processor.pid is not None:
                    os.kill(processor.pid, signal.SIGKILL)
        try:
            yield
        finally:
            self._paused.clear()

    @cached_property
    def platform_lock(self) -> threading.Lock:
        """Held while processors are started or stopped."""
        return threading.Lock()

    def replace_the_dead(self) -> None:
        """Start ended processors again, as the Auto Scaling group does, until the stack is stopped."""
        while not self._ended.wait(REPLACE_SECONDS):
            with self.platform_lock:
                if self._paused.is_set() or all(processor.alive for processor in self.platform.processors):
                    continue
                # One that was killed while it started is started again by the next round.
                with contextlib.suppress(LocalPlatformError):
                    self.platform.fleet_up(self.count)

    def stop(self) -> None:
        """Stop everything."""
        self._ended.set()
        with self.platform_lock:
            for processor in self.platform.processors:
                if processor.pid is not None:
                    os.kill(processor.pid, signal.SIGCONT)
            self.platform.down()


def start(port: int, count: int, **variables: Any) -> Running:
    """Make a stack from nothing.

    Args:
        port: the embedded AWS's.
        count: processors, each with one slot, so that a fault meets one job alone.
        variables: of site.yml.
    """
    proxies = FaultProxy(port), FaultProxy(port)
    platform = LocalPlatform(port, processor_endpoint=proxies[0].url)
    platform.down()
    shutil.rmtree(ROOT / ".local" / str(port), ignore_errors=True)
    platform.up()
    try:
        return _deployed(platform, proxies, count, variables)
    except BaseException:
        platform.down()
        raise


def _deployed(
    platform: LocalPlatform, proxies: tuple[FaultProxy, FaultProxy], count: int, variables: Mapping[str, Any]
) -> Running:
    sender = _make_sender(platform)
    wanted = {"fleet_slots_per_instance": 1, "fleet_max_size": count, "queue_senders": [sender], **variables}
    # The functions' zips are built in one folder.
    with exclusive(ROOT / ".local" / "faults.lock"):
        status, _, text = run_playbook(platform.port, "site.yml", "-e", json.dumps(wanted))
    assert status == 0, text
    platform.fleet_up(count)
    stack = dataclasses.replace(Stack.from_inventory(ROOT / "inventory" / "local"), endpoint=platform.endpoint)
    running = Running(platform, stack, *proxies, count)
    _send_the_function_through(running)
    threading.Thread(target=running.replace_the_dead, name=f"replace-{platform.port}", daemon=True).start()
    return running


def _make_sender(platform: LocalPlatform) -> str:
    """Make a role that may send events, beside S3, and return its ARN."""
    root = platform.root_environment()
    session = boto3.Session(root["AWS_ACCESS_KEY_ID"], root["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    iam = session.client("iam", endpoint_url=platform.endpoint)
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT_ID}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": ["sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"}
    made = iam.create_role(RoleName=SENDER, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=SENDER, PolicyName="send", PolicyDocument=_policy(may))
    return str(made)


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _send_the_function_through(running: Running) -> None:
    name = f"{running.stack.name}-dispatcher"
    kept = running.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    path = kept["ESTANCIA_PROCESSOR_URL"].partition("/_alb/")[2]
    through = {
        "AWS_ENDPOINT_URL": running.functions.url,
        "ESTANCIA_PROCESSOR_URL": f"{running.functions.url}/_alb/{path}",
    }
    running.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {**kept, **through}}
    )
