"""
Compare two runs of 10,000 trials in every metric, in CPU seconds.

A hundred scenarios, two arms, fifty trials of each; the arms of a run are compared as pairs, and each arm with
itself in the other run. Run it as a script::

    python tests/benchmarks/bench_compare.py
"""

from __future__ import annotations

import os
import sys
import time

# CPU seconds are then those of one core, and none of threads that wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from pytest_codeact.measure import METRICS, Sample, compare

SCENARIOS = 100
TRIALS = 50
TARGET_S = 3.0
"""What comparing two runs should cost, NumPy's import included."""


def main() -> int:
    """Print the seconds; 1 if the target is missed."""
    runs = [{arm: _samples(seed, arm) for arm in ("direct", "code")} for seed in (1, 2)]
    between_s = _timed([(runs[0][arm], runs[1][arm]) for arm in ("direct", "code")], paired=False)
    within_s = _timed([(run["direct"], run["code"]) for run in runs], paired=True)
    sys.stdout.write(
        f"{len(runs)} runs of {SCENARIOS * 2 * TRIALS:,} trials, {len(METRICS)} metrics\n"
        f"each arm between the runs    {between_s:6.2f} s (target: under {TARGET_S:.0f} s)\n"
        f"the arms within each run     {within_s:6.2f} s\n"
    )
    return int(between_s >= TARGET_S)


def _timed(sides: list[tuple[list[Sample], list[Sample]]], *, paired: bool) -> float:
    start = time.process_time()
    for base, now in sides:
        for metric in METRICS:
            compare(base, now, metric, paired=paired)
    return time.process_time() - start


def _samples(seed: int, arm: str) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [
        Sample(
            scenario=f"test_{number}.py::test_it",
            arm=arm,
            model="reference",
            trials=tuple(range(1, TRIALS + 1)),
            values={metric.name: _figures(rng, metric.name) for metric in METRICS},
            error_count=0,
        )
        for number in range(SCENARIOS)
    ]


def _figures(rng: np.random.Generator, metric: str) -> tuple[float, ...]:
    if metric in {"success", "first_try"}:
        return tuple(float(each) for each in rng.integers(2, size=TRIALS))
    return tuple(float(each) for each in rng.lognormal(8, 0.3, size=TRIALS))


if __name__ == "__main__":
    sys.exit(main())
