"""The arms of a run beside its base arm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from records_of import record, turn, usage

from pytest_codeact.measure import METRICS, Metric, pools
from pytest_codeact.reports.arms import ArmBlock, compare_arms, pass_hats

if TYPE_CHECKING:
    from pytest_codeact.records import TrialRecord

BY_NAME = {metric.name: metric for metric in METRICS}


def trials(arm: str, tokens: dict[str, list[int]], *, success: bool = True) -> list[TrialRecord]:
    """Make trials of some scenarios with so many input tokens each."""
    return [
        record(scenario, arm, trial=number, success=success, turns=(turn(tokens=usage(count, 10)),))
        for scenario, counts in tokens.items()
        for number, count in enumerate(counts, 1)
    ]


def block(*records: list[TrialRecord], metrics: tuple[str, ...] = ("input_tokens",)) -> ArmBlock:
    """Compare the second arm with the first; the third, if there is one, is the control."""
    sides = [pools(each) for each in records]
    chosen: list[Metric] = [BY_NAME[name] for name in metrics]
    return compare_arms("code vs direct", sides[0], sides[1], sides[2] if len(sides) > 2 else (), chosen)


MANY = {f"s{number}": [1000 * number, 1000 * number + 10] for number in range(1, 9)}
FEWER = {scenario: [count // 4 for count in counts] for scenario, counts in MANY.items()}


def test_four_summaries_an_interval_and_a_verdict_stand_beside_each_other() -> None:
    """A quarter of the tokens in every scenario is a saving of 75 %, however it is summed up."""
    found = block(trials("direct", MANY), trials("code", FEWER))

    assert found.rows == [
        ["code vs direct", "saving", "95 % range", "median", "drop one", "per ok", "verdict"],
        ["  tok in", "75.0%", "75..75%", "75.0%", "75..75%", "75.0%", "better"],
    ]


def test_more_is_a_negative_saving_and_worse() -> None:
    """The other way round it is three hundred percent more."""
    [_, row] = block(trials("direct", FEWER), trials("code", MANY)).rows

    assert (row[1], row[-1]) == ("-300.1%", "worse")


def test_more_of_what_is_better_when_higher_is_a_gain() -> None:
    """It is no saving: its sign and its verdict agree, and the notes say what it is."""
    few, many = (pools(trials(arm, tokens)) for arm, tokens in (("direct", FEWER), ("code", MANY)))
    kept = replace(BY_NAME["input_tokens"], title="kept", better="higher")
    more, less = (compare_arms("code vs direct", base, arm, (), [kept]) for base, arm in ((few, many), (many, few)))

    assert more.rows[1] == ["  kept gain", "300.1%", "300..300%", "300.1%", "300..300%", "300.1%", "better"]
    assert (less.rows[1][1], less.rows[1][-1]) == ("-75.0%", "worse")
    assert "A gain is how much more there is of what is better when higher." in more.notes


def test_notes_count_the_verdicts() -> None:
    """Verdicts are not corrected for each other, and the notes say what that means."""
    text = (
        'A verdict needs a 95 % interval without "no change" and an exact test with p <= 0.05. Each of {} has its own: '
        "of twenty that did not change, one may be called."
    )
    sides = trials("direct", MANY), trials("code", FEWER)

    assert block(*sides).notes[0] == text.format("1 metric")
    assert block(*sides, metrics=("input_tokens", "success")).notes[0] == text.format("2 metrics")


def test_share_is_compared_in_points() -> None:
    """A success rate has no saving, and what is no sum has no other summary."""
    found = block(trials("direct", MANY), trials("code", FEWER, success=False), metrics=("success",))

    assert found.rows[1][:2] == ["  ok", "-100.0 pt"]
    assert found.rows[1][3:] == ["", "", "", "worse"]


def test_nothing_left_is_a_saving_of_everything() -> None:
    """A sum of 0 against one that is not has a saving, though no ratio with an interval."""
    [_, row] = block(trials("direct", MANY), trials("code", {scenario: [0, 0] for scenario in MANY})).rows

    assert row[1:3] == ["100.0%", "n/a"]


LESS = {scenario: [count * 9 // 10 + 1 for count in counts] for scenario, counts in MANY.items()}


def test_control_takes_the_verdict_from_what_is_within_its_spread() -> None:
    """A change of 10 % is none where the base arm differs from itself by nearly as much in one scenario of eight."""
    direct, code = trials("direct", MANY), trials("code", LESS)
    control = trials("control", {**MANY, "s8": [count * 3 // 2 for count in MANY["s8"]]})

    assert block(direct, code).rows[1][-1] == "better"
    found = block(direct, code, control)
    assert found.rows[0][-2:] == ["A/A", "verdict"]
    assert found.rows[1][-2:] == ["11.1%", "cannot tell"]
    assert "A/A is what direct differs from itself" in " ".join(found.notes)
    assert "control differs" not in " ".join(found.notes)


def test_control_that_differs_from_itself_takes_the_verdict() -> None:
    """Of arms of which equals are told apart nothing is said, however large the change."""
    control = trials("control", {scenario: [count + 20 for count in counts] for scenario, counts in MANY.items()})

    found = block(trials("direct", MANY), trials("code", FEWER), control)

    assert found.rows[1][-1] == "cannot tell"
    assert found.notes[-1] == (
        "tok in: no verdict, as the control differs from itself: it is worse than the arm that it repeats"
    )


def test_control_of_errors_alone_takes_the_verdict() -> None:
    """It has no figures, and stands there all the same."""
    control = [record(scenario, "control", trial=1, success=None, ended="error") for scenario in MANY]

    found = block(trials("direct", MANY), trials("code", FEWER), control)

    assert found.rows[1][-2:] == ["n/a", "cannot tell"]
    assert found.notes[-1] == "tok in: no verdict, as no trial of the control can be compared"


def test_control_without_a_ratio_is_shown_in_the_metrics_unit() -> None:
    """Where one of its sums is 0 the floor is no share, and is not shown as one."""
    none = trials("control", {scenario: [0, 0] for scenario in MANY})
    none[0] = trials("control", {"s1": [5, 0]})[0]

    assert block(trials("direct", {each: [0, 0] for each in MANY}), trials("code", FEWER), none).rows[1][-2] == "2.5"
    found = block(trials("direct", MANY), trials("code", MANY), trials("c", MANY, success=False), metrics=("success",))
    assert found.rows[1][-2] == "100.0 pt"


def test_scenarios_of_one_arm_alone_are_left_out_and_counted() -> None:
    """A scenario without a partner is in no summary, and the notes say so."""
    few = {scenario: FEWER[scenario] for scenario in list(FEWER)[:7]}

    assert (
        "tok in: compared over 7 of 8 scenarios: those that both arms know"
        in block(trials("direct", MANY), trials("code", few)).notes
    )


@pytest.mark.parametrize(("right", "shown"), [(4, ["1.00", "1.00", "1.00"]), (3, ["0.75", "0.50", "0.00"])])
def test_pass_hat_is_the_chance_of_k_right_in_a_row(right: int, shown: list[str]) -> None:
    """With 3 of 4 right, two drawn without replacement are both right in half of the cases."""
    group = pools([record("s", "code", trial=number, success=number <= right) for number in range(1, 5)])

    assert pass_hats([("code", group)]) == [["pass^k", "k=1", "k=2", "k=4"], ["  code", *shown]]


def test_one_trial_has_no_pass_hat() -> None:
    """It would be the success rate again."""
    assert pass_hats([("code", pools([record()]))]) == []
