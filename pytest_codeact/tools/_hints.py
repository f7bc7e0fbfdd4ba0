"""From type hints to shapes."""

from __future__ import annotations

import builtins
import collections.abc
import dataclasses
import keyword
import types
import typing
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools._containers import FixedList, ListOf, MapOf
from pytest_codeact.tools._docs import read_docs
from pytest_codeact.tools._plain import NotJsonError, plain
from pytest_codeact.tools._problems import Problems
from pytest_codeact.tools._record import Field, Record
from pytest_codeact.tools._shape import Anything, Choice, Described, OneOf, Scalar, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.records import Json
    from pytest_codeact.tools._shape import ScalarName

MAX_DEFAULT_BYTES: Final = 100_000
"""Most bytes of JSON text of a default value."""

_ALLOWED: Final = (
    "allowed are bool, int, float, str, None, Literal of str, int, bool or None, Enum with str or int values, X | Y, "
    "list[T], Sequence[T], tuple[T, ...], tuple[A, B], dict[str, T], Mapping[str, T], TypedDict, "
    "dataclass, Annotated and Any"
)
_SCALARS: Final[Mapping[object, ScalarName]] = MappingProxyType(
    {bool: "bool", int: "int", float: "float", str: "str", None: "None", type(None): "None"}
)
# Keyed by class name, so that no module is imported for its advice.
_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": "use str in ISO 8601",
        "time": "use str in ISO 8601",
        "timedelta": "use float and say the unit",
        "Decimal": "use float or str",
        "bytes": "use str",
        "set": "use list",
        "frozenset": "use list",
        "object": "use Any",
        "list": "say what it holds, as in list[str] or list[Any]",
        "tuple": "say what it holds, as in tuple[str, int]",
        "dict": "say what it holds: a TypedDict, dict[str, float] or dict[str, Any]",
    }
)
_QUALIFIERS: Final = frozenset({"Required", "NotRequired", "ReadOnly"})

RESERVED_TYPE_NAMES: Final = frozenset(
    {"Any", "Literal", "NotRequired", "TypedDict", "ToolError", "tools", "final_answer", "typing"}
)
"""Names that mean something else in a program."""


def read_hint(hint: object, where: str, *, result: bool) -> Shape:
    """
    Derive the shape of a resolved type hint.

    Args:
        hint: As `typing.get_type_hints(..., include_extras=True)` gives it.
        where: Whose hint it is, for messages.
        result: Whether the values come out of a tool. A dataclass's fields with defaults may be left out on
            the way in; on the way out all are there.

    Raises:
        ScenarioError: The hint, or one inside it, is not supported.
    """
    return _Reader(where=where, result=result).read(hint)


def resolved_hints(holder: Any, where: str, names: Mapping[str, object] | None = None) -> dict[str, Any]:
    """
    Resolve the hints of a function or class, Annotated included.

    Args:
        holder: The function or class.
        where: What it is, for messages.
        names: Names to know besides the module's.

    Raises:
        ScenarioError: A hint names what does not exist at run time.
    """
    try:
        return typing.get_type_hints(holder, localns=dict(names) if names else None, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise ScenarioError(
            f"{where}: its type hints cannot be resolved: {error}; hints are read at run time, so what they name "
            "must be in the module itself, not under TYPE_CHECKING or inside a function"
        ) from error


def read_default(value: object, shape: Shape, where: str) -> Json:
    """
    Give a default value as JSON.

    Raises:
        ScenarioError: It cannot be written as JSON or is not of the shape.
    """
    try:
        default = plain(value, "default", max_bytes=MAX_DEFAULT_BYTES)
    except NotJsonError as error:
        raise ScenarioError(f"{where}: its default cannot be written as JSON: {error}") from error
    problems = Problems()
    checked = shape.check(default, "default", problems)
    if problems.count:
        raise ScenarioError(f"{where}: its default does not match its type hint {shape.annotation}: {problems}")
    return checked


def finished(field: Field, texts: Mapping[str, str]) -> Field:
    """Give a field its description: from Annotated, else from the docstring's texts by field name."""
    if isinstance(field.shape, Described):
        return dataclasses.replace(field, shape=field.shape.shape, description=field.shape.text)
    return dataclasses.replace(field, description=texts.get(field.name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """
    Reads hints at one place.

    Attributes:
        where: The place, for messages.
        result: See `read_hint`.
        outer: The classes whose fields are being read, to notice recursion.
    """

    where: str
    result: bool
    outer: tuple[object, ...] = ()

    def read(self, hint: Any) -> Shape:
        hint = _unwrapped(hint)
        if typing.get_origin(hint) is not None:
            return self._read_generic(hint, typing.get_origin(hint), typing.get_args(hint))
        if hint is Any:
            return Anything()
        if isinstance(hint, collections.abc.Hashable) and hint in _SCALARS:
            return Scalar(name=_SCALARS[hint])
        if isinstance(hint, type) and issubclass(hint, Enum):
            return self._read_enum(hint)
        if _is_typed_dict(hint) or (isinstance(hint, type) and dataclasses.is_dataclass(hint)):
            return self._read_record(hint)
        raise self.unsupported(hint)

    def _read_generic(self, hint: object, origin: object, args: tuple[Any, ...]) -> Shape:
        if origin is typing.Annotated:
            shape = self.read(args[0])
            text = next((each for each in args[1:] if isinstance(each, str)), "")
            return Described(shape=shape, text=text) if text else shape
        if origin is typing.Literal and all(each is None or type(each) in {str, int, bool} for each in args):
            return Choice(values=args)
        if origin in {typing.Union, types.UnionType}:
            return _one_of([self.read(each) for each in args])
        if origin in {list, collections.abc.Sequence}:
            return ListOf(item=self.read(args[0]))
        if origin is tuple and args:
            return self._read_tuple(args)
        if origin in {dict, collections.abc.Mapping}:
            return self._read_map(hint, *args)
        raise self.unsupported(hint)

    def _read_map(self, hint: object, key: object, value: object) -> Shape:
        if key is not str:
            raise self.unsupported(hint, "keys of a JSON object are str")
        return MapOf(value=self.read(value))

    def _read_tuple(self, args: tuple[Any, ...]) -> Shape:
        if args[-1] is Ellipsis:
            return ListOf(item=self.read(args[0]), as_tuple=True)
        return FixedList(items=tuple(self.read(each) for each in args))

    def _read_enum(self, hint: type[Enum]) -> Shape:
        values = tuple(each.value for each in hint)
        if not values or not all(type(each) in {str, int} for each in values):
            raise self.unsupported(hint, "the values of an Enum must be str or int")
        return Choice(values=values, enum=hint)

    def _read_record(self, hint: type) -> Shape:
        if hint in self.outer:
            raise self.unsupported(hint, "it contains itself; use Any where it recurs")
        name = hint.__name__.lstrip("_")
        if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED_TYPE_NAMES or hasattr(builtins, name):
            raise self.unsupported(hint, "its name means something else in a program; rename it")
        docs = read_docs(_docstring(hint), "Attributes")
        read = self._dataclass_fields if dataclasses.is_dataclass(hint) else self._typed_dict_fields
        fields = tuple(finished(each, docs.entries) for each in read(hint))
        return Record(name=name, fields=fields, source=hint, description=docs.prose)

    def _inside(self, holder: type, field: str) -> _Reader:
        return _Reader(
            where=f"{self.where}, field {holder.__name__}.{field}", result=self.result, outer=(*self.outer, holder)
        )

    def _typed_dict_fields(self, hint: Any) -> list[Field]:
        fields = []
        for name, given in resolved_hints(hint, f"{self.where}, {hint.__name__}").items():
            bare, qualifiers = _unqualified(given)
            # With postponed annotations `__required_keys__` overlooks the qualifiers, so they come first.
            required = "Required" in qualifiers or (name in hint.__required_keys__ and "NotRequired" not in qualifiers)
            fields.append(Field(name=name, shape=self._inside(hint, name).read(bare), required=required))
        return fields

    def _dataclass_fields(self, hint: Any) -> list[Field]:
        hints = resolved_hints(hint, f"{self.where}, {hint.__name__}")
        for name, each in hints.items():
            if isinstance(each, dataclasses.InitVar):
                raise self._inside(hint, name).unsupported(each, "a JSON object has fields only")
        return [self._dataclass_field(hint, each, hints[each.name]) for each in dataclasses.fields(hint)]

    def _dataclass_field(self, holder: type, field: dataclasses.Field[Any], hint: object) -> Field:
        inside = self._inside(holder, field.name)
        if not field.init and not self.result:
            raise ScenarioError(
                f"{inside.where}: it has init=False, so no argument can set it; remove it or the init=False"
            )
        shape = inside.read(hint)
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if self.result or default is dataclasses.MISSING:
            return Field(name=field.name, shape=shape)
        value = read_default(default, shape, inside.where)
        return Field(name=field.name, shape=shape, required=False, default=value, has_default=True)

    def unsupported(self, hint: object, advice: str = "") -> ScenarioError:
        tip = advice or _advice(hint)
        text = f"{self.where}: unsupported type hint {hint!r}; {_ALLOWED}"
        return ScenarioError(f"{text}; {tip}" if tip else text)


def _one_of(options: list[Shape]) -> Shape:
    """
    Give the union of shapes, its Literals made one: that is shorter, and tells what is allowed in one place.

    In an order of its own, None last: `typing` hands out whichever of two equal unions it met first, and what a
    model is shown must not depend on which modules this process imported.
    """
    literals = [each for each in options if isinstance(each, Choice) and each.enum is None]
    if len(literals) > 1:
        merged = Choice(values=tuple(value for each in literals for value in each.values))
        options = [merged, *(each for each in options if each not in literals)]
    if len(options) == 1:
        return options[0]
    return OneOf(options=tuple(sorted(options, key=lambda each: (each.annotation == "None", each.annotation))))


def _unwrapped(hint: Any) -> Any:
    """Look through NewType and `type X = ...`, which mean what they stand for."""
    while True:
        if isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _unqualified(hint: Any) -> tuple[Any, set[str]]:
    """Take Required, NotRequired and ReadOnly off a TypedDict field's hint, also from inside Annotated."""
    found = set()
    texts: tuple[Any, ...] = ()
    while True:
        origin = typing.get_origin(hint)
        # By name, because typing_extensions has its own ReadOnly.
        name = str(origin).rpartition(".")[2]
        if origin is typing.Annotated:
            texts = (*texts, *hint.__metadata__)
            hint = hint.__origin__
        elif name in _QUALIFIERS:
            found.add(name)
            hint = typing.get_args(hint)[0]
        else:
            return (typing.Annotated[(hint, *texts)] if texts else hint), found


def _advice(hint: object) -> str:
    if hasattr(hint, "_fields"):
        return "use a dataclass or a TypedDict"
    ancestors = getattr(hint, "__mro__", ())
    known = (each.__name__ for each in ancestors[:-1] or ancestors)
    return next((_ADVICE[each] for each in known if each in _ADVICE), "")


def _is_typed_dict(hint: object) -> bool:
    # Not typing.is_typeddict: it does not know the TypedDict of typing_extensions.
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__required_keys__")


def _docstring(hint: type) -> str:
    docstring = vars(hint).get("__doc__") or ""
    # A dataclass without a docstring is given its signature for one.
    return "" if docstring.startswith(f"{hint.__name__}(") else docstring
