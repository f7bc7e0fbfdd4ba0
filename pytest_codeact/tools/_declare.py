"""From a class with decorated methods to its tools."""

from __future__ import annotations

import builtins
import functools
import inspect
import keyword
import re
from dataclasses import dataclass
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from pytest_codeact.errors import ScenarioError
from pytest_codeact.records import ToolSpec
from pytest_codeact.tools._docs import read_docs
from pytest_codeact.tools._hints import RESERVED_TYPE_NAMES, finished, read_default, read_hint, resolved_hints
from pytest_codeact.tools._record import Field, Record, declared_records
from pytest_codeact.tools._signature import function_stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_codeact.records import Json
    from pytest_codeact.tools._shape import Shape

F = TypeVar("F", bound="Callable[..., Any]")

MAX_NAME_CHARS: Final = 64
"""Longest tool name that every vendor takes."""

_MARK: Final = "__codeact_tool__"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tools": "holds the tools in a program",
        "final_answer": "ends the task",
        "run_code": "runs a program",
        "run_typescript": "runs a program",
        "end_state": "is the world's report to the validator",
    }
)
_KINDS: Final[Mapping[object, str]] = MappingProxyType(
    {
        inspect.Parameter.VAR_POSITIONAL: "takes any number of arguments",
        inspect.Parameter.VAR_KEYWORD: "takes any keyword arguments",
        inspect.Parameter.POSITIONAL_ONLY: "is positional-only, but models name their arguments",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    read_only: bool
    example: str


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, read_only: bool = False, example: str = "") -> Callable[[F], F]: ...
def tool(function: F | None = None, *, read_only: bool = False, example: str = "") -> F | Callable[[F], F]:
    """
    Mark a method of a world as a tool. The method itself stays as it is.

    What a model is told is derived from the method: its name, its type hints and its docstring (the prose, and
    the `Args:` section for the parameters; `Annotated[T, "text"]` takes precedence over it). Mistakes in them
    are reported when a `Toolbox` is made.

    Args:
        function: The method, when used without parentheses.
        read_only: Whether it leaves the world as it is. Calls of such tools may be made side by side.
        example: One call, as a Python program would write it. Shown in the tool's description and in the APIs; the
            TypeScript API translates a call whose arguments are literals. "" for none.

    Raises:
        ScenarioError: What is decorated is not a method.
    """

    def mark(method: F) -> F:
        if not isinstance(method, (FunctionType, staticmethod, classmethod)):
            raise ScenarioError(f"@tool decorates methods, got {method!r}; write @tool or @tool(read_only=True)")
        setattr(method, _MARK, _Mark(read_only=read_only, example=example))
        return method

    return mark if function is None else mark(function)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tool:
    """
    One tool of a world, derived once per class. Compared by identity.

    Attributes:
        spec: What a model is offered. Shared by all trials: not to be changed.
        arguments: What it takes.
        returns: What it gives.
        positional_count: How many parameters may be given by position; the first so many.
        read_only: Whether it leaves the world as it is.
        prose: The prose of its docstring: everything but the section on parameters.
        example: One call, as a Python program would write it. "" for none.
        stub: Its declaration in the Python API, docstring included.
    """

    spec: ToolSpec
    arguments: Record
    returns: Shape
    positional_count: int
    read_only: bool
    prose: str
    example: str
    stub: str

    @property
    def name(self) -> str:
        """Its name: the method's."""
        return self.spec.name

    @property
    def description(self) -> str:
        """Its prose, and its example if there is one."""
        return self.spec.description

    @property
    def parameters(self) -> dict[str, Json]:
        """JSON Schema of its arguments. Shared by all trials: not to be changed."""
        return self.spec.parameters

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Its parameters, in order, `self` excluded."""
        return tuple(each.name for each in self.arguments.fields)


# Type hints never change after a class is made, so this remembers and holds no state. The bound lets go of the
# classes of test suites that make theirs on the fly.
@functools.lru_cache(maxsize=256)
def tools_of(world: type) -> tuple[Tool, ...]:
    """
    Derive the tools of a class: in definition order, a base class's first, each once.

    Raises:
        ScenarioError: The class has no tools, or one of them cannot be offered to a model as it is written.
    """
    tools = tuple(_tool(name, owner, function, mark) for name, owner, function, mark in _marked(world))
    if not tools:
        raise ScenarioError(f"{world.__qualname__} has no tools; decorate the methods that are with @tool")
    records = declared_records(shape for each in tools for shape in (each.arguments, each.returns))
    for clash in {each.name for each in records} & {each.name for each in tools}:
        raise ScenarioError(
            f"{world.__qualname__}.{clash}: a type is also named {clash!r}, and a program can know only one of them; "
            "rename one"
        )
    return tools


def _marked(world: type) -> Iterator[tuple[str, type, FunctionType, _Mark]]:
    names = dict.fromkeys(name for each in reversed(world.__mro__) for name in vars(each))
    for name in names:
        found = [(each, vars(each)[name]) for each in world.__mro__ if name in vars(each)]
        marks = [_mark_of(member) for _, member in found]
        # A subclass takes a tool back by setting its name to None.
        if not any(marks) or found[0][1] is None:
            continue
        owner, member = found[0]
        where = f"{owner.__qualname__}.{name}"
        if not isinstance(member, FunctionType) and marks[0]:
            raise ScenarioError(f"{where}: @tool is on a {type(member).__name__}; allowed is a plain method with self")
        if not isinstance(member, FunctionType) or marks[0] is None:
            base = next(each for (each, _), mark in zip(found, marks, strict=True) if mark)
            raise ScenarioError(
                f"{where}: overrides the tool {base.__qualname__}.{name} but is none itself; decorate it with @tool, "
                f"or write {name} = None if the class shall not have the tool"
            )
        yield name, owner, member, marks[0]


def _mark_of(member: object) -> _Mark | None:
    wrapped = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
    mark = getattr(wrapped, _MARK, None) or getattr(member, _MARK, None)
    return mark if isinstance(mark, _Mark) else None


def _tool(name: str, owner: type, function: FunctionType, mark: _Mark) -> Tool:
    where = f"{owner.__qualname__}.{name}"
    _check_name(name, where)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ScenarioError(f"{where}: is async; tools are synchronous; write it with def")
    docs = read_docs(function.__doc__, "Args")
    if not docs.prose:
        raise ScenarioError(f"{where}: has no docstring; it is what a model is told of the tool; write one")
    nested = {key: each for key, each in vars(owner).items() if isinstance(each, type)}
    hints = resolved_hints(function, where, nested)
    parameters = _parameters(function, where)
    fields = tuple(finished(_field(each, hints, where), docs.entries) for each in parameters)
    for unknown in docs.entries.keys() - {each.name for each in fields}:
        listed = ", ".join(each.name for each in fields) or "none"
        raise ScenarioError(
            f"{where}: the docstring's Args describe {unknown!r}, which is no parameter; parameters: {listed}"
        )
    if "return" not in hints:
        raise ScenarioError(f"{where}: has no return type hint; programs rely on it; write -> None if it gives nothing")
    returns = read_hint(hints["return"], f"{where}, return type", result=True)
    arguments = Record(name=name, fields=fields)
    positional_count = sum(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in parameters)
    return Tool(
        spec=ToolSpec(name=name, description=_description(docs.prose, mark.example), parameters=arguments.schema),
        arguments=arguments,
        returns=returns,
        positional_count=positional_count,
        read_only=mark.read_only,
        prose=docs.prose,
        example=mark.example,
        stub=function_stub(arguments, returns, docs, positional_count=positional_count, example=mark.example),
    )


def _check_name(name: str, where: str) -> None:
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in RESERVED_TYPE_NAMES - _RESERVED.keys():
        reason = f"a tool cannot be named {name!r}, which means something else in a program"
    elif name in _RESERVED:
        reason = f"a tool cannot be named {name!r}, which {_RESERVED[name]}"
    elif len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        reason = (
            f"a tool cannot be named {name!r}; allowed are up to {MAX_NAME_CHARS} ASCII letters, digits and "
            "underscores that begin with a letter"
        )
    else:
        return
    raise ScenarioError(f"{where}: {reason}; rename the method")


def _description(prose: str, example: str) -> str:
    # The author's example stands in the Python API; a model that calls the tool natively is to know as much.
    return f"{prose}\n\nExample: {example}" if example else prose


def _parameters(function: FunctionType, where: str) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].name != "self":
        raise ScenarioError(f"{where}: its first parameter must be self; tools are plain methods")
    for each in parameters[1:]:
        if each.kind in _KINDS:
            raise ScenarioError(
                f"{where}: parameter {str(each).partition(':')[0]!r} {_KINDS[each.kind]}; "
                "allowed are plain and keyword-only parameters; name each argument"
            )
        if each.name.startswith("_"):
            raise ScenarioError(f"{where}: parameter {each.name!r} begins with an underscore; rename it")
    return parameters[1:]


def _field(parameter: inspect.Parameter, hints: Mapping[str, Any], where: str) -> Field:
    where = f"{where}, parameter {parameter.name!r}"
    if parameter.name not in hints:
        raise ScenarioError(f"{where}: has no type hint; its JSON Schema is derived from it; write one")
    shape = read_hint(hints[parameter.name], where, result=False)
    if parameter.default is parameter.empty:
        return Field(name=parameter.name, shape=shape)
    default = read_default(parameter.default, shape, where)
    return Field(name=parameter.name, shape=shape, required=False, default=default, has_default=True)
