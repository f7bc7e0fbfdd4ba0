"""--codeact-dry-run: the plan and its estimate, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from money_fake import LIVE, PRICES

if TYPE_CHECKING:
    from collections.abc import Callable


def test_dry_run_shows_the_plan_and_asks_nothing(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """With -q and with workers too: trials, requests, tokens and dollars per model and arm, and no request."""
    project.makeconftest(LIVE)
    (project.path / "prices.toml").write_text(PRICES)

    result = run("--codeact-model=fake/x,fake/y", "--codeact-prices=prices.toml", "--codeact-dry-run", "-q")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["model*USD", "fake/x  direct*2*8 *0.0*", "fake/x  code*2*2 *0.0*", "fake/y  direct*", "total*8*20*"]
    )
    assert "nothing was sent and no test was run" in result.stdout.str()
    assert not (project.path / "asked.log").exists()
    assert max(map(len, result.stdout.lines)) <= 80


def test_dry_run_of_the_reference_model_says_that_nothing_is_asked(once: Callable[..., pytest.RunResult]) -> None:
    """The reference model costs nothing, and the plan says so."""
    result = once("--codeact-dry-run")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["codeact plan: no live model is asked (model reference*"])
    assert "passed" not in result.stdout.str()
