"""A fake live provider for projects: the reference model behind it, with what a vendor's adapter reports."""

from __future__ import annotations

LIVE = '''
import os
import random
import time
from dataclasses import replace

from pytest_codeact.attempt import Attempt
from pytest_codeact.errors import UnavailableError
from pytest_codeact.records import Usage


class Fake:
    """Acts by the reference solution; figures are drawn anew for every reply, as a vendor's are."""

    def __init__(self, context):
        from pytest_codeact.providers.reference import reference_model

        if "FAKE_NO_KEY" in os.environ:
            raise UnavailableError("no key: FAKE_API_KEY is not set; export it, or choose another model")
        self.inner = reference_model(replace(context, model=""))
        self.draw = random.SystemRandom()
        self.model = context.model

    def complete(self, request):
        with open(os.environ.get("FAKE_LOG", "asked.log"), "a") as log:
            log.write(self.model + "\\n")
        reply = self.inner.complete(request)
        tokens = self.draw.randrange(10, 10_000)
        return replace(
            reply,
            mode=os.environ.get("FAKE_MODE", "live"),
            message=replace(reply.message, native={"fake": {"signature": str(tokens)}}),
            usage=Usage(
                input_tokens=tokens, output_tokens=7, cached_input_tokens=3, cost_usd=tokens / 3e6, reasoning_tokens=1
            ),
            model_version=self.model + "-2026-01-01",
            model_s=self.draw.random(),
            waited_s=self.draw.random(),
            attempts=(Attempt(error="fake answered 529: busy", status=529, attempt_s=0.25, backoff_s=0.5),),
            request_id=f"req_{tokens}",
            sdk="fake 1.0",
            prices="bundled 2026-11-01",
        )


def pytest_codeact_register(registry):
    registry.add_provider("fake", Fake, live=True)
'''
"""Text of a conftest. Each request leaves a line in asked.log."""
