"""
The trials of one scenario in one arm: as records, and as numbers.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_codeact.measure._metrics import as_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_codeact.measure._metrics import Metric
    from pytest_codeact.records import TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """
    A mean over trials of which some may not know the figure.

    Attributes:
        value: Mean of the known figures. None if none is known.
        known: How many trials know it.
        of: How many trials there are.
    """

    value: float | None
    known: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """
    The trials of one scenario in one arm with one model.

    Attributes:
        scenario: Id of the scenario.
        arm: Name of the arm.
        model: PROVIDER/MODEL, or "reference".
        trials: The completed trials, passed and failed alike, in the order they were reported.
        error_count: Trials that ended in an error. They are in no mean.
    """

    scenario: str
    arm: str
    model: str
    trials: tuple[TrialRecord, ...]
    error_count: int

    @property
    def success_count(self) -> int:
        """Trials that the validator passed."""
        return sum(1 for trial in self.trials if trial.success)

    def meets(self, min_success: float | None) -> bool:
        """Tell whether enough of the completed trials passed: at least that share of them, all without one."""
        needed = 1 if min_success is None else min_success
        # Divided, not multiplied: 7 / 100 is 0.07 exactly as the user wrote it, 0.07 * 100 is more than 7.
        return not self.trials or self.success_count / len(self.trials) >= needed

    def values(self, metric: Metric) -> tuple[float | None, ...]:
        """Give the figure of every completed trial, in order; None where it is unknown or no finite number."""
        return tuple(as_known(metric.value(trial)) for trial in self.trials)

    def mean(self, metric: Metric) -> Mean:
        """Give the mean over the completed trials."""
        return mean_of(self.values(metric))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    A pool as numbers: what a stored run keeps of it, and all that a comparison needs.

    Attributes:
        scenario: Id of the scenario.
        arm: Name of the arm.
        model: PROVIDER/MODEL, or "reference".
        trials: Numbers of the completed trials, in order. Trials of one number in two arms of a run are a pair: they
            ran side by side and met the same luck.
        values: By metric name, one figure per entry of `trials`; None where it is unknown.
        error_count: Trials that ended in an error. They are in no figure.
    """

    scenario: str
    arm: str
    model: str
    trials: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    error_count: int


def mean_of(values: Sequence[float | None]) -> Mean:
    """
    Give the mean of the known values.

    Args:
        values: One entry per trial; None where the figure is unknown. What is no finite number is unknown too.
    """
    known = [value for value in map(as_known, values) if value is not None]
    return Mean(value=statistics.fmean(known) if known else None, known=len(known), of=len(values))


def pools(records: Iterable[TrialRecord]) -> tuple[Pool, ...]:
    """
    Group records by scenario, arm and model, in order of first appearance.

    A record without a verdict (`success is None`) counts as an error: a trial that nobody could judge.
    """
    grouped: dict[tuple[str, str, str], list[TrialRecord]] = {}
    for record in records:
        grouped.setdefault((record.scenario, record.arm, record.model), []).append(record)
    return tuple(_pool(key, group) for key, group in grouped.items())


def _pool(key: tuple[str, str, str], group: list[TrialRecord]) -> Pool:
    completed = tuple(record for record in group if record.success is not None)
    scenario, arm, model = key
    return Pool(scenario=scenario, arm=arm, model=model, trials=completed, error_count=len(group) - len(completed))


def sample(pool: Pool, metrics: Iterable[Metric]) -> Sample:
    """
    Turn a pool into numbers.

    Args:
        pool: The trials.
        metrics: The figures to take.
    """
    return Sample(
        scenario=pool.scenario,
        arm=pool.arm,
        model=pool.model,
        trials=tuple(trial.trial for trial in pool.trials),
        values={metric.name: pool.values(metric) for metric in metrics},
        error_count=pool.error_count,
    )
