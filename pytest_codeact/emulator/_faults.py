"""
Faults on order: what can go wrong, when it does, and the reading of both from a text.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.errors import ChoiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORM: Final = "KIND[:NAME=VALUE[,...]][@WHEN[,...]]"
"""A fault as a text. WHEN is N (the N-th request), next=K, every, turn=N or, as the last, task=TEXT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """
    A request for a reply that came in, and what became of it.

    Attributes:
        number: Its number among them. Starts at 1.
        provider: Name of the provider whose protocol it speaks.
        path: Path of the address, without the query.
        headers: By lower-case name; keys are masked.
        body: As sent, as JSON.
        model: Name of the model asked for.
        task: Text of the conversation's first message.
        turn: Number of the model's turn in the conversation. Starts at 1.
        is_streamed: Whether the answer comes as server-sent events.
        fault: The fault that its answer has, as it was ordered. "" for none.
        status: HTTP status of the answer.
    """

    number: int
    provider: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    model: str
    task: str
    turn: int
    is_streamed: bool
    fault: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    One kind of fault.

    Attributes:
        stage: What it spoils: the whole answer, which is then an error; the reply; or the bytes on their way.
        text: What it does; of an error also what it says.
        arguments: Names of the arguments that it takes.
    """

    stage: Literal["error", "reply", "bytes"]
    text: str
    arguments: tuple[str, ...] = ()


def _error(text: str, *arguments: str) -> Kind:
    return Kind(stage="error", text=text, arguments=("text", *arguments))


KINDS: Final[Mapping[str, Kind]] = {
    "400": _error("the request is not valid"),
    "401": _error("the API key is not valid"),
    "403": _error("the API key does not have permission"),
    "404": _error("there is no such model"),
    "413": _error("the request exceeds the maximum size"),
    "429": _error("the rate limit is exceeded", "retry-after"),
    "500": _error("internal server error", "retry-after"),
    "502": _error("bad gateway", "retry-after"),
    "503": _error("the service is unavailable", "retry-after"),
    "529": _error("the service is overloaded", "retry-after"),
    "empty": Kind(stage="reply", text="no choice, no candidate, no content block"),
    "silent": Kind(stage="reply", text="a message with nothing in it"),
    "refusal": Kind(stage="reply", text="the model refuses"),
    "content-filter": Kind(stage="reply", text="the provider holds the reply back"),
    "max-tokens-call": Kind(stage="reply", text="the reply ends inside its last tool call"),
    "max-tokens-program": Kind(stage="reply", text="the reply ends inside a program"),
    "duplicate-ids": Kind(stage="reply", text="tool calls have one id, also with an earlier one"),
    "missing-ids": Kind(stage="reply", text="tool calls have no ids"),
    "broken-arguments": Kind(stage="reply", text="the last tool call's arguments are no JSON"),
    "unknown-tool": Kind(stage="reply", text="the first tool call names a tool that does not exist"),
    "mixed": Kind(stage="reply", text="text stands before the tool calls"),
    "usage": Kind(
        stage="reply",
        text="no fault: the usage says what was read from the cache, written to it, and thought",
        arguments=("cached", "written", "reasoning"),
    ),
    "hang": Kind(stage="bytes", text="nothing is sent"),
    "slow": Kind(stage="bytes", text="a few bytes at a time", arguments=("bytes", "pause")),
    "cut": Kind(stage="bytes", text="the connection ends in the middle of the body", arguments=("bytes",)),
    "malformed-json": Kind(stage="bytes", text="the JSON ends in the middle"),
    "wrong-content-type": Kind(stage="bytes", text="a page of HTML with status 200"),
}
"""Every kind, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    A fault that is ordered.

    Attributes:
        kind: Its name in `KINDS`.
        arguments: By name.
    """

    kind: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """
        Read KIND[:NAME=VALUE[,...]].

        Raises:
            ChoiceError: There is no such kind, or it takes no such argument.
        """
        name, _, rest = text.partition(":")
        kind = KINDS.get(name)
        if kind is None:
            known = ", ".join(repr(each) for each in KINDS)
            raise ChoiceError(f"unknown fault {name!r}; known faults: {known}; the form is {FORM}")
        arguments: dict[str, str] = {}
        for part in rest.split(",") if rest else ():
            key, equals, value = part.partition("=")
            if key not in kind.arguments or not equals:
                allowed = ", ".join(f"{each}=..." for each in kind.arguments) or "none"
                raise ChoiceError(f"fault {name!r} takes no {part!r}; allowed: {allowed}; the form is {FORM}")
            if key not in {"text", "retry-after"} and not _is_number(value):
                raise ChoiceError(f"fault {name!r}: {key} must be a number from 0; got {value!r}")
            arguments[key] = value
        return cls(kind=name, arguments=arguments)

    def number(self, name: str, default: float) -> float:
        """Give an argument that is a number."""
        return float(self.arguments.get(name, default))

    def __str__(self) -> str:
        arguments = ",".join(f"{key}={value}" for key, value in self.arguments.items())
        return f"{self.kind}:{arguments}" if arguments else self.kind


def _is_number(text: str) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False


@dataclass(slots=True, kw_only=True)
class Order:
    """
    A fault and the requests that it is for.

    Attributes:
        fault: The fault.
        first: The first of the requests that it may be for, counted from 1 among those that fit.
        times: How many it is for. None for all that fit.
        turn: The model's turn in the conversation that it is for. None for any.
        task: What the task's text must hold. "" for any task.
        when: Says of a request whether it is for that. None for any.
        met: Requests that fitted so far.
    """

    fault: Fault
    first: int = 1
    times: int | None = 1
    turn: int | None = None
    task: str = ""
    when: Callable[[Seen], bool] | None = None
    met: int = 0

    @classmethod
    def parse(cls, text: str) -> Order:
        """
        Read KIND[:ARGUMENTS][@WHEN]; without WHEN it is for the next request.

        Raises:
            ChoiceError: The text has another form.
        """
        fault, at, rest = text.partition("@")
        order = cls(fault=Fault.parse(fault))
        while at and rest:
            if rest.startswith("task="):
                order.task, rest = rest.removeprefix("task="), ""
                continue
            part, _, rest = rest.partition(",")
            _take_condition(order, part, text)
        return order

    def fits(self, seen: Seen) -> bool:
        """Say whether a request is one that it may be for."""
        return (
            (self.turn is None or self.turn == seen.turn)
            and self.task in seen.task
            and (self.when is None or self.when(seen))
        )

    def claim(self) -> bool:
        """Count a request that fits; says whether it is for that one."""
        self.met += 1
        return self.met >= self.first and (self.times is None or self.met < self.first + self.times)


def _take_condition(order: Order, part: str, text: str) -> None:
    name, equals, value = part.partition("=")
    number = int(value if equals else part) if (value if equals else part).isdecimal() else 0
    match name:
        case "every" if not equals:
            order.times = None
        case "next" if number:
            order.times = number
        case "turn" if equals and number:
            order.turn = number
        case _ if number and not equals:
            order.first = number
        case _:
            raise ChoiceError(
                f"cannot read {part!r} in the fault {text!r}; allowed after @: N, next=K, every, turn=N, task=TEXT, "
                "numbers from 1"
            )


class Orders:
    """The faults that are ordered. Safe for threads."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._lock = threading.Lock()

    def add(self, order: Order) -> None:
        """Take an order in."""
        with self._lock:
            self._orders.append(order)

    def clear(self) -> None:
        """Forget all orders."""
        with self._lock:
            self._orders.clear()

    def take(self, seen: Seen, can_have: Callable[[Fault], bool]) -> Fault | None:
        """
        Give the fault of a request: that of the first order that is for it. None for none.

        Args:
            seen: The request.
            can_have: Says whether its answer can have a fault; where it cannot, the order stays as it is.
        """
        with self._lock:
            orders = [order for order in self._orders if order.fits(seen)]
        for order in orders:
            if can_have(order.fault):
                with self._lock:
                    if order.claim():
                        return order.fault
        return None
