"""Rules, and runs judged by them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from runs_of import sample, stored_run, tokens

from pytest_codeact.errors import RuleError
from pytest_codeact.gate import Judgement, Rule, judge
from pytest_codeact.measure import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.stored import StoredRun

EXAMPLE = "expected METRIC:STAT:LIMIT, for example tokens:mean:5%, round_trips:max:+1 or success:rate:-0"


RATE = "success:rate:-0"


def rule(text: str) -> Rule:
    """Read a rule of the built-in metrics."""
    return Rule.parse(text, METRICS)


def judged(base: StoredRun, now: StoredRun, *rules: str, on_noise: bool = False) -> Judgement:
    """Judge a run by rules for every scenario."""
    return judge(base, now, [rule(text) for text in rules], own_rules={}, on_noise=on_noise)


def outcomes(judgement: Judgement) -> dict[str, str]:
    """Give what came of each scenario; "all" for all together."""
    return {
        (finding.scenario or "all").removeprefix("test_a.py::test_"): finding.outcome for finding in judgement.findings
    }


@pytest.mark.parametrize(
    ("text", "stat", "limit", "relative"),
    [
        ("tokens:mean:5%", "mean", 0.05, True),
        ("tokens:mean:5.5%", "mean", 0.055, True),
        ("round_trips:max:+1", "max", 1.0, False),
        ("success:rate:-0", "rate", 0.0, False),
        ("success:mean:0.1", "mean", 0.1, False),
        ("latency_s:median:+20%", "median", 0.2, True),
        (" tokens : min : .5 ", "min", 0.5, False),
    ],
)
def test_rule_is_read(text: str, stat: str, limit: float, relative: bool) -> None:
    """Metric, figure and limit are read; per cent is of the baseline, a bare number in the metric's unit."""
    read = rule(text)

    assert (read.metric.name, read.stat, read.relative) == (text.split(":", maxsplit=1)[0].strip(), stat, relative)
    assert read.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tokens:5%", f"cannot read the rule 'tokens:5%'; {EXAMPLE}"),
        ("tokens:mean:5%:x", f"cannot read the rule 'tokens:mean:5%:x'; {EXAMPLE}"),
        (
            "tokns:mean:5%",
            "unknown metric 'tokns' in the rule 'tokns:mean:5%'; known metrics: "
            + ", ".join(sorted(metric.name for metric in METRICS)),
        ),
        (
            "tokens:p95:5%",
            "unknown figure 'p95' in the rule 'tokens:p95:5%'; of tokens there are: mean, median, min, max",
        ),
        (
            "tokens:rate:5%",
            "unknown figure 'rate' in the rule 'tokens:rate:5%'; of tokens there are: mean, median, min, max",
        ),
        (
            "success:sum:5%",
            "unknown figure 'sum' in the rule 'success:sum:5%'; of success there are: mean, median, min, max, rate",
        ),
        ("tokens:mean:five", f"cannot read the limit 'five' in the rule 'tokens:mean:five'; {EXAMPLE}"),
        ("tokens:mean:", f"cannot read the limit '' in the rule 'tokens:mean:'; {EXAMPLE}"),
        ("tokens:mean:nan", f"cannot read the limit 'nan' in the rule 'tokens:mean:nan'; {EXAMPLE}"),
        (
            "tokens:mean:-5%",
            "the limit '-5%' in the rule 'tokens:mean:-5%' has the wrong sign: tokens is better when lower, so that a "
            "regression goes the other way; write +5% or 5%",
        ),
        (
            "success:rate:+0",
            "the limit '+0' in the rule 'success:rate:+0' has the wrong sign: success is better when higher, so that "
            "a regression goes the other way; write -0 or 0",
        ),
    ],
)
def test_bad_rule_is_refused(text: str, message: str) -> None:
    """A rule that cannot be read says what is wrong, what was given and what is allowed."""
    with pytest.raises(RuleError) as caught:
        rule(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "base", "now", "beyond"),
    [
        ("tokens:mean:5%", 2000, 2100, False),
        ("tokens:mean:5%", 2000, 2101, True),
        ("tokens:mean:5%", 2000, 1000, False),
        ("tokens:mean:0", 0.1 + 0.2, 0.3, False),
        ("round_trips:max:+1", 3, 4, False),
        ("round_trips:max:+1", 3, 5, True),
        ("success:rate:-0", 1.0, 0.9, True),
        ("success:rate:-0", 0.9, 1.0, False),
        ("success:rate:10%", 0.8, 0.72, False),
        ("code_errors:mean:5%", 0, 0, False),
        ("code_errors:mean:5%", 0, 1, True),
    ],
)
def test_limit_is_of_what_is_worse(text: str, base: float, now: float, beyond: bool) -> None:
    """On the limit passes, beyond it fails, better never fails; from 0 to 0 is no change."""
    assert rule(text).is_beyond(base, now) is beyond


def test_planted_rise_fails_in_the_scenario_and_over_all() -> None:
    """A rise of 20 % in figures that never vary fails where it is, and over all if it is beyond the limit there."""
    base = tokens({"one": [1000] * 5, "two": [500] * 5})
    now = tokens({"one": [1200] * 5, "two": [500] * 5}, name="this run")

    judgement = judged(base, now, "tokens:mean:5%")

    assert outcomes(judgement) == {"all": "failed", "one": "failed", "two": "passed"}
    assert not judgement.is_passed
    finding = judgement.failed[1]
    assert (finding.base, finding.now, finding.p) == (1000, 1200, None)
    assert finding.note == "no figure varies from trial to trial"
    assert finding.interval is not None
    assert (finding.interval.low, finding.interval.high) == pytest.approx((200, 200))


def test_rise_within_the_limit_passes() -> None:
    """However sure a rise is, within the limit it is none to fail on."""
    judgement = judged(tokens({"one": [1000] * 9}), tokens({"one": [1049] * 9}), "tokens:mean:5%")

    assert (outcomes(judgement), judgement.is_passed) == ({"one": "passed"}, True)


def test_noise_beyond_the_limit_passes_unless_asked() -> None:
    """What chance can do is no regression; with on_noise the limit alone decides."""
    base = tokens({"one": [800, 1200, 900, 1300, 1000, 700]})
    now = tokens({"one": [1250, 900, 1350, 800, 1150, 1000]})

    lenient, strict = judged(base, now, "tokens:mean:5%"), judged(base, now, "tokens:mean:5%", on_noise=True)

    assert [finding.note for finding in lenient.findings] == ["within the noise"]
    assert (outcomes(lenient), outcomes(strict)) == ({"one": "passed"}, {"one": "failed"})
    assert strict.failed[0].note == "noise counts too"
    assert strict.failed[0].interval is not None


def test_few_trials_leave_the_limit_alone() -> None:
    """With fewer trials than tell noise the limit decides, and the finding says so."""
    judgement = judged(tokens({"one": [1000] * 4}), tokens({"one": [1100] * 5}), "tokens:mean:5%")

    assert [(finding.outcome, finding.note, finding.p) for finding in judgement.findings] == [
        ("failed", "too few trials to tell noise", None)
    ]


def test_trials_of_one_side_make_up_for_the_others() -> None:
    """Four trials against ten tell noise, though four against five do not."""
    base = tokens({"one": [800.0, 1200, 900, 1300, 1000, 700, 900, 1100, 1000, 1050]})

    judgement = judged(base, tokens({"one": [900.0, 1300, 1100, 1000]}), "tokens:mean:5%")

    assert [(finding.outcome, finding.note) for finding in judgement.findings] == [("passed", "within the noise")]


def test_extremes_are_of_as_many_trials() -> None:
    """The largest of more trials is larger: only as many as the other side has are looked at, and the limit decides."""
    base = tokens({"one": [10, 12], "two": [5, 5]})

    more = judged(base, tokens({"one": [11, 12, 90], "two": [5, 5, 5]}), "tokens:max:+1")
    worse = judged(base, tokens({"one": [11, 90, 1], "two": [5, 5, 5]}), "tokens:max:+1")

    assert outcomes(more) == {"one": "passed", "two": "passed"}
    assert outcomes(worse) == {"one": "failed", "two": "passed"}
    assert worse.failed[0].note == "the limit alone decides on a max"


def test_runs_of_unlike_trials_compare() -> None:
    """Means of different numbers of trials are compared as they are."""
    judgement = judged(tokens({"one": [1000]}), tokens({"one": [990, 1010, 1000]}), "tokens:mean:0.5%")

    assert outcomes(judgement) == {"one": "passed"}


def test_rise_that_never_varies_among_others_that_do_is_no_certainty() -> None:
    """Where some scenario of the arm varies, one that is constant by chance must answer for the number of rows."""
    noisy = {str(n): [1000.0, 1100, 900, 1050, 950] for n in range(19)}
    base, now = (tokens({**noisy, "one": [figure] * 5}) for figure in (1000, 1010))

    finding = judged(base, now, "tokens:mean:0").findings[-1]

    assert finding.p == pytest.approx(2 * 0.5**10)
    assert (finding.outcome, finding.note) == ("passed", "within the noise")


def test_scenario_of_few_trials_leaves_noise_to_the_others() -> None:
    """The row over all scenarios is judged over those that tell noise, and says how many they are."""
    noisy = [800.0, 1200, 900, 1300, 1000, 700]
    base = tokens({"one": noisy, "two": noisy, "new": [1000.0]})
    now = tokens({"one": noisy[::-1], "two": [*noisy[:5], 900], "new": [1010.0]})

    everything, *_, new = judged(base, now, "tokens:mean:0").findings

    assert (everything.scenarios, everything.of, everything.outcome) == (2, 3, "passed")
    assert (everything.note, everything.p) != ("", None)
    assert (new.outcome, new.note) == ("failed", "too few trials to tell noise")


def test_few_trials_of_many_scenarios_tell_noise_together() -> None:
    """Two trials of each of four scenarios are few alone and enough in all."""
    base = tokens({str(n): [900.0, 1100.0] for n in range(4)})
    now = tokens({str(n): [950.0, 1150.0] for n in range(4)})

    everything = judged(base, now, "tokens:mean:0").findings[0]

    assert (everything.outcome, everything.note, everything.scenarios) == ("passed", "within the noise", 4)


def test_figure_unknown_in_a_trial_is_left_out() -> None:
    """One None among many figures does not hide a rise; how many trials know it is kept."""
    noisy = [900.0, 1100, 1000, 950, 1050, 1000, 990, 1010]
    base = tokens({"one": noisy, "two": noisy})
    now = tokens({"one": [None, *(1.5 * n for n in noisy[1:])], "two": [1.5 * n for n in noisy]})

    judgement = judged(base, now, "tokens:mean:5%")

    assert outcomes(judgement) == {"all": "failed", "one": "failed", "two": "failed"}
    assert [finding.unknown for finding in judgement.findings] == [
        "15 of this run's 16 trials know it",
        "7 of this run's 8 trials know it",
        "",
    ]


def test_unknown_figures_neither_pass_nor_fail() -> None:
    """A scenario of which too few trials know the figure cannot be told, and is in no row over all."""
    base = tokens({"one": [1000] * 3, "two": [500, 500, 500]})
    now = tokens({"one": [9000, None, float("nan")], "two": [500] * 3})

    judgement = judged(base, now, "tokens:mean:5%")

    assert outcomes(judgement) == {"all": "passed", "one": "cannot tell", "two": "passed"}
    assert [(finding.note, finding.scenarios, finding.of) for finding in judgement.findings] == [
        ("too few trials to tell noise", 1, 2),
        ("1 of this run's 3 trials know it", 0, 1),
        ("too few trials to tell noise", 1, 1),
    ]
    assert judgement.findings[0].unknown == "4 of this run's 6 trials know it"
    assert judgement.is_passed


def test_rule_that_tells_nothing_is_refused() -> None:
    """A gate of which nothing is known is not green."""
    judgement = judged(tokens({"one": [None, None]}), tokens({"one": [1, 2]}), "tokens:mean:5%")

    assert judgement.refusals == ("tokens:mean:5%: nothing can be told: 0 of the baseline's 2 trials know it",)
    assert not judgement.is_passed


def success(rates: dict[str, int], *, of: int = 10) -> StoredRun:
    """Make a run of so many successes by scenario."""
    return stored_run(*(sample(name, {"success": [1.0] * hits + [0.0] * (of - hits)}) for name, hits in rates.items()))


def test_success_is_tested_exactly() -> None:
    """One failure of ten is chance, six are not; small losses in many scenarios are found together."""
    assert judged(success({"one": 10}), success({"one": 9}), "success:rate:-0").is_passed
    assert not judged(success({"one": 10}), success({"one": 4}), "success:rate:-0").is_passed
    names = "abcdefgh"
    spread = judged(success(dict.fromkeys(names, 10)), success(dict.fromkeys(names, 8)), "success:rate:-0")

    assert outcomes(spread) == {"all": "failed", **dict.fromkeys(names, "passed")}


def test_success_of_few_trials_is_tested_exactly() -> None:
    """One failure in three trials is chance; a success that eight scenarios all lost is none, in one trial each too."""
    names = "abcdefgh"
    one = judged(success(dict.fromkeys(names, 3), of=3), success({**dict.fromkeys(names, 3), "a": 2}, of=3), RATE)
    lost = judged(success(dict.fromkeys(names, 1), of=1), success(dict.fromkeys(names, 0), of=1), RATE)

    assert one.is_passed
    assert outcomes(lost) == {"all": "failed", **dict.fromkeys(names, "passed")}


def test_success_lost_in_a_scenario_that_never_failed_is_certain() -> None:
    """Where every trial of every scenario passed and now all of one fail, their number does not hide it."""
    names = "abcdefgh"
    now = success({**dict.fromkeys(names, 5), "a": 0}, of=5)

    assert outcomes(judged(success(dict.fromkeys(names, 5), of=5), now, RATE))["a"] == "failed"


def test_interval_of_a_rate_is_of_rates() -> None:
    """A rate's range ends at -1, and excludes no change where the exact test does."""
    finding = judged(success({"one": 10}), success({"one": 1}), RATE).failed[0]

    assert finding.interval is not None
    assert -1 <= finding.interval.low < finding.interval.high < 0


def test_own_rules_take_the_place_of_the_general_ones() -> None:
    """A scenario with a rule of its own for a metric is judged by that one alone, and is in no sum of the others."""
    base = tokens({"one": [1000], "two": [1000], "three": [1000]})
    now = tokens({"one": [1400], "two": [1000], "three": [1000]})

    judgement = judge(
        base,
        now,
        [rule("tokens:mean:5%")],
        own_rules={"test_a.py::test_one": [rule("tokens:mean:50%")]},
        on_noise=False,
    )

    assert [
        (finding.rule.text, finding.scenario, finding.scenarios, finding.outcome) for finding in judgement.findings
    ] == [
        ("tokens:mean:5%", None, 2, "passed"),
        ("tokens:mean:5%", "test_a.py::test_two", 1, "passed"),
        ("tokens:mean:5%", "test_a.py::test_three", 1, "passed"),
        ("tokens:mean:50%", "test_a.py::test_one", 1, "passed"),
    ]


def test_arms_and_models_are_judged_apart() -> None:
    """A rise in one arm is not made up for by a fall in another."""
    base = stored_run(*(sample("one", {"tokens": [1000]}, arm=arm) for arm in ("direct", "code")))
    now = stored_run(*(sample("one", {"tokens": [n]}, arm=arm) for arm, n in (("direct", 500), ("code", 1500))))

    assert [(each.arm, each.outcome) for each in judged(base, now, "tokens:mean:5%").findings] == [
        ("direct", "passed"),
        ("code", "failed"),
    ]


def test_control_is_judged_by_nothing() -> None:
    """The second run of an arm is no arm: a baseline without a control has none to compare it with."""
    base = stored_run(sample("one", {"tokens": [1000]}))
    arms = [sample("one", {"tokens": [n]}, arm=arm) for arm, n in (("code", 1000), ("control", 9000))]

    assert judged(base, stored_run(*arms, control=True), "tokens:mean:5%").is_passed
    assert not judged(base, stored_run(*arms), "tokens:mean:5%").is_passed


ONE = {"one": [1000.0] * 2}


@pytest.mark.parametrize(
    ("base", "now", "refusal"),
    [
        (
            tokens(ONE, mode="reference"),
            tokens(ONE),
            "the baseline's replies are of mode 'reference', this run's of 'live'; only runs of one and the same mode "
            "are compared; save a baseline of this mode",
        ),
        (
            tokens(ONE, mode="mixed"),
            tokens(ONE, mode="mixed"),
            "the baseline's replies are of mode 'mixed', this run's of 'mixed'; only runs of one and the same mode "
            "are compared; save a baseline of this mode",
        ),
        (
            tokens(ONE, failed=("a", "b", "c", "d")),
            tokens(ONE),
            "in the baseline a, b, c and 1 more failed, and a run in which a scenario failed is no baseline; save one "
            "that passes, or take failed trials as data with --codeact-min-success when you save it",
        ),
        (
            tokens(ONE, interrupted=True),
            tokens(ONE),
            "the baseline was interrupted; save one of a whole run",
        ),
        (
            stored_run(sample("one", {"tokens": [1]}, model="acme/two")),
            tokens(ONE),
            "the baseline has no trial of arm 'code' with model 'acme/one'; it has: 'code' with 'acme/two'",
        ),
        (
            tokens({"two": [1], "three": [1]}),
            tokens(ONE),
            "the baseline has no scenario in common with this run for arm 'code' with model 'acme/one'; it has "
            "test_a.py::test_three, test_a.py::test_two",
        ),
        (tokens(ONE), tokens({"one": []}), "no trial of this run was completed"),
        (tokens(ONE), tokens({}, mode=None), "no trial of this run was completed"),
        (
            tokens(ONE, tokenizers=("old",)),
            tokens(ONE, tokenizers=("new",)),
            "tokens:mean:5%: tokens was counted by old in the baseline and by new in this run; save a new baseline",
        ),
        (
            stored_run(sample("one", {"success": [1]})),
            tokens(ONE),
            "tokens:mean:5%: the baseline knows no tokens; save a new one",
        ),
    ],
)
def test_unlike_baseline_is_refused(base: StoredRun, now: StoredRun, refusal: str) -> None:
    """A baseline of another kind gives no verdict: it is said why, and the gate is not green."""
    judgement = judged(base, now, "tokens:mean:5%")

    assert (judgement.refusals, judgement.findings, judgement.is_passed) == ((refusal,), (), False)


def test_times_need_the_same_load() -> None:
    """Seconds of another number of workers are refused; what is counted is judged all the same."""
    values = {"latency_s": [1.0], "tokens": [5.0]}
    base = stored_run(sample("one", values), worker_count=2)
    now = stored_run(sample("one", values), concurrency=50)

    judgement = judged(base, now, "latency_s:mean:5%", "tokens:mean:5%")

    assert judgement.refusals == (
        "latency_s:mean:5%: latency_s depends on how many trials run at a time: the baseline ran with 2 workers and "
        "concurrency 1, this run with no workers and concurrency 50; run with the same",
    )
    assert outcomes(judgement) == {"one": "passed"}


def test_seconds_of_two_runs_are_remarked() -> None:
    """A rule about times says what its test cannot know."""
    run = stored_run(sample("one", {"latency_s": [1.0], "tokens": [1]}))

    assert judged(run, run, "tokens:mean:5%").remarks == ()
    assert judged(run, run, "latency_s:mean:5%").remarks == (
        "seconds: a range knows the noise within a run, not that between days, machines or load; to compare arms, "
        "compare them within one run",
    )


def test_arm_without_a_completed_trial_is_refused() -> None:
    """An arm of which every trial ended in an error is not green beside one that passes."""
    arms = ("direct", "code")
    base = stored_run(*(sample("one", {"tokens": [1]}, arm=arm) for arm in arms))
    now = stored_run(sample("one", {"tokens": [1]}, arm="direct"), sample("one", {"tokens": []}, arm="code"))

    judgement = judged(base, now, "tokens:mean:5%")

    assert judgement.refusals == ("this run has no completed trial of arm 'code' with model 'acme/one'",)
    assert outcomes(judgement) == {"one": "passed"}


def test_missing_scenarios_are_named() -> None:
    """What only one of the runs has is said and not judged."""
    judgement = judged(tokens({"one": [1], "two": [1]}), tokens({"one": [1], "new": [9]}), "tokens:mean:5%")

    assert outcomes(judgement) == {"one": "passed"}
    assert judgement.remarks == ("not in this run: test_a.py::test_two", "not in the baseline: test_a.py::test_new")
    assert judgement.is_passed


def test_scenario_lost_in_an_arm_is_refused() -> None:
    """A scenario that the baseline completed and of which this run has nothing but errors is red, and no new one."""
    arms = ("direct", "code")
    base = stored_run(*(sample(name, {"tokens": [1] * 6}, arm=arm) for arm in arms for name in ("one", "two")))
    now = stored_run(
        *(sample(name, {"tokens": [1] * 6}, arm="direct") for name in ("one", "two")),
        sample("one", {"tokens": [1]}, arm="code", errors=5),
        sample("two", {"tokens": []}, arm="code", errors=6),
    )

    judgement = judged(base, now, "tokens:mean:5%")

    assert judgement.refusals == (
        "arm 'code' with model 'acme/one': every trial of test_a.py::test_two ended in an error, and the baseline "
        "completed some; run it again",
    )
    assert judgement.remarks == (
        "arm 'code' with model 'acme/one': 11 of 12 trials of this run ended in an error (0 of 12 of the baseline's); "
        "they are in no figure",
        "arm 'code' with model 'acme/one': no trial completed in this run: test_a.py::test_two",
    )
    assert not judgement.is_passed


def test_scenario_not_run_in_an_arm_is_a_remark() -> None:
    """What was deselected in one arm alone is said of that arm, and is no refusal."""
    arms = ("direct", "code")
    base = stored_run(*(sample(name, {"tokens": [1]}, arm=arm) for arm in arms for name in ("one", "two")))
    now = stored_run(*(each for each in base.samples if (each.arm, each.scenario[-3:]) != ("code", "two")))

    judgement = judged(base, now, "tokens:mean:5%")

    assert judgement.is_passed
    assert judgement.remarks == ("arm 'code' with model 'acme/one': not in this run: test_a.py::test_two",)


def test_arm_not_run_is_a_remark() -> None:
    """An arm of the baseline that this run was not asked for is named."""
    base = stored_run(*(sample("one", {"tokens": [1]}, arm=arm) for arm in ("direct", "code")))

    judgement = judged(base, tokens({"one": [1]}), "tokens:mean:5%")

    assert (judgement.is_passed, judgement.remarks) == (
        True,
        ("not in this run: arm 'direct' with model 'acme/one'",),
    )


def test_interrupted_run_is_judged_and_refused() -> None:
    """A run that ended early is held against its baseline as far as it went, and is not green."""
    judgement = judged(tokens({"one": [1], "two": [1]}), tokens({"one": [1]}, interrupted=True), "tokens:mean:5%")

    assert judgement.refusals == ("this run was interrupted: what it did not reach is not judged; run it to its end",)
    assert (outcomes(judgement), judgement.is_passed) == ({"one": "passed"}, False)


def _noisy(draw: random.Random, _trial: int) -> float:
    return draw.lognormvariate(0, 0.3)


def _skewed(draw: random.Random, _trial: int) -> float:
    return draw.lognormvariate(0, 0.3) * (5 if draw.random() < 0.1 else 1)


def _drifting(draw: random.Random, trial: int) -> float:
    return float(draw.lognormvariate(0, 0.1) * 1.05**trial)


@pytest.mark.parametrize("stat", ["mean", "median"])
@pytest.mark.parametrize("figure", [_noisy, _skewed, _drifting])
def test_noise_seldom_fails(figure: Callable[[random.Random, int], float], stat: str) -> None:
    """Of 200 runs of 8 scenarios in 2 arms with 10 trials in which nothing changed, at most 5 % fail at limit 0."""
    draw = random.Random(f"{figure.__name__} {stat}")

    def run() -> StoredRun:
        return stored_run(
            *(
                sample(str(scenario), {"tokens": [10**scenario * figure(draw, t) for t in range(10)]}, arm=arm)
                for scenario in range(8)
                for arm in ("direct", "code")
            )
        )

    failed = sum(not judged(run(), run(), f"tokens:{stat}:0").is_passed for _ in range(200))

    assert failed <= 10


@pytest.mark.parametrize("stat", ["mean", "median"])
def test_noise_of_few_trials_of_many_scenarios_seldom_fails(stat: str) -> None:
    """Of 200 runs of 11 scenarios in 2 arms with 5 trials that vary by 40 %, at most 5 % fail at limit 0."""
    draw = random.Random(f"few {stat}")

    def run() -> StoredRun:
        return stored_run(
            *(
                sample(str(scenario), {"tokens": [draw.lognormvariate(scenario, 0.39) for _ in range(5)]}, arm=arm)
                for scenario in range(11)
                for arm in ("direct", "code")
            )
        )

    assert sum(not judged(run(), run(), f"tokens:{stat}:0").is_passed for _ in range(200)) <= 10


@pytest.mark.parametrize("trials", [1, 3, 10])
def test_noise_of_rare_failures_seldom_fails(trials: int) -> None:
    """Of 200 runs of scenarios that succeed 9 times in 10, at most 5 % fail, with one trial each too."""
    draw = random.Random(trials)

    def run() -> StoredRun:
        hits = {str(n): sum(draw.random() < 0.9 for _ in range(trials)) for n in range(8)}
        return success(hits, of=trials)

    assert sum(not judged(run(), run(), RATE).is_passed for _ in range(200)) <= 10


def test_noise_of_success_seldom_fails() -> None:
    """Of 200 runs of scenarios that succeed 8 times in 10, at most 5 % fail."""
    draw = random.Random(7)

    def run() -> StoredRun:
        return success({str(scenario): sum(draw.random() < 0.8 for _ in range(10)) for scenario in range(8)})

    assert sum(not judged(run(), run(), "success:rate:-0").is_passed for _ in range(200)) <= 10


def test_true_rise_is_found() -> None:
    """Of 200 runs in which tokens rose by 20 %, with a noise of 20 %, at least 95 % fail at a limit of 5 %."""
    draw = random.Random(8)

    def run(scale: float) -> StoredRun:
        return tokens({str(n): [scale * draw.lognormvariate(7, 0.2) for _ in range(10)] for n in range(8)})

    failed = sum(not judged(run(1.0), run(1.2), "tokens:mean:5%").is_passed for _ in range(200))

    assert failed >= 190
