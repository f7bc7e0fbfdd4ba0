"""python -m pytest_codeact compare, on what runs have stored."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from baselines import change_samples, saved_baseline

if TYPE_CHECKING:
    import pytest

RULES = ("tokens:mean:5%", "round_trips:max:+1", "success:rate:-0")


def compare(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the command in the project."""
    return project.run(sys.executable, "-m", "pytest_codeact", "compare", *args)


def gate(lines: list[str]) -> list[str]:
    """Give what the gate says, from its heading to its count."""
    start = next(place for place, line in enumerate(lines) if line.split()[:3] == ["scenario", "arm", "rule"])
    end = next(place for place, line in enumerate(lines) if line.startswith("gate "))
    return lines[start : end + 1]


def test_command_says_what_the_run_says(project: pytest.Pytester) -> None:
    """The same rows, numbers and verdict, of the run that was stored and the baseline that it had."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [n / 1.2 for n in column])
    rules = [f"--codeact-fail={rule}" for rule in RULES]

    run = project.runpytest_subprocess("--benchmark-save=new", "--benchmark-compare=main.json", *rules)
    done = compare(project, "main.json", "0001_new", *(f"--fail={rule}" for rule in RULES))

    assert (run.ret, done.ret) == (1, 1)
    assert gate(done.outlines) == gate(run.outlines)
    assert gate(done.outlines)[-1] == "gate failed: 6 failed, 10 passed; baseline main.json"


def test_stored_runs_compare_by_number(project: pytest.Pytester) -> None:
    """Two runs of different numbers of trials are compared, and equal ones are nothing to fail on."""
    for trials in (1, 3):
        project.runpytest_subprocess("--benchmark-save=x", f"--codeact-trials={trials}").assert_outcomes(
            passed=4 * trials
        )

    done = compare(project, "0001", "0002", "--fail=tokens:mean:0%", "--format=json")

    assert done.ret == 0
    content = json.loads(done.stdout.str())
    assert (content["gate"]["passed"], len(content["gate"]["findings"])) == (True, 6)
    assert [each["arm"] for each in content["comparisons"]] == ["direct"] * 4 + ["code"] * 4
    deltas = content["comparisons"][0]["deltas"]
    assert [(delta["base_trials"], delta["now_trials"]) for delta in deltas] == [(1, 3), (1, 3)]


def test_refusals_are_the_runs(project: pytest.Pytester) -> None:
    """What the run refuses is refused here."""
    saved_baseline(project)
    project.runpytest_subprocess("-n2", "--benchmark-save=two").assert_outcomes(passed=4)

    done = compare(project, "main.json", "0001", "--fail=latency_s:mean:5%")

    assert done.ret == 1
    assert "cannot judge: latency_s:mean:5%: latency_s depends on how many" in " ".join(done.outlines)


def test_nothing_named_is_a_usage_error(project: pytest.Pytester) -> None:
    """A command without its runs, and no command, are exit code 2."""
    assert compare(project).ret == 2
    assert project.run(sys.executable, "-m", "pytest_codeact").ret == 2
