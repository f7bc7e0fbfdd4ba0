"""
What the protocols share: a request read, a reply written, and the reading of JSON that may be anything.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_codeact.emulator._conversation import Conversations
    from pytest_codeact.providers import Reply, Request

Where: TypeAlias = "tuple[str | int, ...]"
"""Where in a request's body something stands."""

DEFAULT_OUTPUT_TOKENS: Final = 4096
"""The most tokens of a reply where the protocol lets a client leave them open."""


class WireError(Exception):
    """
    A request that its protocol does not allow.

    Args:
        text: What is wrong.
        where: Where in the body; () for all of it.
        kind: Whether the JSON has another shape than the protocol's, or is well formed and makes no sense.
    """

    def __init__(self, text: str, where: Where = (), kind: Literal["shape", "sense"] = "shape") -> None:
        super().__init__(f"{dotted(where)}: {text}" if where else text)
        self.text = text
        self.where = where
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    A request as it was understood.

    Attributes:
        request: What the model is asked.
        model: Name of the model, as asked for; the answer repeats it.
        is_streamed: Whether the answer comes as server-sent events.
        shows_usage: Whether the events say the usage where the client chooses.
    """

    request: Request
    model: str
    is_streamed: bool = False
    shows_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """
    A reply on its way to the wire.

    Attributes:
        reply: The reply. A tool call with the id "" goes out without one; arguments that are a text go out as they
            are, or as nearly so as the protocol can.
        is_empty: Whether nothing of it is sent: no choices, no candidates, no content blocks.
    """

    reply: Reply
    is_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    One server-sent event.

    Attributes:
        text: The event, with the empty line that ends it.
        share: Characters of the reply that it carries, by which its simulated time is taken.
    """

    text: str
    share: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """
    One vendor's protocol.

    Attributes:
        name: Name of the provider that speaks it.
        read: Reads the body of a request for a reply. Raises `WireError`.
        write: Gives the body of a reply.
        events: Gives a reply as server-sent events.
        error: Gives the body of an error: status, text, id of the request.
        invalid: Gives status and body for a `WireError`.
        request_id: Makes the id of a request and gives the headers that carry it.
        counted: Gives the body of a token count. None where the protocol has none.
        model: Gives the body that describes a model, by its name.
        models: Gives the body that lists models.
    """

    name: str
    read: Callable[[dict[str, Any], Target, Conversations], Asked]
    write: Callable[[Asked, Outgoing], dict[str, Any]]
    events: Callable[[Asked, Outgoing], Iterator[Event]]
    error: Callable[[int, str, str], dict[str, Any]]
    invalid: Callable[[WireError, str], tuple[int, dict[str, Any]]]
    request_id: Callable[[], tuple[str, dict[str, str]]]
    model: Callable[[str], dict[str, Any]]
    models: Callable[[list[str]], dict[str, Any]]
    counted: Callable[[int], dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    What the address of a request says.

    Attributes:
        wire: Name of the protocol.
        action: What is wanted.
        model: Name of the model, where the path holds it. "" elsewhere.
    """

    wire: str
    action: Literal["reply", "stream", "count", "models", "model"]
    model: str = ""


def dotted(where: Where) -> str:
    """Write a place in a body: "messages.0.content"."""
    return ".".join(map(str, where))


def token(characters: int) -> str:
    """Draw letters and digits for an id that nobody has yet."""
    return secrets.token_hex(characters // 2 + 1)[:characters]


def dumped(value: object) -> str:
    """Write JSON as vendors do: no spaces, letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def slices(text: str, characters: int = 24) -> Iterator[str]:
    """Cut a text into the pieces in which it is streamed."""
    return (text[at : at + characters] for at in range(0, len(text), characters))


_MISSING: Final = object()


def taken(
    fields: Mapping[str, Any], name: str, kind: type | tuple[type, ...], where: Where, default: Any = _MISSING
) -> Any:
    """
    Take a field of a JSON object, if it is of the type that the protocol says.

    Args:
        fields: The object.
        name: Name of the field.
        kind: Its type or types. A bool is no number.
        where: Where the object stands.
        default: What a missing field, or null, stands for. Without it the field must be there.

    Raises:
        WireError: It is missing, or of another type.
    """
    value = fields.get(name)
    if value is None and default is not _MISSING:
        return default
    if name not in fields:
        raise WireError("Field required", (*where, name))
    return checked(value, kind, (*where, name))


def checked(value: Any, kind: type | tuple[type, ...], where: Where) -> Any:
    """
    Give a value that is of the type that the protocol says.

    Raises:
        WireError: It is not.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(_NAMES[each] for each in kinds)
        raise WireError(f"Input should be {wanted}", where)
    return value


_NAMES: Final = {str: "a valid string", int: "a valid integer", bool: "a valid boolean", list: "a valid array",
                 dict: "an object", float: "a valid number"}  # fmt: skip
