"""A live run from end to end: the vendors' SDKs against the emulator, recorded, and replayed when it is gone."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from projects import KEEP_RECORDS, NO_SOCKETS

from pytest_codeact.emulator import Emulator
from pytest_codeact.records import TrialRecord
from pytest_codeact.scenario import Scenario
from pytest_codeact.serving import solution_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

for sdk in ("anthropic", "mistralai", "openai", "google.genai", "uvicorn", "tenacity", "genai_prices"):
    pytest.importorskip(sdk)

MODELS = (
    "anthropic/claude-haiku-4-5",
    "mistral/mistral-small-latest",
    "openai/gpt-5-mini",
    "google/gemini-2.5-flash",
)
ASKED = tuple(f"--codeact-model={model}" for model in MODELS)
REPLAY = (*ASKED, "--codeact-mode=replay")


@contextmanager
def serving(project: pytest.Pytester) -> Iterator[Emulator]:
    """Serve an emulator that knows the project's scenarios."""
    with Emulator() as running:
        for scenario in scenarios_of(project.path / "test_shelf.py"):
            running.learn(scenario.prompt, solution_of(scenario))
        yield running


def scenarios_of(file: Path) -> list[Scenario]:
    """Give the scenarios of a module, under ids of no matter."""
    spec = importlib.util.spec_from_file_location("shelf_of_a_live_run", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    marks = [mark for each in vars(module).values() for mark in getattr(each, "pytestmark", ())]
    return [Scenario.from_marker("of the shelf", mark.args, mark.kwargs) for mark in marks]


def records(project: pytest.Pytester) -> dict[tuple[str, str, str, int], TrialRecord]:
    """Give the records of the run, by cell, all but for the worker's name."""
    file = project.path / "records.jsonl"
    found = [TrialRecord.from_json(line) for line in file.read_text().splitlines()]
    file.unlink()
    return {(each.scenario, each.arm, each.model, each.trial): replace(each, worker="") for each in found}


def test_recording_is_replayed_to_the_last_figure(project: pytest.Pytester) -> None:
    """
    Four vendors at once, some requests sent again: a replay has every figure, in another order and ahead, and still
    says that the reference policy made it.
    """
    project.makeconftest(KEEP_RECORDS + NO_SOCKETS)
    run = project.runpytest_subprocess
    with serving(project) as emulator:
        for fault in ("500", "429:retry-after=0", "cut"):
            emulator.order(fault)
        emulator.order("usage:cached=5,written=3,reasoning=2", times=None)
        recording = run(*ASKED, f"--codeact-base-url={emulator.url}", "--codeact-mode=record", "--codeact-budget=1")
    recorded = records(project)
    (project.path / "imported.txt").unlink()

    plain = run(*REPLAY, "--codeact-order=shuffled")
    replayed = records(project)
    ahead = run(*REPLAY, "--codeact-concurrency=4")

    for result in (recording, plain, ahead):
        result.assert_outcomes(passed=16)
        result.stdout.fnmatch_lines(["These figures come from the reference policy*"])
    assert {record.model for record in recorded.values()} == {*MODELS}
    turns = [turn for record in recorded.values() for turn in record.turns]
    assert sum(len(turn.attempts) for turn in turns) == 3
    assert all(turn.usage is not None and turn.usage.cost_usd and turn.usage.cached_input_tokens for turn in turns)
    assert replayed == recorded
    assert records(project) == recorded
    assert (project.path / "imported.txt").read_text() == "[]\n[]\n"
