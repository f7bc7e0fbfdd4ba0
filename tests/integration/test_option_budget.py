"""--codeact-budget, --codeact-max-requests and --codeact-prices: what a live run may spend, through whole runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from money_fake import LIVE, PRICES

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "--codeact-model=fake/x"
PRICED = "--codeact-prices=prices.toml"


@pytest.fixture(autouse=True)
def _fake(project: pytest.Pytester) -> None:
    project.makeconftest(LIVE)
    (project.path / "prices.toml").write_text(PRICES)


def asked(project: pytest.Pytester) -> int:
    """Count the requests that the model got."""
    log = project.path / "asked.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_budget_that_suffices_is_reported(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """A run within its budget passes, and says what it spent of it in how many requests, by which prices."""
    result = run(MODEL, PRICED, "--codeact-budget=5")

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["scenario * B visible*cost USD", "total *direct * 0.1600", "code vs direct*", "* cost *"]
    )
    assert max(len(line) for line in result.stdout.lines if "cost USD" in line) <= 80
    count = asked(project)
    assert f"spent ${count * 0.02:.4f} of $5.00 in {count} requests; prices: prices.toml, sha256 " in " ".join(
        result.stdout.str().split()
    )


def test_budget_used_up_skips_the_rest(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """Trials that the budget no longer covers are skipped with the reason, and the exit code says incomplete."""
    result = run(MODEL, PRICED, "--codeact-budget=0.60", "--codeact-trials=8", "-rs")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    said = " ".join(result.stdout.str().split())
    assert "the budget of $0.60 is used up" in said
    assert "incomplete:" in said
    assert "were not run" in said
    assert asked(project) * 0.02 <= 0.60
    assert result.parseoutcomes().get("failed", 0) == 0


def test_budget_resumed_goes_on(project: pytest.Pytester, once: Callable[..., pytest.RunResult]) -> None:
    """A run that was cut short by its budget is gone on with under a larger one, which counts what was spent."""
    first = once(MODEL, PRICED, "--codeact-budget=none", "--codeact-max-requests=3")
    assert first.ret == pytest.ExitCode.INTERRUPTED
    assert asked(project) == 3

    second = once(PRICED, "--codeact-resume=last", "--codeact-budget=9")

    assert second.ret == pytest.ExitCode.OK
    second.assert_outcomes(passed=4)
    said = " ".join(second.stdout.str().split())
    assert f"spent ${asked(project) * 0.02:.4f} of $9.00 in {asked(project)} requests" in said


def test_budget_missing_is_refused_with_the_estimate(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """A live run without a word on its budget sends nothing; what it may cost is shown once, arms in their order."""
    result = run(MODEL, PRICED, "--codeact-mode=live")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*a live run needs a budget*"])
    result.stdout.fnmatch_lines(["*fake/x*direct*2*", "*code*2*"])
    assert (result.stdout.str() + result.stderr.str()).count("Limits, over all workers") == 1
    assert asked(project) == 0


def test_budget_without_a_price_is_refused(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """A budget cannot be held for a model whose price nobody knows."""
    result = run(MODEL, "--codeact-budget=5")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no price is known of 'fake/x'*--codeact-prices=FILE*"])
    assert asked(project) == 0


def test_unknown_price_is_shown_as_unknown(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """Without a price every cost is n/a, in the table and in the bill, and never 0."""
    result = run(MODEL, "--codeact-budget=none", "--codeact-metrics=success,cost_usd")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*direct* n/a"])
    assert f"spent n/a in {asked(project)} requests" in " ".join(result.stdout.str().split())


def test_price_file_that_is_wrong_is_refused(once: Callable[..., pytest.RunResult], project: pytest.Pytester) -> None:
    """A price file with an unknown key is one line that names file, key and what is allowed."""
    (project.path / "prices.toml").write_text('["fake/x"]\ninput = 1\noutput = 1\ncached = 2\n')

    result = once(MODEL, PRICED, "--codeact-budget=5")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--codeact-prices: the price file*'fake/x' has the unknown key 'cached'; allowed*"])


def test_missing_key_is_one_skip_reason(run: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that cannot be asked here skips its tests with one reason, and the run is not incomplete."""
    monkeypatch.setenv("FAKE_NO_KEY", "1")

    result = run(MODEL, PRICED, "--codeact-budget=5", "-rs")

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(["4 trials were skipped: no key: FAKE_API_KEY is not set; *"])
    result.stdout.fnmatch_lines(["SKIPPED [[]2[]]*no key: FAKE_API_KEY is not set*"])


def test_time_used_up_skips_the_rest(once: Callable[..., pytest.RunResult], project: pytest.Pytester) -> None:
    """After --codeact-max-seconds no request is sent."""
    result = once(MODEL, PRICED, "--codeact-budget=5", "--codeact-max-seconds=0.0001")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "the run's 0.0001 s are over (--codeact-max-seconds)" in " ".join(result.stdout.str().split())
    assert asked(project) == 0


def test_trial_cut_in_its_middle_is_skipped_and_kept(
    project: pytest.Pytester, once: Callable[..., pytest.RunResult]
) -> None:
    """Its paid turns stay: in the journal as an errored record, in the bill, and in a resumed run's count."""
    result = once(MODEL, PRICED, "--codeact-budget=none", "--codeact-max-requests=2", "-rs")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(skipped=4)
    said = " ".join(result.stdout.str().split())
    assert "the run has sent its 2 requests (--codeact-max-requests)" in said
    assert "incomplete: 4 trials were not run" in said
    assert "spent $0.0400 in 2 requests" in said
    (journal,) = project.path.glob(".codeact/*/trials.jsonl")
    lines = map(json.loads, journal.read_text().splitlines())
    (record,) = [each["record"] for each in lines if each["kind"] == "trial" and each["record"]["turns"]]
    assert (record["ended"], record["success"]) == ("error", None)
    assert [turn["usage"]["cost_usd"] for turn in record["turns"]] == [0.02, 0.02]

    again = once(PRICED, "--codeact-resume=last", "--codeact-budget=0.01", "-rs")
    again.assert_outcomes(skipped=4)
    assert "spent $0.0400 of $0.01 in 2 requests" in " ".join(again.stdout.str().split())


WORKER_HOOK = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_configure_node(node):
    yield
    node.workerinput["codeact"].update({})
"""


@pytest.mark.parametrize(
    ("handed", "reason"),
    [
        (
            {"place": ["another host", "", 0, 0]},
            "this worker does not see the run's ledger, which is on the controller's machine: it cannot hold "
            "--codeact-budget, --codeact-max-seconds; run live trials with -n, or without a limit "
            "(--codeact-budget=none)",
        ),
        ({"began_s": 0.0}, "the run's 0.0625 s are over (--codeact-max-seconds); go on with --codeact-resume=last"),
    ],
    ids=["ledger elsewhere", "begun long ago"],
)
def test_worker_goes_by_what_its_controller_says(
    project: pytest.Pytester, once: Callable[..., pytest.RunResult], handed: dict[str, object], reason: str
) -> None:
    """One that does not see the ledger holds no budget; the run's seconds count from the controller's start."""
    project.makeconftest(LIVE + WORKER_HOOK.format(handed))

    seconds = "900" if "place" in handed else "0.0625"
    result = once("-n1", MODEL, PRICED, "--codeact-budget=5", f"--codeact-max-seconds={seconds}", "-rs")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(skipped=4)
    assert reason in " ".join(result.stdout.str().split())
    assert asked(project) == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--codeact-budget=-1",
            "ERROR: --codeact-budget: expected US dollars from 0, for example 2.00, or none for no limit; got '-1'",
        ),
        (
            "--codeact-max-requests=0",
            "ERROR: --codeact-max-requests: expected a whole number from 1 to 1,000,000,000; got '0'",
        ),
        ("--codeact-max-seconds=0", "ERROR: --codeact-max-seconds: expected a number of seconds above 0; got '0'"),
        ("--codeact-rpm=0", "ERROR: --codeact-rpm: expected a whole number from 1 to 1,000,000,000; got '0'"),
        ("--codeact-tpm=1k", "ERROR: --codeact-tpm: expected a whole number from 1 to 1,000,000,000; got '1k'"),
        (
            "--codeact-prices=none.toml",
            "ERROR: --codeact-prices: cannot read the price file *none.toml': No such file or directory",
        ),
    ],
)
def test_wrong_value_is_one_line(
    project: pytest.Pytester, once: Callable[..., pytest.RunResult], option: str, message: str
) -> None:
    """Before anything is asked, and with exit code 4."""
    result = once(MODEL, "--codeact-mode=live", option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len([line for line in result.stderr.lines if line]) == 1
    result.stderr.fnmatch_lines([message])
    assert asked(project) == 0
