"""
Lets `pytest-benchmark compare`, which loads no plugin, show tokens as tokens and round trips as round trips.
"""

from pytest_codeact.storage import pytest_benchmark_scale_unit

__all__ = ["pytest_benchmark_scale_unit"]
