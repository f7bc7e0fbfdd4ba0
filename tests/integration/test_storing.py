"""Stored runs: what is in the file, and what pytest-benchmark's own commands make of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stored_runs import stored

if TYPE_CHECKING:
    from collections.abc import Callable

CONFTEST = "from pytest_codeact.storage import pytest_benchmark_scale_unit\n"

COMMAND = Path(sys.executable).with_name("pytest-benchmark")


def test_one_entry_per_scenario_arm_and_metric(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """Latency is named as the test is; the others stand beside it, in units of their own."""
    run("--benchmark-json=run.json").assert_outcomes(passed=4)
    names = [entry["fullname"] for entry in stored(project)["benchmarks"]]

    assert sorted(names) == sorted(
        f"test_shelf.py::test_{scenario}{metric}[{arm}]"
        for scenario in ("fill", "double")
        for arm in ("direct", "code")
        for metric in ("", ":round_trips", ":input_tokens", ":output_tokens", ":tokens")
    )


def test_stored_run_says_what_kind_of_run_it_is(project: pytest.Pytester) -> None:
    """Mode, model, tokenizer and failed scenarios stand in the file: unlike runs can be told apart."""
    project.runpytest_subprocess("--benchmark-json=run.json", "--codeact-model=reference/early-answer")
    info = stored(project)["codeact"]

    assert (info["mode"], info["models"]) == ("reference", ["reference/early-answer"])
    assert info["failed"] == ["test_shelf.py::test_double", "test_shelf.py::test_fill"]
    assert info["complete"] == []


def test_units_are_right_without_a_conftest(project: pytest.Pytester) -> None:
    """In a run the plugin gives the units; only the command pytest-benchmark needs the conftest."""
    result = project.runpytest_subprocess("-k", "fill", "--benchmark-columns=mean")
    headings = {line.split("(")[1].split(")")[0] for line in result.outlines if line.startswith("Name (time in ")}

    assert headings - {"time in ms", "time in us"} == {"time in tokens", "time in round trips"}


def test_trials_are_pooled_under_the_scenarios_name(project: pytest.Pytester) -> None:
    """Runs of different numbers of trials have the same rows."""
    project.runpytest_subprocess("--benchmark-json=one.json")
    result = project.runpytest_subprocess("--benchmark-json=three.json", "--codeact-trials=3")
    one, three = stored(project, "one.json")["benchmarks"], stored(project, "three.json")["benchmarks"]

    result.assert_outcomes(passed=12)
    assert [entry["fullname"] for entry in one] == [entry["fullname"] for entry in three]
    assert {entry["stats"]["rounds"] for entry in three} == {3}


def test_two_saved_runs_compare(project: pytest.Pytester) -> None:
    """pytest-benchmark's compare shows latency, tokens and round trips as rows in the right units."""
    project.makeconftest(CONFTEST)
    for _ in range(2):
        project.runpytest_subprocess("--benchmark-save=a").assert_outcomes(passed=4)
    rows = project.run(COMMAND, "compare", "0001", "0002")
    arms = project.run(COMMAND, "compare", "0001", "--group-by=fullfunc")
    table = project.run(COMMAND, "compare", "0001", "0002", "--csv=out.csv")
    deltas = project.run(COMMAND, "compare", "--between=mean", "0001", "0002", "-k", "tokens")

    assert [result.ret for result in (rows, arms, table, deltas)] == [0, 0, 0, 0]
    rows.stdout.fnmatch_lines_random(
        [
            "Name (time in ?s)*",
            "Name (time in round trips)*",
            "Name (time in tokens)*",
            "*test_fill:tokens?code?*0002*",
        ]
    )
    arms.stdout.fnmatch_lines(["*test_fill:tokens*", "*?code?*", "*?direct?*"])
    assert "test_fill:round_trips[direct]" in (project.path / "out.csv").read_text()


def test_histogram_is_drawn(project: pytest.Pytester) -> None:
    """A histogram of tokens does not stumble over their unit."""
    pytest.importorskip("pygal", reason="--benchmark-histogram needs pygal; run: pip install pygal")
    project.makeconftest(CONFTEST)
    project.runpytest_subprocess("--benchmark-save=a", "--benchmark-histogram=in_run").assert_outcomes(passed=4)
    drawn = project.run(COMMAND, "compare", "0001", "--histogram=later")

    assert drawn.ret == 0
    assert {path.name.split("-")[0] for path in project.path.glob("*.svg")} == {"in_run", "later"}


def test_own_check_of_pytest_benchmark_sees_our_rows(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """--benchmark-compare-fail works on tokens, with xdist too."""
    run("--benchmark-json=base.json", "--codeact-model=reference")
    base = project.path / "base.json"
    content = json.loads(base.read_text())
    for entry in content["benchmarks"]:
        if entry["params"]["metric"] == "tokens":
            entry["stats"]["mean"] *= 0.5
    less = project.path / "less.json"
    less.write_text(json.dumps(content))

    assert "has regressed" not in run(f"--benchmark-compare={base}", "--benchmark-compare-fail=mean:900%").stdout.str()
    result = run(f"--benchmark-compare={less}", "--benchmark-compare-fail=mean:90%", "-W", "default")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "Performance has regressed" in result.stdout.str() + result.stderr.str()


def test_nothing_is_stored_unless_asked(project: pytest.Pytester) -> None:
    """A plain run leaves no record behind."""
    project.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)

    assert list((project.path / ".benchmarks").rglob("*.json")) == []
