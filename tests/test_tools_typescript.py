"""The TypeScript API: what a program's author is shown is true, is TypeScript, and is what the Python API says."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import pytest
from deno_binary import check_types, needs_deno
from test_tools_stub import Line, Odd, Office, Report

from pytest_codeact import tool
from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools import FinalAnswer, Toolbox, TypeScriptApi, typescript_api
from pytest_codeact.tools._hints import read_hint

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = r"""/** A whole number. */
type int = number;

/** One line. */
interface Line {
  /** What is billed. */
  text: string;
  count?: int;
}

interface Bill {
  lines: Line[];
  /** Whether it is settled.; default: false */
  paid?: boolean;
}

interface Empty {}

/** Ends in a quote, "so". */
interface Noted {}

/** Where it came from. */
interface Odd {
  /** Where. */
  from: string;
  "a b"?: int;
}

interface Report {
  rows: [string, number][];
  odd: Odd;
}

declare const tools: {
  /**
   * Write a bill: \d+ and \"\"\" stand as they are.
   *
   * Raises:
   *     ToolError: It has no lines.
   *
   * @example await tools.write_bill({ bill: { lines: [] }, language: "de" })
   */
  write_bill(args: {
    /** The bill. */
    bill: Bill;
    /** Its language.; default: "de" */
    language?: "de" | "en";
    /** How many.; default: null */
    copies?: int | null;
    /** Whether it cannot wait.; default: false */
    urgent?: boolean;
  }): Promise<Bill>;

  /** Give totals. */
  totals(): Promise<[string, number][]>;

  /** Do nothing. */
  empty(args: { one: Empty; two: Noted }): Promise<null>;
};

/**
 * Give the final answer of the task. This ends the task: nothing can be done after it.
 *
 * @param answer The answer.
 */
declare function final_answer(answer: Report): Promise<never>;
""".replace(r"\"", '"')


@pytest.fixture
def api() -> TypeScriptApi:
    """The API of the office."""
    Odd.__doc__ = "Where it came from."
    return typescript_api(Toolbox(Office()).tools, FinalAnswer(Report))


def test_text_is_what_a_model_is_shown(api: TypeScriptApi) -> None:
    """Types first, dependencies before what needs them, then the tools in order, then the final answer."""
    assert api.text == EXPECTED


def test_declarations_begin_the_text(api: TypeScriptApi) -> None:
    """They are the types, and nothing else."""
    assert api.text == f"{api.declarations}\n{EXPECTED[EXPECTED.index('declare const tools') :]}"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


HINTS: list[tuple[Any, str, str]] = [
    (Any, "any", ""),
    (None, "null", ""),
    (bool, "boolean", ""),
    (int, "int", ""),
    (float, "number", ""),
    (str, "string", ""),
    (int | float, "number | int", ""),
    (str | None, "string | null", ""),
    (Literal["it's", '"so"', 3, True], '"it\'s" | "\\"so\\"" | 3 | true', ""),
    (Level, "1 | 2", ""),
    (list[str | None], "(string | null)[]", ""),
    (list[list[int]], "int[][]", ""),
    (tuple[int, ...], "int[]", ""),
    (tuple[Annotated[str, "a name"], float], "[string, number]", "a name"),
    (dict[str, list[Line]], "{ [key: string]: Line[] }", ""),
    (list[dict[str, int]], "{ [key: string]: int }[]", ""),
    (Annotated[float, "in euro"], "number", "in euro"),
]


@pytest.mark.parametrize(("hint", "spelling", "note"), HINTS, ids=range(len(HINTS)))
def test_every_hint_has_a_spelling(hint: Any, spelling: str, note: str) -> None:
    """What the spelling cannot say stands beside it."""
    shape = read_hint(hint, "here", result=True)

    assert (shape.typescript, shape.note("typescript")) == (spelling, note)


@needs_deno
def test_spellings_are_types(tmp_path: Path, api: TypeScriptApi) -> None:
    """The whole API of the office, and a variable of every type, compile."""
    variables = "".join(f"declare const v{index}: {spelling};\n" for index, (_, spelling, _) in enumerate(HINTS))

    assert check_types(tmp_path, {"office": api.text, "hints": api.declarations + variables}) == {}


def shown(world: type, answer: object = None) -> str:
    """Give what a model is shown of a world's tools."""
    text = typescript_api(Toolbox(world()).tools, FinalAnswer(answer)).text
    return text[text.index("declare const tools") :]


EXAMPLES = [
    ("act(a=1.0, b='x')", '@example await tools.act({ a: 1, b: "x" })'),
    ("act(1.5)", "@example await tools.act({ a: 1.5 })"),
    ("tools.act(2, b=('x', None, True))", '@example await tools.act({ a: 2, b: ["x", null, true] })'),
    ("act()", "@example await tools.act()"),
    ("act(a={'two words': 1})", '@example await tools.act({ a: { "two words": 1 } })'),
    ("act(a=x)", "@example In Python: act(a=x)"),
    ("act(**x)", "@example In Python: act(**x)"),
    ("act(*x)", "@example In Python: act(*x)"),
    ("act(a={1})", "@example In Python: act(a={1})"),
    ("other(a=1)", "@example In Python: other(a=1)"),
    ("a = act(a=1)", "@example In Python: a = act(a=1)"),
]


@pytest.mark.parametrize(("example", "line"), EXAMPLES, ids=[example for example, _ in EXAMPLES])
def test_example_is_translated_if_it_is_one_call(example: str, line: str) -> None:
    """What cannot be translated is shown as the author wrote it, and called what it is."""

    class World:
        @tool(example=example)
        def act(self, a: Any = None, b: Any = None) -> None:
            """Act."""

    assert f"   * {line}\n" in shown(World)


def test_comment_cannot_be_ended_by_its_text() -> None:
    """A description holds whatever its author likes."""

    class World:
        @tool
        def act(self, a: Annotated[str, "A glob: */*.ts"]) -> Annotated[str, "A path: */x"]:
            """Act on */ and more."""
            return a

    text = shown(World)

    assert "   * Act on *\\/ and more.\n" in text
    assert "    /** A glob: *\\/*.ts */\n" in text
    assert "   * @returns A path: *\\/x\n" in text


def test_tool_may_be_named_like_a_word_of_the_language() -> None:
    """`new` alone would declare a constructor; the others are names of methods as any."""

    class World:
        @tool
        def new(self) -> None:
            """Make."""

        @tool
        def function(self) -> None:
            """Do."""

    assert '  "new"(): Promise<null>;\n' in shown(World)
    assert "  function(): Promise<null>;\n" in shown(World)


def test_arguments_stand_on_one_line_only_while_it_is_short() -> None:
    """As in the Python API."""

    class World:
        @tool
        def short(self, a: int = 1) -> None:
            """Act."""

        @tool
        def optional(self, a: int | None) -> None:
            """Act."""

        @tool
        def long(
            self,
            a: Literal["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
            b: list[dict[str, dict[str, int]]],
        ) -> None:
            """Act."""

    text = shown(World)

    assert "  short(args?: {\n    /** default: 1 */\n    a?: int;\n  }): Promise<null>;\n" in text
    assert "  optional(args: { a: int | null }): Promise<null>;\n" in text
    assert '  long(args: {\n    a: "aaaa' in text


@needs_deno
def test_names_of_global_types_can_be_the_authors(tmp_path: Path) -> None:
    """No spelling leans on a name that a scenario might give to a type of its own."""
    names = ("Record", "Array", "Partial", "Date", "Error", "Map", "Function", "Symbol")
    types: Any = [TypedDict(name, {"a": int}) for name in names]  # type: ignore[operator]  # mypy wants a literal
    fields: Any = {f"f{index}": dict[str, list[tuple[each, each]]] for index, each in enumerate(types)}  # type: ignore[valid-type]  # made at run time
    answer: Any = TypedDict("Everything", fields)  # type: ignore[misc]  # as above

    class World:
        @tool
        def act(self) -> None:
            """Act."""

    api = typescript_api(Toolbox(World()).tools, FinalAnswer(answer))
    program = "function given(it: Everything): int {\n  return it.f0.key[0][1].a;\n}\n"

    assert check_types(tmp_path, {"names": api.text + program}) == {}


def test_name_that_means_something_else_is_refused() -> None:
    """A type cannot be called what TypeScript, or the API itself, needs."""

    class Promise(TypedDict):
        a: int

    class World:
        @tool
        def act(self) -> Promise:
            """Act."""
            return {"a": 1}

    World.act.__annotations__["return"] = Promise
    with pytest.raises(ScenarioError) as caught:
        typescript_api(Toolbox(World()).tools, FinalAnswer(None))

    assert str(caught.value) == "a type is named 'Promise', which means something else in TypeScript; rename it"


def test_answer_type_may_not_be_named_like_another() -> None:
    """The answer's types share the names of the tools' types."""

    class Line(TypedDict):
        a: int

    with pytest.raises(ScenarioError, match=r"^two types are both named 'Line': "):
        typescript_api(Toolbox(Office()).tools, FinalAnswer(Line))


def test_same_api_is_written_once() -> None:
    """Trials that share tools and answer share the API, too."""
    final = FinalAnswer(None)

    assert typescript_api(Toolbox(Office()).tools, final) is typescript_api(list(Toolbox(Office()).tools), final)
