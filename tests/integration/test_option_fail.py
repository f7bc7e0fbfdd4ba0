"""--codeact-fail: regressions against a baseline."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from baselines import change_samples, saved_baseline
from projects import SHELF

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

COMPARE = "--benchmark-compare=main.json"


def section(result: pytest.RunResult) -> list[str]:
    """Give the lines of the gate's section, of which there is at most one."""
    heads = [place for place, line in enumerate(result.outlines) if line.strip("- ") == "codeact gate"]
    assert len(heads) <= 1
    lines = result.outlines[heads[0] + 1 :] if heads else []
    end = next((place for place, line in enumerate(lines) if line.startswith(("---", "===", "4 passed"))), None)
    return lines[:end]


def said(result: pytest.RunResult) -> str:
    """Give the section as one line."""
    return " ".join(" ".join(section(result)).split())


def quiet(result: pytest.RunResult) -> bool:
    """Tell whether there is neither a traceback nor a table of pytest-benchmark."""
    text = result.stdout.str() + result.stderr.str()
    return not any(each in text for each in ("Traceback", "INTERNALERROR", "Name (time in"))


def test_planted_rise_fails_the_run(project: pytest.Pytester, run: Run) -> None:
    """20 % more tokens: exit code 1, a row per regression, every test still passed, no traceback."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [n / 1.2 for n in column])

    result = run(COMPARE, "--codeact-fail=tokens:mean:5%", "--codeact-fail=round_trips:max:+1")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=4)
    lines = section(result)
    assert lines[0].split() == ["scenario", "arm", "rule", "baseline", "now", "delta", "95", "%", "range"]
    assert [line.partition(" tokens:")[0].split() for line in lines[1:7]] == [
        ["all", "2", "scenarios", "direct"],
        ["all", "2", "scenarios", "code"],
        ["double", "direct"],
        ["fill", "direct"],
        ["double", "code"],
        ["fill", "code"],
    ]
    assert all("+20.0%" in line for line in lines[1:7])
    assert lines[-1] == "gate failed: 6 failed, 4 passed; baseline main.json"
    assert quiet(result)


def test_unchanged_run_passes(project: pytest.Pytester, once: Run) -> None:
    """Against its own figures a run passes at no tolerance; runs with different numbers of trials compare."""
    saved_baseline(project)

    result = once(
        COMPARE,
        "--codeact-fail=tokens:mean:0%",
        "--codeact-fail=success:rate:-0",
        "--codeact-fail=tool_result_bytes:median:0",
        "--codeact-trials=2",
    )

    result.assert_outcomes(passed=8)
    assert (result.ret, said(result)) == (0, "gate passed: 0 failed, 18 passed; baseline main.json")
    assert quiet(result)


def test_noise_must_not_fail(project: pytest.Pytester) -> None:
    """Figures that differ no more than trials do pass, 9 % up at a limit of 5 %; --codeact-fail-on-noise fails them."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [f * column[0] for f in (0.6, 1.2, 0.7, 1.3, 0.8)])
    args = ("-p", "no:cacheprovider", COMPARE, "--codeact-fail=tokens:mean:5%", "--codeact-trials=5")

    lenient = project.runpytest_subprocess(*args)
    strict = project.runpytest_subprocess(*args, "--codeact-fail-on-noise")

    assert (lenient.ret, strict.ret) == (0, 1)
    assert "gate passed: 0 failed, 6 passed (6 beyond the limit, within the noise); baseline main.json" in said(lenient)
    assert "gate failed: 6 failed, 0 passed; baseline main.json" in said(strict)


PRICED = """
from dataclasses import replace

import pytest


class Priced:
    def __init__(self, inner):
        self.inner = inner

    def complete(self, request):
        reply = self.inner.complete(request)
        return replace(reply, usage=replace(reply.usage, cost_usd=PRICE))


@pytest.fixture
def codeact_client(codeact_client):
    return Priced(codeact_client)
"""


def test_cost_is_judged_where_the_client_says_it(project: pytest.Pytester, once: Run) -> None:
    """A request of 2 cents more than in the baseline is beyond a cent; where nobody prices, nothing can be told."""
    project.makeconftest(PRICED.replace("PRICE", "0.01"))
    saved_baseline(project)
    project.makeconftest(PRICED.replace("PRICE", "0.03"))
    dearer = once(COMPARE, "--codeact-fail=cost_usd:mean:0.01", "--codeact-metrics=cost_usd")
    project.makeconftest("")
    unpriced = once(COMPARE, "--codeact-fail=cost_usd:mean:0.01")

    dearer.stdout.fnmatch_lines(
        ["scenario  arm     cost USD", "double    direct    0.0900", "          code      0.0300"]
    )
    assert (dearer.ret, section(dearer)[-1]) == (1, "gate failed: 6 failed, 0 passed; baseline main.json")
    assert unpriced.ret == 1
    assert "cannot judge: cost_usd:mean:0.01: nothing can be told: 0 of this run's 2 trials know it" in said(unpriced)


def test_no_baseline_yet_is_a_notice(once: Run) -> None:
    """The first run of a project is green and says how to go on; --codeact-require-baseline makes it red."""
    missing = ("--benchmark-compare=a/b/main.json", "--codeact-fail=tokens:mean:5%")

    first, required = once(*missing), once(*missing, "--codeact-require-baseline")
    unnamed = once("--codeact-fail=tokens:mean:5%")

    notice = "no baseline yet: --benchmark-compare=a/b/main.json names no stored run; write one with "
    advice = "--codeact-save-baseline=a/b/main.json"
    assert (first.ret, section(first)[0]) == (0, notice + advice)
    assert (required.ret, section(required)[0]) == (
        1,
        f"{notice}{advice}; --codeact-require-baseline asks for one",
    )
    required.assert_outcomes(passed=4)
    assert (unnamed.ret, section(unnamed)[0]) == (
        0,
        "nothing to compare with: name a stored run or a baseline file with --benchmark-compare",
    )
    assert quiet(first)


@pytest.mark.parametrize("name", ["main.json", "ci/baselines/main.json", "/ci/main.json"])
def test_baseline_that_only_a_marker_asks_for_may_be_missing(project: pytest.Pytester, once: Run, name: str) -> None:
    """Before the first baseline is written the run is green and says so, wherever the file is to be."""
    project.makepyfile(test_shelf=SHELF.replace("reference=fill,", 'reference=fill, fail="tokens:mean:50%",'))

    result = once(f"--benchmark-compare={name}")

    result.assert_outcomes(passed=4)
    assert (result.ret, section(result)[0].partition(";")[0]) == (
        0,
        f"no baseline yet: --benchmark-compare={name} names no stored run",
    )
    assert quiet(result)


def test_other_tests_have_no_baseline(project: pytest.Pytester) -> None:
    """A run without scenarios is told that there is nothing to compare with, and does not die of it."""
    project.makepyfile(test_other="def test_other():\n    pass\n")

    result = project.runpytest_subprocess("--benchmark-compare=ci/baselines/main.json", "test_other.py")

    assert result.ret == 0
    assert "cannot compare: --benchmark-compare=ci/baselines/main.json names no stored run" in result.errlines


def test_latest_run_is_never_the_one_just_saved(project: pytest.Pytester, once: Run) -> None:
    """--benchmark-compare alone takes the run before this one, though this one saves itself."""
    args = ("--benchmark-save=x", "--benchmark-compare", "--codeact-fail=tokens:mean:5%")
    first = once(*args)
    (stored,) = (project.path / ".benchmarks").rglob("*.json")
    content = json.loads(stored.read_text())
    content["codeact"]["samples"] = [
        each.replace('"tokens":[', '"tokens":[1') for each in content["codeact"]["samples"]
    ]
    stored.write_text(json.dumps(content))

    second = once(*args, "-W", "default")

    assert (first.ret, section(first)[0].split(";")[0]) == (
        0,
        "no baseline yet: --benchmark-compare names no stored run",
    )
    assert second.ret == 0
    assert said(second).startswith("gate passed: 0 failed, 6 passed; baseline ")
    assert "0001_x.json" in said(second)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "tokens:5",
            "cannot read the rule 'tokens:5'; expected METRIC:STAT:LIMIT, for example tokens:mean:5%, "
            "round_trips:max:+1 or success:rate:-0",
        ),
        ("cost:mean:0.01", "unknown metric 'cost' in the rule 'cost:mean:0.01'; known metrics: *, cost_usd, *"),
    ],
)
@pytest.mark.parametrize("mode", [("--collect-only",), ("-n2",), ()])
def test_bad_rule_is_a_usage_error(project: pytest.Pytester, value: str, message: str, mode: tuple[str, ...]) -> None:
    """A rule that cannot be read ends the run before anything is run, in one line."""
    result = project.runpytest_subprocess(f"--codeact-fail={value}", *mode)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --codeact-fail: {message}"])
    assert result.outlines == []


def test_rules_may_stand_in_the_ini_file(project: pytest.Pytester, once: Run) -> None:
    """codeact_fail is the default of the option."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [n / 1.2 for n in column])
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text() + '\ncodeact_fail = ["tokens:mean:5%", "success:rate:-0"]\n')

    assert once(COMPARE).ret == pytest.ExitCode.TESTS_FAILED
    assert once(COMPARE, "--codeact-fail=tokens:mean:25%").ret == 0


def test_bad_rule_of_the_ini_file_is_named_by_its_key(project: pytest.Pytester, once: Run) -> None:
    """The key is blamed, and not an option that nobody gave."""
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text() + '\ncodeact_fail = ["tokens:mean"]\n')
    result = once()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: codeact_fail: cannot read the rule 'tokens:mean'; *"])


def test_options_of_the_gate_without_a_rule_say_so(project: pytest.Pytester, run: Run) -> None:
    """Who asks for a strict gate and gives no rule has none; an ini file may hold the options for other runs."""
    given = run("--codeact-fail-on-noise", "--codeact-require-baseline")
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text() + "\ncodeact_require_baseline = true\n")
    kept = run()

    assert (given.ret, kept.ret) == (0, 0)
    assert said(given).startswith(
        "nothing is judged in spite of --codeact-fail-on-noise and --codeact-require-baseline: there is no rule; "
        "give --codeact-fail=METRIC:STAT:LIMIT, or fail=... in a marker"
    )
    assert section(kept) == []


def test_scenario_may_have_rules_of_its_own(project: pytest.Pytester, run: Run) -> None:
    """A marker's rule takes the place of the general one in its scenario, and is heard without one."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [n / 1.2 for n in column])
    own = SHELF.replace("reference=fill,", 'reference=fill, fail="tokens:mean:50%",')
    project.makepyfile(test_shelf=own)

    both = run(COMPARE, "--codeact-fail=tokens:mean:5%")
    alone = run(COMPARE)
    project.makepyfile(test_shelf=own.replace("50%", "5%"))
    stricter = run(COMPARE)

    assert both.ret == pytest.ExitCode.TESTS_FAILED
    assert [line.split()[0] for line in section(both)[1:3]] == ["double", "double"]
    assert section(both)[-1] == "gate failed: 2 failed, 2 passed; baseline main.json"
    assert (alone.ret, section(alone)[0]) == (0, "gate passed: 0 failed, 2 passed; baseline main.json")
    assert (stricter.ret, section(stricter)[1].split()[0]) == (1, "fill")


def test_bad_rule_of_a_scenario_is_a_collection_error(project: pytest.Pytester, once: Run) -> None:
    """A marker's rule that cannot be read names the test."""
    project.makepyfile(test_shelf=SHELF.replace("reference=fill,", 'reference=fill, fail=["tokens:mean:-5%"],'))

    result = once()

    result.stdout.fnmatch_lines(
        [
            "*test_shelf.py::test_fill: the limit '-5%' in the rule 'tokens:mean:-5%' has the wrong sign: tokens is "
            "better when lower, so that a regression goes the other way; write +5% or 5%*"
        ]
    )
    assert result.ret != 0


def test_times_of_another_number_of_workers_are_refused(project: pytest.Pytester) -> None:
    """Seconds with two workers are not compared with those of one process; tokens are."""
    saved_baseline(project)

    result = project.runpytest_subprocess(
        "-n2", COMPARE, "--codeact-fail=latency_s:median:20%", "--codeact-fail=tokens:mean:5%"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = " ".join(section(result))
    assert (
        "cannot judge: latency_s:median:20%: latency_s depends on how many trials run at a time: the baseline ran "
        "with no workers and concurrency 1, this run with 2 workers and concurrency 1; run with the same"
    ) in " ".join(text.split())
    assert "gate failed: 0 failed, 6 passed, 1 not judged; baseline main.json" in text


def test_baseline_of_another_model_is_refused(project: pytest.Pytester, once: Run) -> None:
    """Figures of another model are no baseline, and the gate is not green."""
    saved_baseline(project, "--codeact-arms=direct")

    result = once(
        COMPARE, "--codeact-fail=tokens:mean:5%", "--codeact-arms=direct", "--codeact-model=reference/wrong-argument"
    )

    lines = " ".join(" ".join(section(result)).split())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (
        "cannot judge: the baseline has no trial of arm 'direct' with model 'reference/wrong-argument'; it has: "
        "'direct' with 'reference'"
    ) in lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{",
            "the stored run 'main.json' is damaged: it is no JSON: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1); save it again, or take it from version control",
        ),
        (
            '{"machine_info": {}, "benchmarks": [], "codeact": {"version": "0.0.1", "mode": "reference"}}',
            "the stored run 'main.json' is of schema None; this version reads 1; save it again, or read it with "
            "pytest-codeact 0.0.1",
        ),
    ],
)
def test_baseline_that_cannot_be_read_is_not_no_baseline(
    project: pytest.Pytester, once: Run, text: str, message: str
) -> None:
    """A corrupt baseline, or one of an older schema, ends the run with the reason before anything is run."""
    (project.path / "main.json").write_text(text)

    result = once(COMPARE, "--codeact-fail=tokens:mean:5%")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {COMPARE}: {message}"])


def test_baseline_that_only_a_marker_asks_for_and_is_bad_fails_the_run(project: pytest.Pytester, once: Run) -> None:
    """A marker's rules are known when its test has run: nothing of the run is lost, and it is red."""
    project.makepyfile(test_shelf=SHELF.replace("reference=fill,", 'reference=fill, fail="tokens:mean:50%",'))
    (project.path / "main.json").write_text("{")

    result = once(COMPARE, "--benchmark-json=run.json", "-W", "default")

    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert section(result)[0].startswith("the gate cannot judge: the stored run 'main.json' is damaged: it is no JSON")
    assert (project.path / "run.json").exists()


def test_run_without_a_completed_trial_is_not_green(project: pytest.Pytester, once: Run) -> None:
    """Scenarios that are all skipped, for want of a key say, pass no gate."""
    saved_baseline(project)
    project.makeconftest("import pytest\n@pytest.fixture(autouse=True)\ndef no_key():\n    pytest.skip('no key')\n")

    result = once(COMPARE, "--codeact-fail=tokens:mean:5%")

    result.assert_outcomes(skipped=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert section(result)[0] == "cannot judge: no trial of this run was completed"


def test_gate_leaves_runs_without_scenarios_alone(project: pytest.Pytester) -> None:
    """Rules in the ini file, and nothing to compare with, do not concern other tests; nor does --collect-only."""
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text() + '\ncodeact_fail = ["tokens:mean:5%"]\n')
    project.makepyfile(test_other="def test_other():\n    pass\n")
    saved_baseline(project)

    other = project.runpytest_subprocess("test_other.py")
    collected = project.runpytest_subprocess("--collect-only", COMPARE)

    assert (other.ret, collected.ret) == (0, 0)
    assert "codeact" not in other.stdout.str().replace("plugins: codeact", "")


def test_several_runs_are_no_baseline(project: pytest.Pytester) -> None:
    """A name that fits several stored runs is refused before anything is run."""
    project.runpytest_subprocess("--benchmark-save=x").assert_outcomes(passed=4)
    (stored,) = (project.path / ".benchmarks").rglob("*.json")
    shutil.copy(stored, stored.with_name("0002_x.json"))

    result = project.runpytest_subprocess("--benchmark-compare=000", "--codeact-fail=tokens:mean:5%")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --benchmark-compare=000 names 2 stored runs: *; name it"])


def test_check_of_pytest_benchmark_works_on_our_rows(project: pytest.Pytester, run: Run) -> None:
    """--benchmark-compare-fail=mean:5% fails on 20 % more tokens and passes on the same, with workers too."""
    content = saved_baseline(project)
    for entry in content["benchmarks"]:
        if entry["params"]["metric"] == "latency_s":
            # Seconds are not what is judged here.
            entry["stats"]["mean"] = 1e6
    (project.path / "main.json").write_text(json.dumps(content))
    same = run(COMPARE, "--benchmark-compare-fail=mean:5%")
    for entry in content["benchmarks"]:
        if entry["params"]["metric"] == "tokens":
            entry["stats"]["mean"] /= 1.2
    (project.path / "main.json").write_text(json.dumps(content))
    worse = run(COMPARE, "--benchmark-compare-fail=mean:5%")

    assert (same.ret, worse.ret) == (0, 1)
    assert worse.stderr.str().count("has failed PercentageRegressionCheck: 20.0") == 4
