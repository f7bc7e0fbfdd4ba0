"""--codeact-arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def test_every_scenario_runs_once_per_arm(run: Callable[..., pytest.RunResult]) -> None:
    """Arms are parameters; each has its row."""
    result = run("--codeact-arms=direct,direct-serial,code", "-v")

    result.assert_outcomes(passed=6)
    for test in ("fill", "double"):
        for arm in ("direct", "direct-serial", "code"):
            result.stdout.fnmatch_lines([f"*test_shelf.py::test_{test}?{arm}?*"])
    result.stdout.fnmatch_lines(["fill * direct *", "direct-serial vs*", "code vs direct *"])


def test_one_arm_alone_reports_no_unused_snapshot(run: Callable[..., pytest.RunResult]) -> None:
    """Arms share a snapshot: leaving one out leaves none behind."""
    result = run("--codeact-arms=code")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["2 snapshots passed."])


def test_keyword_selects_one_scenario_in_both_arms(run: Callable[..., pytest.RunResult]) -> None:
    """-k takes the scenario, and neither arm's name matches more than its own tests."""
    run("-k", "test_fill").assert_outcomes(passed=2)
    run("-k", "fill and code").assert_outcomes(passed=1)


def test_ini_sets_the_default(project: pytest.Pytester) -> None:
    """The ini key takes a list; the command line wins."""
    config = project.path / "pyproject.toml"
    config.write_text(config.read_text() + '\ncodeact_arms = ["code"]\n')

    project.runpytest_subprocess().assert_outcomes(passed=2)
    project.runpytest_subprocess("--codeact-arms=direct,code").assert_outcomes(passed=4)


def test_ini_file_takes_commas(project: pytest.Pytester) -> None:
    """An ini file of the old kind names them as the command line does."""
    (project.path / "pyproject.toml").unlink()
    project.makeini("[pytest]\ncodeact_arms = direct-serial,code\n")

    project.runpytest_subprocess().assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--codeact-arms=codex",
            "ERROR: --codeact-arms: unknown arm 'codex'; known arms: 'code', 'code-ts', 'direct', 'direct-serial'; "
            "register others with the hook pytest_codeact_register",
        ),
        (
            "--codeact-model=openay/x",
            "ERROR: --codeact-model: unknown provider 'openay'; known providers: 'anthropic', 'google', 'mistral', "
            "'openai', 'reference'; register others with the hook pytest_codeact_register",
        ),
        (
            "--codeact-model=anthropic",
            "ERROR: --codeact-model: no model of 'anthropic' is named; got 'anthropic', expected PROVIDER/MODEL, for "
            "example anthropic/claude-haiku-4-5",
        ),
        (
            "--codeact-base-url=antropic=http://127.0.0.1:1",
            "ERROR: --codeact-base-url: unknown provider 'antropic'; known providers: 'anthropic', 'google', "
            "'mistral', *",
        ),
        (
            "--codeact-model=reference/clumsy",
            "ERROR: --codeact-model: unknown model 'reference/clumsy'; known models: 'reference', "
            "'reference/buggy-program', 'reference/early-answer', 'reference/unknown-tool', 'reference/wrong-argument'",
        ),
        (
            "--codeact-sandbox=none",
            "ERROR: --codeact-sandbox: unknown runtime 'none'; known runtimes: 'deno', 'monty', 'restricted'; "
            "register others with the hook pytest_codeact_register",
        ),
        ("--codeact-metrics=token", "ERROR: --codeact-metrics: unknown metric 'token'; known metrics: *'tokens'*"),
        ("--codeact-arms=code,code", "ERROR: --codeact-arms: 'code' comes twice in 'code,code'; name each once"),
        ("--codeact-arms=", "ERROR: --codeact-arms: empty name in ''; expected names separated by commas*"),
        ("--codeact-trials=0", "ERROR: --codeact-trials: expected a whole number from 1 to 1,000,000,000; got '0'"),
        *(
            (f"{flag}=", f"ERROR: {flag}: expected a value; got ''; give one as --help says, or leave it out")
            for flag in ("--codeact-fail", "--codeact-save-baseline", "--codeact-resume")
        ),
        ("--codeact-seed=x", "ERROR: --codeact-seed: expected a whole number from 0; got 'x'"),
        ("--codeact-limit=wall_s=0", "ERROR: --codeact-limit: the limit 'wall_s' must be a number above 0; got*"),
    ],
)
def test_bad_value_is_one_line_and_exit_code_4(run: Callable[..., pytest.RunResult], option: str, message: str) -> None:
    """A wrong value says what it is before anything runs, with xdist too."""
    result = run(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
