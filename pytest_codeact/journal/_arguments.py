"""A command line, for the reader of a journal: no argument stands there that could hold a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_codeact.options import takes_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOT: Final = "***"
"""Stands for what is left out."""

_VALUED: Final = frozenset(
    {
        *("-c", "-k", "-m", "-n", "-p", "-r"),
        *("--benchmark-compare", "--benchmark-json", "--benchmark-save", "--deselect", "--dist", "--ignore"),
        *("--max-worker-restart", "--maxfail", "--maxprocesses", "--numprocesses", "--rootdir", "--tb"),
    }
)
"""Options of pytest, pytest-benchmark and xdist whose values are numbers, names and paths."""

_SWITCHES: Final = frozenset(
    {
        *("--", "--benchmark-autosave", "--co", "--collect-only", "--exitfirst", "--failed-first", "--ff"),
        *("--last-failed", "--lf", "--quiet", "--snapshot-update", "--stepwise", "--sw", "--verbose"),
    }
)
"""Options of theirs and of syrupy's without a value: what follows one is a path."""

_SHORT_SWITCHES: Final = re.compile(r"-[lqsvx]+")

_LOGIN: Final = re.compile(r"\S*:\S+@")
"""`user:password@`, and what stands before it: a password may hold any sign."""


def blotted(args: Iterable[str]) -> tuple[str, ...]:
    """
    Give a command line's arguments with all blotted out that could be a secret.

    Values are kept of this plugin's options and of a few others, and so are paths; of all other options the name alone.
    What follows such a one may be its values, up to the next option.
    """
    return tuple(_blotted(args))


def _blotted(args: Iterable[str]) -> Iterator[str]:
    is_safe = True
    for arg in args:
        if not arg.startswith("-"):
            yield _LOGIN.sub(f"{BLOT}@", arg) if is_safe else BLOT
            continue
        name, sign, value = _split(arg)
        known = _takes_value(name)
        # With its value behind it no other follows.
        is_safe = known is not None or bool(value)
        if value:
            value = BLOT if known is None else _LOGIN.sub(f"{BLOT}@", value)
        yield f"{name}{sign}{value}"


def _split(arg: str) -> tuple[str, str, str]:
    """Split an option into its name, the sign behind it and its value, as far as it has them."""
    if arg.startswith("--"):
        return arg.partition("=")
    return (arg, "", "") if _SHORT_SWITCHES.fullmatch(arg) else (arg[:2], "", arg[2:])


def _takes_value(name: str) -> bool | None:
    """Tell whether an option takes a value. None if it is not known."""
    if name in _SWITCHES or _SHORT_SWITCHES.fullmatch(name):
        return False
    return True if name in _VALUED else takes_value(name)
