"""The processor as a process of its own: its instance id, its end, its scratch volume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from tests.integration.processor.conftest import PORT, PROCESSED, RAW, TABLE, World, serving

LISTEN = PORT + 3
INSTANCE = "i-0fedcba9876543210"


@pytest.fixture(scope="module")
def metadata() -> Iterator[str]:
    """As much of IMDSv2 as an instance id takes."""
    imds = FastAPI()
    imds.put("/latest/api/token", response_class=PlainTextResponse)(lambda: "token")
    imds.get("/latest/meta-data/instance-id", response_class=PlainTextResponse)(lambda: INSTANCE)
    with serving(imds, PORT + 2) as url:
        yield url


@contextmanager
def processor(scratch: Path, metadata: str) -> Iterator[subprocess.Popen[str]]:
    own = {
        "ESTANCIA_RAW_BUCKET": RAW,
        "ESTANCIA_PROCESSED_BUCKET": PROCESSED,
        "ESTANCIA_LEDGER_TABLE": TABLE,
        "ESTANCIA_SLOTS": "1",
        "ESTANCIA_SCRATCH_DIR": str(scratch),
        "ESTANCIA_LISTEN_HOST": "127.0.0.1",
        "ESTANCIA_LISTEN_PORT": str(LISTEN),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata,
    }
    command = [sys.executable, "-m", "estancia_processor"]
    environment = os.environ | own | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(url)


def test_sigterm_finishes_the_running_job(world: World, metadata: str, tmp_path: Path) -> None:
    leftover = tmp_path / "job-old"
    leftover.mkdir()
    rows = b"".join(b"%d,%d,%d\n" % (i, i * 7, i % 5) for i in range(400_000))
    version = world.upload("drained/d.csv", b"a,b,c\n" + rows)
    url = f"http://127.0.0.1:{LISTEN}"
    with processor(tmp_path, metadata) as process:
        wait_for(f"{url}/readyz")
        assert not leftover.exists()
        job = world.job("drained/d.csv", version)
        headers = {"Content-Type": "application/json"}
        body = job.to_json()
        with httpx.stream("POST", f"{url}/v1/process", content=body, headers=headers, timeout=60) as answer:
            lines = answer.iter_lines()
            assert "progress" in next(lines)
            process.send_signal(signal.SIGTERM)
            rest = list(lines)
        assert '"PROCESSED"' in rest[-1]
        assert process.wait(20) == 0
    assert world.item("drained/d.csv", version)["instance_id"] == INSTANCE


def test_two_processes_do_not_share_a_scratch_folder(world: World, metadata: str, tmp_path: Path) -> None:
    with processor(tmp_path, metadata):
        wait_for(f"http://127.0.0.1:{LISTEN}/healthz")
        with processor(tmp_path, metadata) as second:
            assert second.wait(20) == 2
            assert second.stdout is not None
            assert "used by another process" in second.stdout.read()
