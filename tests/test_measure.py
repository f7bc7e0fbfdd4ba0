"""From records to numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from records_of import call, record, turn, usage

from pytest_codeact.measure import METRICS, Mean, Metric, faults, mean_of, pools, tokenizers

if TYPE_CHECKING:
    from pytest_codeact.records import CodeStatus, TrialRecord

BY_NAME = {metric.name: metric for metric in METRICS}


def value(name: str, trial: TrialRecord) -> float | None:
    """Give a built-in metric's figure of a record."""
    return BY_NAME[name].value(trial)


TWO_TURNS = record(
    turns=(
        turn(
            0,
            tokens=usage(100, 10, cost_usd=0.01),
            model_s=1.0,
            action_s=0.5,
            waited_s=4.0,
            visible=30,
            statuses=("error",),
        ),
        turn(1, tokens=usage(150, 20, cost_usd=0.02), model_s=2.0, action_s=0.25, visible=10, statuses=("final",)),
    ),
    calls=(call(size=40), call(size=60), call(error="no", size=0)),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("success", 1.0),
        ("round_trips", 2),
        ("tool_calls", 3),
        ("input_tokens", 250),
        ("output_tokens", 30),
        ("tokens", 280),
        ("cached_input_tokens", None),
        ("cost_usd", 0.03),
        ("latency_s", 3.75),
        ("model_s", 3.0),
        ("action_s", 0.75),
        ("waited_s", 4.0),
        ("tool_result_bytes", 100),
        ("visible_result_bytes", 40),
        ("suppression", 0.6),
        ("code_errors", 1),
        ("denied_rate", 0.0),
        ("first_try", 0.0),
    ],
)
def test_metric_of_two_turns(name: str, expected: float | None) -> None:
    """Each built-in metric is what its definition says."""
    assert value(name, TWO_TURNS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((), None), (("final",), 0.0), (("denied", "error"), 0.5), (("denied", "denied", "ok", "denied"), 0.75)],
)
def test_denied_rate_is_a_share_of_the_programs(statuses: tuple[CodeStatus, ...], expected: float | None) -> None:
    """Over all turns of a trial; unknown where no program ran."""
    trial = record(turns=(turn(0, statuses=statuses[:1]), turn(1, statuses=statuses[1:])))

    assert value("denied_rate", trial) == expected


def test_every_built_in_metric_is_tested() -> None:
    """The table above misses none."""
    marks = test_metric_of_two_turns.pytestmark[0]  # type: ignore[attr-defined]  # pytest puts it there

    assert {metric.name for metric in METRICS} == {name for name, _ in marks.args[1]}


def test_tokens_are_unknown_if_one_turn_does_not_know_them() -> None:
    """A sum with a hole is no sum."""
    trial = record(turns=(turn(0, tokens=usage()), turn(1, tokens=None)))

    assert [value(name, trial) for name in ("input_tokens", "output_tokens", "tokens")] == [None, None, None]


def test_figures_without_a_base_are_undefined() -> None:
    """Suppression without results, first try without programs and tokens without turns are None, not 0."""
    assert value("suppression", record()) is None
    assert value("first_try", record()) is None
    assert value("tokens", record(turns=())) is None


def test_stored_metrics_cannot_be_zero() -> None:
    """What pytest-benchmark compares by percentage is positive in any trial that had a turn."""
    trial = record(turns=(turn(tokens=usage(1, 1), model_s=1e-6, action_s=0, visible=0),))

    assert {m.name for m in METRICS if m.stored} == {
        "round_trips",
        "input_tokens",
        "output_tokens",
        "tokens",
        "latency_s",
    }
    assert all((m.value(trial) or 0) > 0 for m in METRICS if m.stored)


def test_mean_says_how_many_knew() -> None:
    """Unknown figures are left out of the mean and counted."""
    assert mean_of([1.0, None, 3.0]) == Mean(value=2.0, known=2, of=3)
    assert mean_of([None]) == Mean(value=None, known=0, of=1)
    assert mean_of([]) == Mean(value=None, known=0, of=0)


@pytest.mark.parametrize("figure", [math.inf, -math.inf, math.nan, 1e200, 10**400])
def test_figure_that_is_no_finite_number_is_unknown(figure: float) -> None:
    """It is in no mean and no sample, and the metric that gave it is named."""
    odd = Metric(name="odd", title="odd", unit="", value=lambda trial: figure if trial.trial == 2 else 1.0)
    trials = [record(trial=1), record(trial=2)]
    (pool,) = pools(trials)

    assert pool.values(odd) == (1.0, None)
    assert pool.mean(odd) == mean_of([1.0, figure]) == Mean(value=1.0, known=1, of=2)
    assert faults([odd], trials) == {
        "odd": f"ValueError: it gave {figure!r:.80}, which is no finite number below 1e100"
    }


def test_metric_that_gives_no_number_is_at_fault() -> None:
    """A text is named, and what it raised; None is an answer."""
    broken = [
        Metric(name="text", title="", unit="", value=lambda _: "many"),  # type: ignore[arg-type, return-value]  # the fault
        Metric(name="none", title="", unit="", value=lambda _: None),
        Metric(name="zero", title="", unit="", value=lambda _: 1 / 0),
    ]

    assert faults(broken, [record()]) == {
        "text": "TypeError: it gave 'many', which is neither a number nor None",
        "zero": "ZeroDivisionError: division by zero",
    }


def test_pools_keep_failures_and_count_errors() -> None:
    """A failed trial is in its pool, one without a verdict is counted beside it."""
    trials = [record(), record(success=False), record(success=None, ended="error"), record(arm="code")]
    direct, code = pools(trials)

    assert (direct.scenario, direct.arm, direct.model) == ("test_a.py::test_one", "direct", "reference")
    assert (direct.trials, direct.error_count, direct.success_count) == (tuple(trials[:2]), 1, 1)
    assert (code.trials, code.error_count) == ((trials[3],), 0)


def test_tokenizers_are_named_once() -> None:
    """Figures that were counted here say by what; billed ones say nothing."""
    trials = [record(turns=(turn(tokens=usage(counted_by=name)),)) for name in ("b", "a", None, "b")]

    assert tokenizers(trials) == ("a", "b")
