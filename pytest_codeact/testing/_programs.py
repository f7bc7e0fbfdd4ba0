r"""
The programs of the suite, read from `programs/KIND.LANGUAGE.txt`.

A file is a list of programs. "#=== NAME" begins one; after its text, "#--- output" and "#--- value" begin what it
prints and what its final expression is, and "#--- ends" the ways in which a program that meets a limit may end:
"STATUS: WORD, WORD" to a line, where the text that the model is shown holds one of the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["honest", "hostile", "limits"]
"""Honest programs run; hostile ones aim at a canary of `Host`; those of limits use more than they may."""

KINDS: Final[tuple[Kind, ...]] = ("honest", "hostile", "limits")

_PROGRAM: Final = re.compile(r"^#=== ", re.MULTILINE)
_SECTION: Final = re.compile(r"^#--- (output|value|ends)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """
    A program of the suite.

    Attributes:
        kind: What it is there for.
        name: What it is called in reports, in the table and in `refuses`: of an honest one the feature that it uses.
        source: Its text, the places of canaries not put in yet.
        output: What an honest one prints.
        value: `repr` of an honest one's final expression. None if there is none.
        ends: How one that meets a limit may end: statuses, each with the words of which its error holds one, if any.
    """

    kind: Kind
    name: str
    source: str
    output: str = ""
    value: str | None = None
    ends: tuple[tuple[str, tuple[str, ...]], ...] = ()


def programs(language: str) -> tuple[Program, ...]:
    """Give every program in a language; none for a language that the suite does not know."""
    found = [program for kind in KINDS for program in _read(kind, language)]
    return tuple(found + list(_made(language)))


def _read(kind: Kind, language: str) -> Iterator[Program]:
    file = files(__package__).joinpath("programs", f"{kind}.{language}.txt")
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    for part in _PROGRAM.split(text)[1:]:
        name, _, body = part.partition("\n")
        source, *sections = _SECTION.split(body)
        held = dict(zip(sections[::2], sections[1::2], strict=True))
        yield Program(
            kind=kind,
            name=name,
            source=source,
            output=held.get("output", ""),
            value=held["value"].rstrip("\n") if "value" in held else None,
            ends=tuple(_end(line) for line in held.get("ends", "").splitlines()),
        )


def _end(line: str) -> tuple[str, tuple[str, ...]]:
    status, _, words = line.partition(":")
    return status, tuple(word.strip() for word in words.split(",") if word.strip())


def _made(language: str) -> Iterator[Program]:
    """Give the programs that are too long for a file."""
    if language in {"python", "typescript"}:
        line = "x = 1\n" if language == "python" else "var x = 1;\n"
        yield Program(kind="limits", name="huge-source", source=line * 100_000, ends=(("limit", ("source",)),))
