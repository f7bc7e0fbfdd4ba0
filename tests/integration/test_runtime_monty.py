"""--codeact-sandbox: the same scenarios in another runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("pydantic_monty")


def test_monty_runs_scenarios(run: Callable[..., pytest.RunResult]) -> None:
    """Programs of the arm `code` run in it, plain and in workers, and the header names it."""
    result = run("--codeact-sandbox=monty", "--codeact-arms=code")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["codeact: arms code; model reference policy (no LLM); sandbox monty*"])


def test_monty_runs_trials_ahead(run: Callable[..., pytest.RunResult]) -> None:
    """Sessions run in threads at a time."""
    result = run("--codeact-sandbox=monty", "--codeact-arms=code", "--codeact-trials=10", "--codeact-concurrency=8")

    result.assert_outcomes(passed=20)


def test_missing_package_is_an_error_of_the_trial(
    run: Callable[..., pytest.RunResult], project: pytest.Pytester
) -> None:
    """Without pydantic-monty a trial says what to install, and is not the model's failure."""
    project.makeconftest("import sys\n\nsys.modules['pydantic_monty'] = None\n")
    result = run("--codeact-sandbox=monty", "--codeact-arms=code")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*the monty runtime needs the pydantic-monty package; run: pip install 'pytest-codeact?monty?'"]
    )
