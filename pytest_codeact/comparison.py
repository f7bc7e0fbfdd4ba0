"""
Two stored runs, compared: what can be, arm by arm and metric by metric, and what cannot and why. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_codeact.measure import compare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_codeact.measure import Comparison, Metric
    from pytest_codeact.records import Mode
    from pytest_codeact.stored import RunInfo, StoredRun


_SECONDS: Final = (
    "seconds: a range knows the noise within a run, not that between days, machines or load; to compare arms, compare "
    "them within one run"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmComparison:
    """
    One metric of one arm with one model in two runs.

    Attributes:
        arm: Name of the arm.
        model: PROVIDER/MODEL, or "reference".
        metric: The metric.
        comparison: Of the later run with the earlier one.
    """

    arm: str
    model: str
    metric: Metric
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """
    Two runs.

    Attributes:
        base: Name of the earlier run.
        now: Name of the later run.
        parts: One per arm, model and metric that both runs have, in the later run's order.
        refusals: What cannot be compared and why, a sentence each.
        remarks: What must be said with it, a sentence each.
        base_mode: Where the earlier run's replies came from. None if no trial got one.
        now_mode: The same of the later run.
    """

    base: str
    now: str
    parts: tuple[ArmComparison, ...]
    refusals: tuple[str, ...]
    remarks: tuple[str, ...]
    base_mode: Mode | None
    now_mode: Mode | None


def compare_runs(base: StoredRun, now: StoredRun, metrics: Sequence[Metric]) -> RunComparison:
    """
    Compare two runs.

    Args:
        base: The earlier run.
        now: The later run.
        metrics: What is compared, in order.
    """
    refusals = list(unlike(base.info, now.info))
    parts: list[ArmComparison] = []
    if not refusals:
        reasons = {metric.name: metric_obstacle(metric, base.info, now.info) for metric in metrics}
        refusals += [reason for reason in reasons.values() if reason]
        usable = [metric for metric in metrics if not reasons[metric.name]]
        for arm, model in now.arms:
            sides = [[s for s in run.samples if (s.arm, s.model) == (arm, model)] for run in (base, now)]
            reason = group_obstacle(base, now, arm, model)
            if reason:
                refusals.append(reason)
                continue
            parts += [
                ArmComparison(
                    arm=arm, model=model, metric=metric, comparison=compare(sides[0], sides[1], metric, paired=False)
                )
                for metric in usable
            ]
    return RunComparison(
        base=base.name,
        now=now.name,
        parts=tuple(parts),
        refusals=tuple(refusals),
        remarks=(
            *_origin(base.info, now.info),
            *_sandboxes(base.info, now.info),
            *seconds(part.metric for part in parts),
            *unfit(base.info),
            *unfinished(now.info),
            *errors(base, now),
            *missing(base, now),
        ),
        base_mode=base.info.mode,
        now_mode=now.info.mode,
    )


def _origin(base: RunInfo, now: RunInfo) -> list[str]:
    """Say what the figures of two runs come from, where that is no model's bill."""
    found = []
    if "reference" in (base.mode, now.mode):
        found.append(
            "these figures come from the reference policy, a program that follows each scenario's solution; they are "
            "evidence about the harness and the formats and say nothing about an LLM"
        )
    tokenizers = dict.fromkeys((*base.tokenizers, *now.tokenizers))
    return [*found, *([f"tokens counted here by {', '.join(tokenizers)}, not billed"] if tokenizers else [])]


def _held(info: RunInfo) -> str:
    return ", ".join(info.sandbox) + (f" (level {info.sandbox_level})" if info.sandbox_level else "")


def _sandboxes(base: RunInfo, now: RunInfo) -> list[str]:
    """Say that programs ran in other sandboxes, which accept other programs."""
    if not base.sandbox or not now.sandbox or base.sandbox == now.sandbox:
        return []
    text = (
        f"programs ran in {_held(base)} in the baseline and in {_held(now)} in this run: where "
        "an arm's programs ran in another sandbox, a difference may be the sandbox's"
    )
    return [text]


def seconds(metrics: Iterable[Metric]) -> list[str]:
    """Say what no test between two runs can know of times, if any of the metrics is one."""
    if all(metric.unit != "s" for metric in metrics):
        return []
    return [_SECONDS]


def unlike(base: RunInfo, now: RunInfo) -> tuple[str, ...]:
    """Say why two runs cannot be compared at all, a sentence each. Empty if they can."""
    if base.mode == now.mode != "mixed":
        return ()
    modes = f"the baseline's replies are of mode {base.mode or 'none'!r}, this run's of {now.mode or 'none'!r}"
    return (f"{modes}; only runs of one and the same mode are compared; save a baseline of this mode",)


def unfit(base: RunInfo) -> tuple[str, ...]:
    """Say why a run is no baseline for a gate, a sentence each. Empty if it is one."""
    found = []
    if base.failed:
        found.append(
            f"in the baseline {listed(base.failed)} failed, and a run in which a scenario failed is no baseline; "
            "save one that passes, or take failed trials as data with --codeact-min-success when you save it"
        )
    if base.interrupted:
        found.append("the baseline was interrupted; save one of a whole run")
    return tuple(found)


def unfinished(now: RunInfo) -> tuple[str, ...]:
    """Say that a run ended early, so that a gate has not seen all of it. Empty if it did not."""
    if not now.interrupted:
        return ()
    return ("this run was interrupted: what it did not reach is not judged; run it to its end",)


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
    """Say how a run was spread."""
    workers = f"{info.worker_count} workers" if info.worker_count else "no workers"
    return f"{workers} and concurrency {info.concurrency}"


def group_obstacle(base: StoredRun, now: StoredRun, arm: str, model: str) -> str:
    """Say why the trials of an arm with a model cannot be compared. "" if they can."""
    there, here = ([scenario for scenario, trials in _cells(run, arm, model).items() if trials] for run in (base, now))
    who = _who(arm, model)
    if not there:
        groups = dict.fromkeys(f"{s.arm!r} with {s.model!r}" for s in base.samples if s.trials)
        return f"the baseline has no trial of {who}; it has: {', '.join(groups) or 'none'}"
    if here and not set(here) & set(there):
        return f"the baseline has no scenario in common with this run for {who}; it has {listed(there)}"
    return "" if here else f"this run has no completed trial of {who}"


def lost(base: StoredRun, now: StoredRun, arm: str, model: str) -> list[str]:
    """Give the scenarios that the baseline completed, and of which this run began trials and completed none."""
    there, here = (_cells(run, arm, model) for run in (base, now))
    return [name for name, trials in there.items() if trials and here.get(name) == 0]


def missing(base: StoredRun, now: StoredRun) -> list[str]:
    """
    Say what only one of two runs has, a sentence for each arm and kind.

    A scenario that was not run is told from one of which every trial ended in an error. What is missing alike in every
    arm is said once; an arm that only the baseline has, too.
    """
    sides = ((base, now, "this run"), (now, base, "the baseline"))
    found: dict[str, list[str]] = {}
    for arm, model in now.arms:
        for has, lacks, whose in sides:
            there, here = (_cells(run, arm, model) for run in (has, lacks))
            if not there or not here:
                # That is said of the arm.
                continue
            absent = [name for name in there if name not in here]
            erred = [name for name, trials in here.items() if not trials]
            for names, text in ((absent, f"not in {whose}"), (erred, f"no trial completed in {whose}")):
                if names:
                    found.setdefault(f"{text}: {listed(names)}", []).append(_who(arm, model))
    gone = [f"not in this run: {_who(arm, model)}" for arm, model in base.arms if (arm, model) not in now.arms]
    return [
        *gone,
        *(text if len(arms) == len(now.arms) else f"{' and '.join(arms)}: {text}" for text, arms in found.items()),
    ]


def errors(base: StoredRun, now: StoredRun) -> list[str]:
    """Say how many trials ended in an error, a sentence for each arm of which some did in either run."""
    found = []
    for arm, model in now.arms:
        counts = []
        for run in (now, base):
            samples = [s for s in run.samples if (s.arm, s.model) == (arm, model)]
            erred = sum(s.error_count for s in samples)
            counts.append((erred, erred + sum(len(s.trials) for s in samples)))
        (erred, of), (erred_before, of_before) = counts
        if erred or erred_before:
            found.append(
                f"{_who(arm, model)}: {erred} of {of} trials of this run ended in an error ({erred_before} of "
                f"{of_before} of the baseline's); they are in no figure"
            )
    return found


def _who(arm: str, model: str) -> str:
    return f"arm {arm!r} with model {model!r}"


def _cells(run: StoredRun, arm: str, model: str) -> dict[str, int]:
    """Give the scenarios that a run began with an arm and model, and how many trials of each it completed."""
    return {s.scenario: len(s.trials) for s in run.samples if (s.arm, s.model) == (arm, model)}


def listed(scenarios: Collection[str]) -> str:
    """Name some of many."""
    shown = sorted(scenarios)[:3]
    more = f" and {len(scenarios) - len(shown)} more" if len(scenarios) > len(shown) else ""
    return ", ".join(shown) + more
