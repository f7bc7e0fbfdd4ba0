"""
Which names a program may write, read and define: the vocabulary that the compile-time policy and the
run-time guards share.

Public names are read natively, as plain Python would: what a program can reach through them is decided by
what it is given (`child.facades`, `child.guards`). The names below are those that need a decision of their own.
"""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """Give the words of a text as a set: a table of names that reads as one."""
    return frozenset(text.split())


READ: Final = "\0read"
WRITE: Final = "\0write"
UPDATE: Final = "\0update"
IMPORT: Final = "\0import"
IMPORT_FROM: Final = "\0import_from"
AWAITABLE: Final = "\0awaitable"
VALUE: Final = "\0value"
"""Names of the hooks. No source text can spell them, so no program can shadow, delete or call one."""

HOOK_LIKE: Final = frozenset(
    {
        "_getattr_",
        "_getitem_",
        "_getiter_",
        "_write_",
        "_print_",
        "_print",
        "_apply_",
        "_inplacevar_",
        "_unpack_sequence_",
        "_iter_unpack_sequence_",
    }
)
"""Hooks of stock RestrictedPython. Harmless here, but a program that writes one means no good, or another sandbox."""

INTERNAL: Final = words(
    """
    tb_frame tb_next f_back f_builtins f_code f_generator f_globals f_locals f_trace f_lineno
    co_code co_consts co_names co_varnames co_freevars co_cellvars
    gi_frame gi_code gi_yieldfrom cr_await cr_frame cr_code cr_origin ag_await ag_frame ag_code
    """
)
"""Attributes of frames, code, generators and coroutines, as `inspect` lists them: ways out of the language."""

GUARDED: Final = frozenset({"format", "format_map", "obj"})
"""Public attributes that need a look: `str.format` reads attributes itself, `AttributeError.obj` leaks an object."""

METHODS: Final = frozenset(
    f"__{name}__"
    for name in words(
        """
    init new post_init init_subclass call repr str format bytes hash bool len length_hint
    eq ne lt le gt ge contains getitem setitem delitem missing iter next reversed
    enter exit aenter aexit aiter anext
    add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or
    radd rsub rmul rmatmul rtruediv rfloordiv rmod rdivmod rpow rlshift rrshift rand rxor ror
    iadd isub imul imatmul itruediv ifloordiv imod ipow ilshift irshift iand ixor ior
    neg pos abs invert int float complex index round trunc floor ceil
    """
    )
)
"""Special methods that a class of the program may define, and that it may name: `super().__init__()`."""

NAMED: Final = frozenset({"__name__", "__qualname__", "__doc__"})
"""Special attributes that are text: readable everywhere, writable on the program's own functions and classes."""

READABLE: Final = (
    METHODS
    | NAMED
    | {"__class__", "__module__", "__dict__", "__annotations__", "__members__", "__setattr__"}
    | {"__cause__", "__context__", "__notes__", "__suppress_context__"}
)
"""Special attributes that a program may read; `child.guards` says of which objects."""

CLASS_VARIABLES: Final = frozenset({"__slots__", "__hash__"})
"""Special names that a class body may assign."""


def is_special(name: str) -> bool:
    """Say whether a name is Python's own: `__x__`."""
    return name.startswith("__") and name.endswith("__")


def needs_guard(name: str) -> bool:
    """Say whether reading an attribute of this name must be decided at run time."""
    return name.startswith("_") or name in GUARDED or name in INTERNAL


def mangle(name: str, class_name: str | None) -> str:
    """Give the name that Python makes of `__x` inside a class. `class_name` is None outside of any."""
    if class_name is None or not name.startswith("__") or name.endswith("__"):
        return name
    stripped = class_name.lstrip("_")
    return f"_{stripped}{name}" if stripped else name
