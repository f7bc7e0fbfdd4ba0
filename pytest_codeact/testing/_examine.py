"""
Run the programs and promises of the suite on a runtime, and judge each.

What comes of it is plain data, which tests assert on and tables show.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Limits
from pytest_codeact.testing._effects import Host
from pytest_codeact.testing._programs import Program, programs
from pytest_codeact.testing._promises import PROMISES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.runtimes import Execution, Runtime, RuntimeFactory

Verdict: TypeAlias = Literal["kept", "refused", "broken"]
"""
How a runtime met an expectation.

* kept: the honest program ran as it should, the hostile one was contained, the limit held, the promise was kept.
* refused: the program was turned down and the model was told so; of a promise, it was not kept. `refuses` may say so.
* broken: another result, an escape, a limit that did not hold. `differs` may say so of a result; nothing makes the
  others right.
"""

LIMITS: Final = Limits(wall_s=1.0)
"""Limits of hostile programs and of those that meet one."""

_PLENTY: Final = Limits(wall_s=10.0)
"""For what takes milliseconds, or ends at another limit than that of time; the rest is for a machine under load."""

_LATE_S: Final = 2.0
"""Seconds past its time after which a program is said not to have been stopped."""

_ERROR_BYTES: Final = 64 * 2**10
"""Longest error text that a model should be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    How a runtime met one expectation.

    Attributes:
        kind: "honest", "hostile", "limits" or "promise".
        name: Of the program or promise; unique among all.
        verdict: See `Verdict`.
        detail: What happened instead. "" if it was kept.
    """

    kind: str
    name: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """
    What a runtime accepts and contains.

    Attributes:
        language: What it runs.
        answers: One per expectation, in the order of the suite.
    """

    language: str
    answers: tuple[Answer, ...]


def expectations(language: str) -> tuple[tuple[str, str], ...]:
    """Give kind and name of everything that is asked of a runtime for a language, in the order of the suite."""
    return (
        *((each.kind, each.name) for each in programs(language)),
        *(("promise", name) for name in PROMISES),
    )


def survey(make: RuntimeFactory) -> Survey:
    """
    Ask everything of a runtime.

    Args:
        make: Makes it; called more than once, and every runtime that it made is closed.

    Raises:
        SandboxError: The platform cannot run it.
    """
    runtime = make()
    with Host() as host:
        try:
            warm_up(runtime, host)
            language = runtime.language
            answers = [examine(make, runtime, host, name) for _, name in expectations(language)]
        finally:
            runtime.close()
    return Survey(language=language, answers=tuple(answers))


def warm_up(runtime: Runtime, host: Host) -> None:
    """Let a runtime start what it keeps, and let the host take that as what may stay."""
    session = runtime.start(host.bindings(), _PLENTY)
    session.prepare()
    session.close()
    host.settle()


def examine(make: RuntimeFactory, runtime: Runtime, host: Host, name: str) -> Answer:
    """
    Ask one thing of a runtime.

    Args:
        make: Makes another of its kind, for what has to do with its end.
        runtime: The runtime.
        host: What its programs may do harm to.
        name: A name of `expectations`.
    """
    if name in PROMISES:
        detail = PROMISES[name](make, runtime, host)
        host.effects()
        return Answer(kind="promise", name=name, verdict="refused" if detail else "kept", detail=detail)
    (program,) = (each for each in programs(runtime.language) if each.name == name)
    verdict, detail = {"honest": _honest, "hostile": _hostile, "limits": _limited}[program.kind](runtime, host, program)
    return Answer(kind=program.kind, name=name, verdict=verdict, detail=detail)


def _honest(runtime: Runtime, host: Host, program: Program) -> tuple[Verdict, str]:
    execution, _ = _run(runtime, host, program.source, _PLENTY)
    host.effects()
    if execution.status in {"denied", "error"}:
        return "refused", _told(execution)
    if execution.status != "ok":
        return "broken", _told(execution)
    if execution.output != program.output:
        return "broken", f"it printed {execution.output!r:.300}; expected: {program.output!r:.300}"
    if program.value is not None and execution.value != program.value:
        return "broken", f"its value is {execution.value!r:.300}; expected: {program.value!r:.300}"
    return "kept", ""


def _hostile(runtime: Runtime, host: Host, program: Program) -> tuple[Verdict, str]:
    execution, seconds = _run(runtime, host, host.aimed(program.source), LIMITS)
    found = host.judge([execution])
    if seconds > LIMITS.wall_s + _LATE_S:
        found.append(f"it ran {seconds:.1f} s of its {LIMITS.wall_s:g} s")
    return ("broken", "; ".join(found)) if found else ("kept", "")


def _limited(runtime: Runtime, host: Host, program: Program) -> tuple[Verdict, str]:
    limits = LIMITS if any("time" in words for _, words in program.ends) else _PLENTY
    execution, seconds = _run(runtime, host, program.source, limits)
    found = [*host.judge([execution]), *_overruns(execution, limits, seconds)]
    if found:
        return "broken", "; ".join(found)
    error = execution.error or ""
    for status, words in program.ends:
        if status == execution.status and (not words or any(word in error for word in words)):
            return "kept", ""
    ends = "; ".join(f"{status} {', '.join(words)}".strip() for status, words in program.ends)
    verdict: Verdict = "refused" if execution.status in {"denied", "error"} else "broken"
    return verdict, f"{_told(execution)}; expected: {ends}"


def _overruns(execution: Execution, limits: Limits, seconds: float) -> Iterator[str]:
    if seconds > limits.wall_s + _LATE_S:
        yield f"it ran {seconds:.1f} s of its {limits.wall_s:g} s"
    shown = len((execution.output + (execution.value or "")).encode("utf-8", "replace"))
    if shown > limits.output_bytes:
        yield f"{shown} bytes of output are shown; allowed: {limits.output_bytes}"
    error = execution.error or ""
    if len(error.encode("utf-8", "replace")) > _ERROR_BYTES:
        yield f"its error text is longer than {_ERROR_BYTES} bytes"
    if any("\ud800" <= character <= "\udfff" or character == "\x1b" for character in execution.output + error):
        yield "control characters or surrogates of the program are shown"
    if execution.status in {"limit", "crash"} and "restarted" not in error:
        yield f"its error does not say that the interpreter was restarted: {error!r:.200}"


def _run(runtime: Runtime, host: Host, source: str, limits: Limits) -> tuple[Execution, float]:
    session = runtime.start(host.bindings(), limits)
    try:
        session.prepare()
        begin_s = time.monotonic()
        execution = session.run(source)
        return execution, time.monotonic() - begin_s
    except SandboxError as error:
        raise AssertionError(f"the sandbox itself failed: {error}") from error
    finally:
        session.close()


def _told(execution: Execution) -> str:
    return f"it ended as {execution.status!r}: {(execution.error or '').strip()[-300:]}"
