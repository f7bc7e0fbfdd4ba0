"""The table at the end of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from records_of import record, turn, usage

from pytest_codeact.measure import METRICS, Metric, pools
from pytest_codeact.options import DEFAULT_METRICS
from pytest_codeact.reports.terminal import TableNotes, render_table

if TYPE_CHECKING:
    from pytest_codeact.records import TrialRecord

COLUMNS = [next(metric for metric in METRICS if metric.name == name) for name in DEFAULT_METRICS]


def trial(scenario: str, arm: str, tokens: int | None, **kwargs: object) -> TrialRecord:
    """Make a trial of one turn with so many input tokens."""
    turns = (turn(tokens=None if tokens is None else usage(tokens, 10), model_s=0.01, action_s=0.0025),)
    return record(f"test_a.py::test_{scenario}", arm, turns=turns, **kwargs)  # type: ignore[arg-type]  # passed on


def rendered(records: list[TrialRecord], *, width: int = 100, notes: TableNotes | None = None) -> str:
    """Render the default table of some records."""
    return "\n".join(
        render_table(
            pools(records), COLUMNS, base="direct", control="control", width=width, notes=notes or TableNotes()
        )
    )


TWO_BY_TWO = [
    trial("one", "direct", 1000),
    trial("one", "code", 400),
    trial("two", "direct", 3000, success=False),
    trial("two", "code", 600),
]


def test_table_shows_scenarios_and_totals() -> None:
    """Success stands first; the totals stand below, and then the arms beside the base arm."""
    assert rendered(TWO_BY_TWO).startswith(
        """\
scenario  arm      ok  trips  tok in  tok out  latency ms  B visible
one       direct  1/1      1   1,000       10        12.5         20
          code    1/1      1     400       10        12.5         20
two       direct  0/1      1   3,000       10        12.5         20
          code    1/1      1     600       10        12.5         20

total     direct  1/2      2   4,000       20        25.0         40
          code    2/2      2   1,000       20        25.0         40

code vs direct"""
    )


def test_reference_figures_are_labelled() -> None:
    """Whoever sees the table sees whose figures they are, and by what they were counted."""
    text = rendered(TWO_BY_TWO, notes=TableNotes(reference=True, tokenizers=("tekken",), advice="do this"))

    assert "say nothing about an LLM" in " ".join(text.split())
    assert "Tokens counted here by tekken, not billed." in text
    assert text.endswith("do this")


def test_reference_says_in_whose_place_it_ran() -> None:
    """Whoever asked for a model reads, with -q too, that it was not asked."""
    text = rendered(TWO_BY_TWO, notes=TableNotes(reference=True, stood_in_for=("a/x", "b/y")))

    assert (
        "It ran in place of a/x, b/y, which this run neither asks nor replays; --codeact-budget=USD lets a run ask."
        in " ".join(text.split())
    )


def test_models_stand_above_their_comparisons() -> None:
    """However long its name, the arms that are compared can be read."""
    long = "vendor/a-model-with-a-name-that-is-longer-than-any-column"
    text = rendered([trial("one", arm, 900, model=model) for model in (long, "b/y") for arm in ("direct", "code")])

    assert f"\n\n{long}\ncode vs direct " in text
    assert "\n\nb/y\ncode vs direct " in text


def test_no_change_has_no_sign() -> None:
    """The saving of an arm that needs as much as the other is 0, not -0."""
    text = rendered([trial("one", "direct", 900), trial("one", "code", 900)])

    assert "-0.0%" not in text


def test_unknown_is_shown_as_such() -> None:
    """What nobody knows is n/a; what only some trials know is marked."""
    text = rendered([trial("one", "code", None), trial("two", "code", None), trial("two", "code", 500, trial=2)])

    assert [line.split() for line in text.splitlines()[1:3]] == [
        ["one", "code", "1/1", "1", "n/a", "n/a", "12.5", "20"],
        ["two", "code", "2/2", "1", "500*", "10*", "12.5", "20"],
    ]
    assert "* over those scenarios and trials only that know the figure" in text


@pytest.mark.parametrize(("cost_usd", "shown"), [(0.0123, "0.0123"), (0.000456, "0.000456"), (12.5, "12.5000")])
def test_dollars_have_decimals(cost_usd: float, shown: str) -> None:
    """A trial costs cents or less: rounded to dollars they would all be 0."""
    turns = (turn(tokens=usage(cost_usd=cost_usd)),)
    column = next(metric for metric in METRICS if metric.name == "cost_usd")
    lines = render_table(
        pools([record("test_a.py::test_one", "direct", turns=turns)]),
        [column],
        base="direct",
        control="control",
        width=80,
        notes=TableNotes(),
    )

    assert lines[:2] == ["scenario  arm     cost USD", f"one       direct  {shown:>8}"]


@pytest.mark.parametrize(("unit", "summed"), [("", True), ("s", True), ("USD", True), ("", False)])
@pytest.mark.parametrize("figure", [math.inf, math.nan])
def test_figure_that_is_no_finite_number_is_shown_as_unknown(figure: float, unit: str, *, summed: bool) -> None:
    """Whatever the unit it crashes nothing."""
    odd = Metric(name="odd", title="odd", unit=unit, value=lambda _: figure, summed=summed)
    lines = render_table(pools(TWO_BY_TWO), [odd], base="direct", control="control", width=80, notes=TableNotes())

    assert [line.split()[-1] for line in lines[1:5]] == ["n/a"] * 4


def test_errors_have_a_column_of_their_own() -> None:
    """An error is counted and in no other figure; a pool of errors alone has no means."""
    text = rendered([*TWO_BY_TWO[:1], trial("one", "code", 1, success=None, ended="error")])

    assert [line.split() for line in text.splitlines()[:3]] == [
        ["scenario", "arm", "error", "ok", "trips", "tok", "in", "tok", "out", "latency", "ms", "B", "visible"],
        ["one", "direct", "0", "1/1", "1", "1,000", "10", "12.5", "20"],
        ["code", "1", "0/0", "n/a", "n/a", "n/a", "n/a", "n/a"],
    ]
    assert "counted under 'error' and are in no other figure" in " ".join(text.split())


def test_one_arm_alone_is_compared_with_nothing() -> None:
    """There is nothing to compare it with."""
    assert "saving" not in rendered(TWO_BY_TWO[1::2])


def test_models_are_named_when_there_are_several() -> None:
    """A saving compares arms of one model, never of two."""
    text = rendered([*TWO_BY_TWO, trial("one", "code", 7, model="a/b")])

    assert "code a/b" in text
    assert text.count("vs direct") == 1


@pytest.mark.parametrize("width", [80, 100, 200])
def test_table_keeps_to_the_width(width: int) -> None:
    """Long scenario names are cut; the table never uses more than 100 columns."""
    long = [trial(name * 30, arm, 12_345_678) for name in ("alpha", "beta") for arm in ("direct", "direct-serial")]
    lines = rendered(long, width=width, notes=TableNotes(reference=True)).splitlines()

    assert max(map(len, lines)) <= min(width, 100)
    assert "…" in lines[1]


def test_names_keep_their_module_when_they_would_collide() -> None:
    """Two tests of one name are told apart."""
    text = rendered([record("test_a.py::test_x"), record("test_b.py::test_x")])

    assert "test_a.py::test_x" in text
    assert "test_b.py::test_x" in text
