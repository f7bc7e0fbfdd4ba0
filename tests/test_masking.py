"""Secrets off reports, warnings and comparisons: what is masked, what is left alone, and that nothing is lost."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, NoReturn

import pytest

from pytest_codeact.kit import _KEY
from pytest_codeact.masking import Mask
from pytest_codeact.redaction import MARK, Redactor
from pytest_codeact.worker import IS_SCENARIO

KEY: Final = "quartz4.zephyr-88x"


class Broken:
    """Cannot be looked into, nor written."""

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> NoReturn:
        raise RuntimeError(KEY)

    __str__ = __repr__


class Frozen:
    """A part of a traceback, for all one can see, that cannot be changed."""

    __module__ = "_pytest._code.code"

    def __init__(self) -> None:
        vars(self)["text"] = KEY

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError(f"{name} {value}")


@dataclass
class Holder:
    """Holds a text."""

    text: str


@pytest.fixture
def mask() -> Mask:
    """Give the hooks of a process that knows a key."""
    config: Any = SimpleNamespace(stash=pytest.Stash())
    config.stash[_KEY] = SimpleNamespace(redactor=Redactor.of({"MY_API_KEY": KEY}))
    return Mask(config)


def report(longrepr: Any, *, is_scenario: bool = True, **fields: Any) -> pytest.TestReport:
    """Make the report of a failed test."""
    made = pytest.TestReport(
        nodeid="t.py::test",
        location=("t.py", 1, "test"),
        keywords={},
        outcome="failed",
        longrepr=longrepr,
        when="call",
        **fields,
    )
    if is_scenario:
        vars(made)[IS_SCENARIO] = True
    return made


def test_report_of_a_scenario_is_masked(mask: Mask) -> None:
    """Texts, sections and properties of a report lose their keys; what holds none stays the same object."""
    sections, outcome = [("Captured log call", f"DEBUG {KEY}")], ("file.py", 3, f"Skipped: {KEY}")
    held = report(outcome, sections=sections, user_properties=[("a", KEY), ("b", 1)])
    mask.pytest_runtest_logreport(held)

    assert held.longrepr == ("file.py", 3, f"Skipped: {MARK}")
    assert held.sections == [("Captured log call", f"DEBUG {MARK}")]
    assert held.user_properties == [("a", MARK), ("b", 1)]


def test_report_of_another_test_is_left_alone(mask: Mask) -> None:
    """Reports of tests that are no scenarios are not touched."""
    held = report(f"E {KEY}", is_scenario=False)
    mask.pytest_runtest_logreport(held)

    assert held.longrepr == f"E {KEY}"


def test_report_that_cannot_be_masked_is_kept(mask: Mask) -> None:
    """A fault while secrets are taken off costs the text, not the report, and says so."""
    held = report(Frozen(), sections=[("out", Frozen())])
    mask.pytest_runtest_logreport(held)

    assert held.longrepr == "[left out: secrets could not be taken off it (TypeError)]"
    assert held.sections == []
    assert held.failed


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x" * 100 + KEY + "a", "x" * 100 + KEY + "b"),
        ({"a": [KEY]}, {}),
        (Holder(f"{KEY}a"), Holder(f"{KEY}b")),
        ([Holder(KEY)], []),
    ],
)
def test_comparison_of_keys_shows_no_difference(mask: Mask, left: object, right: object) -> None:
    """Of two sides that hold a key, both are shown without it, and no part of their difference is."""
    lines = mask.pytest_assertrepr_compare("==", left, right) or []

    assert MARK in lines[0]
    assert KEY[-6:] not in lines[0]
    assert lines[1:] == ["the difference is not shown: a secret was taken out of what was compared"]


@pytest.mark.parametrize(
    ("left", "right"), [({"password": "honest-12345"}, {}), ("a", "b"), (Broken(), 1), ([Broken()], [KEY[:3]])]
)
def test_other_comparisons_are_left_to_pytest(mask: Mask, left: object, right: object) -> None:
    """A world's made-up password, plain values and what cannot be written are compared as ever."""
    assert mask.pytest_assertrepr_compare("==", left, right) is None


def test_comparison_comes_before_that_of_pytest() -> None:
    """Pytest shows the first explanation, so this one must come first: its own shows the end of a long text."""
    assert vars(Mask.pytest_assertrepr_compare)["pytest_impl"]["tryfirst"]


def test_warning_is_masked(mask: Mask) -> None:
    """A warning's text loses its keys; one that cannot be written is left to whoever shows it."""
    said = (UserWarning(f"beware of {KEY}"), UserWarning(Broken()))
    caught = [warnings.WarningMessage(each, UserWarning, "t.py", 1) for each in said]
    for each in caught:
        mask.pytest_warning_recorded(each)

    assert str(caught[0].message) == f"beware of {MARK}"
    assert caught[1].message is said[1]
