"""
What a program may say: RestrictedPython's deny-by-default visitor, with the subset that models really write.

A node that neither this module nor RestrictedPython knows is refused, so new syntax is refused until
someone has read what it does. Three things are rewritten: attributes whose name or target needs a look at
run time, imports (no program reaches the real import system), and `await` (a tool's plain result may be
awaited). Everything else runs as plain Python compiles it.

This is a filter of the language, not the wall: that is the process around it.
"""

# ruff: noqa: N802, N815  # visitors are called what ast.NodeVisitor looks for
from __future__ import annotations

import ast
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from RestrictedPython.transformer import RestrictingNodeTransformer

from pytest_codeact.runtimes.restricted.child import names
from pytest_codeact.runtimes.restricted.child.reach import bare_uses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

FILE_NAME: Final = "main.py"
"""The name of every program in its tracebacks."""

_VISIT_DEPTH: Final = 10_000
"""Recursion limit for the visitor. Plain Python compiles expressions nested deeper than 1000 frames can visit."""

_NATIVE: Final = names.words(
    """
    Assign AnnAssign For While With AsyncFor AsyncWith Try Subscript comprehension Starred
    Match match_case MatchOr MatchSequence MatchSingleton Expr
    """
)
"""Nodes that stay as they are: what they do to plain data and to the program's own objects is harmless."""


class Refusal(NamedTuple):
    """
    Something that a program must not say.

    Attributes:
        line: Where it says so. Starts at 1.
        text: What it is and what to do instead.
    """

    line: int
    text: str


class RefusedError(Exception):
    """
    A program was refused before it ran.

    Attributes:
        refusals: Everything found, at least one, in source order.
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals)
        self.refusals = tuple(sorted(refusals))


def compile_program(source: str, file_name: str, exported: Callable[[str], Sequence[str]]) -> CodeType:
    """
    Compile a program. Its final expression, if it ends in one, is assigned to `names.VALUE`.

    Args:
        source: The program.
        file_name: What its code objects call it; unlike `FILE_NAME`, unique to the program.
        exported: Gives the public names of a module, for `from m import *`; none for a module that is not
            available.

    Returns:
        Code to evaluate; it makes a coroutine if the program awaits at its top level.

    Raises:
        SyntaxError: It is not Python.
        RefusedError: It says what it must not.
    """
    tree = ast.parse(source, FILE_NAME)
    policy = _Policy(exported)
    limit = sys.getrecursionlimit()
    # The visitor's frames are Python's own and take none of the C stack; the compiler's below do.
    sys.setrecursionlimit(_VISIT_DEPTH)
    try:
        for node, text in bare_uses(tree):
            policy.error(node, text)
        policy.visit(tree)
    finally:
        sys.setrecursionlimit(limit)
    if policy.refusals:
        raise RefusedError(policy.refusals)
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Assign([ast.Name(names.VALUE, ast.Store())], last.value), last)
    ast.fix_missing_locations(tree)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        code: CodeType = compile(tree, file_name, "exec", flags=flags, dont_inherit=True)
    except SyntaxError as error:
        _point_at(error, source)
        raise
    return code


def _point_at(error: SyntaxError, source: str) -> None:
    # The compiler looks for the line in a file; there is none.
    error.filename = FILE_NAME
    lines = source.splitlines()
    if error.text is None and error.lineno is not None and 0 < error.lineno <= len(lines):
        error.text = lines[error.lineno - 1] + "\n"


def _hook(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Policy(RestrictingNodeTransformer):
    """
    Rewrites a tree in place and collects what must be refused.

    Args:
        exported: As of `compile_program`.
    """

    def __init__(self, exported: Callable[[str], Sequence[str]]) -> None:
        super().__init__()
        self.refusals: list[Refusal] = []
        self._exported = exported
        self._classes: list[str] = []
        self._scopes = ["module"]
        self._in_pattern = False
        # Nodes that something around them has found harmless.
        self._allowed: set[ast.AST] = set()

    def error(self, node: ast.AST, info: str) -> None:
        """Record a refusal, in place of the formatted line that RestrictedPython keeps."""
        self.refusals.append(Refusal(getattr(node, "lineno", 1), info))

    def not_allowed(self, node: ast.AST) -> None:
        """Refuse a node nobody has decided on."""
        self.error(node, f"the syntax of {type(node).__name__} is not available in the sandbox")

    def visit(self, node: ast.AST) -> Any:
        """Let a native node through with its contents visited; dispatch any other."""
        if type(node).__name__ in _NATIVE:
            return self.node_contents_visit(node)
        return super().visit(node)

    @contextmanager
    def _scope(self, kind: str) -> Iterator[None]:
        self._scopes.append(kind)
        try:
            yield
        finally:
            self._scopes.pop()

    # Names

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # the signature of the base class
        """Refuse a name that the program must not bind or read."""
        if name is None:
            return
        if names.is_special(name):
            self.error(node, f"the name '{name}' is not available in the sandbox, as few names of the form __x__ are")
        elif name in names.HOOK_LIKE:
            self.error(node, f"the name '{name}' is reserved in the sandbox; use another name")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Allow every name that is not special, and the few special ones that a program has a use for."""
        if node not in self._allowed and not self._may_use(node.id, reads=isinstance(node.ctx, ast.Load)):
            self.check_name(node, node.id)
        return node

    def _may_use(self, name: str, *, reads: bool) -> bool:
        if self._scopes[-1] == "class" and name in names.METHODS:
            # `__radd__ = __add__`, `__hash__ = None`
            return True
        if name in names.MODULE_VARIABLES:
            return reads or self._scopes == ["module"]
        return reads and name in names.READ_NAMES

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> ast.AST:
        """Check the names."""
        for name in node.names:
            self.check_name(node, name)
        return node

    visit_Nonlocal = visit_Global

    # Attributes

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Rewrite `a._b` to a guarded read and `a.b = c` to a write on a guarded target; leave `a.b`."""
        name = names.mangle(node.attr, self._classes[-1] if self._classes else None)
        reads = isinstance(node.ctx, ast.Load)
        allowed = names.READABLE if reads else names.NAMED
        if name in names.INTERNAL or (names.is_special(name) and name not in allowed):
            self.error(node, f"the attribute '{name}' is not available in the sandbox")
        if name == "__traceback__" and node not in self._allowed:
            self.error(node, "the attribute '__traceback__' is only available to the functions of traceback")
        if name == "tb_lineno":
            self._allowed.add(node.value)
        self.node_contents_visit(node)
        if not reads:
            node.attr = name
            node.value = ast.copy_location(_hook(names.WRITE, node.value, ast.Constant(name)), node.value)
            return node
        if not names.needs_guard(name):
            return node
        if self._in_pattern:
            self.error(node, f"the attribute '{name}' is not available in a pattern in the sandbox")
        return ast.copy_location(_hook(names.READ, node.value, ast.Constant(name)), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Leave it native; note what it is that may be handed an error's traceback."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in names.TRACEBACK_CALLS:
            self._allowed.update(node.args, (keyword.value for keyword in node.keywords))
        return self.node_contents_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Leave it native: the guarded target is evaluated once. Its attribute is read, so that is checked too."""
        self.node_contents_visit(node)
        if isinstance(target := node.target, ast.Attribute) and isinstance(guard := target.value, ast.Call):
            guard.func = ast.copy_location(ast.Name(names.UPDATE, ast.Load()), guard)
        return node

    # Patterns: they read attributes without any node that could be rewritten

    def _pattern(self, node: ast.AST) -> ast.AST:
        before, self._in_pattern = self._in_pattern, True
        try:
            return self.node_contents_visit(node)
        finally:
            self._in_pattern = before

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        """Allow constants and dotted names that need no guard."""
        return self._pattern(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        """Allow attributes that need no guard."""
        for name in node.kwd_attrs:
            if names.needs_guard(name):
                self.error(node, f"the attribute '{name}' is not available in a pattern in the sandbox")
        return self._pattern(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        """Check the name that captures the rest."""
        self.check_name(node, node.rest)
        return self._pattern(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.AST:
        """Check the name."""
        self.check_name(node, node.name)
        return node

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        """Check the name."""
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    # Definitions

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """Allow functions and coroutines, and in classes the special methods that are harmless."""
        if not names.is_special(node.name):
            self.check_name(node, node.name)
        elif self._scopes[-1] != "class" or node.name not in names.METHODS:
            self._check_form(node)
        self.check_function_argument_names(node)
        with self._scope("function"):
            return self.node_contents_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _check_form(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if self._scopes[-1] == "class" and node.name in names.FORMS:
            forms = names.FORMS[node.name]
            taken = node.args
            count = len(taken.posonlyargs) + len(taken.args)
            odd = taken.kwarg or taken.kwonlyargs or isinstance(node, ast.AsyncFunctionDef)
            wanted = {form.count(",") + 1 for form in forms}
            # `def __setattr__(self, *args)`: they are passed by position, and nothing by name.
            fits = count in wanted or (taken.vararg is not None and 0 < count < max(wanted))
            if odd or not fits:
                self.error(node, f"the method '{node.name}' must take exactly ({forms[0]}) in the sandbox")
            return
        advice = names.REFUSED_METHODS.get(node.name)
        reason = f": {advice}" if advice and self._scopes[-1] == "class" else ""
        self.error(node, f"the method '{node.name}' cannot be defined in the sandbox{reason}")

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Check the names of its arguments."""
        self.check_function_argument_names(node)
        with self._scope("function"):
            return self.node_contents_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Allow classes; `child.guards` decides on bases and metaclass when the class is made."""
        self.check_name(node, node.name)
        for statement in node.body:
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                self._check_listed(statement, statement.value)
        self._classes.append(node.name)
        try:
            with self._scope("class"):
                return self.node_contents_visit(node)
        finally:
            self._classes.pop()

    def _check_listed(self, node: ast.Assign | ast.AnnAssign, value: ast.expr) -> None:
        # In every other statement of a class body the names are refused as all special ones are.
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            if target.id in names.FORMS and isinstance(value, (ast.Attribute, ast.Name)):
                # `__setattr__ = dict.__setitem__`: a function that has its form already.
                self._allowed.add(target)
            if target.id in names.LISTED:
                self._allowed.add(target)
                if not names.lists_plain_names(target.id, value):
                    self.error(node, f"{target.id} must list plain names as literals in the sandbox")

    def visit_TypeVar(self, node: Any) -> ast.AST:
        """Check the name of a type parameter (Python 3.12)."""
        self.check_name(node, node.name)
        return self.node_contents_visit(node)  # type: ignore[no-any-return]  # the node does not exist in 3.11

    visit_ParamSpec = visit_TypeVarTuple = visit_TypeVar

    def visit_TypeAlias(self, node: Any) -> ast.AST:
        """Allow `type X = ...` (Python 3.12)."""
        return self.node_contents_visit(node)  # type: ignore[no-any-return]  # the node does not exist in 3.11

    # Imports

    def visit_Import(self, node: ast.Import) -> Any:
        """Rewrite to assignments from the modules that are available."""
        assigned = []
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self.check_name(node, bound)
            module = _hook(names.IMPORT, ast.Constant(alias.name), ast.Constant(alias.asname is not None))
            assigned.append(ast.copy_location(ast.Assign([ast.Name(bound, ast.Store())], module), node))
        return assigned

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """Rewrite to assignments of the modules' names; leave `from __future__`."""
        if node.module == "__future__":
            return node
        if node.level or node.module is None:
            self.error(node, "relative imports are not available in the sandbox; there are no files")
            return node
        assigned = []
        for name, bound in self._imported(node.module, node):
            self.check_name(node, bound)
            value = _hook(names.IMPORT_FROM, ast.Constant(node.module), ast.Constant(name))
            assigned.append(ast.copy_location(ast.Assign([ast.Name(bound, ast.Store())], value), node))
        return assigned

    def _imported(self, module: str, node: ast.ImportFrom) -> Iterator[tuple[str, str]]:
        for alias in node.names:
            if alias.name != "*":
                yield alias.name, alias.asname or alias.name
            elif exported := self._exported(module):
                yield from ((name, name) for name in exported)
            else:
                # Left for the import to refuse, which names the module.
                yield "", "_"

    # Statements and expressions that RestrictedPython refuses or rewrites, and need not

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """Let a plain value be awaited."""
        self.node_contents_visit(node)
        node.value = ast.copy_location(_hook(names.AWAITABLE, node.value), node.value)
        return node

    def visit_TryStar(self, node: ast.AST) -> None:
        """Refuse: it calls methods of what was raised, and CPython 3.11 trusts what they return."""
        self.error(node, "'except*' is not available in the sandbox; use 'except'")

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Visit the statements; no collector of prints is needed."""
        return self.node_contents_visit(node)
