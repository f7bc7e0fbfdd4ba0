"""Makes stored runs for tests, of figures by scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_codeact.measure import METRICS, Sample
from pytest_codeact.stored import RunInfo, StoredRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INFO: dict[str, Any] = {
    "version": "0.1",
    "mode": "live",
    "models": ("acme/one",),
    "tokenizers": (),
    "worker_count": 0,
    "complete": (),
    "failed": (),
}


def sample(
    scenario: str,
    values: Mapping[str, Sequence[float | None]],
    *,
    arm: str = "code",
    model: str = "acme/one",
    errors: int = 0,
) -> Sample:
    """Make a sample whose trials are numbered from 1."""
    count = len(next(iter(values.values()), ()))
    return Sample(
        scenario=f"test_a.py::test_{scenario}",
        arm=arm,
        model=model,
        trials=tuple(range(1, count + 1)),
        values={name: tuple(column) for name, column in values.items()},
        error_count=errors,
    )


def stored_run(*samples: Sample, name: str = "base.json", **info: Any) -> StoredRun:
    """Make a run of the built-in metrics."""
    return StoredRun(name=name, info=RunInfo(**(INFO | info)), samples=samples, metrics=METRICS)


def tokens(figures: Mapping[str, Sequence[float | None]], **info: Any) -> StoredRun:
    """Make a run of one arm with tokens alone, by scenario."""
    return stored_run(*(sample(scenario, {"tokens": column}) for scenario, column in figures.items()), **info)
