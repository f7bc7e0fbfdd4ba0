"""Docstrings in Google style, as far as models are told of them."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Final

_ENTRY: Final = re.compile(r"(?P<name>\w+)(?: \([^)]*\))?:(?P<text>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Docs:
    """
    A docstring, taken apart.

    Attributes:
        before: The prose before the section, without blank lines around it.
        entries: The section's entries: name to text, on one line. Empty if there is no such section.
        after: What follows the section: more prose, other sections.
    """

    before: str
    entries: dict[str, str]
    after: str

    @property
    def prose(self) -> str:
        """Everything but the section."""
        return "\n\n".join(each for each in (self.before, self.after) if each)


def read_docs(docstring: str | None, section: str) -> Docs:
    """
    Take a docstring apart around one of its sections.

    Args:
        docstring: As it stands in the source. None or "" gives empty docs.
        section: The heading without its colon: "Args" or "Attributes".
    """
    lines = inspect.cleandoc(docstring or "").splitlines()
    if f"{section}:" not in lines:
        return Docs(before="\n".join(lines).strip(), entries={}, after="")
    start = lines.index(f"{section}:")
    following = (n for n in range(start + 1, len(lines)) if lines[n] and not lines[n][0].isspace())
    end = next(following, len(lines))
    return Docs(
        before="\n".join(lines[:start]).strip(),
        entries=_entries(lines[start + 1 : end]),
        after="\n".join(lines[end:]).strip(),
    )


def _entries(lines: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    name = ""
    for line in filter(str.strip, lines):
        match = _ENTRY.fullmatch(line.strip()) if _indent(line) == margin else None
        if match:
            name = match["name"]
            entries[name] = match["text"].strip()
        elif name:
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
