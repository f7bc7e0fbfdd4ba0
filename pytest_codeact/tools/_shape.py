"""
The types that can cross between a model and a tool.

A shape is what a type hint means once the value is JSON. Each one knows its JSON Schema, its spelling in the Python
API and in the TypeScript API, how to check a value and how to build what the tool is given. Lists and objects
are in `_containers` and `_record`. Deriving shapes from hints is the business of `_hints`.

An integral float is an integer (as in JSON Schema; some vendors send every number as a float) and becomes
one where an integer is expected; an integer becomes a float where a float is. A bool is never a number.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_codeact.tools._plain import copied
from pytest_codeact.tools._problems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import Enum

    from pytest_codeact.records import Json

Schema: TypeAlias = "dict[str, Json]"
ScalarName: TypeAlias = Literal["None", "bool", "int", "float", "str"]
Language: TypeAlias = Literal["python", "typescript"]
"""What programs are written in."""


class Shape(ABC):
    """A type of values that are JSON on their way. Immutable."""

    __slots__ = ()

    @property
    @abstractmethod
    def annotation(self) -> str:
        """Its spelling in the Python API, for values as they arrive in a program."""

    @property
    @abstractmethod
    def typescript(self) -> str:
        """Its spelling in the TypeScript API. Uses the type `int` where only whole numbers are meant."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What is expected, in words that fit tool calls and programs alike."""

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """Its JSON Schema (2020-12) without references. Built anew at each access."""

    @abstractmethod
    def check(self, value: Json, path: str, problems: Problems) -> Json:
        """Check a plain value, adding to the problems. Gives a normalised copy; without meaning if any was added."""

    def build(self, value: Json) -> object:
        """Make what the tool is given of a value that `check` gave."""
        return value

    @property
    def parts(self) -> tuple[Shape, ...]:
        """The shapes it is made of, in order."""
        return ()

    def note(self, language: Language) -> str:
        """Say what its spelling in a language cannot, parts included. "" for nothing."""
        return "; ".join(dict.fromkeys(note for part in self.parts if (note := part.note(language))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Anything(Shape):
    """Any JSON value."""

    annotation = "Any"
    typescript = "any"
    expected = "any JSON value"

    @property
    def schema(self) -> Schema:
        return {}

    def check(self, value: Json, path: str, problems: Problems) -> Json:  # noqa: ARG002 - nothing can be wrong
        return copied(value)


_SCALARS: Final[Mapping[ScalarName, tuple[str, str]]] = MappingProxyType(
    {
        "None": ("null", "null (None)"),
        "bool": ("boolean", "true or false"),
        "int": ("integer", "an integer"),
        "float": ("number", "a number"),
        "str": ("string", "a string"),
    }
)
"""Per scalar: its type in JSON Schema, and what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Shape):
    """None, bool, int, float or str."""

    name: ScalarName

    @property
    def annotation(self) -> str:
        return self.name

    @property
    def typescript(self) -> str:
        # JSON Schema has the names of TypeScript, but for the one that TypeScript does not have; the API declares it.
        return "int" if self.name == "int" else _SCALARS[self.name][0]

    @property
    def expected(self) -> str:
        return _SCALARS[self.name][1]

    @property
    def schema(self) -> Schema:
        return {"type": _SCALARS[self.name][0]}

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        given = "None" if value is None else type(value).__name__
        if given == self.name:
            return value
        if self.name == "int" and isinstance(value, float) and value.is_integer():
            return int(value)
        if self.name == "float" and given == "int":
            try:
                return float(value)  # type: ignore[arg-type]  # its type was just compared by name
            except OverflowError:
                pass
        problems.mismatch(path, self.expected, value)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Shape):
    """
    One of some values: a Literal or an Enum.

    Attributes:
        values: str, int, bool or None, in the author's order. Compared by type and value.
        enum: The Enum whose values they are, for the tool to be given its members. None for a Literal.
    """

    values: tuple[Json, ...]
    enum: type[Enum] | None = None

    @property
    def annotation(self) -> str:
        return f"Literal[{', '.join(repr(each) for each in self.values)}]"

    @property
    def typescript(self) -> str:
        return " | ".join(json.dumps(each, ensure_ascii=False) for each in self.values)

    @property
    def expected(self) -> str:
        listed = ", ".join(repr(each) for each in self.values)
        return f"one of {listed}" if len(self.values) > 1 else listed

    @property
    def schema(self) -> Schema:
        names = {"None" if each is None else type(each).__name__ for each in self.values}
        types = [form for name, (form, _) in _SCALARS.items() if name in names]
        return {"type": types[0] if len(types) == 1 else list(types), "enum": list(self.values)}

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        sought = int(value) if isinstance(value, float) and value.is_integer() else value
        for each in self.values:
            if type(each) is type(sought) and each == sought:
                return each
        problems.mismatch(path, self.expected, value)
        return None

    def build(self, value: Json) -> object:
        return value if self.enum is None else self.enum(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf(Shape):
    """A value of any of several shapes. One that needs no conversion is preferred, then the first that fits."""

    options: tuple[Shape, ...]

    @property
    def annotation(self) -> str:
        return " | ".join(each.annotation for each in self.options)

    @property
    def typescript(self) -> str:
        return " | ".join(dict.fromkeys(each.typescript for each in self.options))

    @property
    def expected(self) -> str:
        return " or ".join(each.expected for each in self.options)

    @property
    def schema(self) -> Schema:
        return {"anyOf": [each.schema for each in self.options]}

    @property
    def parts(self) -> tuple[Shape, ...]:
        return self.options

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        fitting = self._fitting(value, path)
        if isinstance(fitting, tuple):
            return fitting[1]
        # Where only one option is of the value's kind, its problems tell more than a list of options.
        near = [found for found in fitting if found.all_below(path)]
        if len(near) == 1:
            problems.extend(near[0])
        else:
            problems.mismatch(path, self.expected, value)
        return None

    def build(self, value: Json) -> object:
        fitting = self._fitting(value, "")
        return fitting[0].build(value) if isinstance(fitting, tuple) else value

    def _fitting(self, value: Json, path: str) -> tuple[Shape, Json] | list[Problems]:
        """Give the option to take and the value it makes, or else the problems of each option."""
        converted: tuple[Shape, Json] | None = None
        faults = []
        for option in self.options:
            problems = Problems()
            checked = option.check(value, path, problems)
            if problems.count:
                faults.append(problems)
            elif type(checked) is type(value):
                return option, checked
            else:
                converted = converted or (option, checked)
        return converted or faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(Shape):
    """A shape with a description of its own, from Annotated[T, "description"]."""

    shape: Shape
    text: str

    @property
    def annotation(self) -> str:
        return self.shape.annotation

    @property
    def typescript(self) -> str:
        return self.shape.typescript

    @property
    def expected(self) -> str:
        return self.shape.expected

    @property
    def schema(self) -> Schema:
        return described(self.shape.schema, self.text)

    @property
    def parts(self) -> tuple[Shape, ...]:
        return (self.shape,)

    def note(self, language: Language) -> str:
        return "; ".join(each for each in (self.text, self.shape.note(language)) if each)

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        return self.shape.check(value, path, problems)

    def build(self, value: Json) -> object:
        return self.shape.build(value)


def described(schema: Schema, text: str) -> Schema:
    """Give a schema a description, before the one that it has."""
    own = schema.get("description")
    text = " ".join(each for each in (text, own) if isinstance(each, str) and each)
    return {**schema, "description": text} if text else schema
