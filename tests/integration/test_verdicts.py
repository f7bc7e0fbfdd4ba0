"""Whose doing it was: passed, failed or an error, counted once, whatever pytest has to do with the test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FILL = "def test_fill(codeact_trial, codeact_snapshot):\n"


def edit(project: pytest.Pytester, old: str, new: str) -> None:
    """Change the text of the project's tests."""
    shelf = project.path / "test_shelf.py"
    text = shelf.read_text()
    assert old in text
    shelf.write_text(text.replace(old, new))


def test_failed_subtest_fails_its_trial(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """A test with a failed subtest fails after its function ended well: so does its trial, and no truth is written."""
    body = FILL.replace("codeact_snapshot", "codeact_snapshot, subtests")
    edit(project, FILL, f"{body}    with subtests.test('a'):\n        assert 0\n")
    before = (project.path / "snapshots/test_shelf/test_fill.json").read_text()
    result = run("--codeact-arms=direct", "--snapshot-update")

    result.stdout.fnmatch_lines(
        ["double *direct *1/1 *", "fill *direct *0/1 *", "snapshots: *1 refused *:", "  test_shelf.py::test_fill"]
    )
    assert (project.path / "snapshots/test_shelf/test_fill.json").read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        ('@pytest.mark.scenario("Put', '@pytest.mark.xfail(run=False)\n@pytest.mark.scenario("Put', None),
        (FILL, f"@pytest.fixture(autouse=True)\ndef known(): pytest.xfail('known')\n\n\n{FILL}", None),
        (FILL, f"{FILL}    pytest.xfail('known')\n", "fill *direct *1 *0/0 *"),
        (FILL, f"{FILL}    assert 0\n", "fill *direct *0/1 *"),
        (FILL, f"{FILL}    raise OSError\n", "fill *direct *0/1 *"),
    ],
)
def test_row_of_a_trial(project: pytest.Pytester, old: str, new: str, row: str | None) -> None:
    """A test that never ran has no row, one that nobody judged is an error, one that its validator refused failed."""
    edit(project, old, new)
    result = project.runpytest_subprocess("--codeact-arms=direct", "-k", "fill")
    rows = [line for line in result.outlines if line.startswith("fill ")]

    if row is None:
        assert rows == []
    else:
        result.stdout.fnmatch_lines([row])


def test_trial_that_a_fixture_skips_afterwards_is_counted(project: pytest.Pytester) -> None:
    """It was run and paid for."""
    project.makeconftest(
        """
        import pytest

        @pytest.fixture(autouse=True)
        def _costly(codeact_trial):
            pytest.skip("costly")
        """
    )
    result = project.runpytest_subprocess("--codeact-arms=direct")

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["double *direct *1 *0/0 *", "fill *direct *1 *0/0 *"])


def test_snapshot_that_is_no_json_is_not_the_models_failure(project: pytest.Pytester) -> None:
    """Without a truth there is no verdict."""
    (project.path / "snapshots/test_shelf/test_fill.json").write_text("{")
    result = project.runpytest_subprocess("--codeact-arms=direct", "-k", "fill")

    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*snapshot * is not JSON: *", "fill *direct *1 *0/0 *"])


def test_snapshot_may_stand_on_the_left(project: pytest.Pytester) -> None:
    """The differences are shown either way round."""
    edit(
        project, "assert codeact_trial.outcome == codeact_snapshot", "assert codeact_snapshot == codeact_trial.outcome"
    )
    result = project.runpytest_subprocess(
        "--codeact-arms=direct", "--codeact-model=reference/early-answer", "-k", "fill"
    )

    result.stdout.fnmatch_lines(['*ended: expected "answered", got "ill_typed_answer"'])


def test_trial_whose_worker_dies_is_an_error_even_if_it_is_the_only_one(project: pytest.Pytester) -> None:
    """The worker says that a trial begins before it begins: an id alone could be any test's."""
    project.makeconftest(
        """
        import os
        import pytest

        @pytest.fixture
        def codeact_client():
            os._exit(3)
        """
    )
    project.makepyfile(
        test_plain="""
        import os
        import pytest

        @pytest.mark.parametrize("x", ["code"])
        def test_plain(x):
            os._exit(3)
        """
    )
    result = project.runpytest_subprocess("-n1", "--max-worker-restart=5", "--codeact-arms=direct")

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["double *direct *1 *0/0 *", "fill *direct *1 *0/0 *"])
    result.stdout.no_fnmatch_line("plain *1 *0/0*")


def test_totals_over_fewer_scenarios_are_marked(project: pytest.Pytester) -> None:
    """A sum that misses a scenario is no sum to compare."""
    project.makeconftest(
        """
        import pytest
        from pytest_codeact.errors import ProviderError

        @pytest.fixture
        def codeact_client(codeact_client, codeact_scenario, codeact_case):
            if "fill" in codeact_scenario.id and codeact_case.arm == "code":
                raise ProviderError("down")
            return codeact_client
        """
    )
    result = project.runpytest_subprocess()

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["total *direct *0 *2/2 *8 *3,*", "*code *1 *1/1 *1[*] *340[*]*", "[*] over those scenarios and trials only*"]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "async def test_a(codeact_trial): pass",
            "*test_a: is async; a scenario's test is a validator; write it with def",
        ),
        (
            "class TestU(unittest.TestCase):\n    @SCENARIO\n    def test_a(self): pass",
            "*test_a: the scenario marker has no effect here; put it on a function or class, *",
        ),
        (
            "@pytest.mark.parametrize('x', [pytest.param(1, marks=SCENARIO)])\ndef test_a(x): pass",
            "*test_a?1?: the scenario marker has no effect here; put it on a function or class, *",
        ),
    ],
)
def test_marker_in_the_wrong_place_says_so(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], text: str, message: str
) -> None:
    """A marker without effect is an error and no silent pass."""
    head = "import unittest\nimport pytest\nfrom test_shelf import Shelf, fill\n"
    head += "SCENARIO = pytest.mark.scenario('Fill.', tools=Shelf, reference=fill)\n"
    mark = "@SCENARIO\n" if text.startswith("async") else ""
    project.makepyfile(test_place=head + mark + text)
    result = run("--codeact-arms=direct", "test_place.py")

    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines([message])


def test_parametrizing_after_us_is_refused(project: pytest.Pytester) -> None:
    """Arms whose ids do not end in their names could not share a scenario."""
    project.makeconftest(
        """
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_generate_tests(metafunc):
            metafunc.fixturenames.append("rep")
            metafunc.parametrize("rep", [1, 2])

        @pytest.fixture
        def rep(request):
            return request.param
        """
    )
    result = project.runpytest_subprocess("--codeact-arms=direct", "-k", "fill")

    result.stdout.fnmatch_lines(["*test_fill?direct-1?: something parametrizes the test after pytest-codeact; *"])


def test_two_modules_of_one_name_are_told_apart_from_a_crash(project: pytest.Pytester) -> None:
    """Their snapshots would be one file: the tests say so, with xdist too."""
    for folder in ("a", "b"):
        project.mkpydir(folder)
        (project.path / folder / "test_shelf.py").write_text((project.path / "test_shelf.py").read_text())
    result = project.runpytest_subprocess("-n2", "--codeact-arms=direct", "a", "b")

    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines(
        ["*would share the snapshot 'test_shelf/test_*.json'; rename one of them, or its module"]
    )


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("lambda r: 1 / 0", "ZeroDivisionError: division by zero"),
        ("lambda r: 'many'", "TypeError: it gave 'many', which is neither a number nor None"),
    ],
)
def test_metric_that_raises_loses_nothing_else(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], metric: str, reason: str
) -> None:
    """The others are shown and stored; the run is red and says which metric it was."""
    project.makeconftest(
        f"""
        from pytest_codeact.measure import Metric

        def pytest_codeact_register(registry):
            registry.add_metric(Metric(name="mine", title="mine", unit="", value={metric}))
        """
    )
    result = run("--benchmark-json=run.json", "--codeact-metrics=success,mine,round_trips")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["fill *direct *1/1 *5", f"metric 'mine' is left out: it raised {reason}"])
    assert len(json.loads((project.path / "run.json").read_text())["benchmarks"]) == 20


def test_snapshots_that_cannot_be_written_lose_nothing_else(project: pytest.Pytester) -> None:
    """The table is shown, the run is red and says why."""
    for path in sorted((project.path / "snapshots").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (project.path / "snapshots").rmdir()
    (project.path / "snapshots").write_text("")
    result = project.runpytest_subprocess("--snapshot-update")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["code vs direct *", "the snapshots could not be written: *"])


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("codeact_arms =", "ERROR: codeact_arms: empty name in ''; expected names separated by commas*"),
        ("codeact_trials = five", "ERROR: codeact_trials: *five*"),
        ("codeact_min_success = most", "ERROR: codeact_min_success: *most*"),
        ("codeact_min_success = 1.5", "ERROR: codeact_min_success: expected a number from 0 to 1, *; got 1.5"),
        ("codeact_deadline = 0", "ERROR: codeact_deadline: expected a number of seconds above 0; got 0.0"),
        ("codeact_arms = direct, codex", "ERROR: codeact_arms: unknown arm 'codex'; *"),
    ],
)
def test_ini_value_that_is_wrong_is_named(project: pytest.Pytester, ini: str, message: str) -> None:
    """One line and exit code 4."""
    (project.path / "pyproject.toml").unlink()
    project.makeini(f"[pytest]\n{ini}\n")
    result = project.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_name_that_is_taken_is_a_usage_error(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """The built-ins come first: whoever comes second is told."""
    project.makeconftest("def pytest_codeact_register(registry): registry.add_arm('code', int)")
    result = run("--codeact-arms=code")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: pytest_codeact_register: arm 'code' is already registered; choose another name"]
    )


def test_exception_without_a_text_ends_one_trial(project: pytest.Pytester) -> None:
    """A foreign exception whose text cannot be had is named by its type."""
    project.makeconftest(
        """
        import pytest

        class Mute(Exception):
            def __str__(self):
                raise RuntimeError("no str")

        @pytest.fixture
        def codeact_client(codeact_scenario):
            if "fill" in codeact_scenario.id:
                raise Mute

            class Down:
                def complete(self, request):
                    raise Mute

            return Down()
        """
    )
    result = project.runpytest_subprocess("--codeact-arms=direct", "--benchmark-json=run.json", "-W", "default")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["double *1 *0/0 *", "fill *1 *0/0 *"])
