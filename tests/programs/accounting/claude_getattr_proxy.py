"""Wrap the tools so that every call is written down."""
from __future__ import annotations

import time
from typing import Any


class Recorder:
    """Forward every attribute to `target` and keep a journal of the calls."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.journal: list[tuple[str, bool]] = []

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._target, name)
        if not callable(function):
            return function

        def recorded(*args: Any, **kwargs: Any) -> Any:
            start = time.monotonic()
            try:
                result = function(*args, **kwargs)
            except Exception:
                self.journal.append((name, False))
                raise
            self.journal.append((name, time.monotonic() - start >= 0))
            return result

        return recorded


api = Recorder(tools)
api.record_income(amount=412.0, payer="Volkshochschule Nordhafen", category="courses", date="2026-04-25")
try:
    api.update_invoice_status(invoice_id="INV-001", status="sent", date="2026-04-26")
except Exception as error:
    print(f"{error.__class__.__name__}: {error}")
print(api.summarize_finances(since="2026-04-01")["income"])
print(api.journal)
print(hasattr(api, "journal"), hasattr(api, "no_such_thing_at_all") or "missing")
