"""
What one trial needs, made; and the trial, run. The fixtures and the threads that run ahead of them share it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pytest_codeact.arms import Bench
from pytest_codeact.errors import ScenarioError
from pytest_codeact.journal import cell_of
from pytest_codeact.providers import ModelContext, Solution
from pytest_codeact.runtimes import Limits, Sandbox
from pytest_codeact.tools import FinalAnswer, Toolbox
from pytest_codeact.trial import run_trial

if TYPE_CHECKING:
    from pytest_codeact.arms import Arm
    from pytest_codeact.kit import Kit
    from pytest_codeact.providers import Provider
    from pytest_codeact.scenario import Scenario
    from pytest_codeact.trial import Case, Trial

CUSTOM: Final = "custom"
"""Name in records of a model that a fixture of the user's own put in the reference model's place."""


def make_toolbox(scenario: Scenario) -> Toolbox:
    """
    Make the tools of a trial, over a world of its own.

    Raises:
        ScenarioError: The world cannot be made, or its tools cannot be told to a model.
    """
    return Toolbox(scenario.make_world())


def make_client(kit: Kit, case: Case, scenario: Scenario, toolbox: Toolbox) -> Provider:
    """
    Make the client of a trial's model.

    Raises:
        ScenarioError: The model needs what the scenario does not have; the text names the scenario.
    """
    factory, model = kit.registry.provider(case.model)
    solution = scenario.reference and Solution(
        function=scenario.reference, parameters=toolbox.parameters, read_only=toolbox.read_only
    )
    # One seed per trial, whatever the arm: arms must meet the same luck.
    seed = kit.settings.seed * 1_000_003 + case.trial
    try:
        return factory(ModelContext(model=model, solution=solution or None, seed=seed))
    except ScenarioError as error:
        raise type(error)(f"{scenario.id}: {error}") from error


def make_sandbox(kit: Kit, scenario: Scenario) -> Sandbox:
    """Make the sandbox of a trial; nothing runs in it yet. Whoever makes it closes it."""
    # What a program may show is what a tool result may show, unless the user says otherwise.
    shown = {"output_bytes": float(kit.settings.observation_bytes)}
    return Sandbox(kit.runtime, Limits.of(shown, kit.settings.limits, scenario.limits or {}))


def perform(
    kit: Kit,
    case: Case,
    scenario: Scenario,
    *,
    arm: Arm,
    client: Provider,
    toolbox: Toolbox,
    sandbox: Sandbox,
    own_client: bool,
) -> Trial:
    """
    Run a trial to its end, or take it from the journal.

    Args:
        kit: The process's.
        case: Arm, model and number of the trial.
        scenario: What is to be done.
        arm: How it acts.
        client: The model.
        toolbox: The tools.
        sandbox: Where programs run.
        own_client: Whether the client is that of the model asked for. A client of the user's own must not pass for
            the reference model: rows of unlike models must not meet.
    """
    stands_in = not own_client and case.model.partition("/")[0] == "reference"
    case = replace(case, model=CUSTOM) if stands_in else case
    final = FinalAnswer(scenario.answer)
    run = partial(
        run_trial,
        scenario_id=scenario.id,
        prompt=scenario.prompt,
        case=case,
        arm=arm,
        provider=client,
        bench=Bench(toolbox=toolbox, final=final, sandbox=sandbox),
        budget=scenario.budget(kit.settings.budget),
    )
    trial = kit.journal.once(cell_of(case, scenario, toolbox, final, kit.settings), run)
    if trial.record.calls and not toolbox.journal:
        # It was run elsewhere. A validator may look at the world itself.
        toolbox.restore(trial.record.calls)
    return trial
