"""The zip: reproducible, complete by itself, and nothing to do when nothing changed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.dispatcher.test_config import COMPLETE
from tests.unit.dispatcher.test_handler import AWS

ROOT = Path(__file__).resolve().parents[3]
IMPORT = """
import json, sys, sysconfig
standard = sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["platstdlib"]
sys.path.insert(0, sys.argv[1])
import dispatcher.handler
files = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
inside = tuple(folder + "/" for folder in (sys.argv[1], *standard))
foreign = [name for name in files if not name.startswith(inside) or "site-packages" in name]
print(json.dumps({"path": sys.path, "foreign": foreign, "made": type(dispatcher.handler._dispatcher).__name__}))
"""


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lambda_build", ROOT / "lambda" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def archive(build: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    build.build("dispatcher", folder / "dispatcher.zip", folder / "cache")
    return folder / "dispatcher.zip"


def test_two_builds_have_the_same_bytes(build: ModuleType, archive: Path, tmp_path: Path) -> None:
    os.utime(ROOT / "lambda/dispatcher/dispatcher/__init__.py")
    build.build("dispatcher", tmp_path / "other.zip", tmp_path / "cache")
    assert (tmp_path / "other.zip").read_bytes() == archive.read_bytes()


def test_a_second_build_writes_nothing_and_takes_no_time(build: ModuleType, archive: Path) -> None:
    before, started = archive.stat().st_mtime_ns, time.monotonic()
    _, written = build.build("dispatcher", archive, archive.parent / "cache")
    assert not written
    assert archive.stat().st_mtime_ns == before
    assert time.monotonic() - started < 0.5


def test_a_damaged_zip_is_made_again(build: ModuleType, archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    copy = tmp_path / "copy.zip"
    copy.write_bytes(whole[:100])
    _, written = build.build("dispatcher", copy, archive.parent / "cache")
    assert written
    assert copy.read_bytes() == whole


def test_the_zip_holds_what_the_function_needs_and_little_else(build: ModuleType, archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert {(entry.date_time, entry.external_attr) for entry in entries} == {(build.LONG_AGO, 0o100644 << 16)}
    assert {"dispatcher/handler.py", "estancia_functions/settling.py", "estancia_protocol/settle.py"} <= set(names)
    services = {Path(name).parts[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 3}
    assert services == {"dynamodb", "s3", "sqs", "ssm"}
    parts = {part for name in names for part in Path(name).parts}
    assert not parts & {"__pycache__", "tests", "RECORD", "INSTALLER"}
    assert {Path(name).suffix for name in names} & {".pyc", ".so", ".pyd"} == set()
    assert archive.stat().st_size < 10_000_000


def test_the_handler_needs_nothing_but_the_zip(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "task")
    command = [sys.executable, "-I", "-S", "-c", IMPORT, str(tmp_path / "task")]
    done = subprocess.run(command, env={**COMPLETE, **AWS}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert not [folder for folder in answer["path"] if "site-packages" in folder]
    assert (answer["foreign"], answer["made"]) == ([], "Dispatcher")


def test_without_uv_the_message_says_what_to_run(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.BuildError, match="make setup"):
        build.find_uv()


def test_the_command_prints_what_it_made(archive: Path) -> None:
    command = [sys.executable, str(ROOT / "lambda/build.py"), "dispatcher", "--output", str(archive)]
    command += ["--cache", str(archive.parent / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    printed = json.loads(done.stdout)
    assert (printed["bytes"], printed["written"]) == (archive.stat().st_size, False)
    assert len(printed["sha256"]) == 64
