"""--codeact-save-baseline: a small file to commit."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from baselines import change_samples, saved_baseline

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

COMMAND = Path(sys.executable).with_name("pytest-benchmark")


def counted(text: str) -> str:
    """Give a baseline file without what a clock has touched: rows of latency, and figures in seconds."""
    lines = [line for line in text.splitlines() if "codeact latency_s" not in line]
    return re.sub(r'("\w+_s":)\[[^]]*\]', r"\1[]", "\n".join(lines))


def test_file_depends_on_the_figures_alone(project: pytest.Pytester, once: Run) -> None:
    """Two runs write the same but for times: no machine, no commit, no time of day, no order of arrival."""
    first = once("--codeact-save-baseline=a.json")
    once("--codeact-save-baseline=deep/b.json")
    texts = [(project.path / name).read_text() for name in ("a.json", "deep/b.json")]

    first.assert_outcomes(passed=4)
    assert counted(texts[0]) == counted(texts[1])
    assert '"machine_info": {}' in texts[0]
    assert not any(word in texts[0] for word in ("datetime", "commit_info", "node"))
    assert len(texts[0]) < 12_000


def test_workers_write_the_same_file(project: pytest.Pytester) -> None:
    """But for their number, a run with two workers gives what one process gives."""
    saved_baseline(project)
    one = (project.path / "main.json").read_text()
    saved_baseline(project, "-n2")
    two = (project.path / "main.json").read_text()

    assert counted(one) == counted(two.replace('"worker_count": 2', '"worker_count": 0'))


def test_pytest_benchmark_takes_the_file(project: pytest.Pytester) -> None:
    """It compares in a run, where warnings are errors, and on its command line."""
    saved_baseline(project)

    in_run = project.runpytest_subprocess("--benchmark-compare=main.json")
    later = project.run(COMMAND, "compare", "main.json", "--columns=mean")
    table = project.run(COMMAND, "compare", "main.json", "--csv=out.csv")
    checked = project.runpytest_subprocess(
        "--benchmark-compare=main.json",
        "--benchmark-compare-fail=max:1000",
        "--benchmark-columns=min,max,mean,stddev,median,iqr,outliers,ops,rounds,iterations",
        "--benchmark-group-by=param:arm,func",
    )

    in_run.assert_outcomes(passed=4)
    assert (in_run.ret, later.ret, table.ret, checked.ret) == (0, 0, 0, 0)
    in_run.stdout.fnmatch_lines(
        ["test_fill:tokens?code? (main) *", "test_fill:tokens?code? (NOW) *"], consecutive=False
    )
    assert "test_fill:tokens[code]" in later.stdout.str()


def refusal(result: pytest.RunResult) -> str:
    """Give what the run says of the baseline that it did not write."""
    (line,) = [line for line in result.outlines if line.startswith("the baseline ")]
    return line


def test_failed_scenario_makes_no_baseline(project: pytest.Pytester, once: Run) -> None:
    """A run in which a scenario failed is not written, and the file that was there stays."""
    (project.path / "main.json").write_text("as it was")

    result = once("--codeact-save-baseline=main.json", "--codeact-model=reference/early-answer")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert refusal(result) == (
        "the baseline 'main.json' is not written: test_shelf.py::test_double, test_shelf.py::test_fill failed; make it "
        "pass, or take failed trials as data with --codeact-min-success"
    )
    assert (project.path / "main.json").read_text() == "as it was"


def test_interrupted_run_makes_no_baseline(project: pytest.Pytester) -> None:
    """What was cut short may lack scenarios."""
    project.makepyfile(test_zzz="def test_stop():\n    raise KeyboardInterrupt\n")

    result = project.runpytest_subprocess("--codeact-save-baseline=main.json")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert refusal(result) == "the baseline 'main.json' is not written: the run was interrupted"
    assert not (project.path / "main.json").exists()


def test_failed_gate_makes_no_baseline(project: pytest.Pytester, once: Run) -> None:
    """A regression must not become the baseline by itself: the next run would be green."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [n / 1.2 for n in column])
    before = (project.path / "main.json").read_text()

    result = once("--codeact-save-baseline=main.json", "--benchmark-compare=main.json", "--codeact-fail=tokens:mean:5%")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert refusal(result) == (
        "the baseline 'main.json' is not written: the gate failed; run it without --codeact-fail if the change is meant"
    )
    assert (project.path / "main.json").read_text() == before


def test_run_without_scenarios_makes_no_baseline(project: pytest.Pytester, once: Run) -> None:
    """A run that was to write a baseline and had no scenario is red."""
    project.makepyfile(test_other="def test_other():\n    pass\n")

    result = once("--codeact-save-baseline=main.json", "test_other.py")

    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert refusal(result) == "the baseline 'main.json' is not written: no trial was completed"


def test_path_that_cannot_be_written_is_said(project: pytest.Pytester, once: Run) -> None:
    """A path that no file can have is a usage error: nothing is run for a file that is then not written."""
    (project.path / "file").touch()
    (project.path / "directory").mkdir()

    below, at = once("--codeact-save-baseline=file/main.json"), once("--codeact-save-baseline=directory")

    assert (below.ret, at.ret) == (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.USAGE_ERROR)
    assert below.errlines[0] == (
        f"ERROR: --codeact-save-baseline=file/main.json: {str(project.path / 'file')!r} is no directory; name a file "
        "that can be written"
    )
    assert at.errlines[0] == (
        "ERROR: --codeact-save-baseline=directory: it is a directory; name a file that can be written"
    )


def test_path_that_is_lost_during_the_run_is_said(project: pytest.Pytester, once: Run) -> None:
    """What comes in the way while the tests run is a red line that names the path, and the tests have passed."""
    project.makepyfile(test_zzz="import pathlib\n\ndef test_it():\n    pathlib.Path('main.json').mkdir()\n")

    result = once("--codeact-save-baseline=main.json")

    result.assert_outcomes(passed=5)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert refusal(result) == (
        "the baseline 'main.json' could not be written: Is a directory; see to it, or name another path with "
        "--codeact-save-baseline, and run again"
    )


def test_part_of_a_baseline_that_is_lost_is_said(project: pytest.Pytester, once: Run) -> None:
    """A run of some scenarios, or arms, replaces a baseline of more, and says what the file lacks now."""
    saved_baseline(project)
    save = "--codeact-save-baseline=main.json"

    arm, same, scenario = once(save, "--codeact-arms=code"), once(save, "--codeact-arms=code"), once(save, "-k", "fill")

    assert refusal(arm) == (
        "the baseline 'main.json' no longer holds: arm 'direct' with model 'reference'; this run did not run it"
    )
    assert refusal(scenario) == (
        "the baseline 'main.json' no longer holds: test_shelf.py::test_double; this run did not run it"
    )
    assert (arm.ret, same.ret, scenario.ret) == (0, 0, 0)
    assert "no longer holds" not in same.stdout.str()
