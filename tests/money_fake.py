"""A fake live provider for projects about money, whose usage is fixed, and a file of its prices."""

from __future__ import annotations

PRICES = """
["fake/*"]
input = 10.0
output = 100.0
"""
"""A request of 1,000 and 100 tokens costs 2 cents."""

LIVE = """
import os
from dataclasses import replace

from pytest_codeact.errors import UnavailableError
from pytest_codeact.records import Usage


class Fake:
    def __init__(self, context):
        from pytest_codeact.providers.reference import reference_model

        if "FAKE_NO_KEY" in os.environ:
            raise UnavailableError("no key: FAKE_API_KEY is not set; export it, or choose another model")
        self.inner = reference_model(replace(context, model=""))

    def complete(self, request):
        with open("asked.log", "a") as log:
            log.write("asked\\n")
        reply = self.inner.complete(request)
        return replace(reply, mode="live", usage=Usage(input_tokens=1000, output_tokens=100))


def pytest_codeact_register(registry):
    registry.add_provider("fake", Fake, live=True)
"""
"""Text of a conftest. Each request leaves a line in asked.log."""
