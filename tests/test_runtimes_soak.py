"""A short soak: three hundred programs, hostile and honest mixed, leave nothing behind."""

from __future__ import annotations

from benchmarks.bench_soak import TARGET_GROWTH_BYTES, soak

from pytest_codeact.runtimes.restricted import RestrictedRuntime


def test_hundreds_of_programs_leave_nothing() -> None:
    """No process, descriptor, thread or file is left, nothing was reached, and the host has not grown much."""
    soaked = soak(RestrictedRuntime, count=300, seed=1)

    assert soaked.left == ()
    assert soaked.programs == 300
    assert set(soaked.statuses) == {"ok", "denied", "error", "limit"}
    assert soaked.growth_bytes < TARGET_GROWTH_BYTES
