"""The conformance suite on the restricted runtime."""

from __future__ import annotations

from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.testing import RuntimeConformance


class TestRestricted(RuntimeConformance):
    """Accepts everything."""

    def make_runtime(self) -> RestrictedRuntime:
        """Make the runtime."""
        return RestrictedRuntime()
