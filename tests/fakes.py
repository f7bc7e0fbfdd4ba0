"""Fakes that enter by the seams: a scripted model, a scripted interpreter, a small world."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from pytest_codeact import tool
from pytest_codeact.arms import Bench
from pytest_codeact.providers import Reply, Request
from pytest_codeact.records import Json, Message, ToolCall, Usage
from pytest_codeact.runtimes import Bindings, Confinement, Execution, Interpreter, Limits, Sandbox
from pytest_codeact.tools import FinalAnswer, Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Item(TypedDict):
    """One thing on the shelf."""

    name: str
    count: int


class Shelf:
    """A world of two tools."""

    def __init__(self) -> None:
        self._items: dict[str, int] = {"cup": 2}

    @tool(read_only=True)
    def look(self, name: str) -> Item:
        """
        Look an item up.

        Args:
            name: Its name.
        """
        if name not in self._items:
            raise KeyError(f"no item {name!r}")
        return {"name": name, "count": self._items[name]}

    @tool
    def put(self, name: str, count: int = 1) -> Item:
        """
        Put items on the shelf.

        Args:
            name: Their name.
            count: How many.
        """
        self._items[name] = self._items.get(name, 0) + count
        return self.look(name)

    def end_state(self) -> dict[str, int]:
        """Give what is on the shelf."""
        return dict(self._items)


class ScriptedModel:
    """Replies one after the other; keeps the requests."""

    def __init__(self, *replies: Reply | BaseException) -> None:
        self._replies = list(replies)
        self.requests: list[Request] = []

    def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        reply = self._replies[len(self.requests) - 1]
        if isinstance(reply, BaseException):
            raise reply
        return reply


class ScriptedRuntime:
    """A runtime whose programs are names of Python functions that get the bindings."""

    language = "python"

    def __init__(self, programs: dict[str, Callable[[Bindings], Execution]]) -> None:
        self._programs = programs
        self.started: list[Bindings] = []
        self.closed = 0
        self.prepared = 0

    def start(self, bindings: Bindings, limits: Limits) -> Interpreter:
        self.started.append(bindings)
        runtime = self

        class _Interpreter:
            def prepare(self) -> None:
                runtime.prepared += 1

            def run(self, program: str) -> Execution:
                return runtime._programs[program](bindings)

            def close(self) -> None:
                runtime.closed += 1

        return _Interpreter()

    def confinement(self) -> Confinement:
        return Confinement(level="A")

    def close(self) -> None:
        """Nothing to end."""


class Ticks:
    """A clock that moves on by the given seconds from one reading to the next."""

    def __init__(self, steps: Iterable[float]) -> None:
        self._steps = iter(steps)
        self._now = 0.0

    def __call__(self) -> float:
        self._now += next(self._steps)
        return self._now


def says(text: str, *, stop: str = "end", usage: Usage | None = None) -> Reply:
    """Make a reply of text alone."""
    return Reply(message=Message(role="assistant", text=text), stop=stop, usage=usage)  # type: ignore[arg-type]  # literal


def calls(*wanted: tuple[str, Json], usage: Usage | None = None) -> Reply:
    """Make a reply that asks for tool calls."""
    asked = tuple(
        ToolCall(id=f"id{index}", name=name, arguments=arguments) for index, (name, arguments) in enumerate(wanted)
    )
    return Reply(message=Message(role="assistant", tool_calls=asked), stop="tool_calls", usage=usage)


def runs(program: str) -> Reply:
    """Make a reply that runs a program."""
    return calls(("run_code", {"code": program}))


def make_bench(
    programs: dict[str, Callable[[Bindings], Execution]] | None = None, *, answer: object | None = None
) -> tuple[Bench, ScriptedRuntime]:
    """Make a bench over a fresh shelf, and the runtime behind it."""
    runtime = ScriptedRuntime(programs or {})
    sandbox = Sandbox(lambda _: runtime, Limits())
    return Bench(toolbox=Toolbox(Shelf()), final=FinalAnswer(answer), sandbox=sandbox), runtime
