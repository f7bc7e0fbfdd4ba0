"""What is peculiar to the programs of a code arm: their language, how the model is told of it, and their calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_codeact.records import ToolSpec
from pytest_codeact.tools import python_api, typescript_api

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.records import Json
    from pytest_codeact.tools import FinalAnswer, PythonApi, Tool, TypeScriptApi

_Call: TypeAlias = "tuple[list[Json], dict[str, Json]]"

_SYSTEM: Final = """\
Carry out the user's task by writing {language} programs that call the API below; run them with {run}. \
{manner}Variables and functions stay defined from one program to the next. A program that fails returns its error; \
what it did before the error stays done. When the task is done, call {end} in a program with the \
answer; it ends the task.

The API, {access}:

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """
    The programs of a code arm.

    Attributes:
        language: What they are written in, as runtimes name it.
        run: The one tool of the arm. Its name tells the language, also to who sees nothing else: the reference model
            goes by it, over every vendor's wire.
        instructions: The system prompt, up to the API.
        api: Writes the API.
        bound: Gives the arguments of a call of a tool as `Toolbox.bind` takes them, by position and by name.
    """

    language: str
    run: ToolSpec
    instructions: str
    api: Callable[[Sequence[Tool], FinalAnswer], PythonApi | TypeScriptApi]
    bound: Callable[[list[Json], dict[str, Json]], _Call]


def _run_tool(name: str, language: str, shows: str) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=f"Run a {language} program against the API. Returns what it {shows} and the value of its last "
        "expression.",
        parameters={
            "type": "object",
            "properties": {"code": {"type": "string", "description": "The program."}},
            "required": ["code"],
            "additionalProperties": False,
        },
    )


def _as_given(args: list[Json], kwargs: dict[str, Json]) -> _Call:
    return args, kwargs


def _from_object(args: list[Json], kwargs: dict[str, Json]) -> _Call:
    """Take one object for the arguments by name. What is given by position though is understood, as in Python."""
    if len(args) == 1 and isinstance(args[0], dict) and not kwargs:
        return [], args[0]
    return args, kwargs


PYTHON: Final = Dialect(
    language="python",
    run=_run_tool("run_code", "Python", "prints"),
    instructions=_SYSTEM.format(
        language="Python",
        run="run_code",
        manner="",
        end="final_answer(...)",
        access="already imported (also as the module `tools`)",
    ),
    api=python_api,
    bound=_as_given,
)
"""Programs of the arm `code`."""

TYPESCRIPT: Final = Dialect(
    language="typescript",
    run=_run_tool("run_typescript", "TypeScript", "logs with console.log"),
    instructions=_SYSTEM.format(
        language="TypeScript",
        run="run_typescript",
        manner="They may use await at the top level. ",
        end="await final_answer(...)",
        access="already imported",
    ),
    api=typescript_api,
    bound=_from_object,
)
"""Programs of the arm `code-ts`."""
