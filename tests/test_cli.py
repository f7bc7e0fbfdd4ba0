"""The command line, in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs_of import sample, stored_run

from pytest_codeact import cli
from pytest_codeact.measure import METRICS
from pytest_codeact.stored import RUN_KEY, StoredRun, to_json

ROOT = Path(__file__).parent.parent


def run(scale: float, **info: Any) -> StoredRun:
    """Make a run of two scenarios whose tokens are scaled."""
    return stored_run(
        *(
            sample(
                name, {"tokens": [scale * n] * 5, "success": [1.0] * 5, "round_trips": [2] * 5, "latency_s": [0.5] * 5}
            )
            for name, n in (("one", 1000), ("two", 500))
        ),
        **info,
    )


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs as files and in a storage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("PYTEST_BENCHMARK_STORAGE", raising=False)
    (tmp_path / ".benchmarks").mkdir()
    for path, stored in (("a.json", run(1.0)), ("b.json", run(1.2)), (".benchmarks/0007_x.json", run(1.0))):
        (tmp_path / path).write_text(json.dumps({RUN_KEY: to_json(stored)}))


def test_table_shows_arms_summaries_and_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures of both runs, the change, its interval and the verdict, all scenarios and in each."""
    code = cli.main(["compare", "a.json", "b.json", "--metrics=tokens,latency_s"])
    lines = capsys.readouterr().out.splitlines()

    assert code == 0
    assert lines[:4] == ["base: a.json", "now:  b.json", "", "arm code, model acme/one"]
    assert lines[4:7] == [
        "all scenarios   base    now change    95 % range median      drop one per ok     verdict",
        "tokens         1,500  1,800 +20.0% +20.0..+20.0% +20.0% +20.0..+20.0% +20.0%       worse",
        "latency_s     1.00 s 1.00 s  +0.0%   +0.0..+0.0%  +0.0%   +0.0..+0.0%  +0.0% cannot tell",
    ]
    assert [line.split() for line in lines[9:11]] == [
        ["one", "tokens", "1,000", "1,200", "+20.0%", "+20.0..+20.0%", "5/5", "worse"],
        ["latency_s", "500.0", "ms", "500.0", "ms", "+0.0%", "+0.0..+0.0%", "5/5", "cannot", "tell"],
    ]
    assert all("\x1b" not in line for line in lines)


def test_rules_decide_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that fails gives 1 and its row, one that passes 0."""
    assert cli.main(["compare", "a.json", "b.json", "--fail", "tokens:mean:5%", "--fail=success:rate:-0"]) == 1
    out = capsys.readouterr().out
    assert cli.main(["compare", "a.json", "b.json", "--fail=tokens:mean:25%"]) == 0

    assert "gate failed: 3 failed, 3 passed; baseline a.json" in out
    assert "gate passed: 0 failed, 3 passed; baseline a.json" in capsys.readouterr().out


def test_number_in_the_storage_will_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A run is named as --benchmark-compare names it; the storage may be another."""
    assert cli.main(["compare", "0007", "b.json"]) == 0
    (tmp_path / ".benchmarks").rename(tmp_path / "other")
    assert cli.main(["compare", "0007", "b.json", "--storage=other"]) == 0

    assert "0007_x.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["none.json", "b.json"],
            "there is no stored run 'none.json', as a file or in the storage '.benchmarks', which has 0007_x",
        ),
        (
            ["a.json", "b.json", "--fail=tokens"],
            "cannot read the rule 'tokens'; expected METRIC:STAT:LIMIT, for example "
            "tokens:mean:5%, round_trips:max:+1 or success:rate:-0",
        ),
        (
            ["a.json", "b.json", "--fail-on-noise"],
            "--fail-on-noise says how rules decide; give one with --fail RULE",
        ),
        (
            ["a.json", "b.json", "--metrics=tokens,tips"],
            "unknown metric 'tips'; known metrics: "
            + ", ".join(repr(name) for name in sorted(each.name for each in METRICS))
            + "; these are what the two runs hold",
        ),
    ],
)
def test_misuse_is_exit_code_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read is one line on standard error, and nothing on the other."""
    code = cli.main(["compare", *arguments])

    captured = capsys.readouterr()
    assert (code, captured.out, captured.err) == (2, "", f"python -m pytest_codeact: error: {message}\n")


def test_refusal_is_exit_code_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Runs that cannot be compared are no success, with a rule and without."""
    (tmp_path / "b.json").write_text(json.dumps({RUN_KEY: to_json(run(1.0, mode="reference"))}))

    assert cli.main(["compare", "a.json", "b.json"]) == 1
    assert cli.main(["compare", "a.json", "b.json", "--fail=tokens:mean:5%"]) == 1
    out = capsys.readouterr().out
    assert out.count("cannot compare: the baseline's replies are of mode 'live'") == 2
    assert "gate failed: 0 failed, 0 passed, 1 not judged; baseline a.json" in out


def test_scenarios_left_out_are_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A figure over all scenarios that some scenario does not know says over how many it is."""
    less = stored_run(run(1.0).samples[0], sample("two", {"success": [1.0] * 5}))
    (tmp_path / "b.json").write_text(json.dumps({RUN_KEY: to_json(less)}))

    cli.main(["compare", "a.json", "b.json", "--metrics=tokens,success"])

    told = " ".join(capsys.readouterr().out.split())
    assert "tokens: compared over 1 of 2 scenarios: those that both runs know of arm 'code'" in told


def test_json_holds_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: comparisons, gate, refusals."""
    cli.main(["compare", "a.json", "b.json", "--format=json", "--fail=tokens:mean:5%"])
    content = json.loads(capsys.readouterr().out)

    assert content["gate"]["passed"] is False
    assert [(each["arm"], each["metric"]) for each in content["comparisons"]] == [
        ("code", name) for name in cli.DEFAULT_METRICS
    ]
    assert content["comparisons"][2]["summary"]["total"]["value"] == pytest.approx(1.2)
    assert content["comparisons"][2]["summary"]["verdict"] == "worse"


def test_markdown_is_made_of_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """For the summary of a CI job."""
    cli.main(["compare", "a.json", "b.json", "--format=markdown", "--fail=tokens:mean:5%"])
    lines = capsys.readouterr().out.splitlines()

    assert lines[0] == "`a.json` → `b.json`"
    assert [line for line in lines if line.startswith("#")] == ["### arm code, model acme/one", "### gate"]
    assert "|  | tokens | 1,000 | 1,200 | +20.0% | +20.0..+20.0% | 5/5 | worse |" in lines
    assert lines[-1] == "* gate failed: 3 failed, 0 passed; baseline a.json"


def test_reference_policy_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Figures of no model, tokens of no bill and seconds of two days say so, in every form; the gate does not again."""
    for name in ("a", "b"):
        stored = run(1.0, mode="reference", tokenizers=("tekken 1",))
        (tmp_path / f"{name}.json").write_text(json.dumps({RUN_KEY: to_json(stored)}))
    remarks = [
        "these figures come from the reference policy, a program that follows each scenario's solution; they are "
        "evidence about the harness and the formats and say nothing about an LLM",
        "tokens counted here by tekken 1, not billed",
        "seconds: a range knows the noise within a run, not that between days, machines or load; to compare arms, "
        "compare them within one run",
    ]

    for form in ("table", "markdown", "json"):
        cli.main(["compare", "a.json", "b.json", f"--format={form}", "--fail=latency_s:mean:5%"])
        out = capsys.readouterr().out
        if form == "json":
            content = json.loads(out)
            assert (content["remarks"], content["gate"]["remarks"]) == (remarks, remarks[2:])
            assert content["mode"] == {"base": "reference", "now": "reference"}
        else:
            assert [" ".join(out.split()).count(remark) for remark in remarks] == [1, 1, 1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_exit_code_2(tmp_path: Path) -> None:
    """A full disk is a line, no traceback, and no success."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_codeact", "compare", "a.json", "b.json"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={"PYTHONPATH": str(ROOT)},
        )

    assert (done.returncode, done.stderr) == (
        2,
        "python -m pytest_codeact: error: cannot write the output: No space left on device\n",
    )


def test_help_fits_80_columns() -> None:
    """Both helps are for a terminal of 80 columns, and show examples and exit codes."""
    for arguments in (["--help"], ["compare", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "pytest_codeact", *arguments],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        )
        assert max(map(len, done.stdout.splitlines())) <= 80
    assert "  1  a rule failed, or something cannot be compared" in done.stdout


def test_files_are_compared_without_pytest(tmp_path: Path) -> None:
    """Comparing two files imports neither pytest nor an SDK."""
    code = (
        "import sys; from pytest_codeact.cli import main; "
        "main(['compare', 'a.json', 'b.json', '--fail=tokens:mean:5%']); "
        "print([name for name in ('pytest', 'pytest_benchmark', 'anthropic', 'mistralai') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert done.stdout.splitlines()[-1] == "[]"
