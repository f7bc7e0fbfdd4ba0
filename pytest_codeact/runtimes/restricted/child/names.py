"""
Which names a program may write, read and define: the vocabulary that the compile-time policy and the
run-time guards share.

Public names are read natively, as plain Python would: what a program can reach through them is decided by
what it is given (`child.facades`, `child.guards`). The names below are those that need a decision of their own.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        "_tmp0",
    }
)
"""
Hooks and temporaries of stock RestrictedPython. Harmless here, but a program that writes one means no good, or another
sandbox.
"""

INTERNAL: Final = words(
    """
    tb_frame tb_next f_back f_builtins f_code f_generator f_globals f_locals f_trace f_lineno
    co_code co_consts co_names co_varnames co_freevars co_cellvars
    gi_frame gi_code gi_yieldfrom cr_await cr_frame cr_code cr_origin ag_await ag_frame ag_code
    """
)
"""Attributes of frames, code, generators and coroutines, as `inspect` lists them: ways out of the language."""

GUARDED: Final = frozenset({"format", "format_map", "obj", "parser", "pathmod"})
"""
Public attributes that need a look: `str.format` reads attributes itself, `AttributeError.obj` leaks an object, and
`PurePath.parser`, once called `pathmod`, is a live module.
"""

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
"""
Special methods that a class of the program may define, assign (`__radd__ = __add__`) and name (`super().__init__()`).
"""

FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "__getattr__": ("self, name",),
    "__setattr__": ("self, name, value",),
    "__delattr__": ("self, name",),
    "__get__": ("self, instance, owner", "self, instance"),
    "__set__": ("self, instance, value",),
    "__delete__": ("self, instance",),
    "__set_name__": ("self, owner, name",),
    "__class_getitem__": ("cls, item",),
    "__del__": ("self",),
    "__dir__": ("self",),
}
"""
Special methods that a class may define in one of these forms, parameters named at will: each runs where a reader of the
program sees nothing, so it must say in full what it takes. Why they are harmless:

* `__getattr__`, and the descriptors' `__get__`, decide what the program's own objects hold. No guard asks an object of
  the program what it is: classes are read past them (`child.guards`).
* `__setattr__` and `__set__` receive what the program itself assigns; the guard of the target comes first.
* `__del__` runs at any time, as the `finally` of a generator that is thrown away does.
* `__set_name__`, `__class_getitem__` and `__dir__` are called with what the program has anyway.
"""

REFUSED_METHODS: Final[Mapping[str, str]] = {
    "__getattribute__": "it would lie about what an object is; define __getattr__",
    "__reduce__": "copying would set any attribute of any object; use dataclasses.replace or a method",
    "__reduce_ex__": "copying would set any attribute of any object; use dataclasses.replace or a method",
    "__getstate__": "copying would set any attribute of any object; use dataclasses.replace or a method",
    "__setstate__": "nothing is pickled; use a method",
    "__copy__": "write a method copy()",
    "__deepcopy__": "write a method copy()",
    "__await__": "the event loop awaits coroutines, tasks and plain values; write an async method",
    "__instancecheck__": "it would lie about what an object is; write a method",
    "__subclasscheck__": "it would lie about what a class is; write a method",
    "__subclasshook__": "it would lie about what a class is; derive from the class, or use typing.Protocol",
    "__prepare__": "there are no metaclasses",
    "__mro_entries__": "bases are classes",
    "__buffer__": "it would expose memory; use bytes",
    "__release_buffer__": "it would expose memory; use bytes",
}
"""Special methods that a class must not define, and what to do instead."""

NAMED: Final = frozenset({"__name__", "__qualname__", "__doc__"})
"""Special attributes that are text: readable everywhere, writable on the program's own functions and classes."""

READABLE: Final = (
    METHODS
    | NAMED
    | FORMS.keys()
    | {"__class__", "__module__", "__dict__", "__annotations__", "__members__"}
    | {"__slots__", "__match_args__", "__dataclass_fields__", "__total__", "__required_keys__", "__optional_keys__"}
    | {"__cause__", "__context__", "__notes__", "__suppress_context__", "__traceback__"}
)
"""Special attributes that a program may read; `child.guards` says of which objects."""

LISTED: Final = frozenset({"__slots__", "__match_args__"})
"""
Special names that a class body may assign a literal list of plain names. A slot is a data descriptor: one called
`__class__` would lie to every isinstance(). What `__match_args__` lists is read by patterns, in C.
"""

MODULE_VARIABLES: Final = words("__all__ __author__ __copyright__ __date__ __license__ __version__")
"""Special names that a program may assign at its top level and read: notes to a reader, which mean nothing here."""

READ_NAMES: Final = words("__name__ __doc__ __debug__")
"""Special names that a program may read anywhere."""

REACHING: Final = words("inspect os pathlib platform sys threading")
"""
Modules whose real ones lead out of the sandbox. A program may use what their stand-ins hold, and cannot hand the module
itself on: so its text shows all that it does with them.
"""

TRACEBACK_CALLS: Final = words(
    """
    with_traceback format_exception print_exception format_tb print_tb extract_tb format_list TracebackException
    """
)
"""Functions that a program may hand `error.__traceback__`. It has no other use but its line number."""


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


def lists_plain_names(name: str, value: ast.expr) -> bool:
    """Say whether a literal may be assigned to a name of `LISTED`."""
    try:
        listed = ast.literal_eval(value)
    except ValueError:
        return False
    found = [listed] if isinstance(listed, str) else listed
    if not isinstance(found, (tuple, list, set, dict)):
        return False
    unfit = needs_guard if name == "__match_args__" else is_special
    return all(isinstance(each, str) and not unfit(each) for each in found)
