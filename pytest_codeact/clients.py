"""
From a model's name to the client of one trial: where its replies come from, and what its requests pass on their way.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_codeact.cassettes import CassetteModel, Slot
from pytest_codeact.errors import RecordingError, ScenarioError, UnavailableError, describe
from pytest_codeact.modes import unrecorded
from pytest_codeact.providers import ModelContext, Solution
from pytest_codeact.spending import gate_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.kit import Kit
    from pytest_codeact.providers import Provider
    from pytest_codeact.scenario import Scenario
    from pytest_codeact.tools import Toolbox
    from pytest_codeact.trial import Case, Trial


def make_client(kit: Kit, case: Case, scenario: Scenario, toolbox: Toolbox) -> Provider:
    """
    Make the client of a trial's model: the model itself, or its recordings, as the run's mode says.

    Raises:
        ScenarioError: The model needs what the scenario does not have; the text names the scenario.
        UnavailableError: The model's key or SDK is missing; or the trial is not recorded, and the run only replays what
            is.
        RecordingError: The trial's cassette cannot be read, or not be written.
    """
    live = partial(_live, kit, case, scenario, toolbox)
    if not kit.registry.is_live(case.model):
        return _bare(kit, case, scenario, toolbox)
    if kit.settings.mode == "live":
        return live()
    slot = _slot(kit, case, scenario)
    match kit.settings.mode:
        case "replay":
            return CassetteModel(slot, ask=None)
        case "record":
            # Made now where it is sure to be asked: a missing key is then told before the trial begins.
            return CassetteModel(slot, ask=live if slot.is_complete() else _giving(live()))
        case "refresh":
            return CassetteModel(slot, ask=_giving(live()), plays=False)
    if not slot.is_complete():
        raise UnavailableError(unrecorded(case.model))
    return CassetteModel(slot, ask=None)


def settled(client: Provider | None, trial: Trial) -> Trial:
    """
    Let the client of a trial that has just been run take in how it ended.

    Args:
        client: The trial's, as `make_client` made it. None if it made none.
        trial: What was run.

    Returns:
        The trial, with the recorded figures if it was replayed.
    """
    if not isinstance(client, CassetteModel):
        return trial
    try:
        return replace(trial, record=client.settle(trial.record))
    except (OSError, RecordingError) as error:
        return replace(trial, record=replace(trial.record, ended="error", error=describe(error)), failure=error)


def _live(kit: Kit, case: Case, scenario: Scenario, toolbox: Toolbox) -> Provider:
    """Make the client that asks a live model: what fails is sent again, and every attempt passes the run's gate."""
    from pytest_codeact.providers.retry import Retrying

    return Retrying(provider=_bare(kit, case, scenario, toolbox), gate=gate_for(kit, case.model))


def _giving(model: Provider) -> Callable[[], Provider]:
    return lambda: model


def _bare(kit: Kit, case: Case, scenario: Scenario, toolbox: Toolbox) -> Provider:
    factory, _ = kit.registry.provider(case.model)
    try:
        return factory(_context(kit, case, scenario, toolbox))
    except ScenarioError as error:
        raise type(error)(f"{scenario.id}: {error}") from error


def _slot(kit: Kit, case: Case, scenario: Scenario) -> Slot:
    return Slot(
        root=kit.cassettes,
        scenario=scenario.id,
        arm=case.arm,
        model=case.model,
        trial=case.trial,
        prompt_cache=kit.settings.prompt_cache,
        # Asked for anew each time: variables may have come since.
        redact=lambda form: kit.redactor.record(form),  # noqa: PLW0108
    )


def _context(kit: Kit, case: Case, scenario: Scenario, toolbox: Toolbox) -> ModelContext:
    settings = kit.settings
    provider, _, model = case.model.partition("/")
    solution = scenario.reference and Solution(
        function=scenario.reference,
        parameters=toolbox.parameters,
        read_only=toolbox.read_only,
        typescript=scenario.reference_ts,
    )
    return ModelContext(
        model=model,
        solution=solution or None,
        # One seed per trial, whatever the arm: arms must meet the same luck.
        seed=settings.seed * 1_000_003 + case.trial,
        base_url=settings.base_urls.get(provider, settings.base_urls.get("")),
        prompt_cache=settings.prompt_cache,
        timeout_s=settings.request_timeout_s,
        environment=kit.environment,
        connections=kit.connections,
    )
