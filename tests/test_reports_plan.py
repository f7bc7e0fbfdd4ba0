"""The plan of a live run as text."""

from __future__ import annotations

from pytest_codeact.reports.plan import PlanRow, render_plan, total_of

KNOWN = PlanRow(
    model="fake/x", arm="direct", trials=2, requests=8, input_tokens=3_314, output_tokens=286, cost_usd=0.0617
)
UNPRICED = PlanRow(model="fake/y", arm="code", trials=3, requests=2, input_tokens=685, output_tokens=179)
UNKNOWN = PlanRow(model="fake/z", arm="code", trials=1)


def test_rows_and_their_total() -> None:
    """Figures are flush right, and the notes stand below."""
    assert render_plan([KNOWN, KNOWN], ["Limits: none."], width=80) == [
        "codeact plan:",
        "model   arm     trials  requests  tok in  tok out     USD",
        "fake/x  direct       2         8   3,314      286  0.0617",
        "fake/x  direct       2         8   3,314      286  0.0617",
        "total                4        16   6,628      572  0.1234",
        "Limits: none.",
    ]


def test_one_row_has_no_total() -> None:
    """It would be the row again."""
    assert len(render_plan([KNOWN], [], width=80)) == 3


def test_what_a_row_does_not_know_the_total_does_not_know() -> None:
    """It is n/a, never 0; the number of trials is always known."""
    assert total_of([KNOWN, UNPRICED]) == PlanRow(
        model="total", arm="", trials=5, requests=10, input_tokens=3_999, output_tokens=465
    )
    assert total_of([KNOWN, UNKNOWN]) == PlanRow(model="total", arm="", trials=3)
    assert render_plan([KNOWN, UNKNOWN], [], width=80)[-1].split() == ["total", "3", *["n/a"] * 4]


def test_cost_of_nothing_is_no_unknown_cost() -> None:
    """A model that is free costs 0."""
    free = PlanRow(model="a/b", arm="code", trials=1, requests=1, input_tokens=1, output_tokens=1, cost_usd=0.0)

    assert total_of([free, free]).cost_usd == 0.0
    assert render_plan([free], [], width=80)[-1].endswith("0.000000")


def test_plan_keeps_within_the_terminal() -> None:
    """Long names of models are cut, long sentences wrapped."""
    long = PlanRow(model="openai/" + "x" * 80, arm="direct", trials=2)
    lines = render_plan([long, KNOWN], ["word " * 30], width=80)

    assert max(map(len, lines)) <= 80
