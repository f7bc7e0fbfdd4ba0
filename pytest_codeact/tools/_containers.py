"""Shapes that hold others: lists, and objects with any keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_codeact.tools._plain import joined
from pytest_codeact.tools._shape import Language, Schema, Shape

if TYPE_CHECKING:
    from pytest_codeact.records import Json
    from pytest_codeact.tools._problems import Problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Shape):
    """
    A list, its items of one shape.

    Attributes:
        item: Their shape.
        as_tuple: Whether the tool is given a tuple.
    """

    item: Shape
    as_tuple: bool = False

    expected = "a list"

    @property
    def annotation(self) -> str:
        return f"list[{self.item.annotation}]"

    @property
    def typescript(self) -> str:
        item = self.item.typescript
        # Not Array<T>: a type of the scenario's may have that name.
        return f"({item})[]" if " | " in item else f"{item}[]"

    @property
    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema}

    @property
    def parts(self) -> tuple[Shape, ...]:
        return (self.item,)

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        if not isinstance(value, list):
            problems.mismatch(path, self.expected, value)
            return None
        return [self.item.check(each, f"{path}[{index}]", problems) for index, each in enumerate(value)]

    def build(self, value: Any) -> object:
        built = [self.item.build(each) for each in value]
        return tuple(built) if self.as_tuple else built


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedList(Shape):
    """A list of fixed length, a shape per item: a tuple to the tool, in JSON and to a program a list."""

    items: tuple[Shape, ...]

    @property
    def annotation(self) -> str:
        return f"list[{' | '.join(dict.fromkeys(each.annotation for each in self.items))}]"

    @property
    def typescript(self) -> str:
        return f"[{', '.join(each.typescript for each in self.items)}]"

    @property
    def expected(self) -> str:
        return f"a list of exactly {len(self.items)}: {', '.join(each.expected for each in self.items)}"

    @property
    def schema(self) -> Schema:
        # `prefixItems` would say the order, but not every vendor takes it; so the description does.
        distinct: list[Json] = []
        for each in self.items:
            if each.schema not in distinct:
                distinct.append(each.schema)
        length = len(self.items)
        return {
            "type": "array",
            "items": distinct[0] if len(distinct) == 1 else {"anyOf": distinct},
            "minItems": length,
            "maxItems": length,
            "description": f"{self.expected[0].upper()}{self.expected[1:]}.",
        }

    @property
    def parts(self) -> tuple[Shape, ...]:
        return self.items

    def note(self, language: Language) -> str:
        notes = [note for each in self.items if (note := each.note(language))]
        if language == "python":
            # A tuple type says the order; a list type does not.
            notes.insert(0, f"items in order: [{', '.join(each.annotation for each in self.items)}]")
        return "; ".join(dict.fromkeys(notes))

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        if not isinstance(value, list) or len(value) != len(self.items):
            problems.mismatch(path, self.expected, value)
            return None
        pairs = enumerate(zip(self.items, value, strict=True))
        return [shape.check(each, f"{path}[{index}]", problems) for index, (shape, each) in pairs]

    def build(self, value: Any) -> object:
        return tuple(shape.build(each) for shape, each in zip(self.items, value, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf(Shape):
    """An object with any keys, its values of one shape."""

    value: Shape

    expected = "an object (dict)"

    @property
    def annotation(self) -> str:
        return f"dict[str, {self.value.annotation}]"

    @property
    def typescript(self) -> str:
        # Not Record<string, T>, for the same reason.
        return f"{{ [key: string]: {self.value.typescript} }}"

    @property
    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self.value.schema}

    @property
    def parts(self) -> tuple[Shape, ...]:
        return (self.value,)

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        if not isinstance(value, dict):
            problems.mismatch(path, self.expected, value)
            return None
        return {key: self.value.check(each, joined(path, key), problems) for key, each in value.items()}

    def build(self, value: Any) -> object:
        return {key: self.value.build(each) for key, each in value.items()}
