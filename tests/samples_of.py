"""Makes samples for tests: of given figures, and drawn at random from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_codeact.measure import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (14955, 12643, 15650, 26057, 15138, 59807, 10968, 18470)
"""Tokens of eight scenarios as published for direct tool calling: one holds a third of their sum."""

_LARGE = 5000
"""Tokens of a large scenario."""

Noise = Literal["noisy", "drifting", "skewed", "failing"]


def sample_of(scenario: str, *tokens: float | None, success: Sequence[float] = (), first: int = 1) -> Sample:
    """Make a sample of trials numbered from `first`, all successful unless said otherwise."""
    return Sample(
        scenario=scenario,
        arm="direct",
        model="reference",
        trials=tuple(range(first, first + len(tokens))),
        values={"tokens": tokens, "success": tuple(success) or (1.0,) * len(tokens)},
        error_count=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """
    Two sides drawn at random.

    Attributes:
        base: The earlier side, a sample per scenario.
        now: The later side.
    """

    base: list[Sample]
    now: list[Sample]


def drawn(rng: Any, noise: Noise, *, cv: float = 0.3, ratio: float = 1.0, trials: int = 10) -> Drawn:
    """
    Draw both sides of eight scenarios.

    Args:
        rng: A NumPy generator.
        noise: "noisy" is lognormal. "drifting" adds 5 % per trial in the order ABBA. In "skewed" every tenth trial
            is five times as expensive. In "failing" failed trials cost half as much again, the rate differs between
            scenarios, and one trial in eight is missing.
        cv: Coefficient of variation of the lognormal part.
        ratio: Later side by earlier side, in truth.
        trials: Of each scenario on each side.
    """
    import numpy as np

    sigma = math.sqrt(math.log1p(cv * cv))
    figures = np.exp(rng.normal(-sigma * sigma / 2, sigma, size=(2, len(SIZES), trials)))
    figures *= np.array(SIZES)[None, :, None] * np.array([1, ratio])[:, None, None]
    success, kept = np.ones_like(figures), np.ones(figures.shape, dtype=bool)
    if noise == "drifting":
        first = 2 * np.arange(trials) + np.arange(trials) % 2
        figures *= 1.05 ** np.stack([first, 4 * np.arange(trials) + 1 - first])[:, None, :]
    elif noise == "skewed":
        figures *= np.where(rng.random(figures.shape) < 0.1, 5, 1)
    elif noise == "failing":
        success = np.where(rng.random(figures.shape) < rng.uniform(0.3, 1, size=(1, len(SIZES), 1)), 1.0, 0.0)
        figures *= np.where(success > 0, 1, 1.5)
        kept = rng.random(figures.shape) > 1 / 8
    return Drawn(
        base=[_sample(k, figures[0, k], success[0, k], kept[0, k]) for k in range(len(SIZES))],
        now=[_sample(k, figures[1, k], success[1, k], kept[1, k]) for k in range(len(SIZES))],
    )


def uneven(rng: Any, scenarios: int) -> Drawn:
    """
    Draw one trial a side of scenarios of tenfold sizes, of which only the large ones vary in ratio; its mean is 1.

    Args:
        rng: A NumPy generator.
        scenarios: How many.
    """
    import numpy as np

    sizes = 1000 * 10 ** rng.uniform(0, 1, scenarios)
    sigma = np.where(sizes > _LARGE, 0.4, 0.0)
    figures = sizes * np.exp(rng.normal(0, 0.03, size=(2, scenarios)))
    figures[1] *= np.exp(rng.normal(-(sigma**2) / 2, sigma))
    base, now = ([sample_of(f"test_{k}", each) for k, each in enumerate(side.tolist())] for side in figures)
    return Drawn(base=base, now=now)


def _sample(number: int, tokens: Any, success: Any, kept: Any) -> Sample:
    trials = [trial for trial in range(len(tokens)) if kept[trial]]
    return Sample(
        scenario=f"test_{number}",
        arm="direct",
        model="reference",
        trials=tuple(trials),
        values={
            "tokens": tuple(float(tokens[trial]) for trial in trials),
            "success": tuple(float(success[trial]) for trial in trials),
        },
        error_count=len(tokens) - len(trials),
    )
