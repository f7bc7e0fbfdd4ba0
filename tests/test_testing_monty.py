"""The conformance suite on Monty: what it does not accept is refused, and truthfully."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from pytest_codeact.testing import RuntimeConformance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.runtimes.monty import MontyRuntime

pytest.importorskip("pydantic_monty", reason="needs the extra monty")


class TestMonty(RuntimeConformance):
    """Accepts what Monty's subset of Python has."""

    refuses: ClassVar[Mapping[str, str]] = {
        "lists": "no `del`",
        "functions": "functions have no __name__",
        "generators": "no `yield`",
        "inheritance": "classes have no bases",
        "properties": "methods cannot be decorated",
        "operators": "sorting does not ask for __lt__",
        "dataclasses": "no asdict",
        "enums": "classes have no bases",
        "own-exceptions": "classes have no bases",
        "typed-dicts": "classes have no bases",
        "statistics": "no such module",
        "time-in-comparison": "sorting does not ask for __lt__",
        "exit": "exceptions take one text",
    }
    differs: ClassVar[Mapping[str, str]] = {
        "arithmetic": "round(2.675, 2) is 2.68, in decimal; in plain Python it is 2.67, by the binary value",
        "tool-errors": "ToolError is RuntimeError, and its name says so: there is no inheritance to make it of",
    }

    def make_runtime(self) -> MontyRuntime:
        """Make the runtime."""
        from pytest_codeact.runtimes.monty import MontyRuntime

        return MontyRuntime()
