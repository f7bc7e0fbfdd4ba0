"""
Two sides of a comparison, matched by scenario and, where they are pairs, by trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_codeact.measure._metrics import as_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.measure._pools import Sample

    Stratum: TypeAlias = tuple[Sequence[float], Sequence[float]]
    """Figures of the earlier and of the later side in one scenario, at least one a side."""

    Strata: TypeAlias = Sequence[Stratum]
    Bounds: TypeAlias = tuple[float, float]
    """Lower and upper end of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    One metric of one scenario on both sides.

    Attributes:
        scenario: Id of the scenario.
        base: Known figures of the earlier side, by trial. If they are pairs: those whose partner is known too.
        now: The same of the later side; pairs stand at the same position.
        alone: Whether only one side ran the scenario.
    """

    scenario: str
    base: tuple[float, ...]
    now: tuple[float, ...]
    alone: bool


def matched(base: Sequence[Sample], now: Sequence[Sample], metric: str, *, paired: bool) -> list[Figures]:
    """
    Match two sides, in the order of the earlier one, then of what only the later one ran.

    A figure that is None, not finite or beyond 1e100 is unknown, and its trial is left out; of pairs both are.

    Args:
        base: The earlier side, at most one per scenario.
        now: The later side.
        metric: Name of the metric.
        paired: Whether trials of the same number are pairs.

    Raises:
        ValueError: A scenario comes twice on one side.
    """
    earlier, later = _by_scenario(base), _by_scenario(now)
    found = []
    for scenario in earlier | later:
        ours, theirs = (known(side[scenario], metric) if scenario in side else {} for side in (earlier, later))
        alone = scenario not in earlier or scenario not in later
        if paired and not alone:
            common = sorted(ours.keys() & theirs.keys())
            ours, theirs = ({number: side[number] for number in common} for side in (ours, theirs))
        found.append(Figures(scenario=scenario, base=tuple(ours.values()), now=tuple(theirs.values()), alone=alone))
    return found


def known(sample: Sample, metric: str) -> dict[int, float]:
    """Give the known figures of a sample that are below 1e100 in size, by trial; empty if it lacks the metric."""
    figures = sample.values.get(metric, ())
    return {
        number: float(known)
        for number, figure in zip(sample.trials, figures, strict=False)
        if (known := as_known(figure)) is not None
    }


def by_size(strata: Strata) -> dict[tuple[int, int], list[int]]:
    """Give the places of the strata by how many figures each side has."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, (base, now) in enumerate(strata):
        places.setdefault((len(base), len(now)), []).append(place)
    return places


def _by_scenario(side: Sequence[Sample]) -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for sample in side:
        if sample.scenario in found:
            raise ValueError(
                f"scenario {sample.scenario!r} comes twice on one side of a comparison, with arm and model "
                f"{(found[sample.scenario].arm, found[sample.scenario].model)!r} and {(sample.arm, sample.model)!r}; "
                "give one sample per scenario"
            )
        found[sample.scenario] = sample
    return found
