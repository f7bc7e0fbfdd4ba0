"""What the plugin's own tests share: runs of a small project through pytester."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from projects import CONFIG, SHELF, SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _no_outer_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide an outer `-n` from inner runs: they would believe that they are its workers."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Make a project of two scenarios over a small world, with its snapshots; warnings are errors there."""
    pytester.makepyprojecttoml(CONFIG)
    pytester.makepyfile(test_shelf=SHELF)
    pytester.mkdir("snapshots")
    for name, text in SNAPSHOTS.items():
        path = pytester.path / "snapshots" / "test_shelf" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return pytester


@pytest.fixture(params=["plain", "-n2"])
def run(request: pytest.FixtureRequest, project: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Give a function that runs pytest in the project: without xdist's options, and with -n2."""
    mode = () if request.param == "plain" else (request.param,)

    def run_pytest(*args: str) -> pytest.RunResult:
        # A process of its own: syrupy keeps its session in a module global, which an inner run would overwrite.
        return project.runpytest_subprocess("-p", "no:cacheprovider", *mode, *args)

    return run_pytest


@pytest.fixture
def once(project: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Give a function that runs pytest in the project, for what no number of workers can change."""
    return lambda *args: project.runpytest_subprocess("-p", "no:cacheprovider", *args)
