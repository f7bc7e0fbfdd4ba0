"""
From records to numbers, and from numbers to verdicts. Pure: no clock, no file, no configuration, no chance.
"""

from __future__ import annotations

from pytest_codeact.measure._compare import compare, difference_interval
from pytest_codeact.measure._comparison import (
    Comparison,
    Delta,
    Estimate,
    Floor,
    Interval,
    Summary,
    Verdict,
    spread,
)
from pytest_codeact.measure._judge import MIN_SCENARIOS, MIN_TRIALS
from pytest_codeact.measure._metrics import METRICS, Metric, faults, tokenizers
from pytest_codeact.measure._pools import Mean, Pool, Sample, mean_of, pools, sample
from pytest_codeact.measure._regression import holm, rise_p
from pytest_codeact.measure._success import pass_hat, rate_bounds, rate_p

__all__ = [
    "METRICS",
    "MIN_SCENARIOS",
    "MIN_TRIALS",
    "Comparison",
    "Delta",
    "Estimate",
    "Floor",
    "Interval",
    "Mean",
    "Metric",
    "Pool",
    "Sample",
    "Summary",
    "Verdict",
    "compare",
    "difference_interval",
    "faults",
    "holm",
    "mean_of",
    "pass_hat",
    "pools",
    "rate_bounds",
    "rate_p",
    "rise_p",
    "sample",
    "spread",
    "tokenizers",
]
