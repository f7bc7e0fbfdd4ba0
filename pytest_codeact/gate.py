"""
The gate: rules about how much worse a run may be than its baseline, and the judgement. Pure.

A regression counts when it is beyond the limit and, where there are trials enough, beyond the noise. In words: the
figures of this run are worse than the baseline's by more than the limit allows, AND a test says that trials in which
nothing has changed would seldom differ so. Neither alone is enough: with many trials a change too small to matter is
beyond the noise, and with few the noise alone is beyond any limit.

The noise is that of the trials. Both runs hold the same scenarios, so how unlike the scenarios are is none of it. The
chance of failing a run in which nothing changed is at most 5 % in all, however many rules, arms and scenarios are
looked at: half of it is for the rows over all scenarios, half for those of single ones, each half by Holm's method.
"""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_codeact.errors import RuleError
from pytest_codeact.measure import MIN_TRIALS, Interval, difference_interval, holm, rate_p, rise_p

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pytest_codeact.measure import Metric, Sample
    from pytest_codeact.stored import RunInfo, StoredRun

Stat: TypeAlias = Literal["mean", "median", "min", "max", "rate"]

Outcome: TypeAlias = Literal["passed", "failed", "cannot tell"]

_STATS: Final[Mapping[Stat, Callable[[Sequence[float]], float]]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "rate": statistics.fmean,
}

_LIMIT: Final = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+\.?\d*|\.\d+)(?P<percent>%?)")

_EXAMPLE: Final = "expected METRIC:STAT:LIMIT, for example tokens:mean:5%, round_trips:max:+1 or success:rate:-0"

_ROUNDING: Final = 1e-9
"""A difference beyond the limit by less than this part of the figures is on it."""

_CHANCE: Final = 0.025
"""Of each half: see the module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule of the gate.

    Attributes:
        text: As it was given.
        metric: What is judged.
        stat: Which figure of a scenario's trials. "rate" is the mean of a share.
        limit: By how much it may be worse; 0 or more. A share of the baseline's figure if `relative`, else in the
            metric's unit, per trial.
        relative: Whether the limit was given in per cent.
    """

    text: str
    metric: Metric
    stat: Stat
    limit: float
    relative: bool

    @classmethod
    def parse(cls, text: str, metrics: Iterable[Metric]) -> Rule:
        """
        Read METRIC:STAT:LIMIT.

        LIMIT is `5%` or `5.5%` of the baseline's figure, or `+1`, `0.01` in the metric's own unit. The sign may be
        left out; it is "+" where less is better and "-" where more is, as worse is up or down.

        Args:
            text: The rule.
            metrics: Every metric that it may name.

        Raises:
            RuleError: It has another form, names a metric or figure that there is none of, or a limit of the wrong sign.
        """
        parts = text.split(":")
        if len(parts) != 3:  # noqa: PLR2004 - three parts, as the form says
            raise RuleError(f"cannot read the rule {text!r}; {_EXAMPLE}")
        name, stat, limit = (part.strip() for part in parts)
        known = {metric.name: metric for metric in metrics}
        if name not in known:
            listed = ", ".join(sorted(known))
            raise RuleError(f"unknown metric {name!r} in the rule {text!r}; known metrics: {listed}")
        metric = known[name]
        if stat not in _STATS or (stat == "rate" and not _is_share(metric)):
            allowed = [each for each in _STATS if each != "rate" or _is_share(metric)]
            raise RuleError(f"unknown figure {stat!r} in the rule {text!r}; of {name} there are: {', '.join(allowed)}")
        match = _LIMIT.fullmatch(limit)
        if match is None:
            raise RuleError(f"cannot read the limit {limit!r} in the rule {text!r}; {_EXAMPLE}")
        sign = "+" if metric.better == "lower" else "-"
        if match["sign"] not in ("", sign):
            raise RuleError(
                f"the limit {limit!r} in the rule {text!r} has the wrong sign: {name} is better when {metric.better}, "
                f"so that a regression goes the other way; write {sign}{limit[1:]} or {limit[1:]}"
            )
        size = float(match["number"]) / (100 if match["percent"] else 1)
        return cls(text=text, metric=metric, stat=stat, limit=size, relative=bool(match["percent"]))  # type: ignore[arg-type]  # looked up above

    def figure(self, trials: Sequence[float]) -> float:
        """Give the figure that is judged."""
        return _STATS[self.stat](trials)

    def is_beyond(self, base: float, now: float) -> bool:
        """Tell whether a figure is worse by more than the limit. From a baseline of 0 any per cent is nothing."""
        worse = now - base if self.metric.better == "lower" else base - now
        allowed = self.limit * abs(base) if self.relative else self.limit
        return worse - allowed > _ROUNDING * max(abs(base), abs(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One rule, judged for one arm and model in one scenario, or over all that both runs have.

    Attributes:
        rule: The rule.
        arm: Name of the arm.
        model: PROVIDER/MODEL, or "reference".
        scenario: Id of the scenario. None for all together.
        scenarios: How many scenarios it is about.
        base: The baseline's figure; over all scenarios the mean of theirs. None if it is unknown.
        now: This run's figure.
        interval: 95 % interval of `now - base`, over the trials. None if there is none.
        p: Chance of such a difference, or a greater one, were there none. None where the limit alone decides.
        outcome: What came of it.
        note: Why it cannot be told, or why the limit alone decides. "" for nothing.
    """

    rule: Rule
    arm: str
    model: str
    scenario: str | None
    scenarios: int
    base: float | None
    now: float | None
    interval: Interval | None
    p: float | None
    outcome: Outcome
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What the gate found.

    Attributes:
        baseline: Name of the baseline.
        findings: Every rule, per arm, model and scenario.
        refusals: What was asked for and could not be judged, a sentence each. A gate with some does not pass.
        remarks: What must be said with it, a sentence each.
    """

    baseline: str
    findings: tuple[Finding, ...]
    refusals: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The regressions."""
        return tuple(finding for finding in self.findings if finding.outcome == "failed")

    @property
    def is_passed(self) -> bool:
        """Whether nothing failed and nothing was refused."""
        return not self.failed and not self.refusals


def judge(
    base: StoredRun,
    now: StoredRun,
    rules: Sequence[Rule],
    *,
    own_rules: Mapping[str, Sequence[Rule]],
    on_noise: bool,
) -> Judgement:
    """
    Judge a run.

    Args:
        base: The baseline.
        now: The run.
        rules: For every scenario, and for all together.
        own_rules: By scenario, rules of its own; each takes the place of those in `rules` with its metric.
        on_noise: Whether the limit alone decides.
    """
    unlike = obstacles(base.info, now.info)
    asked = list({rule.text: rule for each in (rules, *own_rules.values()) for rule in each}.values())
    if unlike or not asked:
        return Judgement(baseline=base.name, findings=(), refusals=unlike, remarks=())
    work = _Work(base, now, on_noise=on_noise)
    for rule in asked:
        own = [scenario for scenario, each in own_rules.items() if rule in each]
        taken = {scenario for scenario, each in own_rules.items() if any(r.metric == rule.metric for r in each)}
        work.judge(rule, general=rule in rules, own=own, taken=taken)
    return work.judgement()


def obstacles(base: RunInfo, now: RunInfo) -> tuple[str, ...]:
    """Say why two runs cannot be compared at all, a sentence each. Empty if they can."""
    found = []
    if base.mode != now.mode or "mixed" in (base.mode, now.mode):
        found.append(
            f"the baseline's replies are of mode {base.mode or 'none'!r}, this run's of {now.mode or 'none'!r}; "
            "only runs of one and the same mode are compared; save a baseline of this mode"
        )
    if base.failed:
        found.append(
            f"in the baseline {_listed(base.failed)} failed, and a run in which a scenario failed is no baseline; "
            "save one that passes, or take failed trials as data with --codeact-min-success when you save it"
        )
    if base.interrupted:
        found.append("the baseline was interrupted; save one of a whole run")
    return tuple(found)


def metric_obstacle(metric: Metric, base: RunInfo, now: RunInfo) -> str:
    """Say why a metric of two runs cannot be compared though others can. "" if it can."""
    if metric.unit == "s" and (base.worker_count, base.concurrency) != (now.worker_count, now.concurrency):
        return (
            f"{metric.name} depends on how many trials run at a time: the baseline ran with {_load(base)}, "
            f"this run with {_load(now)}; run with the same"
        )
    if metric.unit == "token" and base.tokenizers and now.tokenizers and base.tokenizers != now.tokenizers:
        return (
            f"{metric.name} was counted by {', '.join(base.tokenizers)} in the baseline and by "
            f"{', '.join(now.tokenizers)} in this run; save a new baseline"
        )
    return ""


def _load(info: RunInfo) -> str:
    return f"{info.worker_count} workers, {info.concurrency} at a time each"


class _Work:
    """One judgement in the making."""

    def __init__(self, base: StoredRun, now: StoredRun, *, on_noise: bool) -> None:
        self._base = base
        self._now = now
        self._on_noise = on_noise
        self._findings: list[Finding] = []
        self._refusals: dict[str, None] = {}
        self._groups = list(dict.fromkeys((sample.arm, sample.model) for sample in now.samples))
        self._earlier, self._later = (
            {(s.arm, s.model, s.scenario): s for s in run.samples if s.trials} for run in (base, now)
        )
        if not self._groups:
            self._refuse("no trial of this run was completed")

    def _refuse(self, text: str) -> None:
        self._refusals[text] = None

    def judge(self, rule: Rule, *, general: bool, own: Collection[str], taken: Collection[str]) -> None:
        """
        Judge one rule for every arm and model.

        Args:
            rule: The rule.
            general: Whether it is for every scenario that has none of its own.
            own: The scenarios that have it of their own.
            taken: The scenarios that have some of their own for its metric.
        """
        reason = metric_obstacle(rule.metric, self._base.info, self._now.info)
        if reason:
            self._refuse(f"{rule.text}: {reason}")
            return
        before = len(self._findings)
        for arm, model in self._groups:
            common = self._common(rule, arm, model)
            covered = [each for each in common if general and each not in taken]
            chosen = [each for each in common if each in own or each in covered]
            if len(covered) > 1 and rule.stat not in ("min", "max"):
                self._findings.append(self._finding(rule, arm, model, None, covered))
            self._findings += [self._finding(rule, arm, model, each, [each]) for each in chosen]
        told = self._findings[before:]
        if told and all(finding.outcome == "cannot tell" for finding in told):
            self._refuse(f"{rule.text}: nothing can be told: {told[0].note}")

    def _common(self, rule: Rule, arm: str, model: str) -> list[str]:
        """Give the scenarios that both runs completed; say so if there is none."""
        here = [s for a, m, s in self._later if (a, m) == (arm, model)]
        there = {s for a, m, s in self._earlier if (a, m) == (arm, model)}
        who = f"arm {arm!r} with model {model!r}"
        if not there:
            groups = dict.fromkeys(f"{a!r} with {m!r}" for a, m, _ in self._earlier)
            self._refuse(f"the baseline has no trial of {who}; it has: {', '.join(groups) or 'none'}")
        elif here and not any(scenario in there for scenario in here):
            self._refuse(f"the baseline has no scenario in common with this run for {who}; it has {_listed(there)}")
        if there and not any(rule.metric.name in sample.values for sample in self._earlier.values()):
            self._refuse(f"{rule.text}: the baseline knows no {rule.metric.name}; save a new one")
            return []
        return [scenario for scenario in here if scenario in there]

    def _finding(self, rule: Rule, arm: str, model: str, scenario: str | None, scenarios: Sequence[str]) -> Finding:
        """Judge a rule by its limit; what noise says of it comes when all p-values are known."""
        sides = [
            (self._earlier[arm, model, each], self._later[arm, model, each])
            for each in scenarios
        ]
        strata = [(_known(base, rule.metric), _known(now, rule.metric)) for base, now in sides]
        found = Finding(
            rule=rule,
            arm=arm,
            model=model,
            scenario=scenario,
            scenarios=len(scenarios),
            base=None,
            now=None,
            interval=None,
            p=None,
            outcome="cannot tell",
            note=_unknown(sides, strata),
        )
        if found.note:
            return found
        if rule.stat in ("min", "max"):
            # The extreme of more trials is more extreme.
            strata = [(b[: len(n)], n[: len(b)]) for b, n in strata]
        base, now = (statistics.fmean(rule.figure(side) for side in each) for each in zip(*strata, strict=True))
        outcome: Outcome = "failed" if rule.is_beyond(base, now) else "passed"
        found = replace(found, base=base, now=now, outcome=outcome)
        if rule.stat in ("min", "max"):
            return replace(found, note=f"the limit alone decides on a {rule.stat}")
        if min(len(side) for each in strata for side in each) < MIN_TRIALS:
            return replace(found, note="too few trials to tell noise")
        return replace(
            found,
            interval=_interval(rule, strata),
            p=None if self._on_noise else _p(rule, strata),
            note="noise counts too" if self._on_noise else "",
        )

    def judgement(self) -> Judgement:
        """Hold the findings that are beyond their limits against the noise."""
        for over_all in (True, False):
            places = [
                place
                for place, finding in enumerate(self._findings)
                if finding.p is not None and (finding.scenario is None) is over_all
            ]
            corrected = holm([self._findings[place].p or 0.0 for place in places])
            for place, p in zip(places, corrected, strict=True):
                if p > _CHANCE and self._findings[place].outcome == "failed":
                    self._findings[place] = replace(self._findings[place], outcome="passed", note="within the noise")
        return Judgement(
            baseline=self._base.name,
            findings=tuple(self._findings),
            refusals=tuple(self._refusals),
            remarks=tuple(missing(self._base, self._now)),
        )


def missing(base: StoredRun, now: StoredRun) -> list[str]:
    """Name the scenarios that only one of two runs completed, a sentence for each side that has some."""
    sides = [dict.fromkeys(sample.scenario for sample in run.samples if sample.trials) for run in (base, now)]
    found = []
    for here, there, text in ((sides[0], sides[1], "not in this run"), (sides[1], sides[0], "not in the baseline")):
        alone = [scenario for scenario in here if scenario not in there]
        if alone and len(alone) < len(here):
            found.append(f"{text}: {_listed(alone)}")
    return found


def _listed(scenarios: Collection[str]) -> str:
    shown = sorted(scenarios)[:3]
    more = f" and {len(scenarios) - len(shown)} more" if len(scenarios) > len(shown) else ""
    return ", ".join(shown) + more


def _is_share(metric: Metric) -> bool:
    return not metric.summed and not metric.unit


def _known(sample: Sample, metric: Metric) -> list[float]:
    """Give the known figures of a sample, in order of the trials."""
    column = sample.values.get(metric.name, ())
    return [value for value in column if value is not None and math.isfinite(value)]


def _unknown(sides: Sequence[tuple[Sample, Sample]], strata: Sequence[tuple[list[float], list[float]]]) -> str:
    """Say how many trials know the figure, if not all do. "" if they do."""
    for side, whose in ((0, "the baseline's"), (1, "this run's")):
        known, of = sum(len(each[side]) for each in strata), sum(len(each[side].trials) for each in sides)
        if known < of:
            return f"{known} of {whose} {of} trials know it"
    return ""


def _p(rule: Rule, strata: Sequence[tuple[list[float], list[float]]]) -> float:
    if rule.stat != "median" and _is_share(rule.metric) and all(f in (0, 1) for each in strata for s in each for f in s):
        return rate_p(strata, paired=False, alternative="less" if rule.metric.better == "higher" else "greater")
    sign = 1 if rule.metric.better == "lower" else -1
    return rise_p(
        [([sign * f for f in base], [sign * f for f in now]) for base, now in strata], ranked=rule.stat == "median"
    )


def _interval(rule: Rule, strata: Sequence[tuple[list[float], list[float]]]) -> Interval | None:
    """
    Give the interval of the mean over scenarios of their differences.

    Those of the scenarios are put together by the method of variance estimates recovery (Zou and Donner 2008,
    Statistics in Medicine 27:1693), which keeps their asymmetry.
    """
    below = above = middle = 0.0
    for base, now in strata:
        stat: Literal["mean", "median"] = "median" if rule.stat == "median" else "mean"
        each = difference_interval(base, now, stat, paired=False)
        if each is None:
            return None
        difference = rule.figure(now) - rule.figure(base)
        middle += difference
        below += (difference - each.low) ** 2
        above += (each.high - difference) ** 2
    count = len(strata)
    return Interval(
        low=(middle - math.sqrt(below)) / count, high=(middle + math.sqrt(above)) / count, over="trials"
    )
