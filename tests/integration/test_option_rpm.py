"""--codeact-rpm and --codeact-tpm: requests that are sent no faster than is allowed, by all workers together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from money_fake import LIVE

if TYPE_CHECKING:
    from collections.abc import Callable


def test_rpm_that_leaves_no_time_ends_the_run(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """The third request of a minute would be sent after the run's time; it is refused at once, not waited for."""
    project.makeconftest(LIVE)

    result = run("--codeact-model=fake/x", "--codeact-budget=none", "--codeact-rpm=2", "--codeact-max-seconds=50")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert (project.path / "asked.log").read_text().splitlines() == ["asked"] * 2


def test_tpm_that_leaves_no_time_ends_the_run(project: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """
    A request is placed by the most tokens that it may have, and one that has ended counts by those that it had.

    The first two have 2,200 tokens together, so the third is placed beyond the run's time.
    """
    project.makeconftest(LIVE)
    limit = ("--codeact-budget=none", "--codeact-max-output-tokens=200", "--codeact-tpm=5000")

    result = once("--codeact-model=fake/x", *limit, "--codeact-max-seconds=50")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert (project.path / "asked.log").read_text().splitlines() == ["asked"] * 2
