"""Records: the shapes that have a name and known keys."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_codeact.errors import ScenarioError
from pytest_codeact.tools._plain import copied, joined
from pytest_codeact.tools._problems import MAX_PROBLEMS, Problems, suggestion
from pytest_codeact.tools._shape import Language, Schema, Shape, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_codeact.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    A field of a record, or a parameter of a tool.

    Attributes:
        name: Its key. A field's need not be an identifier.
        shape: What it holds.
        required: Whether it must be there.
        description: Prose for the model. "" for none.
        default: What it is when left out, for one that is not required. Without meaning unless `has_default`.
        has_default: Whether there is a default. A key that may be absent has none.
    """

    name: str
    shape: Shape
    required: bool = True
    description: str = ""
    default: Json = None
    has_default: bool = False

    @property
    def schema(self) -> Schema:
        """The JSON Schema of its value, with description and default."""
        schema = described(self.shape.schema, self.description)
        return {**schema, "default": copied(self.default)} if self.has_default else schema

    def remark(self, language: Language) -> str:
        """Give its description and its shape's note for a language, on one line. "" for nothing."""
        return "; ".join(" ".join(each.split()) for each in (self.description, self.shape.note(language)) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Shape):
    """
    An object with known keys and no others: a TypedDict, a dataclass, or the arguments of a tool.

    Attributes:
        name: How the APIs name it. Of arguments, the tool's name.
        fields: In the author's order.
        source: The class that it was derived from. None for arguments.
        description: Prose for the model. "" for none.
    """

    name: str
    fields: tuple[Field, ...]
    source: type | None = None
    description: str = ""

    @property
    def annotation(self) -> str:
        return self.name

    @property
    def typescript(self) -> str:
        return self.name

    @property
    def expected(self) -> str:
        return f"an object (dict) with the keys {', '.join(each.name for each in self.fields)}"

    @property
    def schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {each.name: each.schema for each in self.fields},
            "required": [each.name for each in self.fields if each.required],
            "additionalProperties": False,
        }
        return described(schema, self.description)

    @property
    def parts(self) -> tuple[Shape, ...]:
        return tuple(each.shape for each in self.fields)

    def note(self, language: Language) -> str:  # noqa: ARG002 - it has none in any
        return ""  # its fields' notes stand in its declaration

    def check(self, value: Json, path: str, problems: Problems) -> Json:
        if not isinstance(value, dict):
            problems.mismatch(path, self.expected, value)
            return None
        checked: dict[str, Json] = {}
        for each in self.fields:
            below = joined(path, each.name)
            if each.name in value:
                checked[each.name] = each.shape.check(value[each.name], below, problems)
            elif each.required:
                problems.add(below, f"missing, expected {each.shape.expected}")
        self._refuse_unknown(value, path, problems)
        return checked

    def _refuse_unknown(self, value: dict[str, Json], path: str, problems: Problems) -> None:
        known = [each.name for each in self.fields]
        for key in value:
            if key not in known:
                # Looking for a near name is slow, and what is beyond the limit is not told anyway.
                near = suggestion(key, known) if problems.count < MAX_PROBLEMS else ""
                problems.add(joined(path, key), f"unknown{near}; known: {', '.join(known) or 'none'}")

    def build(self, value: Any) -> object:
        built = self.build_fields(value)
        return self.source(**built) if is_dataclass(self.source) else built

    def build_fields(self, value: Any) -> dict[str, object]:
        """Build what each of the given keys holds."""
        return {each.name: each.shape.build(value[each.name]) for each in self.fields if each.name in value}


def declared_records(shapes: Iterable[Shape]) -> tuple[Record, ...]:
    """
    Collect the records that the shapes are made of, each once, what they depend on first.

    A dataclass may be met as an argument, where fields with a default can be left out, and as a result, where
    none is; it is declared with the weaker promise.

    Raises:
        ScenarioError: Two different types have the same name.
    """
    found: dict[str, Record] = {}
    for record in (each for shape in shapes for each in _records(shape)):
        known = found.setdefault(record.name, record)
        if known.source is not record.source:
            raise ScenarioError(
                f"two types are both named {record.name!r}: {_full_name(known)} and {_full_name(record)}; "
                "programs know types by their bare names; rename one"
            )
        found[record.name] = _merged(known, record)
    return tuple(found.values())


def _records(shape: Shape) -> Iterator[Record]:
    for part in shape.parts:
        yield from _records(part)
    if isinstance(shape, Record) and shape.source is not None:
        yield shape


def _merged(one: Record, other: Record) -> Record:
    pairs = zip(one.fields, other.fields, strict=True)
    return replace(one, fields=tuple(replace(a, required=a.required and b.required) for a, b in pairs))


def _full_name(record: Record) -> str:
    return f"{record.source.__module__}.{record.source.__qualname__}" if record.source else record.name
