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
    from pytest_codeact.emulator import Emulator
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

    A provider or sandbox that fails raises here, in set-up: pytest reports an ERROR, not a failed test. A model that
    cannot be asked here, or may not be asked any more, skips the test.
    """
    trial = _codeact_stage.trial(arm=codeact_arm, client=codeact_client, toolbox=codeact_tools, sandbox=codeact_sandbox)
    # One that was refused before its first reply is none: nothing was measured and nothing paid.
    if trial.record.turns or not _is_refusal(trial.failure):
        request.node.stash[RECORD] = trial.record
    if trial.failure is not None:
        with _in_plain_words():
            raise trial.failure
    return trial


@pytest.fixture(scope="session")
def codeact_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """
    The emulator of the vendors' protocols, on a port of 127.0.0.1: an `Emulator` that knows the session's scenarios.

    Faults that a test orders are the session's: it should use them up, or call `clear_orders`.
    """
    import warnings

    from pytest_codeact.emulator import Emulator
    from pytest_codeact.errors import CodeActWarning
    from pytest_codeact.serving import learn

    with _in_plain_words():
        emulator = Emulator()
    with emulator:
        with _in_plain_words():
            doubts = learn(request.session.items, emulator, request.config)
        for each in doubts:
            warnings.warn(each, CodeActWarning, stacklevel=1)
        yield emulator


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """
    Let an error of the plugin's own speak for itself; a traceback would show the plugin's own lines.

    So does a SystemExit: pytest cannot go on after one that a fixture raises. A refusal is the reason of a skip.
    """
    from pytest_codeact.errors import CodeActError, describe

    try:
        yield
    except (CodeActError, SystemExit) as error:
        if _is_refusal(error):
            # Its cause tells the report what kind of skip this is.
            raise pytest.skip.Exception(str(error)) from error
        text, cause = describe(error), error.__cause__
        is_told = cause is None or describe(cause).partition(": ")[2] in text
        # Not from the error itself: pytest would show the same text twice.
        raise pytest.fail.Exception(text, pytrace=False) from (None if is_told else cause)


def _is_refusal(failure: BaseException | None) -> bool:
    """Tell whether a model was not asked because it may not, or cannot, be asked in this run."""
    from pytest_codeact.errors import BudgetError, UnavailableError

    return isinstance(failure, BudgetError | UnavailableError)


@pytest.fixture
def codeact_snapshot(request: pytest.FixtureRequest, codeact_scenario: Scenario) -> GroundTruth:
    """The scenario's snapshot, shared by all arms: compare `codeact_trial.outcome` with it."""
    from pytest_codeact.collection import SNAPSHOTS
    from pytest_codeact.errors import ScenarioError
    from pytest_codeact.kit import Kit
    from pytest_codeact.scenario import solve
    from pytest_codeact.snapshots import ground_truth

    if not request.config.pluginmanager.has_plugin("syrupy"):
        pytest.fail(
            "codeact_snapshot needs the plugin syrupy, which is switched off; drop -p no:syrupy",
            pytrace=False,
        )

    def agree(truth: Json) -> None:
        request.node.stash[TRUTH] = truth

    def solved() -> Json:
        outcome = solve(codeact_scenario)
        if secret := Kit.of(request.config).redactor.holds_key(outcome):
            raise ScenarioError(
                f"{codeact_scenario.id}: the outcome of its reference solution holds a secret ({secret}), and a "
                "snapshot is a file to commit; let the world and the answer hold something made up in its place"
            )
        return outcome

    truth = ground_truth(
        request.getfixturevalue("snapshot"),
        scenario=codeact_scenario.id,
        root=request.config.rootpath / SNAPSHOTS,
        tolerance=codeact_scenario.tolerance,
        truth=None if codeact_scenario.reference is None else solved,
        report=agree,
    )
    request.node.stash[GROUND_TRUTH] = truth
    return truth
