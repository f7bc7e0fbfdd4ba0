"""--codeact-sandbox-min, and what a run says and stores of how its programs were held."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

WEAK = """
from pytest_codeact.runtimes import Confinement
from pytest_codeact.runtimes.restricted import RestrictedRuntime

class WeakRuntime(RestrictedRuntime):
    def confinement(self):
        return Confinement(level="C", layers=("hope",), missing=("walls: none were built",))

def pytest_codeact_register(registry):
    registry.add_runtime("weak", WeakRuntime)
"""

REFUSAL = (
    "the sandbox 'weak' holds programs at level C here, and --codeact-sandbox-min asks for B; missing: walls: none "
    "were built; docs/sandbox.md says what each level needs; provide that, choose another sandbox, or ask for less"
)

WARNING = "Programs were held at level C: only their interpreter kept them from files *"


@pytest.fixture
def weak(project: pytest.Pytester) -> pytest.Pytester:
    """Give the project with a sandbox that holds nothing."""
    project.makeconftest(WEAK)
    return project


def test_sandbox_below_the_minimum_is_refused_before_anything_runs(
    weak: pytest.Pytester, once: Callable[..., pytest.RunResult]
) -> None:
    """One line and exit code 4."""
    result = once("--codeact-sandbox=weak", "--codeact-sandbox-min=B")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {REFUSAL}"])
    result.stdout.no_fnmatch_line("*passed*")


def test_worker_refuses_it_trial_by_trial(weak: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """Where other processes run the trials, each that would run a program is an error, and no other."""
    result = once("--codeact-sandbox=weak", "--codeact-sandbox-min=B", "-n2")

    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines([f"*SandboxError: {REFUSAL}"])


def test_run_without_programs_needs_no_sandbox(weak: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """The minimum concerns the arms that run programs."""
    result = once("--codeact-sandbox=weak", "--codeact-sandbox-min=B", "--codeact-arms=direct")

    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*sandbox weak*")


def test_level_is_said_stored_and_warned_of(weak: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """A sandbox that is held by its interpreter alone is no failure, and nobody can overlook it."""
    result = run("--codeact-sandbox=weak", "--benchmark-save=weak")
    stored = json.loads(next((weak.path / ".benchmarks").glob("*/*_weak.json")).read_text())["codeact"]

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines([WARNING])
    assert (stored["sandbox"], stored["sandbox_level"]) == (["weak"], "C")


def test_header_says_what_holds_programs(weak: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """The level, the layers, and what is missing, before the first test."""
    result = once("--codeact-sandbox=weak", "-k", "fill")

    result.stdout.fnmatch_lines(
        [
            "codeact: sandbox weak, level C: hope",
            "codeact: sandbox weak lacks walls: none were built",
            "*test_shelf.py*",
        ]
    )


def test_collecting_starts_no_sandbox(weak: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """With --collect-only nothing runs, so nothing is probed or refused."""
    result = once("--codeact-sandbox=weak", "--codeact-sandbox-min=A", "--collect-only")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*level C*")


def test_scenario_that_chooses_its_sandbox_is_held_to_the_minimum(
    weak: pytest.Pytester, once: Callable[..., pytest.RunResult]
) -> None:
    """It is looked at whichever way it was chosen."""
    module = weak.path / "test_shelf.py"
    module.write_text(module.read_text().replace("reference=double,", 'reference=double, sandbox="weak",'))
    result = once("--codeact-sandbox-min=B")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {REFUSAL}"])


def test_default_takes_any_level(weak: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """A machine that cannot do better runs, and says so."""
    once("--codeact-sandbox=weak").assert_outcomes(passed=4)


def test_unknown_level_is_a_usage_error(weak: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """The text lists the levels."""
    result = once("--codeact-sandbox-min=E")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --codeact-sandbox-min: unknown level 'E'; known levels, best first: A, B, C, D"]
    )
