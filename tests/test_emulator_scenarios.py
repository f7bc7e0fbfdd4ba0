"""All scenarios in all arms by every adapter: the same calls, tokens and outcome as the embedded reference model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from live_adapters import PROVIDERS, Live

from pytest_codeact.arms import Arm, Bench
from pytest_codeact.arms.code import TYPESCRIPT, CodeArm
from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.emulator import Emulator
from pytest_codeact.providers import Connections
from pytest_codeact.providers.reference import ReferenceModel
from pytest_codeact.runtimes import Limits, Runtime, Sandbox
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.scenario import Budget, Scenario
from pytest_codeact.serving import solution_of
from pytest_codeact.tools import FinalAnswer, Toolbox
from pytest_codeact.trial import Case, Trial, run_trial
from scenarios.accounting import test_workflows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.providers import Provider

for sdk in ("anthropic", "mistralai", "openai", "google.genai", "uvicorn"):
    pytest.importorskip(sdk)


def _scenario(function: object, number: int) -> Scenario:
    mark = next(mark for mark in function.pytestmark if mark.name == "scenario")  # type: ignore[attr-defined]
    return Scenario.from_marker(f"scenario {number}", mark.args, mark.kwargs)


SCENARIOS = [_scenario(getattr(test_workflows, f"test_scenario_{number}"), number) for number in range(1, 9)]

ARMS: dict[str, Callable[[], Arm]] = {
    "direct": lambda: DirectArm(parallel=True),
    "direct-serial": lambda: DirectArm(parallel=False),
    "code": CodeArm,
    "code-ts": lambda: CodeArm(TYPESCRIPT),
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Serve an emulator that knows the shipped scenarios."""
    with Emulator() as running:
        for scenario in SCENARIOS:
            running.learn(scenario.prompt, solution_of(scenario))
        yield running


@pytest.fixture(scope="module")
def runtimes() -> Iterator[dict[str, Runtime]]:
    """Give a runtime per language; that of TypeScript if it is there."""
    made: dict[str, Runtime] = {"python": RestrictedRuntime()}
    try:
        from pytest_codeact.runtimes.deno import DenoRuntime

        made["typescript"] = DenoRuntime()
    except Exception:  # noqa: BLE001, S110 - what is missing is skipped by name below
        pass
    yield made
    for runtime in made.values():
        runtime.close()


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    """Give the SDKs' clients that all trials share."""
    made = Connections()
    yield made
    made.close()


def perform(provider: Provider, scenario: Scenario, arm: str, runtimes: dict[str, Runtime]) -> Trial:
    """Run one trial."""
    sandbox = Sandbox(lambda language: runtimes[language], Limits())
    bench = Bench(toolbox=Toolbox(scenario.make_world()), final=FinalAnswer(scenario.answer), sandbox=sandbox)
    try:
        return run_trial(
            scenario_id=scenario.id,
            prompt=scenario.prompt,
            case=Case(arm=arm, model="test"),
            arm=ARMS[arm](),
            provider=provider,
            bench=bench,
            budget=Budget(deadline_s=60),
        )
    finally:
        sandbox.close()


def tokens_of(trial: Trial) -> list[tuple[int, int]]:
    """List the tokens of each turn."""
    return [(turn.usage.input_tokens, turn.usage.output_tokens) for turn in trial.record.turns if turn.usage]


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id.replace(" ", "-"))
def test_adapters_give_what_the_embedded_model_gives(
    emulator: Emulator, connections: Connections, runtimes: dict[str, Runtime], scenario: Scenario, arm: str
) -> None:
    """A trial over a protocol makes the calls of one in the process, costs the same tokens and ends the same."""
    if arm == "code-ts" and "typescript" not in runtimes:
        pytest.skip("deno is not installed")
    embedded = perform(ReferenceModel(solution=solution_of(scenario)), scenario, arm, runtimes)
    assert embedded.failure is None
    calls = [(call.name, call.arguments, call.result) for call in embedded.record.calls]

    for provider in PROVIDERS:
        with Live(provider, emulator, connections) as live:
            trial = perform(live.model, scenario, arm, runtimes)
            spent = live.ledger.totals()

        assert trial.failure is None
        assert [(call.name, call.arguments, call.result) for call in trial.record.calls] == calls
        assert trial.outcome == embedded.outcome
        assert len(trial.record.turns) == len(embedded.record.turns)
        assert (spent.requests, spent.held, spent.doubts) == (len(trial.record.turns), 0, 0)
        tokens, expected = tokens_of(trial), tokens_of(embedded)
        # Gemini's protocol cannot forbid parallel calls: the adapter takes the first of several, and all are billed.
        if (provider, arm) == ("google", "direct-serial"):
            assert [read for read, _ in tokens] == [read for read, _ in expected]
            assert all(got >= least for (_, got), (_, least) in zip(tokens, expected, strict=True))
        else:
            assert tokens == expected
