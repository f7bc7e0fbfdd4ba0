"""
What a program may do at run time: its builtins and the hooks that the policy's rewriting calls.

An object is the program's *own* if its class, or the object itself when it is a class or a function, came
from the program. Own objects have no secrets from it; of all others it sees the public names alone.
"""

from __future__ import annotations

import abc
import builtins
import sys
import types
from decimal import Context
from types import FunctionType, MappingProxyType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_codeact.runtimes.restricted.child import names
from pytest_codeact.runtimes.restricted.child.format import RAW_FORMATS, checked_format
from pytest_codeact.runtimes.restricted.child.kinds import (
    AbstractMeta,
    DeniedAttributeError,
    DeniedCallError,
    DeniedImportError,
    DeniedNameError,
    RaisedGroup,
    ToolError,
    Type,
    UnknownFunction,
)
from pytest_codeact.runtimes.restricted.child.owners import (
    denied,
    described,
    held,
    is_exception,
    is_ours,
    is_own_class,
    is_settable,
)
from pytest_codeact.runtimes.restricted.child.system import System

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SAFE: Final = names.words("""
    abs aiter all anext any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod
    enumerate filter float format frozenset hash hex id int isinstance issubclass iter len list map max min
    next object oct ord pow print property range repr reversed round set slice sorted staticmethod str sum
    super tuple zip NotImplemented Ellipsis None True False
""")  # fmt: skip
"""Builtins given as they are."""

_REFUSED: Final[Mapping[str, str]] = {
    "open": "there are no files; use the tools and variables",
    "input": "nobody can answer; use the tools",
    "eval": "write the expression into the program, or use ast.literal_eval",
    "exec": "write the statements into the program",
    "compile": "write the code into the program",
    "breakpoint": "there is no debugger; use print",
    "help": "the API is in the instructions",
    "memoryview": "use bytes or bytearray",
    "copyright": "it is of no use here",
    "credits": "it is of no use here",
    "license": "it is of no use here",
}
"""Builtins that are not available, and what to do instead."""

_OF_EXCEPTIONS: Final = names.words("__cause__ __context__ __notes__ __suppress_context__ __traceback__")

_OF_OWN_CLASSES: Final = names.words(
    "__slots__ __match_args__ __dataclass_fields__ __total__ __required_keys__ __optional_keys__"
)

_WRITABLE: Final = frozenset({SimpleNamespace, Context})
"""Classes, not the program's own, whose instances it may change."""

_NATURAL: Final = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range}
)
"""Classes whose instances refuse an assignment by themselves, in words that a model knows."""


class Guards:
    """
    The builtins and hooks of one interpreter.

    Args:
        namespace: The program's globals.
        modules: Every module a program may import, by dotted name.
        awaitable: Makes an awaitable of what a program awaits.
    """

    def __init__(
        self, namespace: dict[str, Any], modules: Mapping[str, ModuleType], awaitable: Callable[[Any], Any]
    ) -> None:
        self._namespace = namespace
        self._modules = modules
        self._awaitable = awaitable

    def builtins(self) -> dict[str, Any]:
        """Give what programs find as builtins, hooks included."""
        exceptions = {
            name: kind
            for name, kind in vars(builtins).items()
            if isinstance(kind, type) and issubclass(kind, BaseException)
        }
        own = (
            self.getattr, self.hasattr, self.setattr, self.delattr, self.dir, self.vars, self.globals, self.locals
        )  # fmt: skip
        return {
            **exceptions,
            **{name: getattr(builtins, name) for name in _SAFE},
            **{name: _refused(name, advice) for name, advice in _REFUSED.items()},
            **{method.__name__: _function(method) for method in own},
            "ExceptionGroup": RaisedGroup,
            "BaseExceptionGroup": RaisedGroup,
            "type": Type,
            "exit": _exit,
            "quit": _exit,
            "ToolError": ToolError,
            "__build_class__": self._build_class,
            "__import__": _import_for_c,
            names.READ: self.read,
            names.WRITE: self.write,
            names.UPDATE: self.update,
            names.IMPORT: self._import,
            names.IMPORT_FROM: self._import_from,
            names.AWAITABLE: self._awaitable,
        }

    # Reading

    def read(self, owner: Any, name: str) -> Any:
        """
        Give an attribute as plain Python would, if the program may have it.

        Raises:
            AttributeError: There is none.
            DeniedAttributeError: There may be one, but not for a program.
            TypeError: The name is not exactly a string.
        """
        if type(name) is not str:
            raise TypeError(f"attribute name must be string, not '{type(name).__name__}'")
        if names.is_special(name):
            return self._read_special(owner, name)
        if name in names.INTERNAL or (name == "obj" and isinstance(owner, AttributeError)):
            raise denied(owner, name)
        if name.startswith("_") and not self._may_read_private(owner, name):
            raise denied(owner, name)
        value = getattr(owner, name)
        if type(value) is UnknownFunction:
            raise AttributeError(f"module 'tools' has no attribute {name!r}", name=name, obj=owner)
        if isinstance(value, ModuleType) and value.__class__ is ModuleType:
            # A real module; those that programs are given are of a class of their own.
            raise denied(owner, name)
        return checked_format(value) if name in RAW_FORMATS else value

    def _read_special(self, owner: Any, name: str) -> Any:
        if name == "__class__":
            return Type(owner)  # type: ignore[call-arg]  # its metaclass answers the call
        if name in {"__setattr__", "__delattr__"}:
            return self._accessor(owner, name)
        kind = type(owner)
        own = is_own_class(owner) if isinstance(owner, type) else is_own_class(kind)
        allowed = (
            name in names.NAMED
            or (name in names.METHODS and not issubclass(kind, ModuleType))
            or (name == "__module__" and isinstance(owner, type))
            or (name in _OF_EXCEPTIONS and is_exception(owner))
            or (name == "__dict__" and not isinstance(owner, type) and self.is_changeable(owner))
            or (name in {"__annotations__", "__members__"} and isinstance(owner, type) and own)
            or (name in _OF_OWN_CLASSES and own)
            or (name in names.FORMS and (own or kind is super))
        )
        if not allowed:
            raise denied(owner, name)
        return getattr(owner, name)

    def _accessor(self, owner: Any, name: str) -> Any:
        # `object.__setattr__(self, name, value)` of frozen classes, `super().__setattr__(name, value)` of classes that
        # have their own: what `object` has of the kind would set anything on anything.
        found = getattr(owner, name)
        if isinstance(getattr(found, "__func__", found), FunctionType):
            return found
        act = self.setattr if name == "__setattr__" else self.delattr
        raw = getattr(object, name)

        def of_class(target: Any, attribute: str, *value: Any) -> None:
            raw(self.write(target, attribute), attribute, *value)

        if isinstance(owner, type):
            return of_class
        if type(owner) is super:
            target = super.__dict__["__self__"].__get__(owner)
            return lambda attribute, *value: of_class(target, attribute, *value)
        return lambda attribute, *value: act(owner, attribute, *value)

    def _may_read_private(self, owner: Any, name: str) -> bool:
        if type(owner) is super:
            # Its own attributes, not those it looks up, so read past its lookup.
            kind: type = super.__dict__["__self_class__"].__get__(owner)
        elif isinstance(owner, type):
            kind = owner
        else:
            kind = type(owner)
            if is_own_class(kind) and name in held(owner):
                return True
        holder = next((each for each in type.__dict__["__mro__"].__get__(kind) if name in vars(each)), None)
        # A name that nobody holds is left for the lookup, whose error names it.
        return is_own_class(holder if holder is not None else kind)

    def getattr(self, owner: Any, name: str, *default: Any) -> Any:
        """Stand in for `getattr`: a denied attribute is a missing one."""
        if len(default) > 1:
            raise TypeError(f"getattr expected at most 3 arguments, got {len(default) + 2}")
        try:
            return self.read(owner, name)
        except AttributeError:
            if default:
                return default[0]
            raise

    def hasattr(self, owner: Any, name: str) -> bool:
        """Stand in for `hasattr`."""
        try:
            self.read(owner, name)
        except AttributeError:
            return False
        return True

    def dir(self, *owner: Any) -> list[str]:
        """Stand in for `dir`: private names of own objects alone."""
        if not owner:
            return sorted(_frame_names(sys._getframe(2)))  # noqa: SLF001  # the only way to a caller's names
        own = self.is_changeable(owner[0])
        return [name for name in dir(owner[0]) if not name.startswith("_") or (own and not names.is_special(name))]

    def vars(self, *owner: Any) -> Any:
        """Stand in for `vars`."""
        return self.read(owner[0], "__dict__") if owner else _frame_names(sys._getframe(2))  # noqa: SLF001  # as above

    def globals(self) -> Mapping[str, Any]:
        """Stand in for `globals`: a view, as writing to it would reach the hooks."""
        return MappingProxyType(_visible(self._namespace))

    def locals(self) -> dict[str, Any]:
        """Stand in for `locals`."""
        return _frame_names(sys._getframe(2))  # noqa: SLF001  # as above

    # Writing

    def write(self, owner: Any, name: str) -> Any:
        """
        Give the object itself, if the program may set or delete this attribute of it.

        Raises:
            DeniedAttributeError: It may not.
            TypeError: The name is not exactly a string.
        """
        if type(name) is not str:
            raise TypeError(f"attribute name must be string, not '{type(name).__name__}'")
        replaceable = isinstance(owner, System) and name in System.REPLACEABLE
        if replaceable or (is_settable(type(owner)) and not name.startswith("_")):
            return owner
        special = names.is_special(name) and name not in names.NAMED
        if special or name in names.INTERNAL or not self.is_changeable(owner):
            if type(owner) in _NATURAL and not special:
                return owner
            raise DeniedAttributeError(
                f"attribute {name!r} of {described(owner)} cannot be changed in the sandbox; "
                "only objects of the program's own classes can"
            )
        return owner

    def update(self, owner: Any, name: str) -> Any:
        """Give the object itself, if the program may read this attribute of it and set it."""
        target = self.write(owner, name)
        self.read(owner, name)
        return target

    def setattr(self, owner: Any, name: str, value: Any) -> None:
        """Stand in for `setattr`."""
        setattr(self.write(owner, name), name, value)

    def delattr(self, owner: Any, name: str) -> None:
        """Stand in for `delattr`."""
        delattr(self.write(owner, name), name)

    def is_changeable(self, owner: Any) -> bool:
        """Say whether the program may see all of an object and change it."""
        kind = type(owner)
        if isinstance(owner, type):
            return is_own_class(owner)
        return is_own_class(kind) or kind in _WRITABLE or is_exception(owner) or self._is_definition(owner)

    def _is_definition(self, owner: Any) -> bool:
        if type(owner) is FunctionType:
            return owner.__globals__ is self._namespace
        return isinstance(owner, type) and is_own_class(owner)

    # Classes and modules

    def _build_class(self, body: Any, name: str, /, *bases: Any, **keywords: Any) -> Any:
        # Resolved first: `typing.Type[int]` stands for `type` itself.
        for base in bases:
            # Its __getattr__ could give other bases to the real class statement than it gives here.
            if not isinstance(base, type) and is_own_class(type(base)):
                raise TypeError(f"bases of class {name!r} must be classes, not {described(base)}")
        for base in types.resolve_bases(bases):
            if base is Type or base is AbstractMeta or (isinstance(base, type) and issubclass(base, type)):
                raise DeniedCallError(f"class {name!r} cannot be a metaclass in the sandbox")
            if isinstance(base, type) and is_ours(base):
                raise DeniedCallError(f"class {name!r} cannot be derived from {base.__name__!r} in the sandbox")
        metaclass = keywords.pop("metaclass", None)
        if metaclass is AbstractMeta:
            keywords["metaclass"] = abc.ABCMeta
        elif metaclass is not None and metaclass is not Type:
            raise DeniedCallError(f"class {name!r} cannot have a metaclass in the sandbox but ABCMeta")
        return builtins.__build_class__(body, name, *bases, **keywords)

    def _import(self, name: str, leaf: bool) -> ModuleType:  # noqa: FBT001  # called by rewritten code alone
        module = self._module(name)
        return module if leaf else self._module(name.partition(".")[0])

    def _import_from(self, module_name: str, name: str) -> Any:
        module = self._module(module_name)
        try:
            return self.read(module, name)
        except DeniedAttributeError:
            # As plain Python has it: a program that can do without expects an ImportError.
            raise DeniedNameError(
                f"cannot import name {name!r} from {module_name!r}: it is not available in the sandbox",
                name=module_name,
            ) from None
        except AttributeError:
            if (inner := self._modules.get(f"{module_name}.{name}")) is not None:
                return inner
            raise ImportError(f"cannot import name {name!r} from {module_name!r}", name=module_name) from None

    def _module(self, name: str) -> ModuleType:
        if name in self._modules:
            return self._modules[name]
        available = ", ".join(sorted(self._modules))
        raise DeniedImportError(f"module {name!r} is not available in the sandbox; available: {available}", name=name)


def _function(method: Any) -> Any:
    # A plain function: a bound method would show the guards in its repr.
    def call(*arguments: Any, **keywords: Any) -> Any:
        return method(*arguments, **keywords)

    call.__name__ = call.__qualname__ = method.__name__
    return call


def _refused(name: str, advice: str) -> Callable[..., NoReturn]:
    def refuse(*_arguments: object, **_keywords: object) -> NoReturn:
        raise DeniedCallError(f"{name}() is not available in the sandbox: {advice}")

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


def _exit(code: object = None) -> NoReturn:
    raise SystemExit(code)


def _import_for_c(name: str, *_arguments: object) -> ModuleType:
    # C code imports by the builtins of whoever calls it: strptime its `_strptime`, `re.sub` in 3.11 its `re`.
    # No source text reaches this: the policy rewrites every import but `from __future__`.
    if name not in sys.modules:
        raise DeniedImportError(f"module {name!r} is not available in the sandbox", name=name)
    return sys.modules[name]


def _visible(names_: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in names_.items() if not names.is_special(name) and not name.startswith("\0")}


def _frame_names(frame: Any) -> dict[str, Any]:
    return _visible(frame.f_locals)
