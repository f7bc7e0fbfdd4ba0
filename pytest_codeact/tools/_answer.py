"""The final answer of a scenario: one tool, one function, one schema for every arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import ToolError
from pytest_codeact.records import ToolSpec
from pytest_codeact.tools._docs import read_docs
from pytest_codeact.tools._hints import read_hint
from pytest_codeact.tools._plain import NotJsonError, error_text, json_text, plain, shown
from pytest_codeact.tools._problems import Problems
from pytest_codeact.tools._record import Field, Record
from pytest_codeact.tools._shape import Scalar
from pytest_codeact.tools._signature import function_stub

if TYPE_CHECKING:
    from pytest_codeact.records import Json

NAME: Final = "final_answer"
"""Name of the tool and of the function."""

MAX_ANSWER_BYTES: Final = 1_000_000
"""Most bytes of JSON text of an answer."""

_DESCRIPTION: Final = "Give the final answer of the task. This ends the task: nothing can be done after it."
_PARAMETER: Final = "The answer."


class FinalAnswer:
    """
    The `final_answer` of a scenario. Has no state: one per scenario serves all its trials. Compared by identity.

    Args:
        answer_type: A type hint, such as a TypedDict. None for free text (str).

    Attributes:
        spec: The tool that ends the task, with one parameter `answer`. Not to be changed.
        structured: Whether the scenario gave an answer type.
        arguments: What the tool takes.
        stub: Its declaration in the Python API.

    Raises:
        ScenarioError: The type hint is not supported.
    """

    def __init__(self, answer_type: object | None) -> None:
        self.structured = answer_type is not None
        hint = str if answer_type is None else answer_type
        shape = read_hint(hint, f"{NAME}, answer type", result=False)
        field = Field(name="answer", shape=shape, description=_PARAMETER)
        self.arguments = Record(name=NAME, fields=(field,))
        self.spec = ToolSpec(name=NAME, description=_DESCRIPTION, parameters=self.arguments.schema)
        docs = read_docs(_DESCRIPTION, "Args")
        self.stub = function_stub(self.arguments, Scalar(name="None"), docs, positional_count=1, example="")

    def bind(self, args: list[Json], kwargs: dict[str, Json]) -> Json:
        """
        Give the answer out of the arguments of a program's call. It is not checked yet.

        Raises:
            ToolError: There is not exactly the one argument.
        """
        if len(args) == 1 and not kwargs:
            return args[0]
        if not args and list(kwargs) == ["answer"]:
            return kwargs["answer"]
        given = [*(shown(each) for each in args), *(f"{key}={shown(each)}" for key, each in kwargs.items())]
        raise ToolError(
            error_text(
                f"{NAME}() takes one argument, the answer: {self._annotation}; "
                f"got {len(given)}: {', '.join(given) or 'none'}"
            )
        )

    def check(self, arguments: Json) -> Json:
        """
        Give the answer out of the arguments object of a tool call, checked and normalised.

        Raises:
            ToolError: They are not an object with just the answer, or the answer is not of the type.
        """
        if not isinstance(arguments, dict) or list(arguments) != ["answer"]:
            raise ToolError(
                error_text(
                    f'{NAME} takes an object with one key, {{"answer": {self._annotation}}}; got {shown(arguments)}'
                )
            )
        return self.check_value(arguments["answer"])

    def check_value(self, value: Json) -> Json:
        """
        Check and normalise an answer.

        Without an answer type any JSON value is one: what is no text becomes its JSON text.

        Integral floats become integers where the type says int, and integers floats where it says float, so
        that equal answers of different arms are equal values.

        Raises:
            ToolError: The answer is not of the type; all problems are listed.
        """
        try:
            copy = plain(value, "answer", max_bytes=MAX_ANSWER_BYTES)
        except NotJsonError as error:
            raise ToolError(error_text(f"{NAME} was not accepted: {error.fault}")) from error
        if not self.structured:
            # Free text, so that an arm whose answers are values is not told to write them down again.
            return copy if isinstance(copy, str) else json_text(copy)
        problems = Problems()
        checked = self.arguments.fields[0].shape.check(copy, "answer", problems)
        if problems.count:
            raise ToolError(error_text(f"{NAME} was not accepted: {problems}; the answer must be {self._annotation}"))
        return checked

    @property
    def _annotation(self) -> str:
        return self.arguments.fields[0].shape.annotation
