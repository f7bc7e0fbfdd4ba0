"""--codeact-control: the base arm runs twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_base_arm_runs_twice_and_shows_its_spread(run: Callable[..., pytest.RunResult]) -> None:
    """The control is an arm of its own name; the tokens of the reference model differ from themselves by nothing."""
    result = run("--codeact-arms=code,direct", "--codeact-control")

    assert result.ret == 0
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "total *code *",
            " *direct *",
            " *control *",
            "code vs direct *A/A *verdict",
            "  tok in * 0.0% *",
            "A/A is what direct differs from itself*",
        ]
    )
    result.stdout.no_fnmatch_line("control vs direct*")


def test_first_arm_is_the_base_without_direct(run: Callable[..., pytest.RunResult]) -> None:
    """The plan says which arm runs again."""
    result = run("--codeact-arms=code", "--codeact-control")

    assert result.ret == 0
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["codeact: arms code, control (code again); model reference policy (no LLM);", "  sandbox restricted*"],
        consecutive=True,
    )


def test_arm_of_that_name_is_in_the_way(project: pytest.Pytester) -> None:
    """An arm that somebody registered as "control" is not silently replaced."""
    project.makeconftest(
        """
        def pytest_codeact_register(registry):
            registry.add_arm("control", object)
        """
    )

    result = project.runpytest_subprocess("-p", "no:cacheprovider", "--codeact-control")

    assert result.ret != 0
    text = "--codeact-control: an arm 'control' is registered already; give that arm another name"
    assert text in result.stdout.str() + result.stderr.str()
