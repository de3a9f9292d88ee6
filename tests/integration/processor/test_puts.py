"""Outputs as they are put: in one piece, in parts, and not at all without a lease."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest

from estancia_processor import storage
from estancia_processor.clock import Clock
from estancia_processor.errors import LeaseLostError
from estancia_processor.lease import Lease
from estancia_processor.storage import S3Storage
from tests.integration.processor.conftest import PROCESSED, RAW, World


def lease(seconds_ago: float = 0) -> Lease:
    clock = Clock()
    return Lease(lambda _: None, clock, clock.monotonic() - seconds_ago)


def test_a_large_output_is_put_in_parts(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "SINGLE_PUT", 1 << 20)
    monkeypatch.setattr(storage, "PUT_PART", 5 << 20)
    source = tmp_path / "x"
    source.write_bytes(os.urandom((12 << 20) + 7))
    s3 = boto3.client("s3")
    stored = S3Storage(s3, s3, RAW, PROCESSED).put("data/parts", source, "application/x", lease())
    answer = world.s3.get_object(Bucket=PROCESSED, Key="data/parts")
    assert answer["Body"].read() == source.read_bytes()
    assert answer["VersionId"] == stored.version_id


@pytest.mark.parametrize("single", [1 << 20, 1])
def test_nothing_is_put_once_the_lease_is_over(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, single: int
) -> None:
    monkeypatch.setattr(storage, "SINGLE_PUT", single)
    source = tmp_path / "x"
    source.write_bytes(b"late")
    s3 = boto3.client("s3")
    with pytest.raises(LeaseLostError):
        S3Storage(s3, s3, RAW, PROCESSED).put(f"data/unleased{single}", source, "application/x", lease(61))
    assert "Contents" not in world.s3.list_objects_v2(Bucket=PROCESSED, Prefix="data/unleased")
