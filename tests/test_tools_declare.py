"""From decorated methods to tools: what is derived, and which mistakes of an author are refused."""

from __future__ import annotations

import enum
import functools
from collections.abc import AsyncIterator, Callable  # noqa: TC003 - hints are resolved at run time
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import pytest

from pytest_codeact.errors import ScenarioError
from pytest_codeact.records import ToolSpec
from pytest_codeact.tools import Toolbox, tool, tools_of

if TYPE_CHECKING:
    from decimal import Decimal

    from pytest_codeact.records import Json


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Item(TypedDict):
    name: str
    price: float


class Shop:
    """A world with one tool of each kind."""

    class Receipt(TypedDict):
        """What was paid."""

        total: float

    @tool
    def restock(self, item: Annotated[str, "What to restock."], count: int = 1, *, size: Size = Size.SMALL) -> None:
        """
        Put items on the shelf.

        They are for sale at once.

        Args:
            item: Is overruled by the annotation.
            count (int): How many,
                at least one.
            size: The size.

        Raises:
            ToolError: There is no such item.
        """

    @tool(read_only=True, example="prices(names=['tea'])")
    def prices(self, names: list[str] | None = None) -> list[Item]:
        """List prices."""
        return []

    @tool()
    def buy(self, item: Item) -> Receipt:
        """Buy an item."""
        return {"total": item["price"]}

    def end_state(self) -> None:
        """Is not a tool."""


class Corner(Shop):
    """Overrides one tool, takes one back, adds one."""

    buy = None  # type: ignore[assignment]  # takes the tool back

    @tool(read_only=True)
    def prices(self, names: list[str] | None = None) -> list[Item]:
        """List prices at the corner."""
        return [{"name": "tea", "price": 1.5}]

    @tool
    def close(self) -> None:
        """Close the shop."""


def test_decorated_method_stays_itself() -> None:
    """With and without parentheses, the method can be called as before."""
    assert Shop().buy({"name": "tea", "price": 2.0}) == {"total": 2.0}
    assert Corner().prices() == [{"name": "tea", "price": 1.5}]


def test_specs_are_what_models_are_offered() -> None:
    """Name, prose and JSON Schema come from the method, in definition order."""
    line: dict[str, Json] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "price": {"type": "number"}},
        "required": ["name", "price"],
        "additionalProperties": False,
    }

    assert Toolbox(Shop()).specs == (
        ToolSpec(
            name="restock",
            description=(
                "Put items on the shelf.\n\nThey are for sale at once.\n\n"
                "Raises:\n    ToolError: There is no such item."
            ),
            parameters={
                "type": "object",
                "properties": {
                    "item": {"type": "string", "description": "What to restock."},
                    "count": {"type": "integer", "description": "How many, at least one.", "default": 1},
                    "size": {
                        "type": "string",
                        "enum": ["small", "large"],
                        "description": "The size.",
                        "default": "small",
                    },
                },
                "required": ["item"],
                "additionalProperties": False,
            },
        ),
        ToolSpec(
            name="prices",
            description="List prices.\n\nExample: prices(names=['tea'])",
            parameters={
                "type": "object",
                "properties": {
                    "names": {
                        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                        "default": None,
                    }
                },
                "required": [],
                "additionalProperties": False,
            },
        ),
        ToolSpec(
            name="buy",
            description="Buy an item.",
            parameters={
                "type": "object",
                "properties": {"item": line},
                "required": ["item"],
                "additionalProperties": False,
            },
        ),
    )


def test_schemas_are_valid() -> None:
    """Every schema is one of draft 2020-12."""
    jsonschema = pytest.importorskip("jsonschema")
    for spec in Toolbox(Shop()).specs:
        jsonschema.Draft202012Validator.check_schema(spec.parameters)


def test_tool_tells_the_rest() -> None:
    """Parameter names, which may be positional, and what the decorator was told."""
    restock, prices, _ = tools_of(Shop)

    assert (restock.parameter_names, restock.positional_count) == (("item", "count", "size"), 2)
    assert (restock.read_only, restock.example) == (False, "")
    assert (prices.read_only, prices.example) == (True, "prices(names=['tea'])")
    assert (prices.name, prices.description, prices.parameters) == (
        prices.spec.name,
        prices.spec.description,
        prices.spec.parameters,
    )


def test_inherited_tools_come_first_and_once() -> None:
    """A base class's tools keep their place when overridden, and can be taken back."""
    tools = tools_of(Corner)

    assert [each.name for each in tools] == ["restock", "prices", "close"]
    assert tools[1].description == "List prices at the corner."


def test_tools_are_derived_once_per_class() -> None:
    """Two trials of a scenario share the tools, not the world."""
    one, other = Toolbox(Shop()), Toolbox(Shop())

    assert one.tools is other.tools
    assert one.world is not other.world
    assert tools_of(Corner) is not tools_of(Shop)


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method, as other decorators do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_other_decorators_may_be_in_between() -> None:
    """What keeps a method's signature with functools.wraps does not disturb, above or below."""

    class World:
        @tool(read_only=True)
        @wrapped
        def above(self, count: int) -> int:
            """Count up."""
            return count + 1

        @wrapped
        @tool(read_only=True)
        def below(self, count: int) -> int:
            """Count down."""
            return count - 1

    toolbox = Toolbox(World())
    results = [toolbox.call(name, {"count": 1}, origin="direct").result for name in ("above", "below")]

    assert results == [2, 0]
    assert toolbox.read_only == {"above", "below"}


def documented(**members: Any) -> type:
    """Make a world class of some members."""
    return type("World", (), {key: named(key, member) for key, member in members.items()})


def named(name: str, member: Any) -> Any:
    """Give a function the name and the place that it would have in the class."""
    if callable(member):
        member.__qualname__ = f"World.{name}"
    return member


@tool
def plain_tool(self: Any) -> None:
    """Act."""


@tool
async def asynchronous(self: Any) -> None:
    """Act."""


@tool
async def generating(self: Any) -> AsyncIterator[int]:
    """Act."""
    yield 1


@tool
def undocumented(self: Any) -> None: ...  # noqa: D103 - the mistake to be found


@tool
def only_args(self: Any, a: int) -> None:  # noqa: D417 - its docstring is the mistake to be found
    """
    Args:
        a: The only thing that is told.
    """


@tool
def unhinted(self: Any, a) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - the mistake to be found
    """Act."""


@tool
def unreturned(self: Any):  # type: ignore[no-untyped-def]  # noqa: ANN201 - the mistake to be found
    """Act."""


@tool
def ill_hinted(self: Any, a: set[int]) -> None:
    """Act."""


@tool
def ill_returned(self: Any) -> list:  # type: ignore[type-arg]  # the mistake to be found
    """Act."""
    return []


@tool
def unresolved(self: Any, a: Decimal) -> None:
    """Act."""


@tool
def variadic(self: Any, *rest: int) -> None:
    """Act."""


@tool
def keywords(self: Any, **rest: int) -> None:
    """Act."""


@tool
def positional(self: Any, a: int, /, b: int) -> None:
    """Act."""


@tool
def underscored(self: Any, _a: int) -> None:
    """Act."""


@tool
def selfless(a: int) -> None:
    """Act."""


@tool
def empty() -> None:
    """Act."""


@tool
def ill_defaulted(self: Any, a: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013 - to be found
    """Act."""


@tool
def stale(self: Any, a: int, b: int) -> None:  # noqa: D417 - its docstring is the mistake to be found
    """
    Act.

    Args:
        a: There.
        c: Renamed since.
    """


ALLOWED = (
    "allowed are bool, int, float, str, None, Literal of str, int, bool or None, Enum with str or int values, X | Y, "
    "list[T], Sequence[T], tuple[T, ...], tuple[A, B], dict[str, T], Mapping[str, T], TypedDict, dataclass, "
    "Annotated and Any"
)
NAME_ALLOWED = "allowed are up to 64 ASCII letters, digits and underscores that begin with a letter; rename the method"
TAKEN = "which means something else in a program; rename the method"
KINDS = "allowed are plain and keyword-only parameters; name each argument"
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "World has no tools; decorate the methods that are with @tool"),
    ({"act": asynchronous}, "World.act: is async; tools are synchronous; write it with def"),
    ({"act": generating}, "World.act: is async; tools are synchronous; write it with def"),
    ({"act": undocumented}, "World.act: has no docstring; it is what a model is told of the tool; write one"),
    ({"act": only_args}, "World.act: has no docstring; it is what a model is told of the tool; write one"),
    (
        {"act": unhinted},
        "World.act, parameter 'a': has no type hint; its JSON Schema is derived from it; write one",
    ),
    (
        {"act": unreturned},
        "World.act: has no return type hint; programs rely on it; write -> None if it gives nothing",
    ),
    ({"act": ill_hinted}, f"World.act, parameter 'a': unsupported type hint set[int]; {ALLOWED}; use list"),
    (
        {"act": ill_returned},
        f"World.act, return type: unsupported type hint <class 'list'>; {ALLOWED}; "
        "say what it holds, as in list[str] or list[Any]",
    ),
    (
        {"act": unresolved},
        "World.act: its type hints cannot be resolved: name 'Decimal' is not defined; hints are read at run time, so "
        "what they name must be in the module itself, not under TYPE_CHECKING or inside a function",
    ),
    ({"act": variadic}, f"World.act: parameter '*rest' takes any number of arguments; {KINDS}"),
    ({"act": keywords}, f"World.act: parameter '**rest' takes any keyword arguments; {KINDS}"),
    ({"act": positional}, f"World.act: parameter 'a' is positional-only, but models name their arguments; {KINDS}"),
    ({"act": underscored}, "World.act: parameter '_a' begins with an underscore; rename it"),
    ({"act": selfless}, "World.act: its first parameter must be self; tools are plain methods"),
    ({"act": empty}, "World.act: its first parameter must be self; tools are plain methods"),
    (
        {"act": ill_defaulted},
        "World.act, parameter 'a': its default does not match its type hint int: "
        "default: expected an integer, got None",
    ),
    (
        {"act": stale},
        "World.act: the docstring's Args describe 'c', which is no parameter; parameters: a, b",
    ),
    (
        {"tools": plain_tool},
        "World.tools: a tool cannot be named 'tools', which holds the tools in a program; rename the method",
    ),
    (
        {"final_answer": plain_tool},
        "World.final_answer: a tool cannot be named 'final_answer', which ends the task; rename the method",
    ),
    (
        {"run_code": plain_tool},
        "World.run_code: a tool cannot be named 'run_code', which runs a program; rename the method",
    ),
    (
        {"run_typescript": plain_tool},
        "World.run_typescript: a tool cannot be named 'run_typescript', which runs a program; rename the method",
    ),
    (
        {"end_state": plain_tool},
        "World.end_state: a tool cannot be named 'end_state', which is the world's report to the validator; "
        "rename the method",
    ),
    ({"print": plain_tool}, f"World.print: a tool cannot be named 'print', {TAKEN}"),
    ({"lambda": plain_tool}, f"World.lambda: a tool cannot be named 'lambda', {TAKEN}"),
    ({"ToolError": plain_tool}, f"World.ToolError: a tool cannot be named 'ToolError', {TAKEN}"),
    ({"_act": plain_tool}, f"World._act: a tool cannot be named '_act'; {NAME_ALLOWED}"),
    ({"__call__": plain_tool}, f"World.__call__: a tool cannot be named '__call__'; {NAME_ALLOWED}"),
    ({"größe": plain_tool}, f"World.größe: a tool cannot be named 'größe'; {NAME_ALLOWED}"),
    ({"a" * 65: plain_tool}, f"World.{'a' * 65}: a tool cannot be named '{'a' * 65}'; {NAME_ALLOWED}"),
    (
        {"act": tool(staticmethod(plain_tool))},
        "World.act: @tool is on a staticmethod; allowed is a plain method with self",
    ),
    (
        {"act": staticmethod(plain_tool)},
        "World.act: @tool is on a staticmethod; allowed is a plain method with self",
    ),
    (
        {"act": classmethod(plain_tool)},
        "World.act: @tool is on a classmethod; allowed is a plain method with self",
    ),
    ({"act": property(plain_tool)}, "World.act: @tool is on a property; allowed is a plain method with self"),
]


@pytest.mark.parametrize(
    ("members", "text"), MISTAKES, ids=[f"{n}-{next(iter(row[0]), 'none')[:9]}" for n, row in enumerate(MISTAKES)]
)
def test_mistake_is_refused_at_construction(members: dict[str, Any], text: str) -> None:
    """The message names class, method and parameter, what was given and what to do."""
    world = documented(**members)
    with pytest.raises(ScenarioError) as caught:
        Toolbox(world())

    assert str(caught.value) == text


def test_stale_docstring_of_a_tool_without_parameters_is_refused() -> None:
    """Where there are no parameters, the message says so."""

    class World:
        @tool
        def act(self) -> None:
            """
            Act.

            Args:
                c: Removed since.
            """

    with pytest.raises(ScenarioError) as caught:
        Toolbox(World())

    assert str(caught.value).endswith(
        "World.act: the docstring's Args describe 'c', which is no parameter; parameters: none"
    )


def test_longest_name_is_allowed() -> None:
    """A name may have as many characters as every vendor takes."""
    assert [each.name for each in tools_of(documented(**{"a" * 64: plain_tool}))] == ["a" * 64]


@pytest.mark.parametrize("decorated", [5, "act", int, property(len)], ids=["int", "str", "class", "property"])
def test_only_methods_can_be_decorated(decorated: Any) -> None:
    """Anything else is refused where it stands."""
    with pytest.raises(ScenarioError) as caught:
        tool(decorated)

    assert str(caught.value) == (f"@tool decorates methods, got {decorated!r}; write @tool or @tool(read_only=True)")


def test_class_instead_of_an_instance_is_refused() -> None:
    """A trial needs a world of its own."""
    with pytest.raises(ScenarioError) as caught:
        Toolbox(Shop)

    assert str(caught.value) == (
        "a Toolbox needs an instance of a class with @tool methods, got the class Shop; write Toolbox(Shop())"
    )


def test_override_without_decorator_is_refused() -> None:
    """A tool cannot get lost by being overridden."""

    class Careless(Shop):
        def buy(self, item: Item) -> Shop.Receipt:
            """Buy an item for nothing."""
            return {"total": 0.0}

    with pytest.raises(ScenarioError) as caught:
        Toolbox(Careless())

    assert str(caught.value) == (
        f"{Careless.__qualname__}.buy: overrides the tool Shop.buy but is none itself; decorate it with @tool, "
        "or write buy = None if the class shall not have the tool"
    )


def test_attribute_that_hides_a_tool_is_refused() -> None:
    """An instance attribute of the same name would be called instead."""

    class Hiding(Shop):
        def __init__(self) -> None:
            self.__dict__["prices"] = {"tea": 1.5}

    with pytest.raises(ScenarioError) as caught:
        Toolbox(Hiding())

    assert str(caught.value) == (
        f"{Hiding.__qualname__}.prices: the instance has an attribute 'prices' that hides the tool; rename one of them"
    )


class act(TypedDict):  # noqa: N801 - the clash to be found
    """A type with the name of a tool."""

    a: int


def test_type_with_the_name_of_a_tool_is_refused() -> None:
    """A program can know only one of them."""

    class World:
        @tool
        def act(self, a: Literal[1]) -> list[act]:
            """Act."""
            return []

    with pytest.raises(ScenarioError) as caught:
        tools_of(World)

    assert str(caught.value) == (
        f"{World.__qualname__}.act: a type is also named 'act', and a program can know only one of them; rename one"
    )
