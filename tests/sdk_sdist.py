"""
The anthropic SDK's own API tests, from its source distribution, against an emulator.

    python tests/sdk_sdist.py DIRECTORY [TEST ...]

downloads both into the directory (the distribution of the installed version, and what its tests import), runs the
tests and prints how many passed. They are run as they are: by their own conftest, pointed at the emulator's address.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pytest_codeact.emulator import Emulator

ATTEMPTED = (
    "tests/api_resources/test_messages.py",
    "tests/api_resources/test_models.py",
    "tests/api_resources/beta/test_messages.py",
    "tests/api_resources/beta/test_models.py",
)
"""The tests of what the emulator speaks. The others are of files, agents, organisations and so on."""

NEEDS = ("pytest-asyncio", "http-snapshot[httpx]", "inline-snapshot", "respx", "httpx-aiohttp", "aiohttp")
"""What the SDK's conftest and fixtures import."""


class MissingError(Exception):
    """The package index does not give what is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """
    How the tests ended.

    Attributes:
        passed: Tests that passed.
        failed: Tests that failed or had an error.
        skipped: Tests that the SDK itself skips.
        output: What pytest printed.
    """

    passed: int
    failed: int
    skipped: int
    output: str


def fetch(directory: Path) -> tuple[Path, Path]:
    """
    Download the source distribution and what its tests need, unless they are there.

    Args:
        directory: Where to.

    Returns:
        The unpacked distribution, and the directory of the packages.

    Raises:
        MissingError: The package index does not give them.
    """
    name = f"anthropic-{metadata.version('anthropic')}"
    source, packages = directory / name, directory / "packages"
    if not source.is_dir():
        wanted = name.replace("-", "==")
        _pip("download", "--no-deps", "--no-binary=anthropic", "-d", str(directory), wanted)
        with tarfile.open(directory / f"{name}.tar.gz") as archive:
            archive.extractall(directory, filter="data")
    if not packages.is_dir():
        _pip("install", "--target", str(packages), *NEEDS)
    return source, packages


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"pip {arguments[0]} failed: {done.stderr.strip().splitlines()[-1:]}")


def run(source: Path, packages: Path, tests: tuple[str, ...] = ATTEMPTED) -> Counts:
    """Run tests of the distribution against an emulator of their own."""
    plugins = ("codeact", "benchmark", "syrupy", "cacheprovider", "randomly")
    with Emulator() as emulator:
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-n0", "-o", "addopts=",
                *(f"-pno:{name}" for name in plugins), *tests,
            ],
            cwd=source,
            env={**os.environ, "TEST_API_BASE_URL": emulator.url, "PYTHONPATH": str(packages)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    found = {kind: int(count) for count, kind in re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout)}
    return Counts(
        passed=found.get("passed", 0),
        failed=found.get("failed", 0) + found.get("error", 0),
        skipped=found.get("skipped", 0),
        output=done.stdout + done.stderr,
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    counts = run(*fetch(target.resolve()), tuple(sys.argv[2:]) or ATTEMPTED)
    sys.stdout.write(counts.output)
    sys.stdout.write(f"\n{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped by the SDK\n")
