"""
From an address to a protocol and what is wanted of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pytest_codeact.emulator._wire import Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

BASES: Final = {"anthropic": "/anthropic", "mistral": "/mistral", "openai": "/openai/v1", "google": "/google"}
"""Per provider, the path of the base URL that its SDK is given."""

_CHAT: Final = re.compile(r"(?:/openai)?(?:/v1|/deployments/(?P<model>[^/]+))?/chat/completions")
_MESSAGES: Final = re.compile(r"/v1/messages(?P<count>/count_tokens)?")
_GENERATE: Final = re.compile(r"/v1(?:beta|alpha)?/models/(?P<model>[^/:]+):(?P<method>\w+)")
_MODELS: Final = re.compile(r"(?:/openai)?(?:/v1(?:beta|alpha)?)?/models(?:/(?P<model>[^:]+))?")

_METHODS: Final[dict[str, Literal["reply", "stream", "count"]]] = {
    "generateContent": "reply",
    "streamGenerateContent": "stream",
    "countTokens": "count",
}


def find_target(method: str, path: str, headers: Mapping[str, str]) -> Target | None:
    """
    Find out what is wanted.

    At the root every protocol is spoken. What they have in common there is told apart by the client: Mistral's SDK by
    its name, lists of models by the header that carries the key.

    Args:
        method: HTTP method.
        path: Path of the address, without the query.
        headers: By lower-case name.

    Returns:
        None if there is nothing at the address.
    """
    _, _, first = path.partition("/")
    prefix, slash, rest = first.partition("/")
    # Azure's own addresses begin like OpenAI's prefix, and mean the same.
    if prefix in BASES and slash:
        return _target(method, f"/{rest}", prefix)
    return _target(method, path, _by_client(path, headers))


def _by_client(path: str, headers: Mapping[str, str]) -> str:
    if _MESSAGES.fullmatch(path):
        return "anthropic"
    if _GENERATE.fullmatch(path):
        return "google"
    if "mistral" in headers.get("user-agent", "").lower():
        return "mistral"
    if _MODELS.fullmatch(path):
        if "anthropic-version" in headers:
            return "anthropic"
        if "x-goog-api-key" in headers:
            return "google"
    return "openai"


def _target(method: str, path: str, wire: str) -> Target | None:
    if method == "GET" and (found := _MODELS.fullmatch(path)):
        model = unquote(found["model"] or "")
        return Target(wire=wire, action="model" if model else "models", model=model)
    if method != "POST":
        return None
    if wire == "anthropic" and (found := _MESSAGES.fullmatch(path)):
        return Target(wire=wire, action="count" if found["count"] else "reply")
    if wire in {"openai", "mistral"} and (found := _CHAT.fullmatch(path)):
        return Target(wire=wire, action="reply", model=unquote(found["model"] or ""))
    if wire == "google" and (found := _GENERATE.fullmatch(path)) and found["method"] in _METHODS:
        return Target(wire=wire, action=_METHODS[found["method"]], model=unquote(found["model"]))
    return None
