"""
From records to numbers. Pure: no clock, no file, no configuration.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pytest_codeact.errors import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_codeact.records import TrialRecord, Turn, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """
    One figure of a trial.

    Attributes:
        name: Its name; ends in its unit where it has one.
        title: Heading of its table column.
        unit: The unit, singular: "s", "token", "byte", "round trip", "call"; "" for a ratio.
        value: The figure of one record. None if it is unknown or undefined there.
        stored: Whether it is an entry of its own in pytest-benchmark storage. Only for figures that cannot
            be 0: a baseline of 0 always fails pytest-benchmark's percentage checks.
        summed: Whether a sum over trials means something; a rate or a ratio is averaged instead.
        better: Which way is an improvement.
    """

    name: str
    title: str
    unit: str
    value: Callable[[TrialRecord], float | None]
    stored: bool = False
    summed: bool = True
    better: Literal["lower", "higher"] = "lower"


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
        """Give the figure of every completed trial, in order; None where it is unknown."""
        return tuple(metric.value(trial) for trial in self.trials)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """
    How much less of a metric one arm uses than another, paired by scenario.

    Attributes:
        total: 1 - sum of the scenarios' means in the arm / the same in the other. 0.25 is a quarter less;
            negative is more. None if no scenario is known in both, or the other's sum is 0.
        median: Median over the scenarios of 1 - mean / the other's mean, over those where the other's is not 0.
            None if there is none.
        paired: Scenarios whose mean is known in both arms.
        of: Scenarios that ran in either arm.
    """

    total: float | None
    median: float | None
    paired: int
    of: int


def mean_of(values: Sequence[float | None]) -> Mean:
    """
    Give the mean of the known values.

    Args:
        values: One entry per trial; None where the figure is unknown.
    """
    known = [value for value in values if value is not None]
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


def saving(arm: Sequence[Pool], other: Sequence[Pool], metric: Metric) -> Saving:
    """
    Compare two arms, scenario by scenario.

    Args:
        arm: The pools of the arm, at most one per scenario.
        other: The pools of the arm that it is compared with, at most one per scenario.
        metric: What is compared.
    """
    ours = {pool.scenario: pool.mean(metric).value for pool in arm}
    theirs = {pool.scenario: pool.mean(metric).value for pool in other}
    pairs = [
        (mine, base)
        for scenario, mine in ours.items()
        if mine is not None and (base := theirs.get(scenario)) is not None
    ]
    base_sum = sum(base for _, base in pairs)
    ratios = [1 - mine / base for mine, base in pairs if base]
    return Saving(
        total=1 - sum(mine for mine, _ in pairs) / base_sum if base_sum else None,
        median=statistics.median(ratios) if ratios else None,
        paired=len(pairs),
        of=len(ours.keys() | theirs.keys()),
    )


def faults(metrics: Iterable[Metric], records: Sequence[TrialRecord]) -> dict[str, str]:
    """
    Try every metric on every record.

    Returns:
        Per metric that raised, or gave neither a number nor None: what it did.
    """
    found: dict[str, str] = {}
    for metric in metrics:
        for record in records:
            try:
                value: object = metric.value(record)
            except Exception as error:  # noqa: BLE001 - a metric may be anybody's
                found.setdefault(metric.name, describe(error))
                continue
            if value is not None and not isinstance(value, int | float):
                found.setdefault(metric.name, f"TypeError: it gave {value!r:.80}, which is neither a number nor None")
    return found


def tokenizers(records: Iterable[TrialRecord]) -> tuple[str, ...]:
    """Give the names of the tokenizers by which tokens were counted here, sorted. Empty if all were billed."""
    turns = (turn for record in records for turn in record.turns)
    return tuple(sorted({turn.usage.counted_by for turn in turns if turn.usage and turn.usage.counted_by}))


def _tokens(figure: Callable[[Usage], float | None]) -> Callable[[TrialRecord], float | None]:
    """Sum a figure of the usage over the turns. One turn without it makes the sum unknown."""

    def value(record: TrialRecord) -> float | None:
        total = 0.0
        for turn in record.turns:
            tokens = None if turn.usage is None else figure(turn.usage)
            if tokens is None:
                return None
            total += tokens
        return total if record.turns else None

    return value


def _per_turn(figure: Callable[[Turn], float]) -> Callable[[TrialRecord], float]:
    return lambda record: sum(figure(turn) for turn in record.turns)


def _suppression(record: TrialRecord) -> float | None:
    total = sum(call.result_bytes for call in record.calls)
    return 1 - sum(turn.visible_result_bytes for turn in record.turns) / total if total else None


def _first_try(record: TrialRecord) -> float | None:
    statuses = [status for turn in record.turns for status in turn.code_statuses]
    return float(statuses[0] in ("ok", "final")) if statuses else None


def _code_errors(record: TrialRecord) -> float:
    statuses = [status for turn in record.turns for status in turn.code_statuses]
    return sum(1 for status in statuses if status not in ("ok", "final"))


METRICS: Final = (
    Metric(
        name="success",
        title="ok",
        unit="",
        value=lambda record: None if record.success is None else float(record.success),
        summed=False,
        better="higher",
    ),
    Metric(name="round_trips", title="trips", unit="round trip", value=lambda r: len(r.turns), stored=True),
    Metric(name="tool_calls", title="calls", unit="call", value=lambda r: len(r.calls)),
    Metric(
        name="input_tokens",
        title="tok in",
        unit="token",
        value=_tokens(lambda usage: usage.input_tokens),
        stored=True,
    ),
    Metric(
        name="output_tokens",
        title="tok out",
        unit="token",
        value=_tokens(lambda usage: usage.output_tokens),
        stored=True,
    ),
    Metric(
        name="tokens",
        title="tokens",
        unit="token",
        value=_tokens(lambda usage: usage.input_tokens + usage.output_tokens),
        stored=True,
    ),
    Metric(
        name="cached_input_tokens",
        title="cached",
        unit="token",
        value=_tokens(lambda usage: usage.cached_input_tokens),
        better="higher",
    ),
    Metric(
        name="latency_s",
        title="latency",
        unit="s",
        value=_per_turn(lambda turn: turn.model_s + turn.action_s),
        stored=True,
    ),
    Metric(name="model_s", title="model", unit="s", value=_per_turn(lambda turn: turn.model_s)),
    Metric(name="action_s", title="action", unit="s", value=_per_turn(lambda turn: turn.action_s)),
    Metric(name="waited_s", title="waited", unit="s", value=_per_turn(lambda turn: turn.waited_s)),
    Metric(
        name="tool_result_bytes",
        title="B result",
        unit="byte",
        value=lambda record: sum(call.result_bytes for call in record.calls),
    ),
    Metric(
        name="visible_result_bytes",
        title="B visible",
        unit="byte",
        value=_per_turn(lambda turn: turn.visible_result_bytes),
    ),
    Metric(
        name="suppression",
        title="suppressed",
        unit="",
        value=_suppression,
        summed=False,
        better="higher",
    ),
    Metric(name="code_errors", title="code err", unit="", value=_code_errors),
    Metric(name="first_try", title="1st try", unit="", value=_first_try, summed=False, better="higher"),
)
"""
The built-in metrics, in table order. Definitions, per trial:

* success: 1 if the validator passed the trial.
* round_trips: model requests that got a reply.
* tool_calls: tool executions, failed ones included; `final_answer` is none.
* input_tokens, output_tokens, tokens: billed tokens over the turns; input includes cache reads and writes.
* cached_input_tokens: the part of the input read from the provider's prompt cache.
* latency_s: model_s + action_s. Not in it: waited_s, the retry back-off, and what happens once before the first turn,
  making the model's client and starting the sandbox.
* tool_result_bytes: UTF-8 bytes of all tool results, error texts included.
* visible_result_bytes: UTF-8 bytes of results, program output and error texts that the model was shown.
* suppression: 1 - visible_result_bytes / tool_result_bytes; None when no bytes were returned.
* code_errors: programs that ended in an error shown to the model.
* first_try: 1 if the first program ran without error; None when no program ran.
"""
