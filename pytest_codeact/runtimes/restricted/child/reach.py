"""
Modules whose real ones lead out of the sandbox (`names.REACHING`) are used by their attributes, and never handed on.

The objects that programs are given in their place hold nothing dangerous. This rule is a second look: what a program
does with such a module can be read off its text, and there is no way to it by a name that is computed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_codeact.runtimes.restricted.child import names

if TYPE_CHECKING:
    from collections.abc import Iterator


def bare_uses(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Give every expression that takes such a module, or the environment, as a value, with what is wrong about it."""
    bound = set(_bound(tree))
    if not bound:
        return
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, ast.Name) and child.id in bound:
                if isinstance(child.ctx, ast.Load) and not _reads_attribute(parent):
                    yield child, f"the module '{child.id}' can only be used by its attributes in the sandbox"
            elif isinstance(child, ast.Attribute) and _is_environment(child, bound) and not _looks_up(parent, child):
                yield child, "os.environ can only be read by key in the sandbox; there is no environment"


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in names.REACHING:
                    yield alias.asname or alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (alias.asname or alias.name for alias in node.names if alias.name in {"path", "environ"})


def _reads_attribute(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"getattr", "hasattr"}:
        return len(node.args) > 1 and isinstance(node.args[1], ast.Constant)
    return isinstance(node, ast.Attribute)


def _is_environment(node: ast.Attribute, bound: set[str]) -> bool:
    return node.attr == "environ" and isinstance(node.value, ast.Name) and node.value.id in bound


def _looks_up(parent: ast.AST, environment: ast.AST) -> bool:
    if isinstance(parent, ast.Compare):
        return environment in parent.comparators and all(isinstance(each, (ast.In, ast.NotIn)) for each in parent.ops)
    return isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is environment
