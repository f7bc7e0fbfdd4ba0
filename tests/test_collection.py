"""Cases, their names, and the order in which they run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import combinations, groupby
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.collection import CaseNames, case_id, make_cases, run_order, scenario_id
from pytest_codeact.options import Settings
from pytest_codeact.trial import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ARMS = ("direct", "code")

DRIFTS: dict[str, Callable[[int], float]] = {
    "additive": lambda time: 1 + 0.05 * time,
    "compounding": lambda time: 1.05**time,
    "downward": lambda time: 0.95**time,
}
"""What a trial costs that costs 1 at the start of the run, 5 % of drift per trial."""


def ids(settings: Settings) -> list[str]:
    """Name the cases of a scenario."""
    return [case_id(case, settings) for case in make_cases(settings)]


def arms_in_order(settings: Settings, number: int = 0) -> str:
    """Give the first letters of the arms as they run, trial by trial."""
    blocks = groupby(run_order(settings, "a", number), key=lambda case: case.trial)
    return " ".join("".join(case.arm[0] for case in block) for _, block in blocks)


def bias(orders: Iterable[list[Case]], drift: Callable[[int], float]) -> float:
    """Give the largest ratio less 1 of the sums of two equal arms; each scenario's drift starts anew."""
    sums: Counter[str] = Counter()
    for order in orders:
        for time, case in enumerate(order):
            sums[case.arm] += drift(time)  # type: ignore[assignment]  # a Counter adds floats as well
    return max(max(a, b) / min(a, b) - 1 for a, b in combinations(sums.values(), 2))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), ["direct", "code"]),
        (Settings(arms=("code",)), ["code"]),
        (Settings(trials=2), ["direct-t1", "code-t1", "direct-t2", "code-t2"]),
        (Settings(arms=("code",), models=("a/b",)), ["code-a/b"]),
        (Settings(arms=("code",), models=("reference", "a/b"), trials=2), [
            "code-t1", "code-a/b-t1", "code-t2", "code-a/b-t2",
        ]),
    ],
)  # fmt: skip
def test_cases_are_named_by_arm_model_and_trial(settings: Settings, expected: list[str]) -> None:
    """The model is named unless it is the reference model, the trial if there are several; arms stand side by side."""
    assert ids(settings) == expected


@pytest.mark.parametrize(
    ("node_id", "own_part", "expected"),
    [
        ("test_x.py::test_y[code]", "code", "test_x.py::test_y"),
        ("test_x.py::test_y[code-a/b-t3]", "code-a/b-t3", "test_x.py::test_y"),
        ("test_x.py::test_y[red-code]", "code", "test_x.py::test_y[red]"),
        ("test_x.py::TestZ::test_y[a-b-direct-serial]", "direct-serial", "test_x.py::TestZ::test_y[a-b]"),
        ("test_x.py::test_y[code-code]", "code", "test_x.py::test_y[code]"),
    ],
)
def test_scenario_id_is_the_node_id_without_our_part(node_id: str, own_part: str, expected: str) -> None:
    """Parameters of the author's own stay."""
    assert scenario_id(node_id, own_part) == expected


def test_case_is_hashable_and_named_in_full() -> None:
    """A case is a value: xdist's workers make the same ones in the same order."""
    assert Case(arm="code", model="a/b", trial=1) == Case(arm="code", model="a/b")
    assert make_cases(Settings(trials=3)) == make_cases(Settings(trials=3))


@pytest.mark.parametrize(
    ("node_id", "scenario", "case"),
    [
        ("test_x.py::test_y[code-t3]", "test_x.py::test_y", Case(arm="code", model="reference", trial=3)),
        ("t.py::test_y[code-a/b-t1]", "t.py::test_y", Case(arm="code", model="a/b")),
        ("t.py::test_y[a-[b]-direct-t2]", "t.py::test_y[a-[b]]", Case(arm="direct", model="reference", trial=2)),
        ("t.py::test_y[x::y-direct-t2]", "t.py::test_y[x::y]", Case(arm="direct", model="reference", trial=2)),
        ("t.py::test_y[direct-serial-t2]", "t.py::test_y", Case(arm="direct-serial", model="reference", trial=2)),
    ],
)
def test_case_is_read_off_a_node_id(node_id: str, scenario: str, case: Case) -> None:
    """What `case_id` wrote is found again, whatever parameters stand before it."""
    names = CaseNames(Settings(arms=("direct", "direct-serial", "code"), models=("reference", "a/b"), trials=3))

    assert names.read(node_id) == (scenario, case)


@pytest.mark.parametrize("node_id", ["t.py::test_y", "t.py::test_y[t3]", "t.py::test_y[code-t4]", "code-t1/t.py", ""])
def test_other_ids_are_no_cases(node_id: str) -> None:
    """A test that is no scenario, or a trial that there is not, is not read."""
    assert CaseNames(Settings(trials=3)).read(node_id) is None


@pytest.mark.parametrize("settings", [Settings(), Settings(models=("a/b", "reference"), trials=12)])
def test_every_id_is_read_back(settings: Settings) -> None:
    """Writing and reading agree for every case."""
    names = CaseNames(settings)

    for case in make_cases(settings):
        assert names.read(f"t.py::test_y[p-{case_id(case, settings)}]") == ("t.py::test_y[p]", case)


def test_abba_order_is_written_out() -> None:
    """Blocks follow the Prouhet-Thue-Morse sequence; scenarios begin with the arms in turn."""
    settings = Settings(trials=8)

    assert [arms_in_order(settings, number) for number in range(4)] == [
        "dc cd cd dc cd dc dc cd",
        "cd dc dc cd dc cd cd dc",
        "cd dc dc cd dc cd cd dc",
        "dc cd cd dc cd dc dc cd",
    ]


def test_third_arm_takes_its_turn_at_the_edge() -> None:
    """With more than two arms every second scenario begins with the next one."""
    settings = Settings(arms=("a", "b", "c"), trials=2)

    assert [arms_in_order(settings, number) for number in range(5)] == [
        "abc cba", "cba abc", "bca acb", "acb bca", "cab bac",
    ]  # fmt: skip


@pytest.mark.parametrize("order", ["abba", "shuffled"])
@pytest.mark.parametrize("settings", [{}, {"models": ("a/b", "c/d"), "trials": 5}, {"arms": ("code",), "trials": 3}])
def test_order_runs_every_case_once_and_trials_in_turn(settings: dict[str, object], order: str) -> None:
    """An order only permutes the cases within their blocks."""
    made = Settings(**settings, order=order, seed=3)  # type: ignore[arg-type]  # columns of a table of cases
    cases = run_order(made, "t.py::test_y", 1)

    assert sorted(cases, key=make_cases(made).index) == make_cases(made)
    assert [case.trial for case in cases] == sorted(case.trial for case in cases)


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
@pytest.mark.parametrize("trials", range(2, 41, 2))
def test_drift_does_not_bias_two_arms_of_one_scenario(drift: Callable[[int], float], trials: int) -> None:
    """5 % per trial move the ratio of two equal arms by less than 0.5 %, for every even number of trials."""
    for number in range(4):
        assert bias([run_order(Settings(trials=trials), "a", number)], drift) < 0.005


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
@pytest.mark.parametrize("trials", range(1, 12))
@pytest.mark.parametrize("arms", [ARMS, ("a", "b", "c"), ("a", "b", "c", "d")], ids=len)
def test_drift_does_not_bias_arms_over_scenarios(
    drift: Callable[[int], float], trials: int, arms: tuple[str, ...]
) -> None:
    """Over an even number of scenarios the same holds for any number of trials, and for more than two arms."""
    settings = Settings(arms=arms, trials=trials)

    for scenarios in (2, 4, 8, 10):
        assert bias([run_order(settings, "a", number) for number in range(scenarios)], drift) < 0.005


def test_one_trial_each_is_balanced_over_the_run() -> None:
    """A drift that goes on from scenario to scenario does not bias runs of one trial either."""
    run = [case for number in range(8) for case in run_order(Settings(), "a", number)]

    for drift in DRIFTS.values():
        assert bias([run], drift) < 0.005


def test_simulation_would_see_an_unfair_order() -> None:
    """The order of the options, arm after arm in every trial, is biased by the drift."""
    assert bias([make_cases(Settings(trials=4))], DRIFTS["additive"]) > 0.04


def test_shuffled_order_follows_seed_scenario_and_trial() -> None:
    """Each of the three changes it, and nothing else does."""
    many = Settings(trials=40, order="shuffled", seed=1)
    other_seed = Settings(trials=40, order="shuffled", seed=2)

    assert run_order(many, "a", 0) == run_order(many, "a", 1)
    assert run_order(many, "a", 0) != run_order(many, "b", 0)
    assert run_order(many, "a", 0) != run_order(other_seed, "a", 0)
    assert set(arms_in_order(many).split()) == {"dc", "cd"}
    assert run_order(Settings(trials=3, order="shuffled", seed=1), "a", 0) == run_order(many, "a", 0)[:6]


def test_shuffled_order_is_the_same_in_every_process() -> None:
    """It does not hang on Python's hash of a text, which differs from process to process."""
    program = (
        "from pytest_codeact.collection import run_order\nfrom pytest_codeact.options import Settings\n"
        "print([(c.arm, c.trial) for c in run_order(Settings(trials=20, order='shuffled', seed=5), 'a', 0)])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(printed) == 1
