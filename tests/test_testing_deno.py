"""The conformance suite on Deno."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_codeact.testing import RuntimeConformance

if TYPE_CHECKING:
    from pytest_codeact.runtimes.deno import DenoRuntime

pytest.importorskip("deno", reason="needs the extra deno")


class TestDeno(RuntimeConformance):
    """Accepts everything."""

    language = "typescript"

    def make_runtime(self) -> DenoRuntime:
        """Make the runtime."""
        from pytest_codeact.runtimes.deno import DenoRuntime

        return DenoRuntime()
