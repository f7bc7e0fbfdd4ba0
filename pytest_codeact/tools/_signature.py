"""How a function is declared in the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_codeact.tools._docs import Docs
    from pytest_codeact.tools._record import Field, Record
    from pytest_codeact.tools._shape import Shape

LINE_CHARS: Final = 110
"""Signatures longer than this get one line per parameter."""


def function_stub(arguments: Record, returns: Shape, docs: Docs, *, positional_count: int, example: str) -> str:
    """
    Write the declaration of a function, ending in a line break.

    Args:
        arguments: Its name and parameters.
        returns: What it returns.
        docs: Its docstring; the parameters' descriptions are taken from `arguments`.
        positional_count: How many parameters may be given by position.
        example: One call. "" for none.
    """
    parameters = [_parameter(each) for each in arguments.fields]
    if positional_count < len(parameters):
        parameters.insert(positional_count, "*")
    note = returns.note("python")
    end = f") -> {returns.annotation}:" + (f"  # {one_line(note)}" if note else "")
    head = f"def {arguments.name}({', '.join(parameters)}{end}"
    if len(head) > LINE_CHARS and parameters:
        listed = "".join(f"    {each},\n" for each in parameters)
        head = f"def {arguments.name}(\n{listed}{end}"
    entries = [f"    {each.name}: {remark}" for each in arguments.fields if (remark := each.remark("python"))]
    sections = [
        docs.before,
        "\n".join(["Args:", *entries]) if entries else "",
        docs.after,
        "\n".join(["Example:", *(f"    {line}" for line in example.splitlines())]) if example else "",
    ]
    return f"{head}\n" + docstring_source("\n\n".join(each for each in sections if each))


def _parameter(field: Field) -> str:
    default = f" = {field.default!r}" if field.has_default else ""
    return f"{field.name}: {field.shape.annotation}{default}"


def docstring_source(text: str) -> str:
    """Write a docstring, indented, as source: one that says the text and ends in a line break."""
    lines = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').splitlines()
    if len(lines) == 1 and not lines[0].endswith('"'):
        return f'    """{lines[0]}"""\n'
    quoted = ['"""', *lines, '"""']
    return "".join(f"    {line}".rstrip() + "\n" for line in quoted)


def one_line(text: str) -> str:
    """Give a text without its line breaks."""
    return " ".join(text.split())
