"""
The gate: rules about how much worse a run may be than its baseline, and the judgement. Pure.

A regression counts when it is beyond the limit and, where there are trials enough, beyond the noise. In words: the
figures of this run are worse than the baseline's by more than the limit allows, AND a test says that trials in which
nothing has changed would seldom differ so. Neither alone is enough: with many trials a change too small to matter is
beyond the noise, and with few the noise alone is beyond any limit.

The noise is that of the trials. Both runs hold the same scenarios, so how unlike the scenarios are is none of it. The
chance that such a test fails a run in which nothing changed is at most 5 % in all, however many rules, arms and
scenarios are looked at: half of it is for the rows over all scenarios, half for those of single ones, each half by
Holm's method. No such promise holds where the limit alone decides, and the row says that it does: for the extremes (min
and max), for a scenario of too few trials to tell (five a side are enough, or 4 and 6) unless its figures are
successes, and with --codeact-fail-on-noise. There equal runs fail as often as chance goes beyond the limit.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_codeact.comparison import (
    errors,
    group_obstacle,
    listed,
    lost,
    metric_obstacle,
    missing,
    seconds,
    unfinished,
    unfit,
    unlike,
)
from pytest_codeact.gate._judgement import Finding, Judgement, Outcome
from pytest_codeact.gate._noise import interval, never_varies, p_value, telling
from pytest_codeact.gate._rule import EXTREMES, Rule, Stat
from pytest_codeact.measure import MIN_TRIALS, holm

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_codeact.gate._noise import Strata
    from pytest_codeact.measure import Metric, Sample
    from pytest_codeact.stored import StoredRun

__all__ = ["Finding", "Judgement", "Outcome", "Rule", "Stat", "judge"]

_CHANCE: Final = 0.025
"""Of each half: see the room's description."""


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
    refused: tuple[str, ...] = ("no trial of this run was completed",)
    if any(sample.trials for sample in now.samples):
        refused = (*unlike(base.info, now.info), *unfit(base.info))
    asked = list({rule.text: rule for each in (rules, *own_rules.values()) for rule in each}.values())
    if refused or not asked:
        return Judgement(baseline=base.name, findings=(), refusals=refused, remarks=())
    work = _Work(base, now, on_noise=on_noise)
    for rule in asked:
        own = [scenario for scenario, each in own_rules.items() if rule in each]
        taken = {scenario for scenario, each in own_rules.items() if any(r.metric == rule.metric for r in each)}
        work.judge(rule, general=rule in rules, own=own, taken=taken)
    return work.judgement()


class _Work:
    """One judgement in the making."""

    def __init__(self, base: StoredRun, now: StoredRun, *, on_noise: bool) -> None:
        self._base = base
        self._now = now
        self._on_noise = on_noise
        self._findings: list[tuple[Finding, Strata]] = []
        self._groups = now.arms
        self._constant: dict[tuple[str, str, str], bool] = {}
        self._refusals = dict.fromkeys((*unfinished(now.info), *self._lost()))
        self._earlier, self._later = (
            {(s.arm, s.model, s.scenario): s for s in run.samples if s.trials} for run in (base, now)
        )

    def _lost(self) -> list[str]:
        """Say of which scenarios this run completed nothing that it began, per arm of which it completed others."""
        found = []
        for arm, model in self._groups:
            names = lost(self._base, self._now, arm, model)
            if names and not group_obstacle(self._base, self._now, arm, model):
                found.append(
                    f"arm {arm!r} with model {model!r}: every trial of {listed(names)} ended in an error, and the "
                    "baseline completed some; run it again"
                )
        return found

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
            self._refusals[f"{rule.text}: {reason}"] = None
            return
        before = len(self._findings)
        for arm, model in self._groups:
            common = self._common(rule, arm, model)
            covered = [each for each in common if general and each not in taken]
            chosen = [each for each in common if each in own or each in covered]
            if len(covered) > 1 and rule.stat not in EXTREMES:
                self._findings.append(self._finding(rule, arm, model, None, covered))
            self._findings += [self._finding(rule, arm, model, each, [each]) for each in chosen]
        told = [finding for finding, _ in self._findings[before:]]
        if told and all(finding.outcome == "cannot tell" for finding in told):
            self._refusals[f"{rule.text}: nothing can be told: {told[0].note}"] = None

    def _common(self, rule: Rule, arm: str, model: str) -> list[str]:
        """Give the scenarios that both runs completed; say so if there is none."""
        reason = group_obstacle(self._base, self._now, arm, model)
        if not reason and not any(rule.metric.name in sample.values for sample in self._earlier.values()):
            reason = f"{rule.text}: the baseline knows no {rule.metric.name}; save a new one"
        if reason:
            self._refusals[reason] = None
            return []
        there = {s for a, m, s in self._earlier if (a, m) == (arm, model)}
        return [s for a, m, s in self._later if (a, m) == (arm, model) and s in there]

    def _finding(
        self, rule: Rule, arm: str, model: str, scenario: str | None, scenarios: Sequence[str]
    ) -> tuple[Finding, Strata]:
        """Judge a rule by its limit; what noise says of it comes when all p-values are known."""
        sides = [(self._earlier[arm, model, each], self._later[arm, model, each]) for each in scenarios]
        known = [(_known(base, rule.metric), _known(now, rule.metric)) for base, now in sides]
        strata: Strata = [
            figures for figures, samples in zip(known, sides, strict=True) if all(map(_is_known, figures, samples))
        ]
        told = telling(rule, strata)
        unknown = _unknown(sides, known)
        found = Finding(
            rule=rule,
            arm=arm,
            model=model,
            scenario=scenario,
            scenarios=len(told or strata),
            of=len(scenarios),
            base=None,
            now=None,
            interval=None,
            p=None,
            outcome="cannot tell",
            note="" if strata else unknown,
            unknown=unknown if strata else "",
        )
        return (self._limited(found, told or strata, is_told=bool(told)), told or strata) if strata else (found, ())

    def _limited(self, found: Finding, strata: Strata, *, is_told: bool) -> Finding:
        """Give a finding with its figures and what the limit says of them."""
        rule = found.rule
        if rule.stat in EXTREMES:
            # The extreme of more trials is more extreme.
            strata = [(base[: len(now)], now[: len(base)]) for base, now in strata]
        base, now = (statistics.fmean(rule.figure(side) for side in each) for each in zip(*strata, strict=True))
        note = self._limit_alone(found, is_told=is_told)
        return replace(
            found,
            base=base,
            now=now,
            p=None if note else p_value(rule, strata),
            outcome="failed" if rule.is_beyond(base, now) else "passed",
            note=note,
        )

    def _limit_alone(self, found: Finding, *, is_told: bool) -> str:
        """Say why noise is not asked. "" if it is."""
        if found.rule.stat in EXTREMES:
            return f"the limit alone decides on a {found.rule.stat}"
        if not is_told:
            return "too few trials to tell noise"
        if self._on_noise:
            return "noise counts too"
        return "no figure varies from trial to trial" if self._is_constant(found) else ""

    def _is_constant(self, found: Finding) -> bool:
        """Tell whether the metric never varies in a finding's arm, over every scenario that both runs completed."""
        metric, asked = found.rule.metric, (found.arm, found.model)
        known = self._constant.get((metric.name, *asked))
        if known is None:
            sides = ((base, self._later[key]) for key, base in self._earlier.items() if key in self._later)
            known = self._constant[metric.name, *asked] = never_varies(
                [(_known(b, metric), _known(n, metric)) for b, n in sides if (b.arm, b.model) == asked]
            )
        return known

    def judgement(self) -> Judgement:
        """Hold the findings that are beyond their limits against the noise."""
        findings = self._against_noise(over_all=True) + self._against_noise(over_all=False)
        return Judgement(
            baseline=self._base.name,
            findings=tuple(findings),
            refusals=tuple(self._refusals),
            remarks=(
                *seconds(finding.rule.metric for finding in findings),
                *errors(self._base, self._now),
                *missing(self._base, self._now),
            ),
        )

    def _against_noise(self, *, over_all: bool) -> list[Finding]:
        family = [each for each in self._findings if (each[0].scenario is None) is over_all]
        corrected = iter(holm([finding.p for finding, _ in family if finding.p is not None]))
        found = []
        for finding, strata in family:
            is_noise = finding.p is not None and next(corrected) > _CHANCE
            if finding.outcome != "failed":
                found.append(finding)
            elif is_noise:
                found.append(replace(finding, outcome="passed", note="within the noise"))
            else:
                found.append(replace(finding, interval=interval(finding.rule, strata)))
        return found


def _known(sample: Sample, metric: Metric) -> list[float]:
    """Give the known figures of a sample, in order of the trials."""
    column = sample.values.get(metric.name, ())
    return [value for value in column if value is not None and math.isfinite(value)]


def _is_known(figures: Sequence[float], sample: Sample) -> bool:
    """Tell whether enough of a sample's trials know a figure: all of them, or as many as tell noise."""
    return len(figures) >= min(len(sample.trials), MIN_TRIALS)


def _unknown(sides: Sequence[tuple[Sample, Sample]], known: Strata) -> str:
    """Say how many trials know the figure, if not all do. "" if they do."""
    for side, whose in ((0, "the baseline's"), (1, "this run's")):
        count, of = sum(len(each[side]) for each in known), sum(len(each[side].trials) for each in sides)
        if count < of:
            return f"{count} of {whose} {of} trials know it"
    return ""
