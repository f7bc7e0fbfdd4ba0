"""
From a marked test to its cases: reads the marker, parametrizes by arm, model and trial, and sets the order in which
they run.
"""

from __future__ import annotations

import inspect
import random
from itertools import groupby
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact.errors import ChoiceError, RuleError, ScenarioError, UnknownNameError
from pytest_codeact.gate import Rule
from pytest_codeact.scenario import MARKER, SIGNATURE, Scenario
from pytest_codeact.trial import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_codeact.measure import Metric
    from pytest_codeact.options import Settings

CASE_FIXTURE: Final = "codeact_case"

_SCENARIOS: pytest.StashKey[dict[tuple[str, int], tuple[Scenario, pytest.Mark]]] = pytest.StashKey()
"""Where a session keeps its scenarios, by id and identity of the marker; the marker is kept for its identity's sake."""

SNAPSHOTS: Final = "snapshots"
"""Directory of the ground truth, below pytest's root directory."""

OTHER_ORDER: Final = "other"
"""What a run says of its order when something else decided it."""

_PLACE: Final[pytest.StashKey[tuple[int, int]]] = pytest.StashKey()
"""Where an item keeps the number of its scenario and its place among that scenario's items, as `arrange` set them."""

_ORDER: Final[pytest.StashKey[str]] = pytest.StashKey()
"""Where a process keeps what `note_order` found."""


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


def check_names(
    metafunc: pytest.Metafunc, metrics: Sequence[Metric], choose: Callable[[Sequence[str]], object]
) -> None:
    """
    Refuse a scenario with a rule of its own that cannot be read, or with a sandbox that cannot be chosen.

    Args:
        metafunc: The scenario's.
        metrics: Those that rules can be about.
        choose: Looks the names of runtimes up.

    Raises:
        pytest.Collector.CollectError: There is such a rule or such a name.
    """
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    node_id = metafunc.definition.nodeid
    scenario = Scenario.from_marker(node_id, marker.args, marker.kwargs)
    try:
        for rule in scenario.rules:
            Rule.parse(rule, metrics)
        choose(scenario.runtimes)
    except (RuleError, UnknownNameError, ChoiceError) as error:
        raise pytest.Collector.CollectError(f"{node_id}: {error}") from error


def make_cases(settings: Settings) -> list[Case]:
    """List the cases of a scenario: by trial, within it by model and then by arm, as the options name them."""
    return [
        Case(arm=arm, model=model, trial=trial)
        for trial in range(1, settings.trials + 1)
        for model in settings.models
        for arm in settings.columns
    ]


def run_order(settings: Settings, scenario: str, number: int) -> list[Case]:
    """
    List the cases of a scenario in the order they run. A block is one trial number: all models and arms, once each.

    "abba": blocks follow the Prouhet-Thue-Morse sequence (Prouhet 1851; as an order of measurements: Richman 2001,
    "Recursive binary sequences of differences"): block k is reversed where the number of ones in the binary form of k
    is odd, AB BA BA AB. So two consecutive blocks cancel a drift that is linear in time and four a quadratic one. Every
    second scenario has the complement, BA AB AB BA, so that a run of one trial is balanced over its scenarios too; and
    every second scenario begins one cell later, because of more than two cells the outer ones meet a curved drift
    otherwise than the inner ones, which only other scenarios can make good.

    "shuffled": every block is drawn anew from seed, scenario and trial, the same in every process.

    Args:
        settings: Arms, models, number of trials, order and seed.
        scenario: Id of the scenario.
        number: Its number among the scenarios of the run, in the order they were collected. Starts at 0.
    """
    blocks = [list(block) for _, block in groupby(make_cases(settings), key=lambda case: case.trial)]
    if settings.order == "shuffled":
        for block in blocks:
            # Seeded with a text, Random is the same everywhere; hash() of one is not.
            random.Random(f"{settings.seed}/{scenario}/{block[0].trial}").shuffle(block)  # noqa: S311 - no secret
        return [case for block in blocks for case in block]
    first = number // 2 % len(blocks[0])
    cases: list[Case] = []
    for index, block in enumerate(blocks):
        turned = block[first:] + block[:first]
        cases += reversed(turned) if (index.bit_count() + number) % 2 else turned
    return cases


def arrange(items: list[pytest.Item], settings: Settings) -> None:
    """
    Put the items of each scenario into the order in which they run, in the places that they hold among the others.

    Args:
        items: Everything that was collected; changed in place.
        settings: What the order follows from.
    """
    places: dict[str, list[tuple[int, Case]]] = {}
    for index, item in enumerate(items):
        case = case_of(item)
        if case is not None and item.get_closest_marker(MARKER) is not None:
            places.setdefault(scenario_id_of(item, settings), []).append((index, case))
    for number, (scenario, held) in enumerate(places.items()):
        rank = {case: index for index, case in enumerate(run_order(settings, scenario, number))}
        own = [items[index] for index, _ in sorted(held, key=lambda entry: rank[entry[1]])]
        for place, ((index, _), item) in enumerate(zip(held, own, strict=True)):
            item.stash[_PLACE] = number, place
            items[index] = item


def note_order(config: pytest.Config, items: Sequence[pytest.Item], settings: Settings) -> None:
    """Note whether the items that are left still follow each other as `arrange` set them, for `order_of`."""
    last: dict[int, int] = {}
    holds = True
    for item in items:
        if _PLACE in item.stash:
            number, place = item.stash[_PLACE]
            holds = holds and last.get(number, -1) < place
            last[number] = place
    config.stash[_ORDER] = settings.order if holds else OTHER_ORDER


def order_of(config: pytest.Config) -> str:
    """Give the name of the order in which this process runs its trials: that of the option, or `OTHER_ORDER`."""
    return config.stash.get(_ORDER, OTHER_ORDER)


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


class CaseNames:
    """
    Reads cases off node ids, where there are no items: on the controller of xdist's workers.

    Args:
        settings: The run's.
    """

    def __init__(self, settings: Settings) -> None:
        self._cases = {case_id(case, settings): case for case in make_cases(settings)}

    def read(self, node_id: str) -> tuple[str, Case] | None:
        """
        Give the scenario's id and the case. None if the id is no scenario's.

        A test that is no scenario has such an id only if its author's parameters end in the name of a case.
        """
        if not node_id.endswith("]"):
            return None
        for index in range(node_id.rfind("::"), len(node_id)):
            own_part = node_id[index + 1 : -1]
            if node_id[index] in "[-" and own_part in self._cases:
                return scenario_id(node_id, own_part), self._cases[own_part]
        return None


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


def rules_of(item: pytest.Item) -> tuple[str, ...]:
    """Give the rules of the gate that an item's scenario has of its own; collection has seen to it that they are."""
    marker = item.get_closest_marker(MARKER)
    rules = () if marker is None else marker.kwargs.get("fail", ())
    return (rules,) if isinstance(rules, str) else tuple(rules)


def runtimes_of(items: Iterable[pytest.Item], names: Callable[[str, tuple[str, ...]], Iterable[str]]) -> list[str]:
    """
    Name the runtimes that items need, each once, in the order of the items.

    Args:
        items: What was collected.
        names: Names the runtimes of an arm, given those that the scenario itself chooses.
    """
    needs: dict[tuple[str, tuple[str, ...]], None] = {}
    for item in items:
        case, marker = case_of(item), item.get_closest_marker(MARKER)
        if case is not None and marker is not None:
            own = marker.kwargs.get("sandbox", ())
            needs[case.arm, (own,) if isinstance(own, str) else tuple(own)] = None
    return list(dict.fromkeys(name for arm, own in needs for name in names(arm, own)))


def min_success_of(item: pytest.Item, settings: Settings) -> float | None:
    """Give the share of a scenario's completed trials that must pass. None if every one must."""
    marker = item.get_closest_marker(MARKER)
    own: float | None = None if marker is None else marker.kwargs.get("min_success")
    return settings.min_success if own is None else own


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
