"""--codeact-mode: what is asked, replayed, recorded and refused, with and without workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from live_fake import LIVE
from projects import KEEP_RECORDS, NO_SOCKETS

from pytest_codeact.cassettes import cassette_files, read_cassette
from pytest_codeact.records import TrialRecord
from pytest_codeact.stored import RUN_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "--codeact-model=fake/x"
BUDGET = "--codeact-budget=none"
RECORD = (MODEL, BUDGET, "--codeact-mode=record")


@pytest.fixture
def live(project: pytest.Pytester) -> pytest.Pytester:
    """Give the project a live provider, and keep its records."""
    project.makeconftest(LIVE + KEEP_RECORDS + NO_SOCKETS)
    return project


def asked(project: pytest.Pytester) -> int:
    """Give the number of requests that the live model got since this was last asked."""
    log = project.path / "asked.log"
    count = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


def records(project: pytest.Pytester) -> dict[tuple[str, str, str, int], TrialRecord]:
    """Give the records of the runs since this was last asked, by cell; but for mode and worker."""
    file = project.path / "records.jsonl"
    found = [TrialRecord.from_json(line) for line in file.read_text().splitlines()]
    file.unlink()
    return {(each.scenario, each.arm, each.model, each.trial): replace(each, worker="", mode=None) for each in found}


def modes(project: pytest.Pytester) -> set[str | None]:
    """Give the modes of the records so far."""
    return {TrialRecord.from_json(line).mode for line in (project.path / "records.jsonl").read_text().splitlines()}


@pytest.mark.parametrize(
    "mode", [(), ("-n2",), ("-n8",), ("-n0",), ("--codeact-concurrency=4",), ("--codeact-order=shuffled",)]
)
def test_replay_gives_the_recorded_records(live: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """Recorded by eight workers at a time, replayed in any way: every figure is the recorded one, and none is asked."""
    live.runpytest_subprocess(*RECORD, "--codeact-trials=3", "-n8").assert_outcomes(passed=12)
    assert modes(live) == {"live"}
    recorded, count = records(live), asked(live)
    (live.path / "imported.txt").unlink()

    done = live.runpytest_subprocess(MODEL, "--codeact-mode=replay", "--codeact-trials=3", *mode)

    done.assert_outcomes(passed=12)
    assert modes(live) == {"replay"}
    replayed = records(live)
    assert count == 3 * 10
    assert asked(live) == 0
    assert replayed == recorded
    assert len(replayed) == 12
    assert set((live.path / "imported.txt").read_text().splitlines()) == {"[]"}
    assert not list(live.path.glob("cassettes/**/.*"))


def test_stored_metrics_are_the_recordings(live: pytest.Pytester) -> None:
    """What pytest-benchmark stores of a replay is what it stored of the recording."""
    live.runpytest_subprocess(*RECORD, "--benchmark-json=recorded.json")
    live.runpytest_subprocess(MODEL, "--codeact-mode=replay", "--benchmark-json=replayed.json", "-n2")
    first, second = (
        json.loads((live.path / name).read_text())[RUN_KEY]["samples"] for name in ("recorded.json", "replayed.json")
    )

    assert len(first) == 4
    assert second == first


def test_part_of_the_scenarios_in_reverse(live: pytest.Pytester) -> None:
    """A replay of one arm of one scenario, and one in another order, are the same trials."""
    live.runpytest_subprocess(*RECORD)
    recorded = records(live)
    ids = [f"test_shelf.py::test_{name}[{arm}-fake/x]" for name in ("fill", "double") for arm in ("code", "direct")]

    live.runpytest_subprocess(MODEL, "--codeact-mode=replay", *ids).assert_outcomes(passed=4)
    assert records(live) == recorded
    live.runpytest_subprocess(MODEL, "--codeact-mode=replay", "-k", "fill and code").assert_outcomes(passed=1)

    assert records(live) == {key: each for key, each in recorded.items() if "fill" in key[0] and key[1] == "code"}


def test_record_asks_only_what_is_missing(live: pytest.Pytester) -> None:
    """A trial that is recorded is not paid for again, and needs no key; one that is not is asked and added."""
    live.runpytest_subprocess(*RECORD).assert_outcomes(passed=4)
    first, count = records(live), asked(live)
    live.runpytest_subprocess(*RECORD, "--codeact-trials=2").assert_outcomes(passed=8)
    both = records(live)

    assert asked(live) == count == 10
    assert {key: each for key, each in both.items() if key[3] == 1} == first


def test_refresh_replaces_the_trials_that_are_run(live: pytest.Pytester) -> None:
    """What is run is asked anew; trials beyond are kept as they were."""
    live.runpytest_subprocess(*RECORD, "--codeact-trials=2").assert_outcomes(passed=8)
    old, count = records(live), asked(live)
    live.runpytest_subprocess(MODEL, BUDGET, "--codeact-mode=refresh", "-n2").assert_outcomes(passed=4)
    new = records(live)
    assert asked(live) == count // 2
    live.runpytest_subprocess(MODEL, "--codeact-mode=replay", "--codeact-trials=2").assert_outcomes(passed=8)
    replayed = records(live)

    assert {key: each for key, each in replayed.items() if key[3] == 1} == new
    assert {key: each for key, each in replayed.items() if key[3] == 2} == {k: v for k, v in old.items() if k[3] == 2}


def test_live_records_nothing(live: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """The mode live, and a budget on the command line, ask and leave no file."""
    run(MODEL, BUDGET).assert_outcomes(passed=4)
    run(MODEL, BUDGET, "--codeact-mode=live").assert_outcomes(passed=4)

    assert modes(live) == {"live"}
    assert asked(live) == 20
    assert not (live.path / "cassettes").exists()


def test_auto_without_recordings_runs_the_reference_model(
    live: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """A model that must not be asked is replaced, in name too; once, whatever stands for it; and the plan says so."""
    done = run(MODEL, "--codeact-model=fake/y", "--codeact-model=reference", "-v")

    done.assert_outcomes(passed=4)
    assert modes(live) == {"reference"}
    assert {key[2] for key in records(live)} == {"reference"}
    assert asked(live) == 0
    said = " ".join(" ".join(done.outlines).split())
    assert "model reference policy (no LLM) in place of fake/x, fake/y, which must not be asked" in said


def test_auto_replays_what_is_recorded_and_skips_the_rest(
    live: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """Of a model with recordings no row is another's: what is not recorded is skipped, for one reason."""
    live.runpytest_subprocess(*RECORD, "-k", "fill")
    recorded = records(live)
    asked(live)

    done = run(MODEL, "--codeact-model=fake/y")

    # Two replayed, two skipped, and four of the reference model in place of fake/y.
    done.assert_outcomes(passed=6, skipped=2)
    found = records(live)
    assert {key: each for key, each in found.items() if key[2] == "fake/x"} == recorded
    assert {key[2] for key in found} == {"fake/x", "reference"}
    assert asked(live) == 0
    said = " ".join(" ".join(done.outlines).split())
    reason = "fake/x is recorded, but not this trial; to record it, run with --codeact-mode=record and"
    assert said.count(f"2 trials were skipped: {reason}") == said.count(reason) == 1
    assert "model fake/x (replayed from recordings), reference policy (no LLM) in place of fake/y" in said


def test_budget_of_an_ini_file_asks_nothing(live: pytest.Pytester) -> None:
    """Who runs the tests of a checkout has not asked for anything that costs."""
    config = live.path / "pyproject.toml"
    config.write_text(config.read_text().rstrip() + '\ncodeact_model = ["fake/x"]\ncodeact_budget = "5"\n')

    live.runpytest_subprocess().assert_outcomes(passed=4)
    assert modes(live) == {"reference"}
    assert asked(live) == 0
    live.runpytest_subprocess("--codeact-budget=none").assert_outcomes(passed=4)

    assert asked(live) == 10


def test_reference_replaces_models_of_an_ini_file(live: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """With recordings or without, the mode reference is a run of the reference model."""
    live.runpytest_subprocess(*RECORD)
    records(live)
    config = live.path / "pyproject.toml"
    config.write_text(config.read_text().rstrip() + '\ncodeact_model = ["fake/x"]\n')

    run("--codeact-mode=reference").assert_outcomes(passed=4)

    assert {key[2] for key in records(live)} == {"reference"}


def test_reference_beside_a_live_model_is_refused(live: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """Both cannot be meant."""
    done = run(MODEL, "--codeact-mode=reference")

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "ERROR: --codeact-mode: mode reference asks no live model, and 'fake/x' is given with --codeact-model; leave "
        "one of them out"
    ) in done.errlines


def test_replay_without_recording_is_an_error(live: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """It says where the recording is missing, and how it is made."""
    done = run(MODEL, "--codeact-mode=replay", "-k", "fill and code")

    done.assert_outcomes(errors=1)
    path = live.path / "cassettes" / "test_shelf" / "test_fill" / "code" / "fake" / "x.json"
    assert (
        "RecordingError: test_shelf.py::test_fill, arm 'code', model 'fake/x': nothing is recorded in "
        f"{path}; to record it, run this test with --codeact-mode=record and --codeact-budget=USD; with "
        "--codeact-mode=refresh to record the whole trial anew"
    ) in done.stdout.str()
    assert asked(live) == 0


def test_changed_request_is_shown_beside_the_recorded_one(live: pytest.Pytester) -> None:
    """What was changed since is seen at once, and no socket is opened."""
    live.runpytest_subprocess(*RECORD)
    asked(live)
    source = live.path / "test_shelf.py"
    source.write_text(source.read_text().replace("Look items up.", "Look an item up.").replace("3 pots", "four pots"))

    done = live.runpytest_subprocess(MODEL, "--codeact-mode=replay", "-k", "fill and direct")

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        [
            "*request 1 of trial 1 is not recorded; to record it, *",
            "nearest is request 1 of trial 1; it differs in: tools, messages",
            "--- recorded: request 1 of trial 1",
            "+++ asked now",
            '-*"description": "Look items up.",',
            '+*"description": "Look an item up.",',
            "-*text: Put 3 pots and a pan on the shelf. How many items?",
            "+*text: Put four pots and a pan on the shelf. How many items?",
        ]
    )
    assert asked(live) == 0


def test_changed_scenario_is_recorded_over(live: pytest.Pytester) -> None:
    """The recording of a trial is one conversation: what no longer belongs to it goes with the first new reply."""
    live.runpytest_subprocess(*RECORD)
    asked(live)
    source = live.path / "test_shelf.py"
    source.write_text(source.read_text().replace("Look items up.", "Look an item up."))
    records(live)
    live.runpytest_subprocess(*RECORD).assert_outcomes(passed=4)
    recorded = records(live)
    assert asked(live) == 10
    live.runpytest_subprocess(MODEL, "--codeact-mode=replay").assert_outcomes(passed=4)

    assert records(live) == recorded
    for path in cassette_files(live.path / "cassettes"):
        cassette = read_cassette(path)
        assert cassette is not None
        assert list(cassette.problems()) == []


def test_emulated_recordings_stay_the_reference_models(live: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reference model said behind an emulator is never shown as a vendor's."""
    monkeypatch.setenv("FAKE_MODE", "reference")
    live.runpytest_subprocess(*RECORD)
    records(live)
    live.runpytest_subprocess(MODEL, "--codeact-mode=replay").assert_outcomes(passed=4)

    assert modes(live) == {"reference"}


def test_missing_key_skips_before_the_trial(live: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be asked is skipped with its reason; what is recorded needs no key, in the mode record neither."""
    live.runpytest_subprocess(*RECORD, "-k", "fill")
    records(live)
    monkeypatch.setenv("FAKE_NO_KEY", "1")

    done = live.runpytest_subprocess(*RECORD, "-rs")

    done.assert_outcomes(passed=2, skipped=2)
    assert len(records(live)) == 2
    assert "no key: FAKE_API_KEY is not set" in done.stdout.str()


def test_resumed_run_records_no_trial_again(live: pytest.Pytester) -> None:
    """Trials of the journal are neither asked nor written; a live run stays one, and needs a budget in each session."""
    live.runpytest_subprocess(*RECORD)
    before = {path: path.stat().st_mtime_ns for path in cassette_files(live.path / "cassettes")}
    asked(live)
    live.runpytest_subprocess("--codeact-resume=last", "--codeact-mode=refresh", BUDGET).assert_outcomes(passed=4)
    assert {path: path.stat().st_mtime_ns for path in cassette_files(live.path / "cassettes")} == before
    live.runpytest_subprocess(MODEL, BUDGET).assert_outcomes(passed=4)
    assert asked(live) == 10
    records(live)
    refused = live.runpytest_subprocess("--codeact-resume=last")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*a live run needs a budget*--codeact-budget is not given*"])
    refused.stdout.fnmatch_lines(["*not asked again*"])
    live.runpytest_subprocess("--codeact-resume=last", BUDGET).assert_outcomes(passed=4)

    assert asked(live) == 0
    assert modes(live) == {"live"}


SLOW = """

_complete = Fake.complete

def complete(self, request):
    if len(request.messages) > 3:
        # Here it is killed.
        open("waiting", "w").close()
        time.sleep(60)
    return _complete(self, request)

if "FAKE_HANGS" in os.environ:
    Fake.complete = complete
"""


def test_killed_recording_leaves_readable_cassettes(live: pytest.Pytester) -> None:
    """What was paid for before the kill is there; the mode record goes on from it, and then all of it is replayed."""
    conftest = live.path / "conftest.py"
    conftest.write_text(conftest.read_text() + SLOW)
    command = [sys.executable, "-m", "pytest", *RECORD, "-k", "fill and direct"]
    with subprocess.Popen(command, env={**os.environ, "FAKE_HANGS": "1"}, stdout=subprocess.DEVNULL) as process:
        give_up_at = time.monotonic() + 60
        while not (live.path / "waiting").exists() and time.monotonic() < give_up_at:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    (path,) = cassette_files(live.path / "cassettes")
    cassette = read_cassette(path)
    assert cassette is not None
    (recording,) = cassette.recordings
    assert (len(recording.interactions), recording.measured) == (2, None)
    assert list(cassette.problems()) == []
    asked(live)
    # Half a trial is none: not in the mode auto, and in the mode replay it ends where the recording does.
    live.runpytest_subprocess(MODEL, "-k", "fill and direct").assert_outcomes(skipped=1)
    live.runpytest_subprocess(MODEL, "--codeact-mode=replay", "-k", "fill and direct").assert_outcomes(errors=1)
    (live.path / "records.jsonl").unlink()

    live.runpytest_subprocess(*RECORD, "-k", "fill and direct").assert_outcomes(passed=1)

    assert modes(live) == {"mixed"}
    recorded = records(live)
    assert asked(live) == 3
    live.runpytest_subprocess(MODEL, "-k", "fill and direct").assert_outcomes(passed=1)
    assert records(live) == recorded


def test_directory_of_recordings_can_be_named(live: pytest.Pytester) -> None:
    """By the option, relative to the root directory."""
    live.runpytest_subprocess(*RECORD, "--codeact-cassettes=tapes/of mine").assert_outcomes(passed=4)

    assert len(cassette_files(live.path / "tapes" / "of mine")) == 4
    live.runpytest_subprocess(MODEL, "--codeact-cassettes=tapes/of mine", "-q").assert_outcomes(passed=4)
    assert {key[2] for key in records(live)} == {"fake/x"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_unwritable_directory_costs_nothing(live: pytest.Pytester) -> None:
    """What cannot be recorded is not asked."""
    Path(live.path / "cassettes").mkdir(mode=0o500)

    done = live.runpytest_subprocess(*RECORD)

    done.assert_outcomes(errors=4)
    assert asked(live) == 0
