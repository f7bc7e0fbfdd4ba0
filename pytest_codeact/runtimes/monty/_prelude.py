"""
What a session runs before its first program: the functions of the host and the declared types, in Monty's own Python.

Monty hands a function, a coroutine or a view of a dict to the host as its `repr`, which nobody can tell from a text.
So arguments are checked where they still have their types, in the program's process; the host checks again what
arrives. Classes cannot inherit there, so a TypedDict is `dict` and `ToolError` is `RuntimeError`. A call of the host
cannot come from inside a function of Monty's own, so `map` and `filter` are written in Python: they give lists, as
Monty's own do.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_codeact.runtimes import Limits

MODULE: Final = "tools"
"""The module that holds the functions of the host."""

RAW_NAME: Final = "codeact call"
"""Name of the function that carries a call to the host. A program cannot call one of this name by itself."""

# Whatever a function needs is a local of `make`: a program may name its own variables `list` and `type`.
_MAKE: Final = """\
def _codeact_make(raw, argument_bytes, nesting, integer_bits):
    import json, math
    from dataclasses import is_dataclass
    dumps, finite, kind_of, instance = json.dumps, math.isfinite, type, isinstance
    text, integer, real, array, row, mapping = str, int, float, list, tuple, dict
    length, count, shown, wrong_type, wrong_value = len, enumerate, repr, TypeError, ValueError
    set_attribute = setattr
    ceiling = 2**integer_bits
    advice = {
        "date": "pass its .isoformat()",
        "datetime": "pass its .isoformat()",
        "time": "pass its .isoformat()",
        "timedelta": "pass its .total_seconds()",
        "Decimal": "pass float(...) or str(...) of it",
        "bytes": "pass its .decode()",
        "bytearray": "pass its .decode()",
        "set": "pass sorted(...) of it",
        "frozenset": "pass sorted(...) of it",
        "deque": "pass list(...) of it",
        "range": "pass list(...) of it",
        "dict_keys": "pass list(...) of it",
        "dict_values": "pass list(...) of it",
        "dict_items": "pass dict(...) of it",
        "coroutine": "await it first",
        "function": "call it first",
    }

    def fail(error, function, path, problem, hint):
        steps = ""
        while not instance(path, text):
            path, step = path
            steps = "[" + shown(step) + "]" + steps
        raise error(f"{function}(): {path}{steps} {problem}; {hint}")

    def encode(function, path, value, depth):
        kind = kind_of(value)
        if value is None or kind is text or value is True or value is False:
            return value
        if kind is integer:
            if not -ceiling < value < ceiling:
                problem = f"is an integer of more than {integer_bits} bits"
                fail(wrong_value, function, path, problem, "pass str(...) of it")
            return value
        if kind is real:
            if not finite(value):
                fail(wrong_value, function, path, f"is {value}, which is not JSON", "pass None or a finite number")
            return value
        if not instance(value, (array, row, mapping)):
            hint = "pass JSON values: None, bool, int, float, str, list or dict"
            hint = "pass dataclasses.asdict(...) of it" if is_dataclass(value) else advice.get(kind.__name__, hint)
            fail(wrong_type, function, path, f"is of type {kind.__name__}, which is not JSON", hint)
        if depth >= nesting:
            fail(wrong_value, function, path, f"is nested deeper than {nesting}", "pass a flatter value")
        if not instance(value, mapping):
            return [encode(function, (path, step), each, depth + 1) for step, each in count(value)]
        encoded = {}
        for key, each in value.items():
            if kind_of(key) is not text:
                problem = f"has a key of type {kind_of(key).__name__}; the keys of a JSON object are strings"
                fail(wrong_type, function, path, problem, "pass str(...) of it")
            encoded[key] = encode(function, (path, key), each, depth + 1)
        return encoded

    class function:
        def __init__(self, name):
            self.__name__ = name

        def __call__(self, *positional, **keywords):
            name = self.__name__
            listed = [encode(name, f"argument {index + 1}", each, 0) for index, each in count(positional)]
            named = {key: encode(name, f"argument {key!r}", each, 0) for key, each in keywords.items()}
            size_bytes = length(dumps([listed, named], ensure_ascii=False, separators=(",", ":")).encode())
            if size_bytes > argument_bytes:
                raise wrong_value(
                    f"{name}(): the arguments are {size_bytes} bytes of JSON; "
                    f"allowed: {argument_bytes}; pass less at a time"
                )
            return raw(name, listed, named)

        def __repr__(self):
            return f"<function {self.__name__}>"

    class module:
        def __init__(self, held):
            for name, each in held.items():
                set_attribute(self, name, each)

        def __repr__(self):
            return "<module 'tools'>"

    return function, module


def _codeact_loops():
    zipped = zip

    def map(function, *iterables):
        return [function(*each) for each in zipped(*iterables)]

    def filter(function, iterable):
        return [each for each in iterable if (each if function is None else function(each))]

    return map, filter


map, filter = _codeact_loops()
ToolError = RuntimeError
"""

_TYPING: Final = frozenset({"typing", "typing_extensions"})


def prelude_source(functions: Sequence[str], declarations: str, limits: Limits) -> tuple[str, tuple[str, ...]]:
    """
    Write the prelude. Its input is `_codeact_raw`; its value a list: the module, then what the names stand for.

    Args:
        functions: Names of the functions of the host.
        declarations: As of `Bindings`.
        limits: Those of arguments are written into it.

    Returns:
        The source, and the names that the module `tools` holds besides `ToolError`: the declared, then the functions.

    Raises:
        SyntaxError: The declarations are not Python.
    """
    declared: dict[str, None] = {}
    parts = [_MAKE]
    for node in ast.parse(declarations).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names, source = _declared(node)
        parts.append(source)
        declared |= dict.fromkeys(names)
    limited = f"{limits.argument_bytes}, {limits.nesting}, {limits.integer_bits}"
    parts.append(f"_codeact_function, _codeact_module = _codeact_make(_codeact_raw, {limited})")
    parts += [f"{name} = _codeact_function({name!r})" for name in functions]
    held = (*(name for name in declared if name not in functions), *functions)
    entries = ", ".join(f"{name!r}: {name}" for name in ("ToolError", *held))
    parts.append(f"_codeact_module = _codeact_module({{{entries}}})")
    # Nothing of this is a program's to call.
    parts.append("_codeact_raw = _codeact_make = _codeact_function = _codeact_loops = None")
    parts.append(f"[{', '.join(('_codeact_module', *held))}]")
    return "\n".join(parts) + "\n", held


def _declared(node: ast.stmt) -> tuple[tuple[str, ...], str]:
    """Give the names that a declaration binds and the source that binds them in Monty."""
    if isinstance(node, ast.ImportFrom) and node.module in _TYPING:
        # What Monty's `typing` lacks can only stand in annotations, which Monty does not look at.
        return (), "".join(_attempt(f"from typing import {_alias(each)}") for each in node.names)
    if isinstance(node, ast.ClassDef) and any(_is_typed_dict(base) for base in node.bases):
        return (node.name,), f"{node.name} = dict"
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_typed_dict(node.value.func):
        names = tuple(_names(node.targets))
        return names, "\n".join(f"{name} = dict" for name in names)
    if isinstance(node, ast.ClassDef):
        return (node.name,), ast.unparse(node)
    return tuple(_names(node.targets)) if isinstance(node, ast.Assign) else (), ast.unparse(node)


def _is_typed_dict(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] == "TypedDict"


def _names(targets: Sequence[ast.expr]) -> Iterator[str]:
    return (each.id for each in targets if isinstance(each, ast.Name))


def _alias(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _attempt(statement: str) -> str:
    return f"try:\n    {statement}\nexcept ImportError:\n    pass\n"
