"""The tools of one trial: a world, the calls made on it, and their journal."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

from pytest_codeact.errors import ScenarioError, ToolError
from pytest_codeact.records import CallRecord
from pytest_codeact.tools._declare import Tool, tools_of
from pytest_codeact.tools._plain import NotJsonError, error_text, json_text, plain, shown
from pytest_codeact.tools._problems import Problems, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.records import Json

MAX_ARGUMENT_BYTES: Final = 1_000_000
"""Most bytes of JSON text of one call's arguments."""


class Toolbox:
    """
    The tools of one trial, bound to its world.

    Args:
        world: A fresh instance of a class with `@tool` methods.
        max_result_bytes: UTF-8 bytes of JSON text that one result, or the end state, may have. What is longer
            becomes an error that tells the tool's author what to do.

    Attributes:
        tools: Its tools in definition order, a base class's first.
        specs: The same as models are offered them.
        read_only: Names of the tools that leave the world as it is.
        parameters: Per tool, its parameter names in order; the keys are all the tools.

    Raises:
        ScenarioError: The world has no tools, or one of them cannot be offered to a model as it is written.
    """

    def __init__(self, world: object, *, max_result_bytes: int = 1_000_000) -> None:
        if isinstance(world, type):
            raise ScenarioError(
                f"a Toolbox needs an instance of a class with @tool methods, got the class {world.__qualname__}; "
                f"write Toolbox({world.__name__}())"
            )
        self._world = world
        world_class: type = type(world)
        self.tools = tools_of(world_class)
        self.specs = tuple(each.spec for each in self.tools)
        self.read_only = frozenset(each.name for each in self.tools if each.read_only)
        self.parameters = {each.name: each.parameter_names for each in self.tools}
        self._by_name = {each.name: each for each in self.tools}
        self._max_result_bytes = max_result_bytes
        self._journal: list[CallRecord] = []
        self._owed: Sequence[CallRecord] = ()
        self._refuse_hidden_tools()

    @property
    def world(self) -> object:
        """
        The instance, with every call of the journal carried out on it.

        Raises:
            ScenarioError: The world of a restored journal cannot be had again.
        """
        owed, self._owed = self._owed, ()
        if owed:
            self._repeat(owed)
        return self._world

    @property
    def journal(self) -> tuple[CallRecord, ...]:
        """All calls so far, failed ones included, in the order they were carried out."""
        return tuple(self._journal)

    def call(self, name: str, arguments: Json, *, origin: Literal["direct", "code"]) -> CallRecord:
        """
        Carry out a call and note it in the journal.

        Nothing that the model or the tool does wrong raises: the record then has an error, whose text is meant
        for the model, the same in every arm. The text of a `ToolError` is taken as it is, of another exception
        it is "TYPE: TEXT"; both are cut to 2,000 characters. SystemExit counts as such an exception; other
        exceptions that are no `Exception`, such as KeyboardInterrupt, go through.

        Args:
            name: The tool as it was asked for; it may not exist.
            arguments: The arguments as they were asked for. The journal keeps a copy; of what is no JSON (nan,
                lone surrogates) its cut `repr`.
            origin: Who asked.
        """
        started = perf_counter()
        result, result_bytes, error = None, 0, None
        try:
            result, result_bytes = self._perform(name, arguments)
        except ToolError as raised:
            error = error_text(str(raised) or type(raised).__name__)
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - the boundary to the author's code
            error = _error_of(raised)
        return self._noted(name, arguments, result, result_bytes, error, started, origin)

    def restore(self, journal: Sequence[CallRecord]) -> None:
        """
        Stand for the tools of a trial that was run by another process.

        Its calls are carried out again when somebody first looks at the world, and never if nobody does.

        Args:
            journal: All its calls.
        """
        self._journal = list(journal)
        self._owed = tuple(journal)

    def call_bound(self, name: str, args: list[Json], kwargs: dict[str, Json]) -> CallRecord:
        """
        Carry out the call of a program: `bind`, then `call`. A call that cannot be bound is noted too.

        Of such a call the journal keeps the positional arguments, if any, under the key "*".
        """
        started = perf_counter()
        try:
            arguments = self.bind(name, args, kwargs)
        except ToolError as raised:
            asked: Json = {"*": args, **kwargs} if args else kwargs
            return self._noted(name, asked, None, 0, error_text(str(raised)), started, "code")
        return self.call(name, arguments, origin="code")

    def bind(self, name: str, args: list[Json], kwargs: dict[str, Json]) -> dict[str, Json]:
        """
        Give the arguments of a program's call by name. They are not checked yet.

        Raises:
            ToolError: There is no such tool, there are too many positional arguments, or an argument is given twice.
        """
        tool = self._tool(name)
        names = tool.parameter_names[: tool.positional_count]
        if len(args) > len(names):
            raise ToolError(
                f"{name}() takes at most {len(names)} positional arguments ({', '.join(names) or 'none'}), "
                f"got {len(args)}"
            )
        twice = [each for each in names[: len(args)] if each in kwargs]
        if twice:
            raise ToolError(f"{name}() got {', '.join(map(repr, twice))} twice, by position and by name")
        return {**dict(zip(names, args, strict=False)), **kwargs}

    def end_state(self) -> Json:
        """
        Give what the world's `end_state()` method says, as JSON by the rules of results. None if it has none.

        Raises:
            ScenarioError: It raised, or what it gave cannot be written as JSON.
        """
        method = getattr(self.world, "end_state", None)
        if method is None:
            return None
        where = f"{type(self.world).__qualname__}.end_state"
        if not callable(method):
            raise ScenarioError(f"{where}: is {shown(method)}; it must be a method that takes nothing but self")
        try:
            return plain(method(), "end state", max_bytes=self._max_result_bytes)
        except NotJsonError as error:
            raise ScenarioError(f"{where}: {error}") from error
        except Exception as error:
            raise ScenarioError(
                f"{where}: raised {_error_of(error)}; it must work in every state of the world"
            ) from error

    def _repeat(self, calls: Sequence[CallRecord]) -> None:
        toolbox = Toolbox(self._world, max_result_bytes=self._max_result_bytes)
        for each in calls:
            again = toolbox.call(each.name, each.arguments, origin=each.origin)
            if (again.result, again.error is None) != (each.result, each.error is None):
                raise ScenarioError(
                    f"{type(self._world).__qualname__}: the trial was taken from a journal, and its world cannot be "
                    f"had again: {each.name} gave {shown(each.result)} then and {shown(again.result)} now; judge "
                    "codeact_trial alone, make the world deterministic, or start a new run without --codeact-resume"
                )

    def _perform(self, name: str, arguments: Json) -> tuple[Json, int]:
        tool = self._tool(name)
        checked = _checked_arguments(tool, arguments)
        given = getattr(self.world, name)(**tool.arguments.build_fields(checked))
        return self._result(tool, given)

    def _result(self, tool: Tool, given: object) -> tuple[Json, int]:
        """Give a tool's result as JSON, and the bytes of its text. A wrong one is the author's mistake."""
        try:
            copy = plain(given, "result", max_bytes=self._max_result_bytes)
        except NotJsonError as error:
            raise ToolError(f"the tool {tool.name!r} is broken: {error}") from error
        problems = Problems()
        result = tool.returns.check(copy, "result", problems)
        if problems.count:
            raise ToolError(
                f"the tool {tool.name!r} is broken: its result is not of its return type {tool.returns.annotation}: "
                f"{problems}; the type hint or the method must be corrected"
            )
        result_bytes = len(json_text(result).encode())
        if result_bytes > self._max_result_bytes:
            raise ToolError(
                f"the tool {tool.name!r} is broken: result is more than {self._max_result_bytes:,} bytes of JSON text; "
                "make it smaller: filter, page or summarise"
            )
        return result, result_bytes

    def _tool(self, name: str) -> Tool:
        if name not in self._by_name:
            raise ToolError(
                f"unknown tool {shown(name)}{suggestion(name, self._by_name)}; known tools: {', '.join(self._by_name)}"
            )
        return self._by_name[name]

    def _noted(
        self,
        name: str,
        arguments: Json,
        result: Json,
        result_bytes: int,
        error: str | None,
        started: float,
        origin: Literal["direct", "code"],
    ) -> CallRecord:
        tool_s = perf_counter() - started
        try:
            asked = plain(arguments, "arguments", max_bytes=MAX_ARGUMENT_BYTES)
        except NotJsonError:
            asked = shown(arguments)
        record = CallRecord(
            name=name,
            arguments=asked,
            result=result,
            error=error,
            result_bytes=result_bytes if error is None else len(error.encode()),
            tool_s=tool_s,
            origin=origin,
        )
        self._journal.append(record)
        return record

    def _refuse_hidden_tools(self) -> None:
        for name in self._by_name:
            if not callable(getattr(self.world, name)):
                raise ScenarioError(
                    f"{type(self.world).__qualname__}.{name}: the instance has an attribute {name!r} that hides the "
                    "tool; rename one of them"
                )


def result_text(record: CallRecord) -> str:
    """
    Give what a model is shown for a call: the error, or the result as one line of JSON.

    Non-ASCII characters stand as they are; None is "null". It has `CallRecord.result_bytes` bytes in UTF-8.
    """
    return json_text(record.result) if record.error is None else record.error


def _checked_arguments(tool: Tool, arguments: Json) -> Json:
    try:
        copy = plain(arguments, "arguments", max_bytes=MAX_ARGUMENT_BYTES)
    except NotJsonError as error:
        raise ToolError(f"invalid arguments for {tool.name!r}: {error.fault}") from error
    names = ", ".join(tool.parameter_names) or "none"
    if not isinstance(copy, dict):
        broken = "the text, which is not valid JSON, " if isinstance(copy, str) else ""
        raise ToolError(
            f"invalid arguments for {tool.name!r}: expected a JSON object, got {broken}{shown(copy)}; "
            f"parameters: {names}"
        )
    problems = Problems()
    checked = tool.arguments.check(copy, "", problems)
    if problems.count:
        raise ToolError(f"invalid arguments for {tool.name!r}: {problems}")
    return checked


def _error_of(raised: BaseException) -> str:
    name = type(raised).__name__
    try:
        text = str(raised)
    except Exception:  # noqa: BLE001 - an author's __str__ may do anything
        text = ""
    return error_text(f"{name}: {text}" if text else name)
