"""What is wrong with a value, in words that a model can act on."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from pytest_codeact.tools._plain import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_codeact.records import Json

MAX_PROBLEMS: Final = 10
"""Problems listed in one message; of the rest only the number is told."""


class Problems:
    """What a check found wrong, at most `MAX_PROBLEMS` in words."""

    def __init__(self) -> None:
        self.count = 0
        self._found: list[tuple[str, str]] = []

    def add(self, path: str, text: str) -> None:
        """Note a problem at a path."""
        self.count += 1
        if self.count <= MAX_PROBLEMS:
            self._found.append((path, text))

    def mismatch(self, path: str, expected: str, value: Json) -> None:
        """Note that the value at a path is not what is expected."""
        self.add(path, f"expected {expected}, got {shown(value)}")

    def extend(self, others: Problems) -> None:
        """Take over the problems that another check found."""
        for path, text in others._found:
            self.add(path, text)

    def all_below(self, path: str) -> bool:
        """Whether the value at the path is itself of the right kind, and only what it holds is wrong."""
        return all(found != path for found, _ in self._found)

    def __str__(self) -> str:
        rest = self.count - len(self._found)
        listed = "; ".join(f"{path}: {text}" for path, text in self._found)
        return listed + (f"; and {rest} more problems" if rest else "")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Give ", did you mean 'x'?" for a misspelt name, or ""."""
    near = difflib.get_close_matches(name[:80], list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
