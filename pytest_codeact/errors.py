"""
The exceptions of pytest-codeact.

::

    CodeActError
    ├── ToolError         a tool call failed; the ONLY one whose text a model may see
    ├── ScenarioError     the scenario's author made a mistake: marker, world, type hints
    │   └── SolutionError the reference solution raised, never ended or is not deterministic
    ├── ProviderError     the model could not be asked, or its reply breaks the protocol
    ├── SandboxError      the sandbox itself failed; a failing program is NOT an error of it
    ├── DeadlineError     a trial, or the making of one of its parts, did not end in time
    ├── RecordError       a stored record or run cannot be read
    ├── RuleError         a rule of the gate cannot be read
    └── UnknownNameError  a name that nobody registered

    CodeActWarning(UserWarning)

Everything but `ToolError` ends a trial as *error*: counted, shown, in no mean, and never scored as the
model's failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CodeActError(Exception):
    """Base of every exception that pytest-codeact raises itself."""


class ToolError(CodeActError):
    """A tool call failed, by its arguments or in the tool. The text is written for the model to read."""


class ScenarioError(CodeActError):
    """The scenario is wrong in itself: its marker, its world, its type hints. No model may see it."""


class SolutionError(ScenarioError):
    """The reference solution raised, never ended, or did not repeat itself on replay."""


class ProviderError(CodeActError):
    """The model could not be asked, or its reply cannot be understood. No model may see it."""


class SandboxError(CodeActError):
    """The sandbox failed by itself. Callers must not present it to the model as its program's output."""


class DeadlineError(CodeActError):
    """A trial, or the making of its world or client, did not end by its deadline. No model may see it."""


class RecordError(CodeActError):
    """A stored record or run is of an unknown schema or is not one."""


class RuleError(CodeActError):
    """A rule of the gate has not the form METRIC:STAT:LIMIT, or names what there is none of."""


class UnknownNameError(CodeActError):
    """
    A name was given that nobody registered.

    Args:
        kind: What was looked up: "arm", "provider", "runtime" or "metric".
        name: The name as given.
        known: Every registered name.
        advice: What to do, as the end of the sentence. Empty for none.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        listed = ", ".join(repr(each) for each in sorted(known)) or "none"
        super().__init__(f"unknown {kind} {name!r}; known {kind}s: {listed}" + (f"; {advice}" if advice else ""))


def describe(error: BaseException) -> str:
    """Give "TYPE: TEXT" of an exception, or the type alone where its text cannot be had."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may do anything
        return name
    return f"{name}: {text}" if text else name


class CodeActWarning(UserWarning):
    """Something that makes a number less trustworthy than it looks. Filter it by this class."""
