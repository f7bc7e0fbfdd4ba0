"""
From a request as it came to an answer as it goes: everything but the sending.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.emulator._anthropic import ANTHROPIC
from pytest_codeact.emulator._chat import MISTRAL, OPENAI
from pytest_codeact.emulator._conversation import Conversations
from pytest_codeact.emulator._faults import KINDS, Orders, Seen
from pytest_codeact.emulator._gemini import GEMINI
from pytest_codeact.emulator._model import EmulatedModel, task_of
from pytest_codeact.emulator._routes import find_target
from pytest_codeact.emulator._spoil import spoiled
from pytest_codeact.emulator._wire import Outgoing, WireError, dumped
from pytest_codeact.errors import ProviderError, ScenarioError
from pytest_codeact.providers._sdk import EMULATOR_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_codeact.emulator._faults import Fault
    from pytest_codeact.emulator._solutions import Solutions
    from pytest_codeact.emulator._wire import Asked, Event, Target, Wire

WIRES: Final = {wire.name: wire for wire in (ANTHROPIC, MISTRAL, OPENAI, GEMINI)}

MODEL: Final = "reference"
"""The model that lists of models hold. Any other name is answered to as well."""

KEPT_REQUESTS: Final = 1_000
"""Requests that are kept for the user to look at: the last ones."""

_KEY_HEADERS: Final = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})

_HTML: Final = b"<!doctype html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """
    A request as it came.

    Attributes:
        method: HTTP method.
        path: Path of the address, without the query.
        headers: By lower-case name.
        body: As sent.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What is sent back.

    Attributes:
        status: HTTP status.
        headers: By name; the length is the sender's business.
        events: The server-sent events of a stream. None for an answer in one piece.
        body: The answer in one piece. b"" for a stream.
        output_tokens: Tokens of the reply, by which its simulated time is taken. 0 for what no model wrote.
        fault: What is to go wrong on the way. None for nothing.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[Event] | None = None
    body: bytes = b""
    output_tokens: int = 0
    fault: Fault | None = None


class Answering:
    """
    Answers requests of every protocol. Safe for threads.

    Args:
        solutions: What the model can do.

    Attributes:
        orders: The faults that are ordered.
        requests: The last requests for replies, oldest first.
    """

    def __init__(self, solutions: Solutions) -> None:
        self.orders = Orders()
        self.requests: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self._model = EmulatedModel(solutions)
        self._conversations = Conversations()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def answer(self, incoming: Incoming) -> Answer:
        """Answer a request, a wrong one in its vendor's own form of an error."""
        target = find_target(incoming.method, incoming.path, incoming.headers)
        wire = WIRES.get(incoming.path.split("/")[1], OPENAI) if target is None else WIRES[target.wire]
        request_id, headers = wire.request_id()
        try:
            if target is None:
                text = f"there is nothing at {incoming.method} {incoming.path}; docs/emulator.md lists the addresses"
                answer = _as_json(404, wire.error(404, text, request_id))
            else:
                answer = self._carry_out(wire, target, incoming, request_id)
        except WireError as error:
            answer = _as_json(*wire.invalid(error, request_id))
        except (ProviderError, ScenarioError) as error:
            # No server error: it would be asked again, and say the same.
            answer = _as_json(400, wire.error(400, f"the reference model: {error}", request_id))
        return replace(answer, headers={**headers, **answer.headers, EMULATOR_HEADER: "reference"})

    def _carry_out(self, wire: Wire, target: Target, incoming: Incoming, request_id: str) -> Answer:
        if target.action == "models":
            return _as_json(200, wire.models([MODEL]))
        if target.action == "model":
            return _as_json(200, wire.model(target.model))
        body = _object(incoming.body)
        asked = wire.read(body, target, self._conversations)
        if target.action == "count" and wire.counted is not None:
            return _as_json(200, wire.counted(self._model.count(asked.request)))
        seen = self._seen(wire, asked, incoming, body)
        try:
            answer = self._reply(wire, asked, seen, request_id)
        except BaseException:
            self._keep(replace(seen, status=400))
            raise
        self._keep(replace(seen, fault="" if answer.fault is None else str(answer.fault), status=answer.status))
        return answer

    def _reply(self, wire: Wire, asked: Asked, seen: Seen, request_id: str) -> Answer:
        """Answer a request for a reply, with the fault that is ordered for it."""
        outgoing: list[Outgoing] = []

        def can_have(fault: Fault) -> bool:
            if KINDS[fault.kind].stage == "reply":
                found = spoiled(fault, self._model.complete(asked.request), asked.request)
                outgoing[:] = [] if found is None else [found]
                return found is not None
            outgoing.clear()
            return True

        fault = self.orders.take(seen, can_have)
        stage = None if fault is None else KINDS[fault.kind].stage
        if fault is not None and stage == "error":
            return _refused(wire, fault, request_id)
        if fault is not None and stage == "reply":
            changed = outgoing[0]
            usage = self._model.counted(changed.reply, asked.request).usage if fault.kind != "usage" else None
            shown = changed if usage is None else replace(changed, reply=replace(changed.reply, usage=usage))
            return replace(_written(wire, asked, shown), fault=fault)
        answer = _written(wire, asked, Outgoing(reply=self._model.complete(asked.request)))
        return answer if fault is None else _damaged(answer, fault)

    def _seen(self, wire: Wire, asked: Asked, incoming: Incoming, body: dict[str, Any]) -> Seen:
        return Seen(
            number=next(self._numbers),
            provider=wire.name,
            path=incoming.path,
            headers={name: "***" if name in _KEY_HEADERS else value for name, value in incoming.headers.items()},
            body=body,
            model=asked.model,
            task=task_of(asked.request),
            turn=1 + sum(message.role == "assistant" for message in asked.request.messages),
            is_streamed=asked.is_streamed,
        )

    def _keep(self, seen: Seen) -> None:
        with self._lock:
            self.requests.append(seen)


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"the body is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise WireError("the body must be a JSON object")
    return fields


def _written(wire: Wire, asked: Asked, outgoing: Outgoing) -> Answer:
    usage = outgoing.reply.usage
    output_tokens = 0 if usage is None else usage.output_tokens
    if asked.is_streamed:
        return Answer(
            status=200,
            headers={"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"},
            events=tuple(wire.events(asked, outgoing)),
            output_tokens=output_tokens,
        )
    return replace(_as_json(200, wire.write(asked, outgoing)), output_tokens=output_tokens)


def _as_json(status: int, fields: dict[str, Any]) -> Answer:
    try:
        body = dumped(fields).encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; as an escape it passes.
        body = json.dumps(fields).encode()
    return Answer(status=status, headers={"content-type": "application/json"}, body=body)


def _refused(wire: Wire, fault: Fault, request_id: str) -> Answer:
    status = int(fault.kind)
    text = fault.arguments.get("text", KINDS[fault.kind].text)
    answer = _as_json(status, wire.error(status, text, request_id))
    if status == 502:  # noqa: PLR2004 - the one that is a proxy's, and speaks for no vendor
        answer = _page(status, text)
    headers = dict(answer.headers)
    if "retry-after" in fault.arguments:
        headers["retry-after"] = fault.arguments["retry-after"]
    return replace(answer, headers=headers, fault=fault)


def _page(status: int, text: str) -> Answer:
    title = f"{status} {text}".encode()
    return Answer(status=status, headers={"content-type": "text/html"}, body=_HTML % (title, title))


def _damaged(answer: Answer, fault: Fault) -> Answer:
    """Do to an answer what is done before it is sent; the rest is the sender's."""
    if fault.kind == "wrong-content-type":
        return replace(_page(200, "Sign in"), fault=fault)
    if fault.kind == "malformed-json" and answer.events is None:
        return replace(answer, body=answer.body[: len(answer.body) // 2], fault=fault)
    if fault.kind == "malformed-json" and answer.events is not None:
        # In the middle: the reply has begun, and is of some use.
        middle = len(answer.events) // 2
        events = list(answer.events)
        events[middle] = replace(events[middle], text=_without_end(events[middle].text))
        return replace(answer, events=tuple(events), fault=fault)
    return replace(answer, fault=fault)


def _without_end(event: str) -> str:
    return f"{event.rstrip()[:-2]}\n\n"
