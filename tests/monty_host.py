"""A host for programs in the runtime `monty`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes import CallReply

if TYPE_CHECKING:
    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Execution

FUNCTIONS: Final = ("get_order", "send", "fail", "rest", "final_answer")
"""What programs may call."""


class Host:
    """Carries out the calls of programs and keeps them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Json], dict[str, Json]]] = []

    def __call__(self, name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
        self.calls.append((name, positional, keywords))
        if name == "fail":
            return CallReply(error="no order 999; known orders: 1, 2")
        if name == "final_answer":
            return CallReply(final=True)
        if name == "rest":
            time.sleep(0.4)
        if name not in FUNCTIONS:
            return CallReply(error=f"unknown tool {name!r}")
        return CallReply(value={"id": len(self.calls), "total": 2.5})


def told(execution: Execution) -> str:
    """Give the error text, which must be there."""
    assert execution.error is not None
    return execution.error
