"""
From a marked test to its cases: reads the marker and parametrizes by arm, model and trial.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact.errors import ScenarioError
from pytest_codeact.scenario import MARKER, SIGNATURE, Scenario
from pytest_codeact.trial import Case

if TYPE_CHECKING:
    from pytest_codeact.options import Settings

CASE_FIXTURE: Final = "codeact_case"

_SCENARIOS: pytest.StashKey[dict[tuple[str, int], tuple[Scenario, pytest.Mark]]] = pytest.StashKey()
"""Where a session keeps its scenarios, by id and identity of the marker; the marker is kept for its identity's sake."""

SNAPSHOTS: Final = "snapshots"
"""Directory of the ground truth, below pytest's root directory."""


def parametrize(metafunc: pytest.Metafunc, settings: Settings) -> None:
    """
    Parametrize a scenario by arm, model and trial.

    Raises:
        pytest.Collector.CollectError: The marker is wrong, or the test uses none of our fixtures.
    """
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    node_id = metafunc.definition.nodeid
    if inspect.iscoroutinefunction(metafunc.function):
        raise pytest.Collector.CollectError(f"{node_id}: is async; a scenario's test is a validator; write it with def")
    if CASE_FIXTURE not in metafunc.fixturenames:
        used = [name for name in metafunc.fixturenames if name.startswith("codeact_")]
        problem = (
            f"it does not get {CASE_FIXTURE}; let your own {used[0]} take it as an argument"
            if used
            else "it uses no codeact fixture; add the argument codeact_trial (and codeact_snapshot) to the test"
        )
        raise pytest.Collector.CollectError(f"{node_id}: marked as a scenario, but {problem}")
    try:
        _check(Scenario.from_marker(node_id, marker.args, marker.kwargs))
    except ScenarioError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    cases = make_cases(settings)
    metafunc.parametrize(CASE_FIXTURE, cases, ids=[case_id(case, settings) for case in cases], indirect=True)


def _check(scenario: Scenario) -> None:
    """Refuse a reference solution that could not be sent as a program."""
    from pytest_codeact.providers.reference import check_solution

    if scenario.reference is not None:
        try:
            check_solution(scenario.reference)
        except ScenarioError as error:
            raise ScenarioError(f"{scenario.id}: {error}") from error


def make_cases(settings: Settings) -> list[Case]:
    """List the cases of a scenario in the order they run: arms side by side within a trial."""
    return [
        Case(arm=arm, model=model, trial=trial)
        for trial in range(1, settings.trials + 1)
        for model in settings.models
        for arm in settings.arms
    ]


def case_id(case: Case, settings: Settings) -> str:
    """
    Name a case in a node id: the arm, the model unless it is the reference model, the trial if there are several.

    The model is never left out for another one's sake: node ids name rows of stored runs, and rows of unlike models
    must not meet.
    """
    parts = [case.arm]
    if case.model != "reference":
        parts.append(case.model)
    if settings.trials > 1:
        parts.append(f"t{case.trial}")
    return "-".join(parts)


def scenario_id(node_id: str, own_part: str) -> str:
    """
    Give the stable id of a scenario: its node id without our part of the parameters.

    Args:
        node_id: Node id of an item, for example "test_x.py::test_y[red-code]".
        own_part: What `case_id` gave for it, for example "code".
    """
    bare = node_id.removesuffix("]").removesuffix(own_part)
    return f"{bare.removesuffix('-')}]" if bare.endswith("-") else bare.removesuffix("[")


def case_of(item: pytest.Item) -> Case | None:
    """Give the case of an item. None if it is no scenario of ours."""
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(CASE_FIXTURE)


def misuse(item: pytest.Item, settings: Settings) -> str:
    """Say why an item with the marker is none of our scenarios. "" if it is one."""
    case = case_of(item)
    if case is None:
        return (
            f"{item.nodeid}: the scenario marker has no effect here; "
            "put it on a function or class, not on a parameter or in a unittest.TestCase"
        )
    if not item.nodeid.endswith(f"{case_id(case, settings)}]"):
        return (
            f"{item.nodeid}: something parametrizes the test after pytest-codeact; its arms could not share a name; "
            "let that pytest_generate_tests run earlier"
        )
    return ""


def scenario_id_of(item: pytest.Item, settings: Settings) -> str:
    """Give the stable id of an item's scenario; its node id if it has no case."""
    case = case_of(item)
    return item.nodeid if case is None else scenario_id(item.nodeid, case_id(case, settings))


def scenario_of(item: pytest.Item, settings: Settings) -> Scenario:
    """
    Give the scenario of an item.

    Raises:
        ScenarioError: The marker is wrong.
    """
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        raise ScenarioError(f"{item.nodeid}: codeact fixtures need @pytest.mark.{SIGNATURE}")
    # Checking a marker takes longer than most of what else is done for a trial; its cases share one.
    known = item.session.stash.setdefault(_SCENARIOS, {})
    key = (scenario_id_of(item, settings), id(marker))
    if key not in known:
        known[key] = (Scenario.from_marker(key[0], marker.args, marker.kwargs), marker)
    return known[key][0]
