"""
Rules, read.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_codeact.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_codeact.measure import Metric

Stat: TypeAlias = Literal["mean", "median", "min", "max", "rate"]

EXTREMES: Final = ("min", "max")
"""Figures of one trial: no test tells their noise, and that of all scenarios is one scenario's."""

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
            RuleError: It has another form, names what there is none of, or its limit has the wrong sign.
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
        if stat not in _STATS or (stat == "rate" and not is_share(metric)):
            allowed = [each for each in _STATS if each != "rate" or is_share(metric)]
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


def is_share(metric: Metric) -> bool:
    """Tell whether a figure of the metric is a share, which has a rate."""
    return not metric.summed and not metric.unit
