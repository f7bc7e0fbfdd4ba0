"""--codeact-min-success, and the marker's min_success: failed trials as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

RATE = """
import pytest
from test_shelf import Shelf, fill

@pytest.mark.scenario("Fill.", tools=Shelf, reference=fill, answer=int{marker})
def test_rate(codeact_trial, codeact_case{fixtures}):
    {body}
"""

FAILS = "assert codeact_case.arm != 'code' or codeact_case.trial > {}"


def write(project: pytest.Pytester, body: str, marker: str = "", fixtures: str = "") -> None:
    """Make a scenario whose validator has the body."""
    project.makepyfile(test_rate=RATE.format(body=body, marker=marker, fixtures=fixtures))


def info(project: pytest.Pytester) -> dict[str, Any]:
    """Read what the stored run says of itself."""
    run: dict[str, Any] = json.loads((project.path / "run.json").read_text())["codeact"]
    return run


def test_failed_trials_are_data_while_enough_pass(project: pytest.Pytester, run: Run) -> None:
    """They are shown as xfailed and stay in the figures; the run is green and fit to be a baseline."""
    write(project, FAILS.format(1))
    result = run("--codeact-trials=5", "--codeact-min-success=0.8", "--benchmark-json=run.json", "test_rate.py", "-rx")

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=9, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "rate *direct *5/5 *",
            "*code *4/5 *",
            "XFAIL test_rate.py::test_rate?code-t1? - failed trial, counted: its scenario needs 80 % (min_success)*",
        ]
    )
    assert (info(project)["complete"], info(project)["failed"]) == (["test_rate.py::test_rate"], [])


def test_scenario_with_too_few_successes_fails(project: pytest.Pytester, run: Run) -> None:
    """Each arm below the limit is named with its rate; the others are not."""
    write(project, FAILS.format(2))
    result = run("--codeact-trials=5", "--codeact-min-success=0.8", "--benchmark-json=run.json", "test_rate.py")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=8, xfailed=2)
    result.stdout.fnmatch_lines(
        [
            "test_rate.py::test_rate ?code?: 3/5 completed trials passed = 60 % < 80 %, the",
            "  least that min_success allows",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("*[[]direct]: *")
    assert (info(project)["complete"], info(project)["failed"]) == ([], ["test_rate.py::test_rate"])


def test_without_it_every_failed_trial_is_red(project: pytest.Pytester) -> None:
    """The default."""
    write(project, FAILS.format(1))
    result = project.runpytest_subprocess("--codeact-trials=3", "test_rate.py")

    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("marker", "option", "outcomes", "code"),
    [
        (", min_success=0.5", (), {"passed": 3, "xfailed": 1}, pytest.ExitCode.OK),
        (", min_success=0.5", ("--codeact-min-success=1",), {"passed": 3, "xfailed": 1}, pytest.ExitCode.OK),
        (", min_success=1", ("--codeact-min-success=0",), {"passed": 3, "xfailed": 1}, pytest.ExitCode.TESTS_FAILED),
        (", min_success=None", ("--codeact-min-success=0.5",), {"passed": 3, "xfailed": 1}, pytest.ExitCode.OK),
    ],
)
def test_marker_overrides_the_option(
    project: pytest.Pytester, marker: str, option: tuple[str, ...], outcomes: dict[str, int], code: int
) -> None:
    """A scenario may ask for less or for more; 0 and 1 are shares as well."""
    write(project, FAILS.format(1), marker)
    result = project.runpytest_subprocess("--codeact-trials=2", *option, "test_rate.py")

    result.assert_outcomes(**outcomes)
    assert result.ret == code


def test_ini_sets_the_default(project: pytest.Pytester) -> None:
    """The ini key takes a number, as TOML writes it."""
    write(project, FAILS.format(1))
    config = project.path / "pyproject.toml"
    config.write_text(config.read_text() + "\ncodeact_min_success = 0.5\n")

    project.runpytest_subprocess("--codeact-trials=2", "test_rate.py").assert_outcomes(passed=3, xfailed=1)


@pytest.mark.parametrize("value", ["1.1", "-0.1", "80%", "nan"])
def test_value_that_is_no_share_is_a_usage_error(project: pytest.Pytester, value: str) -> None:
    """One line and exit code 4."""
    result = project.runpytest_subprocess(f"--codeact-min-success={value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: --codeact-min-success: expected a number from 0 to 1, for example 0.8; got '{value}'"]
    )


def test_errors_stay_red_and_out_of_the_rate(project: pytest.Pytester, run: Run) -> None:
    """A world that cannot be made is nobody's failure: 1 of 1 completed trials passed, and the run is red."""
    project.makepyfile(
        test_rate="""
        import pytest
        from test_shelf import Shelf, fill

        worlds = iter([Shelf])

        @pytest.mark.scenario("Fill.", tools=lambda: next(worlds)(), reference=fill, answer=int)
        def test_rate(codeact_trial):
            pass
        """
    )
    arguments = ("--codeact-trials=3", "--codeact-arms=direct", "--codeact-min-success=0.5", "test_rate.py")
    result = run(*arguments, "--benchmark-json=run.json", "--maxfail=9")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["errors"] >= 1
    result.stdout.no_fnmatch_line("*min_success allows*")
    assert info(project)["failed"] == ["test_rate.py::test_rate"]


def test_failure_that_nobody_could_judge_stays_red(project: pytest.Pytester) -> None:
    """Without a snapshot there is no verdict to count."""
    (project.path / "snapshots/test_shelf/test_fill.json").unlink()
    result = project.runpytest_subprocess("--codeact-min-success=0", "-k", "fill")

    result.assert_outcomes(failed=2, deselected=2)


def test_failed_trial_does_not_stop_the_run(project: pytest.Pytester, run: Run) -> None:
    """-x waits for something that is red."""
    write(project, FAILS.format(2))
    result = run("-x", "--codeact-trials=4", "--codeact-min-success=0.5", "test_rate.py")

    result.assert_outcomes(passed=6, xfailed=2)


def test_last_failed_does_not_hold_failed_trials(project: pytest.Pytester) -> None:
    """--lf runs again what was red; a trial that is data is none of it."""
    write(project, FAILS.format(1))
    arguments = ("--codeact-trials=2", "test_rate.py")
    project.runpytest_subprocess("--codeact-min-success=0.5", *arguments).assert_outcomes(passed=3, xfailed=1)
    project.runpytest_subprocess("--lf", "--codeact-min-success=0.5", *arguments).assert_outcomes(passed=3, xfailed=1)
    project.runpytest_subprocess(*arguments).assert_outcomes(passed=3, failed=1)

    project.runpytest_subprocess("--lf", *arguments).assert_outcomes(failed=1, deselected=3)


def test_runxfail_shows_failures(project: pytest.Pytester) -> None:
    """The user asks to see what is xfailed as what it is."""
    write(project, FAILS.format(1))
    result = project.runpytest_subprocess(
        "--runxfail", "--codeact-min-success=0.5", "--codeact-trials=2", "test_rate.py"
    )

    result.assert_outcomes(passed=3, failed=1)


@pytest.mark.parametrize(
    ("strict", "failures", "outcomes"),
    [(False, 9, {"xfailed": 4}), (False, 0, {"xpassed": 4}), (True, 0, {"failed": 4})],
)
def test_xfail_of_the_author_keeps_its_meaning(
    project: pytest.Pytester, strict: bool, failures: int, outcomes: dict[str, int]
) -> None:
    """A reason of the author's own is shown, and a strict one that passes is red."""
    write(project, f"assert codeact_case.trial > {failures}")
    module = project.path / "test_rate.py"
    mark = f"@pytest.mark.xfail(reason='known', strict={strict})\n@pytest.mark.scenario"
    module.write_text(module.read_text().replace("@pytest.mark.scenario", mark))
    result = project.runpytest_subprocess("--codeact-min-success=0", "--codeact-trials=2", "-rx", "test_rate.py")

    result.assert_outcomes(**outcomes)
    if failures:
        result.stdout.fnmatch_lines(["XFAIL *test_rate?direct-t1? - known*"])


def test_strict_mode_and_junit(project: pytest.Pytester) -> None:
    """The project is strict about xfail: that is about tests that pass. JUnit calls the failed trial an xfail."""
    write(project, FAILS.format(1))
    arguments = ("--codeact-min-success=0.5", "--codeact-trials=2", "--junit-xml=junit.xml", "test_rate.py")
    project.runpytest_subprocess(*arguments).assert_outcomes(passed=3, xfailed=1)
    suite = ET.parse(project.path / "junit.xml").getroot()[0]  # noqa: S314 - pytest wrote it

    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "0",
        "errors": "0",
        "skipped": "1",
    }
    assert [case.get("name") for case in suite if case.find("skipped") is not None] == ["test_rate[code-t1]"]


def test_failed_subtest_fails_its_trial_and_is_data_too(project: pytest.Pytester, run: Run) -> None:
    """One bad subtest makes one failed trial, shown as xfailed; a good subtest after it is none."""
    write(
        project,
        "with subtests.test('a'):\n        assert codeact_case.trial > 1\n    with subtests.test('b'):\n        pass",
        fixtures=", subtests",
    )
    arguments = ("--codeact-arms=direct", "--codeact-trials=4", "--codeact-min-success=0.75", "test_rate.py")
    result = run(*arguments, "--benchmark-json=run.json")

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=3, xfailed=1)
    result.stdout.fnmatch_lines(["rate *direct *3/4 *"])
    assert info(project)["failed"] == []


def test_share_is_compared_as_it_was_written(project: pytest.Pytester) -> None:
    """7 of 10 are 0.7, though 0.7 * 10 may be more than 7 in floating point."""
    write(project, "assert codeact_case.trial > 3")
    result = project.runpytest_subprocess("--codeact-min-success=0.7", "--codeact-trials=10", "test_rate.py")

    result.assert_outcomes(passed=14, xfailed=6)
    assert result.ret == pytest.ExitCode.OK


def test_error_of_the_provider_stays_red_wherever_it_is_met(project: pytest.Pytester, run: Run) -> None:
    """A test that asks for its trial in its body fails for an error; only what the model did is data."""
    project.makeconftest(
        """
        import pytest
        from pytest_codeact.errors import ProviderError

        class Down:
            def complete(self, request):
                raise ProviderError("the model is down")

        @pytest.fixture
        def codeact_client(codeact_case, codeact_client):
            return Down() if codeact_case.trial == 2 else codeact_client
        """
    )
    write(project, "request.getfixturevalue('codeact_trial')", fixtures=", request")
    (path,) = project.path.glob("test_rate.py")
    path.write_text(path.read_text().replace("(codeact_trial, ", "("))
    result = run("--codeact-trials=5", "--codeact-min-success=0.5", "--codeact-arms=direct", "test_rate.py")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["rate *direct *1 *4/4 *"])
