"""The Python API: what a program's author is shown is true, and is Python."""

from __future__ import annotations

import ast
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools import FinalAnswer, PythonApi, Toolbox, python_api, tool
from pytest_codeact.tools._docs import read_docs


class Line(TypedDict):
    """
    One line.

    Attributes:
        text: What
            is billed.
    """

    text: str
    count: NotRequired[int]


@dataclass
class Bill:
    lines: list[Line]
    paid: Annotated[bool, "Whether it is settled."] = False


class Empty(TypedDict):
    pass


class Noted(TypedDict):
    """Ends in a quote, "so"."""


Odd = TypedDict("Odd", {"from": Annotated[str, "Where."], "a b": NotRequired[int]})


class Report(TypedDict):
    rows: list[tuple[str, float]]
    odd: Odd


class Office:
    """A world with every form of declaration."""

    @tool(example="write_bill(\n    {'lines': []}, 'de')")
    def write_bill(
        self, bill: Bill, language: Literal["de", "en"] = "de", copies: int | None = None, *, urgent: bool = False
    ) -> Bill:
        """
        Write a bill: \\d+ and \"\"\" stand as they are.

        Args:
            bill: The bill.
            language: Its language.
            copies: How many.
            urgent: Whether it cannot wait.

        Raises:
            ToolError: It has no lines.
        """  # noqa: D301 - a raw docstring could not hold three quotes
        return bill

    @tool(read_only=True)
    def totals(self) -> list[tuple[str, float]]:
        """Give totals."""
        return []

    @tool(read_only=True)
    def empty(self, one: Empty, two: Noted) -> None:
        """Do nothing."""


EXPECTED = r'''from typing import Any, Literal, NotRequired, TypedDict


class Line(TypedDict):
    """One line."""
    text: str  # What is billed.
    count: NotRequired[int]


class Bill(TypedDict):
    lines: list[Line]
    paid: NotRequired[bool]  # Whether it is settled.; default: False


class Empty(TypedDict):
    pass


class Noted(TypedDict):
    """Ends in a quote, "so"."""


# Where it came from.
Odd = TypedDict('Odd', {
    'from': str,  # Where.
    'a b': NotRequired[int],
})


class Report(TypedDict):
    rows: list[list[str | float]]  # items in order: [str, float]
    odd: Odd


def write_bill(
    bill: Bill,
    language: Literal['de', 'en'] = 'de',
    copies: int | None = None,
    *,
    urgent: bool = False,
) -> Bill:
    """
    Write a bill: \\d+ and \"\"\" stand as they are.

    Args:
        bill: The bill.
        language: Its language.
        copies: How many.
        urgent: Whether it cannot wait.

    Raises:
        ToolError: It has no lines.

    Example:
        write_bill(
            {'lines': []}, 'de')
    """


def totals() -> list[list[str | float]]:  # items in order: [str, float]
    """Give totals."""


def empty(one: Empty, two: Noted) -> None:
    """Do nothing."""


def final_answer(answer: Report) -> None:
    """
    Give the final answer of the task. This ends the task: nothing can be done after it.

    Args:
        answer: The answer.
    """
'''


@pytest.fixture
def api() -> PythonApi:
    """The API of the office."""
    Odd.__doc__ = "Where it came from."
    return python_api(Toolbox(Office()).tools, FinalAnswer(Report))


def test_text_is_what_a_model_is_shown(api: PythonApi) -> None:
    """Types first, dependencies before what needs them, then the tools in order, then the final answer."""
    assert api.text == EXPECTED


def test_declarations_begin_the_text(api: PythonApi) -> None:
    """They are the imports and the types, and nothing else."""
    assert api.text.startswith(api.declarations)
    kinds = {type(each) for each in ast.parse(api.declarations).body}

    assert kinds == {ast.ImportFrom, ast.ClassDef, ast.Assign}


def test_declarations_define_the_types(api: PythonApi) -> None:
    """Run, they make TypedDicts with the promised keys."""
    names: dict[str, Any] = {}
    exec(compile(api.declarations, "api", "exec", dont_inherit=True), names)  # noqa: S102 - the source is our own

    assert names["Bill"].__required_keys__ == {"lines"}
    assert names["Odd"].__optional_keys__ == {"a b"}
    assert typing.get_type_hints(names["Report"]) == {"rows": list[list[str | float]], "odd": names["Odd"]}


def test_text_defines_every_function(api: PythonApi) -> None:
    """Run, it makes functions with the signatures of the tools, whose docstrings say what the text says."""
    names: dict[str, Any] = {}
    exec(compile(api.text, "api", "exec", dont_inherit=True), names)  # noqa: S102 - the source is our own

    assert {"write_bill", "totals", "empty", "final_answer"} <= names.keys()
    assert names["write_bill"].__kwdefaults__ == {"urgent": False}
    assert names["write_bill"].__annotations__["return"] is names["Bill"]
    assert '\\d+ and """ stand' in names["write_bill"].__doc__


def test_free_text_and_no_types_need_no_declarations() -> None:
    """A world of plain values declares nothing but the imports."""

    class World:
        @tool
        def act(self) -> None:
            """Act."""

    api = python_api(Toolbox(World()).tools, FinalAnswer(None))

    assert api.declarations == "from typing import Any, Literal, NotRequired, TypedDict\n"
    assert "def final_answer(answer: str) -> None:" in api.text


def test_result_promises_all_fields_of_a_dataclass() -> None:
    """Where a dataclass is only ever a result, no field is optional."""

    class World:
        @tool
        def act(self) -> Bill:
            """Act."""
            return Bill([])

    api = python_api(Toolbox(World()).tools, FinalAnswer(None))

    assert "    paid: bool  # Whether it is settled.\n" in api.declarations


def test_answer_type_may_not_be_named_like_another() -> None:
    """The answer's types share the names of the tools' types."""

    class Line(TypedDict):
        a: int

    with pytest.raises(ScenarioError) as caught:
        python_api(Toolbox(Office()).tools, FinalAnswer(Line))

    assert str(caught.value).startswith(f"two types are both named 'Line': {__name__}.Line and {__name__}.test_answer_")
    assert str(caught.value).endswith("; programs know types by their bare names; rename one")


def test_answer_type_may_not_be_named_like_a_tool() -> None:
    """A program could know only one of them."""

    class totals(TypedDict):  # noqa: N801 - the clash to be found
        a: int

    with pytest.raises(ScenarioError) as caught:
        python_api(Toolbox(Office()).tools, FinalAnswer(totals))

    assert str(caught.value) == (
        "a type and a tool are both named 'totals', and a program can know only one of them; rename one"
    )


def test_same_api_is_written_once() -> None:
    """Trials that share tools and answer share the API, too."""
    final = FinalAnswer(None)

    assert python_api(Toolbox(Office()).tools, final) is python_api(list(Toolbox(Office()).tools), final)


DOCSTRINGS: list[tuple[str | None, str, dict[str, str], str]] = [
    (None, "", {}, ""),
    ("One.", "One.", {}, ""),
    ("One.\n\nTwo.", "One.\n\nTwo.", {}, ""),
    (
        "One.\n\nArgs:\n    a: A.\n    b (int): B\n        more.\n\nReturns:\n    C.",
        "One.",
        {"a": "A.", "b": "B more."},
        "Returns:\n    C.",
    ),
    (
        "\n    One.\n\n    Args:\n        a:\n            A.\n\n        b: B: b.\n    ",
        "One.",
        {"a": "A.", "b": "B: b."},
        "",
    ),
    ("One.\n\nArgs:\n", "One.", {}, ""),
    ("One.\n\nArgs:\n    no entry\n    a: A.", "One.", {"a": "A."}, ""),
]


@pytest.mark.parametrize(("docstring", "before", "entries", "after"), DOCSTRINGS, ids=range(len(DOCSTRINGS)))
def test_docstring_is_taken_apart(docstring: str | None, before: str, entries: dict[str, str], after: str) -> None:
    """Prose, the section's entries, and what follows."""
    docs = read_docs(docstring, "Args")

    assert (docs.before, docs.entries, docs.after) == (before, entries, after)
