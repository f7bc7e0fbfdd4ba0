"""
Running a reference solution against a conversation: what it has learnt, and what it wants to know next.

A run hands the function the results that the conversation holds. A call beyond them gives a `Pending`, which
stops the run when it is used in any way that Python lets an object notice. What it cannot notice (identity,
being stored) shows in the next run, when the calls no longer match the conversation.
"""

from __future__ import annotations

import inspect
import json
import linecache
import math
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from pytest_codeact.deadline import call_within
from pytest_codeact.errors import SolutionError, ToolError
from pytest_codeact.providers._source import described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from pytest_codeact.providers import Solution
    from pytest_codeact.records import Json, Message, ToolCall, ToolResult

MAX_CALLS: Final = 10_000
"""Tool calls of one run of a reference solution, answered and pending ones together."""

SHOWN_CHARACTERS: Final = 200
"""Characters of a call's arguments that an error text shows."""

_END_ADVICE: Final = "it must end by itself, whatever the results"
_JSON_ADVICE: Final = "allowed are None, bool, int, finite float, str, and lists and str-keyed dicts of them"
_REPEAT_ADVICE: Final = (
    "its calls may depend on nothing but results that it has looked into: not on `is None`, on the error of a "
    "call in the same batch, on chance or on the clock"
)

# Every special method that the language or the standard library looks up on a type, but those that are called
# without a use of the value: creation, storing in a class and the end of its life.
_SPECIAL: Final = (
    "abs add aenter aexit aiter and anext await bool buffer bytes call ceil complex contains copy "
    "deepcopy delattr delitem dir divmod enter eq exit float floor floordiv format fspath ge getattribute "
    "getitem getnewargs getnewargs_ex getstate gt hash iadd iand ifloordiv ilshift imatmul imod imul "
    "index instancecheck int invert ior ipow irshift isub iter itruediv ixor le len length_hint lshift lt "
    "matmul missing mod mro_entries mul ne neg next or pos pow radd rand rdivmod reduce reduce_ex repr "
    "reversed rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor "
    "setattr setitem sizeof str sub subclasscheck truediv trunc xor"
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """
    How far a run came.

    Attributes:
        calls: The calls that come next: name and arguments, in the function's order. Empty when it returned.
        answer: What it returned, as JSON. None while there are calls.
    """

    calls: tuple[tuple[str, dict[str, Json]], ...] = ()
    answer: Json = None


def replay(
    solution: Solution, answered: Iterable[tuple[ToolCall, ToolResult]], *, parallel: bool, deadline_s: float
) -> Progress:
    """
    Run a reference solution against the tool results in a conversation.

    Calls whose results are not there yet form one batch as long as they are all reads or all writes, and
    `parallel` allows. Error results of calls that the function does not make are skipped: they are answered
    mistakes.

    Args:
        solution: The reference solution.
        answered: The conversation's calls of the solution's tools with their results, in order.
        parallel: Whether the batch may hold more than one call.
        deadline_s: Seconds that the function may take.

    Raises:
        SolutionError: The function raised, did not end, made calls that differ from those in the
            conversation, or called or returned what cannot be expressed.
    """
    run = _Run(solution, answered, parallel=parallel)
    try:
        call_within(run.attempt, deadline_s)
    except TimeoutError:
        raise run.error(f"did not end within {deadline_s:g} s and made {run.made} tool calls; {_END_ADVICE}") from None
    return run.progress()


def answered_calls(messages: tuple[Message, ...]) -> list[tuple[ToolCall, ToolResult]]:
    """Give every tool call of a conversation that has a result, with it, in the order of the calls."""
    pairs: list[tuple[ToolCall, ToolResult]] = []
    calls: tuple[ToolCall, ...] = ()
    for message in messages:
        if message.role == "assistant":
            calls = message.tool_calls
        else:
            results = {result.call_id: result for result in message.tool_results}
            pairs += [(call, results[call.id]) for call in calls if call.id in results]
    return pairs


def as_json(value: Any, path: str) -> Json:
    """
    Copy a value as plain JSON: tuples become lists.

    Args:
        value: What to copy. A `Pending` anywhere in it stops the run.
        path: Where it stands, for the error's text.

    Raises:
        TypeError: A part of it is not JSON. The text says which part is what.
    """
    # The `isinstance` of what is a `Pending` looks at its `__class__`, and stops the run.
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [as_json(each, f"{path}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a dict with the key {key!r} as {path}")
        return {key: as_json(each, f"{path}.{key}") for key, each in value.items()}
    given = repr(value) if isinstance(value, float) else f"a {type(value).__name__}"
    raise TypeError(f"{given} as {path}")


def shown(name: str, arguments: Json) -> str:
    """Write a call for an error text, long arguments cut."""
    text = json.dumps(arguments, ensure_ascii=False)
    return f"{name}({text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + '...'})"


def place(function: Callable[..., Any], lines: Iterable[tuple[str, int]]) -> str:
    """
    Say where in a function something happened: "at tasks.py:12 (`tools.add(x=1)`)".

    Args:
        function: The function.
        lines: File and line of every frame, innermost first.
    """
    code = function.__code__
    line = next((line for file, line in lines if file == code.co_filename), code.co_firstlineno)
    return f"at {code.co_filename}:{line} (`{linecache.getline(code.co_filename, line).strip()}`)"


class _Stopped(BaseException):
    """Ends a run of the solution: it needs a result that the conversation does not hold."""


class _Run:
    """One run of a solution. Its state is what the function has asked for so far."""

    def __init__(self, solution: Solution, answered: Iterable[tuple[ToolCall, ToolResult]], *, parallel: bool) -> None:
        self.made = 0
        self._solution = solution
        self._answered = deque(answered)
        self._parallel = parallel
        self._pending: list[tuple[str, dict[str, Json]]] = []
        self._last_place = ""
        self._stopped = False
        self._fault: SolutionError | None = None
        self._raised: BaseException | None = None
        self._returned: Any = None

    def attempt(self) -> None:
        """Call the function and keep what came of it."""
        try:
            self._returned = self._solution.function(_Tools(self))
        except _Stopped:
            pass
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a user's function raises is its outcome
            self._raised = error

    def progress(self) -> Progress:
        """Say what the run came to. A function that swallowed the stop counts as stopped, whatever it did."""
        if self._fault is not None:
            raise self._fault
        # What it raised may be due to a `Pending`; if not, it is raised again once the results are there.
        if self._stopped or self._pending:
            return Progress(calls=tuple(self._pending))
        if self._raised is not None:
            frames = reversed(traceback.extract_tb(self._raised.__traceback__))
            where = place(self._solution.function, ((each.filename, each.lineno or 0) for each in frames))
            raised = f"{type(self._raised).__name__}: {self._raised}"
            raise self.error(f"raised {raised}, {where}") from self._raised
        held = next((call for call, result in self._answered if not result.is_error), None)
        if held is not None:
            after = f" after its call {self._last_place}" if self._last_place else ""
            raise self.error(
                f"returned{after} where the conversation holds {shown(held.name, held.arguments)}; {_REPEAT_ADVICE}"
            )
        try:
            return Progress(answer=as_json(self._returned, "answer"))
        except TypeError as error:
            raise self.error(f"returned {error}; {_JSON_ADVICE}") from None

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry out a call of the function: the result, the `ToolError`, or a `Pending`."""
        if self._stopped:
            raise _Stopped
        if self.made == MAX_CALLS:
            self._halt(f"made more than {MAX_CALLS} tool calls; {_END_ADVICE}")
        self.made += 1
        arguments = self._arguments(name, args, kwargs)
        result = self._recorded(name, arguments)
        if result is None:
            return self._postponed(name, arguments)
        if self._answered:
            # Should it return now, this is where it left the way that the conversation went.
            self._last_place = self._place()
        if result.is_error:
            raise ToolError(result.content)
        try:
            return json.loads(result.content)
        except ValueError:
            given = f"{result.content!r:.{SHOWN_CHARACTERS}}"
            self._halt(
                f"cannot read the result of {shown(name, arguments)}; it must be JSON; got {given}; "
                "if it was cut short, allow more with --codeact-observation-bytes"
            )

    def require(self, name: str) -> None:
        """End the run if there is no such tool."""
        if name not in self._solution.parameters:
            listed = ", ".join(repr(each) for each in sorted(self._solution.parameters)) or "none"
            self._halt(f"uses an unknown tool {name!r} {self._place()}; known tools: {listed}")

    def stop(self) -> NoReturn:
        """End the run. What the function does after that, should it swallow this, ends it again."""
        self._stopped = True
        raise _Stopped

    def error(self, complaint: str) -> SolutionError:
        """Make the error of this solution."""
        return SolutionError(f"reference solution {described(self._solution.function)} {complaint}")

    def _halt(self, complaint: str) -> NoReturn:
        # Kept, not raised: the function might catch it.
        if self._fault is None:
            self._fault = self.error(complaint)
        self.stop()

    def _arguments(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Json]:
        names = self._solution.parameters[name]
        if len(args) > len(names):
            self._halt(f"gives {name} {len(args)} positional arguments {self._place()}; it takes {len(names)}")
        positional = dict(zip(names, args, strict=False))
        if twice := sorted(positional.keys() & kwargs.keys()):
            self._halt(f"gives {name} the argument {twice[0]!r} twice {self._place()}; give it once")
        try:
            return {key: as_json(value, key) for key, value in {**positional, **kwargs}.items()}
        except TypeError as error:
            self._halt(f"gives {name} {error} {self._place()}; {_JSON_ADVICE}")

    def _recorded(self, name: str, arguments: dict[str, Json]) -> ToolResult | None:
        """Take the next result off the conversation. None if there is none left."""
        while self._answered:
            call, result = self._answered.popleft()
            if call.name == name and _same(call.arguments, arguments):
                return result
            if not result.is_error:
                self._halt(
                    f"called {shown(name, arguments)} {self._place()} where the conversation holds "
                    f"{shown(call.name, call.arguments)}; {_REPEAT_ADVICE}"
                )
        return None

    def _postponed(self, name: str, arguments: dict[str, Json]) -> Pending:
        read_only = self._solution.read_only
        if self._pending and (self._pending[0][0] in read_only) != (name in read_only):
            self.stop()
        self._pending.append((name, arguments))
        if not self._parallel:
            self.stop()
        return Pending(self.stop)

    def _place(self) -> str:
        return place(self._solution.function, _frames(inspect.currentframe()))


class _Tools:
    """What the function is given: its attributes are the tools."""

    __slots__ = ("_codeact_run",)

    def __init__(self, run: _Run) -> None:
        self._codeact_run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        run = self._codeact_run
        run.require(name)
        return lambda *args, **kwargs: run.call(name, args, kwargs)


def _trapped(kind: type[T]) -> type[T]:
    """Give a class every special method there is, each of them the trap."""

    def trap(self: object, *_args: object, **_kwargs: object) -> NoReturn:
        object.__getattribute__(self, "_stop")()
        raise AssertionError("a stop returned")  # pragma: no cover

    for name in _SPECIAL.split():
        setattr(kind, f"__{name}__", trap)
    # Makes `match` ask for the length or the keys of it, which are trapped.
    Mapping.register(kind)
    return kind


@_trapped
class Pending:
    """
    Stands for a result that the conversation does not hold yet. Any use of it calls `stop`, which raises.

    Being stored, passed on, returned and compared by identity are no uses.

    Args:
        stop: Ends the run.
    """

    __slots__ = ("_stop",)

    def __init__(self, stop: Callable[[], NoReturn]) -> None:
        object.__setattr__(self, "_stop", stop)


def _frames(frame: FrameType | None) -> Iterator[tuple[str, int]]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _same(left: Json, right: Json) -> bool:
    """Compare as JSON: 1 equals 1.0, as both are written on some wires, but neither equals True."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right and isinstance(left, bool) == isinstance(right, bool)
