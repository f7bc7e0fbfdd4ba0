"""
The fixtures. Each can be overridden in a conftest; a trial runs while `codeact_trial` is set up.

Every pytest run imports this module, few use it: the parts are imported inside the fixtures.
"""

from __future__ import annotations

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
    from pytest_codeact.tools import Toolbox
    from pytest_codeact.trial import Case, Trial

RECORD: pytest.StashKey[TrialRecord] = pytest.StashKey()
"""Where an item keeps the record of its trial."""

TRUTH: pytest.StashKey[Json] = pytest.StashKey()
"""Where an item keeps the ground truth that it agrees with, in a run that updates snapshots."""


GROUND_TRUTH: pytest.StashKey[GroundTruth] = pytest.StashKey()
"""Where an item keeps its `codeact_snapshot`."""


OWN_CLIENT: pytest.StashKey[bool] = pytest.StashKey()
"""Set for an item whose client is that of the model asked for, and not of an overriding fixture."""


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
def codeact_tools(codeact_scenario: Scenario) -> Toolbox:
    """The tools of this trial over a world of its own: a `Toolbox`."""
    from pytest_codeact.errors import ScenarioError, describe
    from pytest_codeact.stage import make_toolbox

    try:
        return make_toolbox(codeact_scenario)
    except ScenarioError as error:
        pytest.fail(describe(error), pytrace=False)


@pytest.fixture
def codeact_client(
    request: pytest.FixtureRequest,
    codeact_case: Case,
    codeact_scenario: Scenario,
    codeact_tools: Toolbox,
) -> Provider:
    """The model of this trial: anything with `complete(Request) -> Reply`."""
    from pytest_codeact.errors import ScenarioError, describe
    from pytest_codeact.kit import Kit
    from pytest_codeact.stage import make_client

    request.node.stash[OWN_CLIENT] = True
    try:
        return make_client(Kit.of(request.config), codeact_case, codeact_scenario, codeact_tools)
    except ScenarioError as error:
        pytest.fail(describe(error), pytrace=False)


@pytest.fixture
def codeact_sandbox(request: pytest.FixtureRequest, codeact_scenario: Scenario) -> Iterator[Sandbox]:
    """Where this trial's programs run: a `Sandbox`. An arm that runs programs starts it before the first turn."""
    from pytest_codeact.kit import Kit
    from pytest_codeact.stage import make_sandbox

    sandbox = make_sandbox(Kit.of(request.config), codeact_scenario)
    yield sandbox
    sandbox.close()


@pytest.fixture
def codeact_arm(request: pytest.FixtureRequest, codeact_case: Case) -> Arm:
    """How this trial acts: an `Arm`, made for this trial alone."""
    from pytest_codeact.kit import Kit

    return Kit.of(request.config).arm(codeact_case.arm)


@pytest.fixture
def codeact_trial(
    request: pytest.FixtureRequest,
    codeact_case: Case,
    codeact_scenario: Scenario,
    codeact_arm: Arm,
    codeact_client: Provider,
    codeact_tools: Toolbox,
    codeact_sandbox: Sandbox,
) -> Trial:
    """
    The trial, run: a `Trial`, of which `outcome` is what a snapshot holds.

    A provider or sandbox that fails raises here, in set-up: pytest reports an ERROR, not a failed test.
    """
    from pytest_codeact.errors import CodeActError, describe
    from pytest_codeact.kit import Kit
    from pytest_codeact.stage import perform

    trial = perform(
        Kit.of(request.config),
        codeact_case,
        codeact_scenario,
        arm=codeact_arm,
        client=codeact_client,
        toolbox=codeact_tools,
        sandbox=codeact_sandbox,
        own_client=OWN_CLIENT in request.node.stash,
    )
    request.node.stash[RECORD] = trial.record
    if isinstance(trial.failure, CodeActError):
        # What it says is the whole story; a traceback would show the plugin's own lines.
        pytest.fail(describe(trial.failure), pytrace=False)
    if trial.failure is not None:
        raise trial.failure
    return trial


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
