"""
The runtime seam: where code actions run. A runtime starts interpreters; an interpreter runs programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Protocol, TypeAlias

from pytest_codeact.errors import SandboxError
from pytest_codeact.records import CodeStatus, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What one program may use. A program that uses more ends as an observation that names the limit.

    Attributes:
        wall_s: Seconds of its own time. Excludes the time spent inside tools.
        cpu_s: Processor seconds of the interpreter's process, over all its programs. A whole number.
        memory_bytes: Address space of the process.
        output_bytes: UTF-8 bytes of printed output and final value that the model is shown; the middle of
            what is longer is left out, and the text says so. No overrun by itself.
        hard_output_bytes: UTF-8 bytes of printed output at which the program is stopped.
        tool_calls: Tool calls of one program.
        source_bytes: UTF-8 bytes of its text.
        argument_bytes: UTF-8 bytes of the JSON text of one call's arguments.
    """

    wall_s: float = 5.0
    cpu_s: int = 10
    memory_bytes: int = 512 * 2**20
    output_bytes: int = 64 * 2**10
    hard_output_bytes: int = 2**20
    tool_calls: int = 200
    source_bytes: int = 256 * 2**10
    argument_bytes: int = 10**6

    @classmethod
    def of(cls, *overrides: Mapping[str, float]) -> Limits:
        """
        Build limits from the defaults and overrides by field name that `limit_problem` found right; later ones win.
        """
        merged = {name: value for each in overrides for name, value in each.items()}
        kinds = _limit_kinds()
        # Overrides travel as floats; a field of whole numbers wants them as such.
        return cls(**{name: kinds[name](value) for name, value in merged.items()})  # type: ignore[arg-type]


def limit_problem(name: object, value: object) -> str:
    """Say what is wrong with a limit's name or value. "" for nothing."""
    kinds = _limit_kinds()
    if name not in kinds:
        return f"unknown limit {name!r}; known limits: {', '.join(kinds)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return f"the limit {name!r} must be a number above 0"
    if kinds[str(name)] is int and value != int(value):
        return f"the limit {name!r} must be a whole number"
    return ""


def _limit_kinds() -> dict[str, type[int | float]]:
    defaults = Limits()
    return {each.name: type(getattr(defaults, each.name)) for each in fields(Limits)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReply:
    """
    The host's reply to a call that a program makes.

    Attributes:
        value: What the call returns; JSON.
        error: Text of the `ToolError` that the call raises in the program. None if it returns.
        final: The call was `final_answer` and was accepted: the program ends here, with status "final".
    """

    value: Json = None
    error: str | None = None
    final: bool = False


HostCall: TypeAlias = Callable[[str, list[Json], dict[str, Json]], CallReply]
"""Carries out a program's call: function name, positional arguments, keyword arguments. Never raises ToolError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """
    What programs are given besides the language.

    Attributes:
        functions: Names that a program may call, bare and as attributes of `tools`. Identifiers.
        call: Carries out such a call in the test process.
        declarations: Trusted source, run before the first program: the type declarations that the model
            is shown, so that its programs may name them.
    """

    functions: tuple[str, ...]
    call: HostCall
    declarations: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """
    What came of one program.

    Attributes:
        status: How it ended.
        output: What it printed, cut to `Limits.output_bytes`.
        value: `repr` of its final expression. None if there was none or it was None.
        error: For any status but "ok" and "final": what to show the model; for "error" a traceback with
            its own lines only. None otherwise.
    """

    status: CodeStatus
    output: str = ""
    value: str | None = None
    error: str | None = None


class Interpreter(Protocol):
    """A language session of one trial: variables live from one program to the next."""

    def prepare(self) -> None:
        """
        Start what the first program needs, if it does not run yet: its seconds are nobody's latency.

        Raises:
            SandboxError: It did not start.
        """
        ...

    def run(self, program: str) -> Execution:
        """
        Run a program to its end, its failure or a limit.

        After "limit" or "crash" the next program finds a fresh interpreter, and its error text says so.

        Raises:
            SandboxError: The sandbox itself failed.
        """
        ...

    def close(self) -> None:
        """End the session and everything it started. May be called twice."""
        ...


class Runtime(Protocol):
    """
    A way to run programs.

    Attributes:
        language: "python" or "typescript": what programs must be written in.
    """

    language: str

    def start(self, bindings: Bindings, limits: Limits) -> Interpreter:
        """
        Start a session. Cheap; the process may be started by `Interpreter.prepare` or the first program.

        Raises:
            SandboxError: The platform cannot run it.
        """
        ...

    def close(self) -> None:
        """End the runtime and all sessions. May be called twice."""
        ...


RuntimeFactory: TypeAlias = Callable[[], Runtime]


class Sandbox:
    """
    The sandbox of one trial: a runtime and its limits. Nothing is started until an arm asks for it.

    Args:
        runtime: Gives the runtime; called on the first `start`.
        limits: The limits of each program.
    """

    def __init__(self, runtime: RuntimeFactory, limits: Limits) -> None:
        self._runtime = runtime
        self._limits = limits
        self._interpreters: list[Interpreter] = []

    def start(self, bindings: Bindings, language: str) -> Interpreter:
        """
        Start an interpreter; `close` ends it.

        Args:
            bindings: What programs are given.
            language: What the arm's programs are written in.

        Raises:
            SandboxError: The platform cannot run it, or it runs another language.
        """
        runtime = self._runtime()
        if runtime.language != language:
            raise SandboxError(
                f"the arm writes {language} and the sandbox runs {runtime.language}; "
                "choose another with --codeact-sandbox, or another arm"
            )
        interpreter = runtime.start(bindings, self._limits)
        self._interpreters.append(interpreter)
        return interpreter

    def close(self) -> None:
        """End every interpreter that was started. May be called twice."""
        while self._interpreters:
            self._interpreters.pop().close()
