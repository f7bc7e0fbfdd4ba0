"""
The fixtures. Each can be overridden in a conftest; a trial runs while `codeact_trial` is set up.

Every pytest run imports this module, few use it: the parts are imported inside the fixtures.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.arms import Arm
    from pytest_codeact.providers import Provider
    from pytest_codeact.records import Json, TrialRecord
    from pytest_codeact.runtimes import Sandbox
    from pytest_codeact.scenario import Scenario
    from pytest_codeact.snapshots import GroundTruth
    from pytest_codeact.stage import Stage
    from pytest_codeact.tools import Toolbox
    from pytest_codeact.trial import Case, Trial

RECORD: pytest.StashKey[TrialRecord] = pytest.StashKey()
"""Where an item keeps the record of its trial."""

TRUTH: pytest.StashKey[Json] = pytest.StashKey()
"""Where an item keeps the ground truth that it agrees with, in a run that updates snapshots."""


GROUND_TRUTH: pytest.StashKey[GroundTruth] = pytest.StashKey()
"""Where an item keeps its `codeact_snapshot`."""


@pytest.fixture
def codeact_case(request: pytest.FixtureRequest) -> Case:
    """Which arm, model and trial this test is: a `Case`."""
    if not hasattr(request, "param"):
        from pytest_codeact.scenario import SIGNATURE

        pytest.fail(f"{request.node.nodeid}: codeact fixtures need @pytest.mark.{SIGNATURE}", pytrace=False)
    case: Case = request.param
    return case


@pytest.fixture
def codeact_scenario(request: pytest.FixtureRequest, codeact_case: Case) -> Scenario:  # noqa: ARG001 - it checks
    """What the marker says, checked: a `Scenario`."""
    from pytest_codeact.collection import scenario_of
    from pytest_codeact.kit import Kit

    return scenario_of(request.node, Kit.of(request.config).settings)


@pytest.fixture
def _codeact_stage(request: pytest.FixtureRequest, codeact_case: Case, codeact_scenario: Scenario) -> Iterator[Stage]:
    """Where the parts of this trial come from: made ahead of its turn, or as they are asked for."""
    from pytest_codeact.ahead import stage_of

    stage = stage_of(request.node, codeact_case, codeact_scenario)
    yield stage
    stage.close()


@pytest.fixture
def codeact_tools(_codeact_stage: Stage) -> Toolbox:
    """The tools of this trial over a world of its own: a `Toolbox`."""
    with _in_plain_words():
        return _codeact_stage.toolbox()


@pytest.fixture
def codeact_client(_codeact_stage: Stage, codeact_tools: Toolbox) -> Provider:
    """The model of this trial: anything with `complete(Request) -> Reply`."""
    with _in_plain_words():
        return _codeact_stage.client(codeact_tools)


@pytest.fixture
def codeact_sandbox(_codeact_stage: Stage) -> Sandbox:
    """Where this trial's programs run: a `Sandbox`. An arm that runs programs starts it before the first turn."""
    return _codeact_stage.sandbox()


@pytest.fixture
def codeact_arm(_codeact_stage: Stage) -> Arm:
    """How this trial acts: an `Arm`, made for this trial alone."""
    with _in_plain_words():
        return _codeact_stage.arm()


@pytest.fixture
def codeact_trial(
    request: pytest.FixtureRequest,
    _codeact_stage: Stage,
    codeact_arm: Arm,
    codeact_client: Provider,
    codeact_tools: Toolbox,
    codeact_sandbox: Sandbox,
) -> Trial:
    """
    The trial, run: a `Trial`, of which `outcome` is what a snapshot holds.

    A provider or sandbox that fails raises here, in set-up: pytest reports an ERROR, not a failed test.
    """
    trial = _codeact_stage.trial(arm=codeact_arm, client=codeact_client, toolbox=codeact_tools, sandbox=codeact_sandbox)
    request.node.stash[RECORD] = trial.record
    if trial.failure is not None:
        with _in_plain_words():
            raise trial.failure
    return trial


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """
    Let an error of the plugin's own speak for itself; a traceback would show the plugin's own lines.

    So does a SystemExit: pytest cannot go on after one that a fixture raises.
    """
    from pytest_codeact.errors import CodeActError, describe

    try:
        yield
    except (CodeActError, SystemExit) as error:
        text, cause = describe(error), error.__cause__
        is_told = cause is None or describe(cause).partition(": ")[2] in text
        # Not from the error itself: pytest would show the same text twice.
        raise pytest.fail.Exception(text, pytrace=False) from (None if is_told else cause)


@pytest.fixture
def codeact_snapshot(request: pytest.FixtureRequest, codeact_scenario: Scenario) -> GroundTruth:
    """The scenario's snapshot, shared by all arms: compare `codeact_trial.outcome` with it."""
    from pytest_codeact.collection import SNAPSHOTS
    from pytest_codeact.scenario import solve
    from pytest_codeact.snapshots import ground_truth

    if not request.config.pluginmanager.has_plugin("syrupy"):
        pytest.fail(
            "codeact_snapshot needs the plugin syrupy, which is switched off; drop -p no:syrupy",
            pytrace=False,
        )

    def agree(truth: Json) -> None:
        request.node.stash[TRUTH] = truth

    truth = ground_truth(
        request.getfixturevalue("snapshot"),
        scenario=codeact_scenario.id,
        root=request.config.rootpath / SNAPSHOTS,
        tolerance=codeact_scenario.tolerance,
        truth=None if codeact_scenario.reference is None else lambda: solve(codeact_scenario),
        report=agree,
    )
    request.node.stash[GROUND_TRUTH] = truth
    return truth
