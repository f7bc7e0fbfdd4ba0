"""
The exceptions of pytest-codeact.

::

    CodeActError
    ├── ToolError         a tool call failed; the ONLY one whose text a model may see
    ├── ScenarioError     the scenario's author made a mistake: marker, world, type hints
    │   └── SolutionError the reference solution raised, never ended or is not deterministic
    ├── ProviderError     the model could not be asked, or its reply breaks the protocol
    │   ├── UnavailableError  a key or an SDK is missing: the trial is skipped
    │   └── RecordingError    there is no recording of a request, or none that can be read
    ├── BudgetError       the run may ask no more: the trial is skipped
    ├── SandboxError      the sandbox itself failed; a failing program is NOT an error of it
    ├── DeadlineError     a trial, or the making of one of its parts, did not end in time
    ├── RecordError       a stored record or run cannot be read
    ├── RuleError         a rule of the gate cannot be read
    ├── PriceError        the user's file of prices cannot be read
    ├── ChoiceError       things were chosen that cannot go together
    └── UnknownNameError  a name that nobody registered

    CodeActWarning(UserWarning)

Everything but `ToolError` ends a trial as *error*: counted, shown, in no mean, and never scored as the
model's failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_codeact.attempt import Attempt, Usage


class CodeActError(Exception):
    """Base of every exception that pytest-codeact raises itself."""


class ToolError(CodeActError):
    """A tool call failed, by its arguments or in the tool. The text is written for the model to read."""


class ScenarioError(CodeActError):
    """The scenario is wrong in itself: its marker, its world, its type hints. No model may see it."""


class SolutionError(ScenarioError):
    """The reference solution raised, never ended, or did not repeat itself on replay."""


class ProviderError(CodeActError):
    """
    The model could not be asked, or its reply cannot be understood. No model may see it.

    Args:
        text: What is wrong, and what to do.
        status: HTTP status of the answer. None if there was none.
        transient: Whether the same request may succeed if it is sent again.
        retry_after_s: Seconds after which the server asks to be asked again. None if it does not say.
        is_billed: Whether the request is paid for. None if nobody knows: it was sent, and no whole reply came.
        usage: What the request used, where a reply that is of no use says so: it is paid for. None for unknown.

    Attributes:
        attempts: Every attempt at the request, in order, this error's own included. Empty where nobody tried again.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        transient: bool = False,
        retry_after_s: float | None = None,
        is_billed: bool | None = False,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.is_billed = is_billed if usage is None else True
        self.usage = usage
        self.attempts: tuple[Attempt, ...] = ()


class UnavailableError(ProviderError):
    """A provider cannot be used here: its key or its SDK is missing. The trial is skipped, with this reason."""


class RecordingError(ProviderError):
    """A request is in no cassette, or the cassette cannot be read. The trial ends as an error."""


class BudgetError(CodeActError):
    """
    The run may send no further request: its money, requests or seconds are used up. The trial is skipped.

    Not the model's doing and no fault: trials that have ended are kept.
    """


class SandboxError(CodeActError):
    """The sandbox failed by itself. Callers must not present it to the model as its program's output."""


class DeadlineError(CodeActError):
    """A trial, or the making of its world or client, did not end by its deadline. No model may see it."""


class RecordError(CodeActError):
    """A stored record or run is of an unknown schema or is not one."""


class RuleError(CodeActError):
    """A rule of the gate has not the form METRIC:STAT:LIMIT, or names what there is none of."""


class PriceError(CodeActError):
    """The user's file of prices cannot be read, or an entry of it is wrong."""


class ChoiceError(CodeActError):
    """Things were chosen, by an option or a marker, that cannot go together."""


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
