"""The source of a reference solution: the program that a code arm is sent, and whether it can stand alone."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import symtable
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_codeact.errors import SolutionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALLOWED_NAMES: Final = frozenset({*dir(builtins), "ToolError"})
"""Global names that a solution may use: what every sandboxed Python program has."""

RESERVED_NAMES: Final = frozenset({"ToolError", "final_answer", "tools"})
"""Names that a solution may not have: the program would hide the sandbox's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolutionSource:
    """
    A reference solution as a program.

    Attributes:
        name: Name of the function.
        definition: The function without annotations, decorators and docstring; its body verbatim.
    """

    name: str
    definition: str

    def program(self, call_name: str = "") -> str:
        """
        Give the program that defines the function, calls it and hands in its answer.

        Args:
            call_name: The name by which it is called. "" for its own.
        """
        return f"{self.definition}\n\nfinal_answer({call_name or self.name}(tools))"


def check_solution(function: Callable[..., Any]) -> None:
    """
    Check that a reference solution can drive every arm: a plain function whose source can stand alone.

    Raises:
        SolutionError: It is no plain function of one parameter, its source cannot be read, or it uses names
            from outside itself. The text says where and what to do.
    """
    solution_source(function)


# Cached because it is asked for in every trial and parsing takes about a millisecond; it is a pure function.
@functools.lru_cache(maxsize=256)
def solution_source(function: Callable[..., Any]) -> SolutionSource:
    """
    Give the source of a reference solution.

    Raises:
        SolutionError: As for `check_solution`.
    """
    _check_kind(function)
    parameter = _only_parameter(function)
    source, node, first_line = _parse(function)
    if node.name in RESERVED_NAMES:
        listed = ", ".join(repr(each) for each in sorted(RESERVED_NAMES))
        _fail(function, f"has a name that its program needs for itself; reserved names: {listed}")
    body, body_line = _body(source, node)
    found = SolutionSource(name=node.name, definition=f"def {node.name}({parameter}):\n{body}")
    # The definition's second line is line `first_line + body_line - 1` of the file, both counted from 1.
    _check_names(function, found, first_line + body_line - 3)
    return found


def described(function: Callable[..., Any]) -> str:
    """Name a function and say where it is defined: "'solve' (tasks.py:12)"."""
    name = getattr(function, "__qualname__", None) or repr(function)
    code = getattr(function, "__code__", None)
    return f"{name!r} ({code.co_filename}:{code.co_firstlineno})" if code else repr(name)


def _fail(function: Callable[..., Any], complaint: str) -> NoReturn:
    raise SolutionError(f"reference solution {described(function)} {complaint}")


def _check_kind(function: Callable[..., Any]) -> None:
    advice = "it must be a plain function written with `def`"
    if not inspect.isfunction(function):
        _fail(function, f"is a {type(function).__name__} without source of its own; {advice}")
    if function.__name__ == "<lambda>":
        _fail(function, f"is a lambda; {advice}")
    if hasattr(function, "__wrapped__"):
        _fail(function, f"is wrapped by a decorator, which its program would lose; {advice}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        _fail(function, f"is async; {advice}, and tools are called without await")
    if inspect.isgeneratorfunction(function):
        _fail(function, f"is a generator; {advice} that returns the answer")


def _only_parameter(function: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if len(parameters) != 1 or parameters[0].kind not in kinds:
        given = ", ".join(str(each) for each in parameters)
        _fail(function, f"takes ({given}); it must take exactly one positional parameter: the tools")
    return parameters[0].name


def _parse(function: Callable[..., Any]) -> tuple[str, ast.FunctionDef, int]:
    """Give its text without common indentation, its tree, and the file's line of the text's first line."""
    try:
        lines, first_line = inspect.getsourcelines(function)
    except (OSError, TypeError) as error:
        message = f"reference solution {described(function)} has no source to read; define it in a file"
        raise SolutionError(message) from error
    text = "".join(lines)
    dedented = textwrap.dedent(text)
    if text[0].isspace():
        # A multi-line string may reach left of the code, or lose indentation that belongs to it.
        nested = ast.parse(f"if True:\n{text}").body[0]
        original = nested.body[0] if isinstance(nested, ast.If) else nested
        dedented = _same_or_unparsed(dedented, original)
    node = ast.parse(dedented).body[0]
    if not isinstance(node, ast.FunctionDef):
        raise SolutionError(f"reference solution {described(function)} has no `def` of its own; write one")
    return dedented, node, first_line


def _same_or_unparsed(dedented: str, original: ast.stmt) -> str:
    try:
        if ast.dump(ast.parse(dedented).body[0]) == ast.dump(original):
            return dedented
    except SyntaxError:
        pass
    return ast.unparse(original)


def _body(source: str, node: ast.FunctionDef) -> tuple[str, int]:
    """Give the body verbatim, without docstring, and its first line's number in the source, from 1."""
    documented = ast.get_docstring(node, clean=False) is not None
    statements = node.body[1:] if documented else node.body
    if not statements:
        return "    pass", node.lineno
    lines = source.split("\n")
    end = node.end_lineno or len(lines)
    while end < len(lines) and _is_aside(lines[end]) and not lines[end].startswith("#"):
        end += 1
    first = statements[0]
    # The column counts UTF-8 bytes.
    before = lines[first.lineno - 1].encode()[: first.col_offset].decode()
    if before.strip():
        rest = lines[first.lineno - 1][len(before) :]
        return "\n".join([f"    {rest}", *lines[first.lineno : end]]).rstrip(), first.lineno
    floor = (node.body[0].end_lineno or node.lineno) if documented else node.lineno
    begin = min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", []))])
    while begin - 1 > floor and _is_aside(lines[begin - 2]):
        begin -= 1
    while not lines[begin - 1].strip():
        begin += 1
    return "\n".join(lines[begin - 1 : end]).rstrip(), begin


def _is_aside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _check_names(function: Callable[..., Any], source: SolutionSource, line_offset: int) -> None:
    scope = symtable.symtable(source.definition, "<solution>", "exec").get_children()[0]
    outside = set(_global_names(scope)) - ALLOWED_NAMES - {source.name}
    if not outside:
        return
    uses = [
        (node.lineno, node.id)
        for node in ast.walk(ast.parse(source.definition))
        if isinstance(node, ast.Name) and node.id in outside
    ]
    line, name = min(uses, default=(1, min(outside)))
    code = function.__code__
    kind = "a variable of an enclosing function" if name in code.co_freevars else "a name of its module"
    _fail(
        function,
        f"uses {name!r}, {kind}, at {code.co_filename}:{line + line_offset}; its source is sent as a program, "
        "so it may use only its parameter, its own variables, builtins and ToolError: define or import the name "
        "inside the function",
    )


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """Give the names that a scope and all scopes inside it take from the module."""
    for symbol in table.get_symbols():
        if symbol.is_global():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _global_names(child)
