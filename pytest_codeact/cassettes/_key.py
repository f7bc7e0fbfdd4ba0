"""
What a request is recorded under: the key of its canonical form.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_codeact.providers import Request
    from pytest_codeact.records import Json, Message

_KEY_DIGITS: Final = 32
_OFFER_DIGITS: Final = 16
"""Hexadecimal digits of SHA-256 that are kept. Offers are few, and of one cassette only."""


def message_form(message: Message) -> dict[str, Any]:
    """Give a message as JSON; what is empty is left out. Mappings keep their order: a tool may show it."""
    form: dict[str, Any] = {"role": message.role}
    if message.text:
        form["text"] = message.text
    if message.tool_calls:
        form["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls
        ]
    if message.tool_results:
        form["tool_results"] = [
            {"call_id": each.call_id, "name": each.name, "content": each.content, "is_error": each.is_error}
            for each in message.tool_results
        ]
    if message.native is not None:
        form["native"] = message.native
    return form


def offer_form(request: Request, *, prompt_cache: bool) -> dict[str, Any]:
    """Give as JSON all of a request but its messages: the same in every turn of a trial."""
    return {
        "max_output_tokens": request.max_output_tokens,
        "parallel_tool_calls": request.parallel_tool_calls,
        "prompt_cache": prompt_cache,
        "system": request.system,
        "tools": [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in request.tools
        ],
    }


def canonical(form: Json) -> str:
    """Give the one JSON text of a value: sorted, ASCII, without blanks."""
    return json.dumps(form, sort_keys=True, separators=(",", ":"))


def offer_digest(form: Mapping[str, Any]) -> str:
    """Give the name of an offer in a cassette."""
    return hashlib.sha256(canonical(dict(form)).encode()).hexdigest()[:_OFFER_DIGITS]


def request_key(*, offer: str, messages: Iterable[str], trial: int, occurrence: int) -> str:
    """
    Give the key of a request.

    Args:
        offer: The canonical text of its offer.
        messages: The canonical text of each message, in order.
        trial: Number of its trial. Starts at 1.
        occurrence: Which of the equal requests of the trial it is. Starts at 1.
    """
    text = f'{{"messages":[{",".join(messages)}],"occurrence":{occurrence},"offer":{offer},"trial":{trial}}}'
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    A request as it is looked up and stored. No secret is in it.

    Attributes:
        key: Its key.
        occurrence: Which of the equal requests of its trial it is. Starts at 1.
        digest: Name of its offer.
        offer: The offer as JSON.
        messages: Each message as JSON, in order.
        texts: The canonical text of each.
    """

    key: str
    occurrence: int
    digest: str
    offer: dict[str, Any]
    messages: Sequence[dict[str, Any]]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A message, its form and its canonical text."""

    message: Message
    form: dict[str, Any]
    text: str


class Conversation:
    """
    Brings the requests of one trial into their form. A message that the request before held is not written again.

    Args:
        trial: Number of the trial.
        prompt_cache: Whether the provider is asked to cache prompts: such a request is another one.
        redact: Takes secrets out of an object.
    """

    def __init__(self, *, trial: int, prompt_cache: bool, redact: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._trial = trial
        self._prompt_cache = prompt_cache
        self._redact = redact
        self._written: list[_Written] = []
        self._offered: tuple[tuple[Any, ...], dict[str, Any], str, str] | None = None
        self._seen: Counter[str] = Counter()

    def take(self, request: Request) -> Asked:
        """Take in the next request."""
        offer, text, digest = self._offer(request)
        written = [self._write(index, message) for index, message in enumerate(request.messages)]
        self._written = written
        texts = [each.text for each in written]
        first = request_key(offer=text, messages=texts, trial=self._trial, occurrence=1)
        self._seen[first] += 1
        occurrence = self._seen[first]
        key = (
            first
            if occurrence == 1
            else request_key(offer=text, messages=texts, trial=self._trial, occurrence=occurrence)
        )
        return Asked(
            key=key,
            occurrence=occurrence,
            digest=digest,
            offer=offer,
            messages=[each.form for each in written],
            texts=texts,
        )

    def redacted(self, form: dict[str, Any]) -> dict[str, Any]:
        """Take secrets out of a JSON object."""
        return self._redact(form)

    def _offer(self, request: Request) -> tuple[dict[str, Any], str, str]:
        parts = (request.system, request.tools, request.parallel_tool_calls, request.max_output_tokens)
        if self._offered is None or self._offered[0] != parts:
            form = self.redacted(offer_form(request, prompt_cache=self._prompt_cache))
            self._offered = parts, form, canonical(form), offer_digest(form)
        return self._offered[1:]

    def _write(self, index: int, message: Message) -> _Written:
        if index < len(self._written) and self._written[index].message is message:
            return self._written[index]
        form = self.redacted(message_form(message))
        return _Written(message=message, form=form, text=canonical(form))
