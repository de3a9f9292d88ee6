"""Builds a function's zip: the same bytes for the same sources, and nothing to do when they did not change.

    python lambda/build.py dispatcher --output dist/dispatcher.zip

The zip holds the function's package, the two that functions share and the wheels of its lock, for Lambda's Python 3.13
on arm64.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.13"
PLATFORM = "aarch64-manylinux2014"
SHARED = (ROOT / "lambda" / "common" / "estancia_functions", ROOT / "protocol" / "src" / "estancia_protocol")
LONG_AGO = (1980, 1, 1, 0, 0, 0)
LEFT_OUT_FOLDERS = frozenset({"__pycache__", "tests", "bin", "examples"})
LEFT_OUT_FILES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock", ".ready"})
LEFT_OUT_SUFFIXES = frozenset({".pyc", ".pyi", ".pyd"})


class BuildError(Exception):
    """The zip cannot be built; the message names the cause and the remedy."""


@dataclass(frozen=True, slots=True)
class Function:
    """What is known of a function beside its sources.

    Attributes:
        services: the AWS services that it calls; the models of all others, most of botocore's size, are left out.
            A client for one that is not listed fails with `UnknownServiceError` when it is made.
    """

    services: tuple[str, ...]


FUNCTIONS = {
    "dispatcher": Function(services=("dynamodb", "s3", "sqs", "ssm")),
    "sweep": Function(services=("cloudwatch", "dynamodb", "s3", "sqs")),
}


def find_uv() -> str:
    """Return uv's path: the project's own, else the one on the PATH.

    Raises:
        BuildError: there is neither.
    """
    own = ROOT / ".venvs" / "uv" / "bin" / "uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    if not found:
        raise BuildError(f"uv is neither at {own.relative_to(ROOT)} nor on the PATH; run `make setup` first")
    return found


def installed(lock: Path, cache: Path) -> Path:
    """Install a lock's wheels, hash-checked, for the function's platform; once for each content of the lock.

    Args:
        lock: a requirements file with hashes.
        cache: the folder that keeps one installation for each lock.

    Returns:
        The folder with the packages.

    Raises:
        BuildError: uv is missing or refused.
    """
    key = hashlib.sha256(lock.read_bytes() + f"{PYTHON} {PLATFORM}".encode()).hexdigest()[:16]
    site = cache / f"{lock.stem}-{key}"
    if site.is_dir():
        return site
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".installing-") as folder:
        fresh = Path(folder) / "site"
        command = [find_uv(), "pip", "install", "--quiet", "--target", str(fresh), "--requirement", str(lock)]
        command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
        command += ["--python-platform", PLATFORM, "--python-version", PYTHON]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"uv could not install {lock.relative_to(ROOT)}:\n{done.stderr.strip()}")
        fresh.rename(site)
    return site


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that belong in a zip, in no order."""
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        unwanted = LEFT_OUT_FOLDERS.intersection(relative.parts[:-1]) or path.name in LEFT_OUT_FILES
        if path.is_file() and not unwanted and path.suffix not in LEFT_OUT_SUFFIXES:
            yield path


def is_needed(relative: Path, services: tuple[str, ...]) -> bool:
    """Whether a file of the installed packages belongs in the zip.

    botocore's data hold a folder for each service, of which few are called, and files for all of them, which are kept;
    boto3's data describe its resources, which are not used; Powertools' event handler, mostly a web page that shows
    an API, serves functions behind API Gateway.
    """
    match relative.parts:
        case ("boto3", "data", *_) | ("aws_lambda_powertools", "event_handler", *_):
            return False
        case ("botocore", "data", service, _, *_):
            return service in services
        case _:
            return True


def own_packages(name: str) -> tuple[Path, ...]:
    """Return the folders of a function's own package and of those that all functions share."""
    return (ROOT / "lambda" / name / name, *SHARED)


def contents(name: str, site: Path) -> dict[str, Path]:
    """Return the zip's files: their names in it, sorted, and where they come from.

    Raises:
        BuildError: two sources have a file of the same name.
    """
    found: dict[str, Path] = {}
    for folder, prefix in [*((folder, folder.name) for folder in own_packages(name)), (site, "")]:
        for path in files_below(folder):
            relative = path.relative_to(folder)
            if folder == site and not is_needed(relative, FUNCTIONS[name].services):
                continue
            inside = (Path(prefix) / relative).as_posix()
            if inside in found:
                raise BuildError(f"{path} and {found[inside]} are both {inside} in the zip; rename one")
            found[inside] = path
    return dict(sorted(found.items()))


def write_zip(files: dict[str, Path], target: Path) -> None:
    """Write files into a zip with fixed times and permissions.

    They are stored, not compressed: deflate's bytes differ between versions of zlib, so that a laptop and a build
    server would take turns in deploying equal contents.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for inside, path in files.items():
            entry = zipfile.ZipInfo(inside, LONG_AGO)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            archive.writestr(entry, path.read_bytes())


def digest_of_inputs(name: str, lock: Path) -> str:
    """Return a digest of all that decides the zip's bytes."""
    digest = hashlib.sha256(f"{PYTHON} {PLATFORM} {FUNCTIONS[name]}".encode())
    digest.update(Path(__file__).read_bytes() + lock.read_bytes())
    for folder in own_packages(name):
        for path in sorted(files_below(folder)):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def build(name: str, output: Path, cache: Path) -> tuple[str, bool]:
    """Build a function's zip, unless it is there already.

    Args:
        name: a name of `FUNCTIONS`.
        output: where the zip is written.
        cache: the folder for installed wheels and for the note on the last build.

    Returns:
        The zip's SHA-256 in hexadecimal digits, and whether the file was written.

    Raises:
        BuildError: a source is missing or uv refused.
    """
    lock, note = ROOT / "requirements" / f"{name}.txt", cache / f"{name}.json"
    inputs = digest_of_inputs(name, lock)
    now = hashlib.sha256(output.read_bytes()).hexdigest() if output.is_file() else ""
    if now and note.is_file() and json.loads(note.read_text()) == {"inputs": inputs, "sha256": now}:
        return now, False
    files = contents(name, installed(lock, cache))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".building-") as folder:
        fresh = Path(folder) / output.name
        write_zip(files, fresh)
        made = hashlib.sha256(fresh.read_bytes()).hexdigest()
        if made != now:
            fresh.chmod(0o644)
            fresh.replace(output)
    note.write_text(json.dumps({"inputs": inputs, "sha256": made}))
    return made, made != now


def main() -> int:
    """Build the zip named on the command line; print its path, size and digest as JSON."""
    parser = argparse.ArgumentParser(description="Build a function's zip.")
    parser.add_argument("function", choices=sorted(FUNCTIONS))
    parser.add_argument("--output", type=Path, required=True, help="the zip, e.g. dist/dispatcher.zip")
    parser.add_argument("--cache", type=Path, default=ROOT / "dist" / ".lambda", help="keeps the installed wheels")
    options = parser.parse_args()
    os.umask(0o022)
    try:
        sha256, written = build(options.function, options.output.resolve(), options.cache.resolve())
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    size = options.output.stat().st_size
    print(json.dumps({"zip": str(options.output), "bytes": size, "sha256": sha256, "written": written}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
