"""
The TypeScript API that programs are written against, as the model is shown it. It says what the Python API says, by
the means of the other language: tuple types, optional keys and TSDoc comments.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools._record import declared_records
from pytest_codeact.tools._signature import LINE_CHARS, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_codeact.records import Json
    from pytest_codeact.tools._answer import FinalAnswer
    from pytest_codeact.tools._declare import Tool
    from pytest_codeact.tools._record import Field, Record

_WHOLE: Final = "/** A whole number. */\ntype int = number;\n"
"""What Python has by itself. No type of a scenario can be named `int`."""

_PLAIN: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
"""Keys that need no quotes."""

_EXACT: Final = 2**53
"""Whole floats below it are written as whole numbers, as JavaScript writes them."""

_RESERVED_TYPE_NAMES: Final = (
    "Promise any bigint boolean never number object string symbol undefined unknown "
    "case catch const debugger default delete do enum export extends function implements instanceof interface let new "
    "null package private protected public static super switch this throw typeof var void"
)
"""Names that TypeScript does not give to a type, or that the API needs, and Python lets a class have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeScriptApi:
    """
    The tools as a TypeScript program sees them. Both texts are TypeScript source.

    Attributes:
        declarations: One interface per named type, what it depends on first. There is nothing in them to run.
        text: What the model is shown: the declarations, then the tools as methods of `tools`, which take one object
            each, and `final_answer`; with exact types, TSDoc comments and examples, but no body.
    """

    declarations: str
    text: str


def typescript_api(tools: Sequence[Tool], answer: FinalAnswer) -> TypeScriptApi:
    """
    Write the TypeScript API of some tools and the final answer.

    Args:
        tools: In the order to show them.
        answer: The scenario's final answer; shown last.

    Raises:
        ScenarioError: Two different types have the same name, or one has a name that TypeScript needs for itself.
    """
    return _typescript_api(tuple(tools), answer)


# Tools and answers are immutable and compared by identity, so this remembers and holds no state.
@functools.lru_cache(maxsize=256)
def _typescript_api(tools: tuple[Tool, ...], answer: FinalAnswer) -> TypeScriptApi:
    shapes = [shape for each in tools for shape in (each.arguments, each.returns)]
    records = declared_records([*shapes, answer.arguments])
    for record in records:
        if record.name in _RESERVED_TYPE_NAMES.split():
            raise ScenarioError(f"a type is named {record.name!r}, which means something else in TypeScript; rename it")
    declarations = "\n".join([_WHOLE, *map(_interface, records)])
    methods = "\n".join(_method(each) for each in tools)
    end = _final_answer(answer)
    return TypeScriptApi(
        declarations=declarations, text=f"{declarations}\ndeclare const tools: {{\n{methods}}};\n\n{end}"
    )


def _interface(record: Record) -> str:
    body = "".join(_member(each, "  ") for each in record.fields)
    opened = f"interface {record.name} {{"
    return _comment([record.description]) + (f"{opened}\n{body}}}\n" if body else f"{opened}}}\n")


def _member(field: Field, margin: str) -> str:
    default = f"default: {_literal(field.default)}" if field.has_default else ""
    remark = "; ".join(each for each in (field.remark("typescript"), default) if each)
    return f"{_comment([one_line(remark)], margin)}{margin}{_entry(field)};\n"


def _entry(field: Field) -> str:
    return f"{_key(field.name)}{'' if field.required else '?'}: {field.shape.typescript}"


def _method(tool: Tool) -> str:
    sections = [
        tool.prose,
        _tag("returns", one_line(tool.returns.note("typescript"))),
        _tag("example", _example(tool)),
    ]
    # `new` alone would be read as the declaration of a constructor.
    name = '"new"' if tool.name == "new" else tool.name
    return f"{_comment(sections, '  ')}  {name}({_parameter(tool.arguments)}): Promise<{tool.returns.typescript}>;\n"


def _parameter(arguments: Record) -> str:
    """Write the one parameter of a tool: an object, which can be left out if all in it can."""
    if not arguments.fields:
        return ""
    name = "args" if any(each.required for each in arguments.fields) else "args?"
    members = [_member(each, "    ") for each in arguments.fields]
    line = f"{name}: {{ {'; '.join(map(_entry, arguments.fields))} }}"
    if len(line) <= LINE_CHARS and not any("/**" in each for each in members):
        return line
    return f"{name}: {{\n{''.join(members)}  }}"


def _final_answer(answer: FinalAnswer) -> str:
    (field,) = answer.arguments.fields
    parameter = _tag(f"param {field.name}", field.remark("typescript"))
    comment = _comment([answer.spec.description, parameter])
    return f"{comment}declare function {answer.spec.name}({_entry(field)}): Promise<never>;\n"


def _tag(name: str, text: str) -> str:
    return f"@{name} {text}" if text else ""


def _comment(sections: Iterable[str], margin: str = "") -> str:
    """Write a TSDoc comment that ends in a line break. "" if there is nothing to say."""
    text = "\n\n".join(each for each in sections if each).replace("*/", "*\\/")
    lines = text.splitlines()
    if len(lines) > 1:
        return "".join(f"{margin}{line}".rstrip() + "\n" for line in ("/**", *(f" * {each}" for each in lines), " */"))
    return f"{margin}/** {text} */\n" if text else ""


def _example(tool: Tool) -> str:
    """Translate the author's example, if it is one call with literals for arguments."""
    try:
        arguments = _arguments(tool, ast.parse(tool.example.strip(), mode="eval").body)
        return f"await tools.{tool.name}({_literal(arguments) if arguments else ''})"
    except (SyntaxError, ValueError, TypeError):
        return f"In Python: {tool.example}" if tool.example else ""


def _arguments(tool: Tool, node: ast.expr) -> dict[str, Any]:
    called = node.func if isinstance(node, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
    if not isinstance(node, ast.Call) or name != tool.name:
        raise ValueError("no call of the tool")
    # What gives several arguments at once is no literal: `*args` by itself, `**kwargs` for want of a name.
    named = [(each.arg or "", each.value if each.arg else node) for each in node.keywords]
    given = [*zip(tool.parameter_names, node.args, strict=False), *named]
    return {key: ast.literal_eval(value) for key, value in given}


def _literal(value: Json) -> str:
    """
    Write a value as TypeScript.

    Raises:
        TypeError: It is none that JSON has.
    """
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)}: {_literal(each)}' for key, each in value.items())} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
