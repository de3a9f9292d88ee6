"""The sweep's zip is complete by itself: its handler wires its clients from nothing but what is inside."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.unit.dispatcher.test_handler import AWS
from tests.unit.sweep.test_handler import COMPLETE

ROOT = Path(__file__).resolve().parents[3]
IMPORT = """
import json, sys, sysconfig
standard = sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["platstdlib"]
sys.path.insert(0, sys.argv[1])
import sweep.handler
files = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
inside = tuple(folder + "/" for folder in (sys.argv[1], *standard))
print(json.dumps([name for name in files if not name.startswith(inside) or "site-packages" in name]))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    command = [sys.executable, str(ROOT / "lambda/build.py"), "sweep", "--output", str(folder / "sweep.zip")]
    subprocess.run([*command, "--cache", str(folder / "cache")], check=True, capture_output=True)
    return folder / "sweep.zip"


def test_the_zip_holds_the_four_services_and_the_shared_packages(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()
    services = {Path(name).parts[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 3}
    assert services == {"cloudwatch", "dynamodb", "s3", "sqs"}
    assert {"sweep/handler.py", "estancia_functions/settling.py", "estancia_protocol/settle.py"} <= set(names)
    assert not [name for name in names if name.startswith("dispatcher/")]


def test_the_handler_needs_nothing_but_the_zip(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "task")
    command = [sys.executable, "-I", "-S", "-c", IMPORT, str(tmp_path / "task")]
    done = subprocess.run(command, env={**COMPLETE, **AWS}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
