"""
The runtime seam: where code actions run. A runtime starts interpreters; an interpreter runs programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Final, Literal, Protocol, TypeAlias

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
        result_bytes: Bytes of the JSON text, in ASCII, of what one call returns to the program.
        frames: Messages that one program's process may send: calls, pieces of output, its outcome.
        nesting: Containers inside each other in one argument. At most 200.
        integer_bits: Bits of one integer in an argument. At most 14,000.
    """

    wall_s: float = 5.0
    cpu_s: int = 10
    memory_bytes: int = 512 * 2**20
    output_bytes: int = 64 * 2**10
    hard_output_bytes: int = 2**20
    tool_calls: int = 200
    source_bytes: int = 256 * 2**10
    argument_bytes: int = 10**6
    result_bytes: int = 8 * 2**20
    frames: int = 20_000
    nesting: int = 64
    integer_bits: int = 4096

    @classmethod
    def of(cls, *overrides: Mapping[str, float]) -> Limits:
        """
        Build limits from the defaults and overrides by field name that `limit_problem` found right; later ones win.
        """
        merged = {name: value for each in overrides for name, value in each.items()}
        kinds = _limit_kinds()
        # Overrides travel as floats; a field of whole numbers wants them as such.
        return cls(**{name: kinds[name](value) for name, value in merged.items()})  # type: ignore[arg-type]


_MOST: Final = {
    "integer_bits": 14_000,
    "nesting": 200,
    "wall_s": 1_000_000,
    "cpu_s": 1_000_000,
    "memory_bytes": 2**50,
}
"""The largest limits that host and kernel can take: Python reads no integer of more than 4,300 digits, and recurses."""


def limit_problem(name: object, value: object) -> str:
    """Say what is wrong with a limit's name or value. "" for nothing."""
    kinds = _limit_kinds()
    if name not in kinds:
        return f"unknown limit {name!r}; known limits: {', '.join(kinds)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return f"the limit {name!r} must be a number above 0"
    if kinds[str(name)] is int and value != int(value):
        return f"the limit {name!r} must be a whole number"
    if value > (most := _MOST.get(str(name), math.inf)):
        return f"the limit {name!r} must be at most {most}"
    return ""


def _limit_kinds() -> dict[str, type[int | float]]:
    defaults = Limits()
    return {each.name: type(getattr(defaults, each.name)) for each in fields(Limits)}


_LAST_INSTANT_S: Final = 32_503_680_000
"""Seconds from 1970 to 3000."""


def instant_s(text: str) -> float:
    """
    Read a date and time as ISO 8601 has it, UTC unless it says otherwise.

    Returns:
        Seconds since the epoch.

    Raises:
        ValueError: It is none, or before 1970 or after 2999.
    """
    try:
        read = datetime.fromisoformat(text.strip())
        seconds = read.replace(tzinfo=read.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds < _LAST_INSTANT_S:
        raise ValueError(f"expected a date and time from 1970 to 2999, for example 2026-03-31T09:00:00Z; got {text!r}")
    return seconds


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
"""
Carries out a program's call: function name, positional arguments, keyword arguments. Never raises ToolError.

A language without keyword arguments takes the keys of a call's one object for them, or hands that object on as it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """
    What programs are given besides the language.

    Attributes:
        functions: Names that a program may call, bare and as attributes of `tools`. Identifiers. A call that fails
            raises a `ToolError`, which the program may name.
        call: Carries out such a call in the test process.
        declarations: Trusted source, run before the first program: the type declarations that the model
            is shown, so that its programs may name them.
        frozen_clock_s: Where their clock stands, in seconds since the epoch; only sleeping moves it on. None for the
            real time.
    """

    functions: tuple[str, ...]
    call: HostCall
    declarations: str = ""
    frozen_clock_s: float | None = None


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


Level: TypeAlias = Literal["A", "B", "C", "D"]
"""
How well a program is held by what is not its interpreter, best first.

* A: the kernel refuses it files, network and other processes by at least two layers that do not depend on each other.
* B: the kernel refuses them by one layer.
* C: it has a process of its own under limits of time and memory, without environment and inherited descriptors; only
  its interpreter keeps it from files and network.
* D: less than that, or unknown.
"""

LEVELS: Final[tuple[Level, ...]] = ("A", "B", "C", "D")
"""Every level, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """
    What holds the programs of a runtime on this machine.

    Attributes:
        level: What was found to hold, not what was asked for.
        layers: What does it, for people: "seccomp", "Landlock 7", "own user id". Outermost last.
        missing: What the machine lacks of what the runtime would use, each with the reason.
    """

    level: Level
    layers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


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

    def confinement(self) -> Confinement:
        """
        Say what holds programs in on this machine, found out by trying, the first call at the latest.

        Raises:
            SandboxError: The platform cannot run it.
        """
        ...

    def close(self) -> None:
        """End the runtime and all sessions. May be called twice."""
        ...


def confinement_of(runtime: Runtime) -> Confinement:
    """Give what holds the programs of a runtime. Of one that cannot say, made for an earlier seam, nothing is known."""
    asked = getattr(runtime, "confinement", None)
    return Confinement(level="D", missing=("it does not say how it holds programs",)) if asked is None else asked()


RuntimeFactory: TypeAlias = Callable[[], Runtime]

RuntimeByLanguage: TypeAlias = Callable[[str], Runtime]
"""Gives the runtime that runs a language. Raises SandboxError where there is none."""


class Sandbox:
    """
    The sandbox of one trial: a runtime per language, and limits. Nothing is started until an arm asks for it.

    Args:
        runtime: Gives the runtime of a language; called on every `start`.
        limits: The limits of each program.
        frozen_clock_s: As of `Bindings`; those that an arm gives do not say.
    """

    def __init__(self, runtime: RuntimeByLanguage, limits: Limits, *, frozen_clock_s: float | None = None) -> None:
        self._runtime = runtime
        self._limits = limits
        self._frozen_clock_s = frozen_clock_s
        self._levels: set[Level] = set()
        self._interpreters: list[Interpreter] = []

    def start(self, bindings: Bindings, language: str) -> Interpreter:
        """
        Start an interpreter; `close` ends it.

        Args:
            bindings: What programs are given.
            language: What the arm's programs are written in.

        Raises:
            SandboxError: The platform cannot run it, or there is no runtime for the language.
        """
        runtime = self._runtime(language)
        if runtime.language != language:
            raise SandboxError(
                f"the arm writes {language} and its sandbox runs {runtime.language}; "
                "choose another with --codeact-sandbox, or another arm"
            )
        self._levels.add(confinement_of(runtime).level)
        interpreter = runtime.start(replace(bindings, frozen_clock_s=self._frozen_clock_s), self._limits)
        self._interpreters.append(interpreter)
        return interpreter

    @property
    def level(self) -> Level | None:
        """The least level of those at which its programs were held. None if no interpreter was started."""
        return max(self._levels, default=None)

    def close(self) -> None:
        """End every interpreter that was started. May be called twice."""
        while self._interpreters:
            self._interpreters.pop().close()
