"""Cases and their names."""

from __future__ import annotations

import pytest

from pytest_codeact.collection import case_id, make_cases, scenario_id
from pytest_codeact.options import Settings
from pytest_codeact.trial import Case


def ids(settings: Settings) -> list[str]:
    """Name the cases of a scenario."""
    return [case_id(case, settings) for case in make_cases(settings)]


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
