"""
The corpus: every hostile program is contained, judged by its effects on the host, and every honest one does what plain
Python does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import corpus_driver as driver
import pytest

from pytest_codeact.runtimes import CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.testing import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.records import Json

HERE = Path(__file__).parent
PROJECT = HERE.parent
BENIGN = sorted((driver.CORPUS / "benign").glob("*.py"))
TEN_ORDERS = "assert_walrus"
"""The one honest program that asserts a number of orders that this world does not have."""

NOBODY = 65534
ROOT = os.name == "posix" and os.getuid() == 0

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")


def categories(mode: str) -> list[str]:
    """List the categories of a mode, in the order of the manifest."""
    return list(dict.fromkeys(case.category for case in driver.hostile(mode)))


@pytest.fixture(scope="module")
def examine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], list[str]]]:
    """Give a function that runs a category of a mode and lists what is wrong. One runtime serves each mode."""
    runtimes = {}
    with Host(tmp_path_factory.mktemp("host")) as host, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("cwd"))
        host.settle()

        def run(mode: str, category: str) -> list[str]:
            if mode not in runtimes:
                runtimes[mode] = driver.make_runtime(mode)
                driver.warm_up(runtimes[mode], host)
            found = driver.run_cases(runtimes[mode], host, driver.hostile(mode, category))
            return [problem for finding in found if (problem := finding.problem())]

        yield run
        for runtime in runtimes.values():
            runtime.close()


@pytest.mark.parametrize("category", categories("restricted"))
def test_hostile_programs_are_contained(category: str, examine: Callable[[str, str], list[str]]) -> None:
    """They end as they may end, hold nothing that is secret, and leave the host as it was."""
    assert examine("restricted", category) == []


@linux_only
@pytest.mark.parametrize("category", categories("breach"))
def test_breach_without_the_language_layer_is_contained(
    category: str, examine: Callable[[str, str], list[str]]
) -> None:
    """The process alone holds what runs with all of Python at hand."""
    assert examine("breach", category) == []


def test_closed_runtime_leaves_nothing() -> None:
    """After endless, crashing and honest programs no process and no descriptor is left."""
    found = [finding.problem() for finding in driver.findings("restricted", "output")]

    assert [problem for problem in found if problem] == []


# The same as an ordinary user


def ordinary_python() -> tuple[list[str], dict[str, str]]:
    """
    Give the command and environment of an interpreter that an ordinary user may run.

    Where ours lies in a folder that only root may enter, another of the same version is taken, with our packages.
    """
    packages = {
        str(Path(spec.origin or "").parents[1]) for name in ("pytest", "RestrictedPython") if (spec := find_spec(name))
    }
    path = os.pathsep.join([str(PROJECT), str(HERE), *sorted(packages)])
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        probe = [candidate, "-c", "import RestrictedPython, pytest_codeact.testing"]
        if _works_for_nobody(probe, {"PYTHONPATH": path}):
            return [candidate, "-B"], {"PYTHONPATH": path}
    pytest.skip(f"neither {sys.executable} nor another {name} with these packages can be run by user {NOBODY}")


def _works_for_nobody(command: list[str], environment: dict[str, str]) -> bool:
    try:
        return as_nobody(command, environment).returncode == 0
    except OSError:
        return False


def as_nobody(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as an ordinary user: as this one, unless this is root."""
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if ROOT else {}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=600, **user
    )
    return done


@pytest.mark.skipif(not ROOT, reason="the other tests ran as an ordinary user")
@pytest.mark.parametrize("mode", ["restricted", pytest.param("breach", marks=linux_only)])
def test_hostile_programs_are_contained_for_an_ordinary_user(mode: str) -> None:
    """Without root's means to lock itself down the sandbox holds as well."""
    command, environment = ordinary_python()
    done = as_nobody([*command, str(HERE / "corpus_driver.py"), "--mode", mode], environment)
    found = [driver.finding_of(line) for line in done.stdout.splitlines()]

    assert done.stderr == ""
    assert [problem for finding in found if (problem := finding.problem())] == []
    assert {case.id for case in driver.hostile(mode)} <= {finding.id for finding in found}


# The tests have teeth


@linux_only
def test_breach_begins_where_layers_are_off() -> None:
    """Programs that all layers contain get through once those that hold them are off."""
    command, environment = ordinary_python()
    done = as_nobody([*command, str(HERE / "corpus_driver.py"), "--ablation", "--json"], environment)
    rows = {row["walls"]: row for row in map(json.loads, done.stdout.splitlines())}

    assert done.stderr == ""
    assert rows["all layers"]["breached"] == []
    assert len(rows["without seccomp, landlock, namespaces"]["breached"]) >= 12


# Honest programs


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str | None]]:
    """Run every honest program under plain Python; give output, value and error by path."""
    command = [sys.executable, str(HERE / "corpus_native.py"), *map(str, BENIGN)]
    environment = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(PROJECT)}
    folder = tmp_path_factory.mktemp("native")
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    outcomes: dict[str, list[str | None]] = json.loads(done.stdout)
    return outcomes


@pytest.fixture(scope="module")
def runtime() -> Iterator[RestrictedRuntime]:
    """Give a runtime."""
    made = RestrictedRuntime()
    yield made
    made.close()


@pytest.mark.parametrize("path", BENIGN, ids=lambda path: path.stem)
def test_honest_program_does_what_plain_python_does(
    path: Path, native: dict[str, list[str | None]], runtime: RestrictedRuntime
) -> None:
    """It runs to its end, and output and final value are those of plain Python."""
    with Host() as host:
        calls = host.bindings()

        def call(name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
            # As the toolbox has it: what a tool raised, class and text.
            reply = calls.call(name, positional, keywords)
            return reply if reply.error is None else CallReply(error=f"KeyError: {reply.error}")

        session = runtime.start(replace(calls, call=call), Limits())
        execution = session.run(path.read_text(encoding="utf-8"))
        session.close()
    output, value, error = native[str(path)]

    assert (output, value, error) == (execution.output, execution.value, execution.error)
    assert (execution.status == "error") == (path.stem == TEN_ORDERS)
