"""The Python API that programs are written against, as the model is shown it."""

from __future__ import annotations

import functools
import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools._record import declared_records
from pytest_codeact.tools._signature import docstring_source, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.tools._answer import FinalAnswer
    from pytest_codeact.tools._declare import Tool
    from pytest_codeact.tools._record import Field, Record

_IMPORTS: Final = "from typing import Any, Literal, NotRequired, TypedDict\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonApi:
    """
    The tools as a program sees them. Both texts are Python source.

    Attributes:
        declarations: The imports and one TypedDict per named type, what it depends on first. To be run
            before a program, so that it can name the types. Values are plain dicts and lists.
        text: What the model is shown: the declarations, then each tool and `final_answer` as a function with
            exact types, docstring and example, but no body.
    """

    declarations: str
    text: str


def python_api(tools: Sequence[Tool], answer: FinalAnswer) -> PythonApi:
    """
    Write the Python API of some tools and the final answer.

    Args:
        tools: In the order to show them.
        answer: The scenario's final answer; shown last.

    Raises:
        ScenarioError: Two different types have the same name, or a type has the name of a tool.
    """
    return _python_api(tuple(tools), answer)


# Tools and answers are immutable and compared by identity, so this remembers and holds no state.
@functools.lru_cache(maxsize=256)
def _python_api(tools: tuple[Tool, ...], answer: FinalAnswer) -> PythonApi:
    shapes = [shape for each in tools for shape in (each.arguments, each.returns)]
    records = declared_records([*shapes, answer.arguments])
    for each in tools:
        if each.name in {record.name for record in records}:
            raise ScenarioError(
                f"a type and a tool are both named {each.name!r}, and a program can know only one of them; rename one"
            )
    declarations = "\n\n".join([_IMPORTS, *map(_record_stub, records)])
    stubs = [each.stub for each in tools]
    return PythonApi(declarations=declarations, text="\n\n".join([declarations, *stubs, answer.stub]))


def _record_stub(record: Record) -> str:
    if all(_is_plain(each.name) for each in record.fields):
        body = "".join(f"    {each.name}: {_entry(each)}{_remark(each)}\n" for each in record.fields)
        docstring = docstring_source(record.description) if record.description else ""
        return f"class {record.name}(TypedDict):\n{docstring}{body}" if body or docstring else _empty(record)
    # Keys that are no plain identifiers cannot be written in a class body.
    body = "".join(f"    {each.name!r}: {_entry(each)},{_remark(each)}\n" for each in record.fields)
    heading = f"# {one_line(record.description)}\n" if record.description else ""
    return f"{heading}{record.name} = TypedDict({record.name!r}, {{\n{body}}})\n"


def _empty(record: Record) -> str:
    return f"class {record.name}(TypedDict):\n    pass\n"


def _entry(field: Field) -> str:
    annotation = field.shape.annotation
    return annotation if field.required else f"NotRequired[{annotation}]"


def _remark(field: Field) -> str:
    default = f"default: {field.default!r}" if field.has_default else ""
    remark = "; ".join(each for each in (field.remark("python"), default) if each)
    return f"  # {one_line(remark)}" if remark else ""


def _is_plain(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
