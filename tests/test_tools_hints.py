"""What each type hint becomes: a schema, a spelling in the Python API, a check, and what the tool is given."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, Required, TypedDict, Union

import pytest

from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools._containers import FixedList
from pytest_codeact.tools._hints import read_hint, resolved_hints
from pytest_codeact.tools._problems import Problems
from pytest_codeact.tools._record import Record, declared_records


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Line(TypedDict):
    """One line."""

    text: str
    count: NotRequired[int]


class Loose(TypedDict, total=False):
    kept: Required[str]
    maybe: int


class Wide(Line, total=False):
    extra: Annotated[NotRequired[float], "in euro"]


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.5
    tags: list[str] = field(default_factory=list)


@dataclass
class Path:
    """
    A way.

    Attributes:
        points: The points,
            in order.
    """

    points: list[Point]
    colour: Colour = Colour.RED


class Tree(TypedDict):
    children: list[Tree]


class Couple(NamedTuple):
    a: int
    b: int


class Ratio(enum.Enum):
    HALF = 0.5


class _Hidden(TypedDict):
    a: int


UserId = NewType("UserId", int)
OddTyped = TypedDict("OddTyped", {"from": str, "a b": int})
LINE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["text"],
    "additionalProperties": False,
    "description": "One line.",
}
POINT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "x": {"type": "number"},
        "y": {"type": "number", "default": 0.5},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
    },
    "required": ["x"],
    "additionalProperties": False,
}
STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NULL: dict[str, Any] = {"type": "null"}

# Hint, schema, annotation, and pairs of a value and what it is built into.
TABLE: list[tuple[Any, dict[str, Any], str, list[tuple[Any, Any]]]] = [
    (bool, {"type": "boolean"}, "bool", [(True, True), (False, False)]),
    (int, INTEGER, "int", [(3, 3), (3.0, 3), (-0.0, 0), (10**30, 10**30)]),
    (float, {"type": "number"}, "float", [(3, 3.0), (2.5, 2.5)]),
    (str, STRING, "str", [("", ""), ("ü", "ü")]),
    (None, NULL, "None", [(None, None)]),
    (type(None), NULL, "None", [(None, None)]),
    (Any, {}, "Any", [(None, None), ([1, {"a": True}], [1, {"a": True}])]),
    (UserId, INTEGER, "int", [(3, 3)]),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, "Literal['a', 'b']", [("b", "b")]),
    (Literal[1, True], {"type": ["boolean", "integer"], "enum": [1, True]}, "Literal[1, True]", [(1, 1), (True, True)]),
    (Literal[1], {"type": "integer", "enum": [1]}, "Literal[1]", [(1.0, 1)]),
    # The next four are spelt as authors may spell them.
    (
        Literal["c"] | int | Literal["d"],  # noqa: PYI030 - see above
        {"anyOf": [{"type": "string", "enum": ["c", "d"]}, INTEGER]},
        "Literal['c', 'd'] | int",
        [("d", "d"), (3, 3)],
    ),
    (Literal["a", None], {"type": ["null", "string"], "enum": ["a", None]}, "Literal['a', None]", [(None, None)]),  # noqa: PYI061 - see above
    (Literal["a"] | Literal["b"], {"type": "string", "enum": ["a", "b"]}, "Literal['a', 'b']", [("b", "b")]),  # noqa: PYI030 - see above
    (
        int | Literal["a"] | Literal["b"],  # noqa: PYI030 - see above
        {"anyOf": [{"type": "string", "enum": ["a", "b"]}, INTEGER]},
        "Literal['a', 'b'] | int",
        [("b", "b"), (3, 3)],
    ),
    (Colour, {"type": "string", "enum": ["red", "blue"]}, "Literal['red', 'blue']", [("red", Colour.RED)]),
    (Level, {"type": "integer", "enum": [1, 2]}, "Literal[1, 2]", [(2, Level.HIGH), (2.0, Level.HIGH)]),
    (int | None, {"anyOf": [INTEGER, NULL]}, "int | None", [(None, None), (3, 3), (3.0, 3)]),
    (Optional[int], {"anyOf": [INTEGER, NULL]}, "int | None", [(None, None), (3, 3)]),  # noqa: UP045 - the old spelling
    (Union[str, int], {"anyOf": [INTEGER, STRING]}, "int | str", [("3", "3"), (3, 3)]),  # noqa: UP007 - the old spelling
    (float | int, {"anyOf": [{"type": "number"}, INTEGER]}, "float | int", [(3, 3), (3.0, 3.0)]),
    (int | float, {"anyOf": [{"type": "number"}, INTEGER]}, "float | int", [(3, 3), (3.0, 3.0)]),
    (None | int, {"anyOf": [INTEGER, NULL]}, "int | None", [(None, None), (3, 3)]),
    (list[str], {"type": "array", "items": STRING}, "list[str]", [([], []), (["a"], ["a"])]),
    (typing.List[str], {"type": "array", "items": STRING}, "list[str]", [(["a"], ["a"])]),  # noqa: UP006 - the old spelling
    (Sequence[int], {"type": "array", "items": INTEGER}, "list[int]", [([1.0], [1])]),
    (
        list[list[int]],
        {"type": "array", "items": {"type": "array", "items": INTEGER}},
        "list[list[int]]",
        [([[1]], [[1]])],
    ),
    (tuple[int, ...], {"type": "array", "items": INTEGER}, "list[int]", [([1, 2], (1, 2)), ([], ())]),
    (
        tuple[int, int],
        {
            "type": "array",
            "items": INTEGER,
            "minItems": 2,
            "maxItems": 2,
            "description": "A list of exactly 2: an integer, an integer.",
        },
        "list[int]",
        [([1, 2.0], (1, 2))],
    ),
    (
        tuple[str, int],
        {
            "type": "array",
            "items": {"anyOf": [STRING, INTEGER]},
            "minItems": 2,
            "maxItems": 2,
            "description": "A list of exactly 2: a string, an integer.",
        },
        "list[str | int]",
        [(["a", 1], ("a", 1))],
    ),
    (dict[str, int], {"type": "object", "additionalProperties": INTEGER}, "dict[str, int]", [({"a b": 1}, {"a b": 1})]),
    (Mapping[str, int], {"type": "object", "additionalProperties": INTEGER}, "dict[str, int]", [({}, {})]),
    (dict[str, Any], {"type": "object", "additionalProperties": {}}, "dict[str, Any]", [({"a": [1]}, {"a": [1]})]),
    (Annotated[int, 5, "how many"], {"type": "integer", "description": "how many"}, "int", [(3, 3)]),
    (Annotated[int, 5], INTEGER, "int", [(3, 3)]),
    (
        Line,
        LINE_SCHEMA,
        "Line",
        [({"text": "a"}, {"text": "a"}), ({"text": "a", "count": 2.0}, {"text": "a", "count": 2})],
    ),
    (
        Loose,
        {
            "type": "object",
            "properties": {"kept": STRING, "maybe": INTEGER},
            "required": ["kept"],
            "additionalProperties": False,
        },
        "Loose",
        [({"kept": ""}, {"kept": ""})],
    ),
    (
        Wide,
        {
            "type": "object",
            "properties": {
                "text": STRING,
                "count": INTEGER,
                "extra": {"type": "number", "description": "in euro"},
            },
            "required": ["text"],
            "additionalProperties": False,
        },
        "Wide",
        [({"text": "a", "extra": 1}, {"text": "a", "extra": 1.0})],
    ),
    (Point, POINT_SCHEMA, "Point", [({"x": 1}, Point(1.0)), ({"x": 1, "tags": ["a"]}, Point(1.0, 0.5, ["a"]))]),
    (
        Path,
        {
            "type": "object",
            "properties": {
                "points": {"type": "array", "items": POINT_SCHEMA, "description": "The points, in order."},
                "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            },
            "required": ["points"],
            "additionalProperties": False,
            "description": "A way.",
        },
        "Path",
        [({"points": [{"x": 1}], "colour": "blue"}, Path([Point(1.0)], Colour.BLUE))],
    ),
    (
        OddTyped,
        {
            "type": "object",
            "properties": {"from": STRING, "a b": INTEGER},
            "required": ["from", "a b"],
            "additionalProperties": False,
        },
        "OddTyped",
        [({"from": "a", "a b": 1}, {"from": "a", "a b": 1})],
    ),
    (
        Line | Point,
        {"anyOf": [LINE_SCHEMA, POINT_SCHEMA]},
        "Line | Point",
        [({"x": 1}, Point(1.0)), ({"text": "a"}, {"text": "a"})],
    ),
]
IDS = [f"{index}-{row[2]}" for index, row in enumerate(TABLE)]


def exact(value: Any) -> Any:
    """Give a value beside its types, so that 1, 1.0 and True differ."""
    if isinstance(value, (list, tuple)):
        return type(value), [exact(each) for each in value]
    if isinstance(value, dict):
        return dict, {key: exact(each) for key, each in value.items()}
    return type(value), value


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_hint_becomes_schema_and_annotation(row: tuple[Any, Any, str, Any]) -> None:
    """Each supported hint has its schema and its spelling."""
    hint, schema, annotation, _ = row
    shape = read_hint(hint, "here", result=False)

    assert (shape.schema, shape.annotation) == (schema, annotation)


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_schema_is_valid_and_accepts_what_is_accepted(row: tuple[Any, Any, str, Any]) -> None:
    """The schema is one of draft 2020-12, and every accepted value keeps to it."""
    jsonschema = pytest.importorskip("jsonschema")
    hint, _, _, pairs = row
    schema = read_hint(hint, "here", result=False).schema
    jsonschema.Draft202012Validator.check_schema(schema)

    assert all(jsonschema.Draft202012Validator(schema).is_valid(value) for value, _ in pairs)


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_value_is_accepted_and_built(row: tuple[Any, Any, str, Any]) -> None:
    """Accepted values are normalised and become what the tool's hint says."""
    hint, _, _, pairs = row
    shape = read_hint(hint, "here", result=False)
    for value, built in pairs:
        problems = Problems()
        checked = shape.check(value, "v", problems)

        assert str(problems) == ""
        assert exact(shape.build(checked)) == exact(built)


# Hint, value, and what is said about it.
WRONG: list[tuple[Any, Any, str]] = [
    (bool, 1, "v: expected true or false, got 1"),
    (int, True, "v: expected an integer, got True"),
    (int, 2.5, "v: expected an integer, got 2.5"),
    (int, "3", "v: expected an integer, got '3'"),
    (float, True, "v: expected a number, got True"),
    (float, "3", "v: expected a number, got '3'"),
    (float, None, "v: expected a number, got None"),
    (str, 3, "v: expected a string, got 3"),
    (None, 0, "v: expected null (None), got 0"),
    (Literal["a", "b"], "c", "v: expected one of 'a', 'b', got 'c'"),
    (Literal["a"], "c", "v: expected 'a', got 'c'"),
    (Literal[1], True, "v: expected 1, got True"),
    (Literal[True], 1, "v: expected True, got 1"),
    (Literal["1"], 1, "v: expected '1', got 1"),
    (Colour, "green", "v: expected one of 'red', 'blue', got 'green'"),
    (Colour, "RED", "v: expected one of 'red', 'blue', got 'RED'"),
    (int | None, "a", "v: expected an integer or null (None), got 'a'"),
    (Annotated[int, "n"] | None, "a", "v: expected an integer or null (None), got 'a'"),
    (list[str], "ab", "v: expected a list, got 'ab'"),
    (list[str], ["a", 1, None], "v[1]: expected a string, got 1; v[2]: expected a string, got None"),
    (tuple[int, ...], [1, "a"], "v[1]: expected an integer, got 'a'"),
    (tuple[int, str], [1], "v: expected a list of exactly 2: an integer, a string, got [1]"),
    (tuple[int, str], ["a", 1], "v[0]: expected an integer, got 'a'; v[1]: expected a string, got 1"),
    (dict[str, int], [1], "v: expected an object (dict), got [1]"),
    (
        dict[str, int],
        {"a": "x", "b c": None},
        "v.a: expected an integer, got 'x'; v['b c']: expected an integer, got None",
    ),
    (Line, "a", "v: expected an object (dict) with the keys text, count, got 'a'"),
    (Line, {}, "v.text: missing, expected a string"),
    (
        Line,
        {"txt": "a", "count": "b"},
        "v.text: missing, expected a string; v.count: expected an integer, got 'b'; "
        "v.txt: unknown, did you mean 'text'?; known: text, count",
    ),
    (Loose, {}, "v.kept: missing, expected a string"),
    (Line | None, {"text": 1}, "v.text: expected a string, got 1"),
    (Line | None, 1, "v: expected an object (dict) with the keys text, count or null (None), got 1"),
    (list[Line] | None, [{"text": "a"}, {}], "v[1].text: missing, expected a string"),
    (Path, {"points": [{"x": 1, "y": "a"}]}, "v.points[0].y: expected a number, got 'a'"),
    (float, 10**400, "v: expected a number, got 100000000000000000...0000000000000000000"),
    (
        int,
        "a" * 500,
        "v: expected an integer, got 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
    ),
]


@pytest.mark.parametrize(("hint", "value", "text"), WRONG, ids=range(len(WRONG)))
def test_wrong_value_is_refused(hint: Any, value: Any, text: str) -> None:
    """What is wrong is told with its path, what was given and what is expected."""
    problems = Problems()
    read_hint(hint, "here", result=False).check(value, "v", problems)

    assert str(problems) == text


POOL: list[Any] = [
    *(None, True, False, 0, 1, 2, 1.0, 2.5, -1, "", "a", "b", "1", "red", "kept"),
    *([], [None], [1], [1.0], [1, 2], [1, 2.5], [True], ["a"], ["a", 1], [1, "a"], ["a", "b"], [[1]], [["a"]], [[]]),
    *({}, {"a": 1}, {"a": "b"}, {"a b": 1.0}, {"text": "a"}, {"text": "a", "count": 1}, {"text": 1}, {"count": 1}),
    *({"kept": "a"}, {"kept": "a", "maybe": None}, {"maybe": 1}, {"x": 1}, {"x": 1, "y": "a"}, {"x": 1, "z": 1}),
    *({"points": []}, {"points": [{"x": 1}], "colour": "blue"}, {"points": [{"y": 1}]}, {"from": "", "a b": 1}),
    {"text": "a", "extra": 1},
]


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_check_and_schema_agree(row: tuple[Any, Any, str, Any]) -> None:
    """Of many values a hint takes those that its schema takes: a model that keeps to the schema is not refused."""
    jsonschema = pytest.importorskip("jsonschema")
    shape = read_hint(row[0], "here", result=False)
    validator = jsonschema.Draft202012Validator(shape.schema)
    for value in POOL:
        problems = Problems()
        checked = shape.check(value, "v", problems)
        accepted = problems.count == 0
        # Of a tuple's items the schema cannot tell the order, so there the check may take fewer.
        agreed = (
            accepted <= validator.is_valid(value)
            if isinstance(shape, FixedList)
            else accepted == validator.is_valid(value)
        )

        assert agreed, value
        assert not accepted or (checked == value and validator.is_valid(checked))


def test_long_lists_of_problems_are_cut() -> None:
    """Ten problems are told, of the rest the number."""
    problems = Problems()
    read_hint(list[int], "here", result=False).check(["a"] * 1_000, "v", problems)

    assert str(problems).startswith("v[0]: expected an integer, got 'a'; v[1]: ")
    assert str(problems).endswith("v[9]: expected an integer, got 'a'; and 990 more problems")


def test_schema_shares_nothing_with_the_shape() -> None:
    """A schema that was changed does not change the next one."""
    shape = read_hint(Point, "here", result=False)
    schema: Any = shape.schema
    schema["properties"]["tags"]["default"].append("a")

    assert shape.schema == POINT_SCHEMA


def test_checked_value_shares_nothing_with_the_given() -> None:
    """The check copies, also below Any and inside unions."""
    given: Any = {"points": [{"x": 1.0}], "any": {"a": [1]}, "line": {"text": "a"}}
    shapes = {"points": list[Point], "any": Any, "line": Line | None}
    for key, hint in shapes.items():
        checked = read_hint(hint, "here", result=False).check(given[key], "v", Problems())

        assert checked == given[key]
        assert checked is not given[key]
    inner: Any = read_hint(Any, "here", result=False).check(given["any"], "v", Problems())

    assert inner["a"] is not given["any"]["a"]


def test_dataclass_is_complete_as_a_result() -> None:
    """A result always has all fields of its dataclass, so none is optional there."""
    shape = read_hint(Point, "here", result=True)
    problems = Problems()
    shape.check({"x": 1.0}, "v", problems)

    assert shape.schema["required"] == ["x", "y", "tags"]
    assert str(problems) == "v.y: missing, expected a number; v.tags: missing, expected a list"


def test_type_alias_is_looked_through() -> None:
    """A name made with the `type` statement means what it stands for."""
    extensions = pytest.importorskip("typing_extensions")
    alias = extensions.TypeAliasType("alias", list[int])

    assert read_hint(alias, "here", result=False).annotation == "list[int]"


def test_typed_dict_of_typing_extensions_is_one() -> None:
    """Its TypedDict is another class than the one of typing, with qualifiers of its own."""
    extensions = pytest.importorskip("typing_extensions")
    keys = {"a": int, "b": extensions.NotRequired[int], "c": extensions.ReadOnly[str]}
    shape = read_hint(extensions.TypedDict("Extended", keys), "here", result=False)

    assert shape.schema == {
        "type": "object",
        "properties": {"a": INTEGER, "b": INTEGER, "c": STRING},
        "required": ["a", "c"],
        "additionalProperties": False,
    }


@dataclass
class Fixed:
    a: int = field(init=False, default=1)


@dataclass
class Initialised:
    a: dataclasses.InitVar[int]


@dataclass
class Misfit:
    a: int = "one"  # type: ignore[assignment]  # the mistake to be found


@dataclass
class Dated:
    on: Any = dt.date(2025, 1, 1)


class Unknown(TypedDict):
    a: Missing  # type: ignore[name-defined]  # noqa: F821 - the mistake to be found


ALLOWED = (
    "allowed are bool, int, float, str, None, Literal of str, int, bool or None, Enum with str or int values, X | Y, "
    "list[T], Sequence[T], tuple[T, ...], tuple[A, B], dict[str, T], Mapping[str, T], TypedDict, dataclass, "
    "Annotated and Any"
)
UNSUPPORTED: list[tuple[Any, str]] = [
    (dt.date, "use str in ISO 8601"),
    (dt.datetime, "use str in ISO 8601"),
    (dt.time, "use str in ISO 8601"),
    (dt.timedelta, "use float and say the unit"),
    (decimal.Decimal, "use float or str"),
    (bytes, "use str"),
    (set, "use list"),
    (frozenset, "use list"),
    (object, "use Any"),
    (list, "say what it holds, as in list[str] or list[Any]"),
    (tuple, "say what it holds, as in tuple[str, int]"),
    (dict, "say what it holds: a TypedDict, dict[str, float] or dict[str, Any]"),
    (Couple, "use a dataclass or a TypedDict"),
    (complex, ""),
    (set[int], "use list"),
    (dict[int, str], "keys of a JSON object are str"),
    (Mapping[int, str], "keys of a JSON object are str"),
    (collections.abc.Iterator[int], ""),
    (collections.abc.Callable[[int], int], ""),
    (Literal[b"a"], ""),
    (typing.TypeVar("T"), ""),
    ([int], ""),
    (Ratio, "the values of an Enum must be str or int"),
]


@pytest.mark.parametrize(("hint", "advice"), UNSUPPORTED, ids=range(len(UNSUPPORTED)))
def test_unsupported_hint_is_refused(hint: Any, advice: str) -> None:
    """The message says where, what was given, what is allowed, and what to use instead."""
    with pytest.raises(ScenarioError) as caught:
        read_hint(hint, "World.act, parameter 'a'", result=False)

    text = f"World.act, parameter 'a': unsupported type hint {hint!r}; {ALLOWED}"
    assert str(caught.value) == (f"{text}; {advice}" if advice else text)


NESTED: list[tuple[Any, str]] = [
    (list[set[int]], f"here: unsupported type hint set[int]; {ALLOWED}; use list"),
    (
        Tree,
        f"here, field Tree.children: unsupported type hint {Tree!r}; {ALLOWED}; "
        "it contains itself; use Any where it recurs",
    ),
    (Fixed, "here, field Fixed.a: it has init=False, so no argument can set it; remove it or the init=False"),
    (
        Misfit,
        "here, field Misfit.a: its default does not match its type hint int: default: expected an integer, got 'one'",
    ),
    (
        Dated,
        "here, field Dated.on: its default cannot be written as JSON: default is of type date; allowed are None, bool, "
        "int, finite float, str, list, tuple, dict with str keys, dataclass and Enum; use its .isoformat()",
    ),
    (
        Unknown,
        "here, Unknown: its type hints cannot be resolved: name 'Missing' is not defined; hints are read at run time, "
        "so what they name must be in the module itself, not under TYPE_CHECKING or inside a function",
    ),
]


@pytest.mark.parametrize(("hint", "text"), NESTED, ids=[text[:30] for _, text in NESTED])
def test_mistake_inside_a_type_is_refused(hint: Any, text: str) -> None:
    """The message names the field."""
    with pytest.raises(ScenarioError) as caught:
        read_hint(hint, "here", result=False)

    assert str(caught.value) == text


def test_init_variable_is_refused() -> None:
    """An InitVar is no field that a JSON object could have."""
    with pytest.raises(ScenarioError) as caught:
        read_hint(Initialised, "here", result=False)

    assert str(caught.value).startswith("here, field Initialised.a: unsupported type hint ")
    assert str(caught.value).endswith(f"{ALLOWED}; a JSON object has fields only")


@pytest.mark.parametrize(
    "name", ["Any", "TypedDict", "ToolError", "tools", "final_answer", "list", "class", "a-b", "_"]
)
def test_type_with_a_taken_name_is_refused(name: str) -> None:
    """A type cannot have a name that means something else in a program, or is none."""
    hint = types.new_class(name, (dict,), exec_body=lambda body: body.update(__required_keys__=frozenset()))
    with pytest.raises(ScenarioError) as caught:
        read_hint(hint, "here", result=False)

    assert str(caught.value) == (
        f"here: unsupported type hint {hint!r}; {ALLOWED}; its name means something else in a program; rename it"
    )


def test_private_type_is_shown_without_its_underscore() -> None:
    """The sandbox keeps names with a leading underscore to itself."""
    assert read_hint(_Hidden, "here", result=False).annotation == "Hidden"


def test_two_types_of_one_name_are_refused() -> None:
    """Programs know types by bare names, so two of one name cannot be told apart."""

    @dataclass
    class Line:
        a: int

    shapes = [read_hint(each, "here", result=False) for each in (globals()["Line"], Line)]
    with pytest.raises(ScenarioError) as caught:
        declared_records(shapes)

    assert str(caught.value) == (
        f"two types are both named 'Line': {__name__}.Line and "
        f"{__name__}.test_two_types_of_one_name_are_refused.<locals>.Line; "
        "programs know types by their bare names; rename one"
    )


def test_records_come_after_what_they_depend_on() -> None:
    """Each record is collected once, from any depth, its parts before it."""
    hints = (dict[str, list[Path]], Point, tuple[list[Annotated[Line, "in order"]] | None, int])
    shapes = [read_hint(each, "here", result=False) for each in hints]

    assert [each.name for each in declared_records(shapes)] == ["Point", "Path", "Line"]


def test_dataclass_met_both_ways_makes_the_weaker_promise() -> None:
    """What can be left out as an argument is declared so, though it is never missing in a result."""
    ways = {way: read_hint(Point, "here", result=way == "result") for way in ("argument", "result")}
    promises = {
        order: [each.required for each in declared_records(ways[way] for way in order)[0].fields]
        for order in [("result",), ("argument", "result"), ("result", "argument")]
    }

    assert promises == {
        ("result",): [True, True, True],
        ("argument", "result"): [True, False, False],
        ("result", "argument"): [True, False, False],
    }


def test_notes_tell_what_annotations_cannot() -> None:
    """The order inside fixed lists and nested descriptions are kept for the Python API."""
    hint = list[tuple[Annotated[str, "a name"], float]]

    assert read_hint(hint, "here", result=True).note("python") == "items in order: [str, float]; a name"


def test_record_of_arguments_has_no_declaration() -> None:
    """Only classes are declared."""
    assert declared_records([Record(name="act", fields=())]) == ()


def test_hints_know_the_given_names() -> None:
    """Names besides the module's can be given, such as classes nested in a world."""

    def act(a: Inner) -> None:  # type: ignore[name-defined]  # noqa: F821 - the name to be given
        """Act."""

    assert resolved_hints(act, "here", {"Inner": int}) == {"a": int, "return": type(None)}
