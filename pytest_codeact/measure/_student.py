"""
The 97.5 % point of Student's t, by its tail.
"""

from __future__ import annotations

from typing import Final

from pytest_codeact.measure._regression import student_tail

_STEPS: Final = 40
"""Halvings of the bracket, which leave 1e-11 of it."""


def student_point(freedom: float) -> float:
    """
    Give the value that Student's t exceeds with a chance of 2.5 %.

    Args:
        freedom: Degrees of freedom, at least 1.
    """
    low, high = 1.95, 12.71
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if student_tail(middle, freedom) > 0.05:  # noqa: PLR2004 - both tails of the 95 % that every interval covers
            low = middle
        else:
            high = middle
    return (low + high) / 2
