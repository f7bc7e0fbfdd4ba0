"""
The body of a vendor's answer, whatever its SDK is: read as JSON, and looked into where it may be anything.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers._sdk import cleaned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_SHOWN: Final = 80
"""Characters of a body that is no JSON that a message shows."""


def read_body(
    provider: str, text: str, headers: Mapping[str, str], *, status: int = 200, secrets: Iterable[str] = ()
) -> dict[str, Any]:
    """
    Read the body of a success.

    Args:
        provider: Name of the provider.
        text: The body.
        headers: Of the answer.
        status: Its HTTP status.
        secrets: What no message may hold.

    Raises:
        ProviderError: It is not JSON, or no object. What it cost, nobody knows.
    """
    body: Any = None
    try:
        body = json.loads(text, parse_constant=str, parse_float=_number)
    except (ValueError, RecursionError):
        problem = "no JSON"
    else:
        problem = f"a JSON {type(body).__name__} and no object"
    if isinstance(body, dict):
        # UTF-8 holds no lone surrogate: one can come as an escape only, and walking every body takes time.
        return _without_surrogates(body) if "\\ud" in text or "\\uD" in text else body
    kind = headers.get("content-type", "")
    is_json = "json" in kind
    advice = "" if is_json else "; check --codeact-base-url"
    raise ProviderError(
        f"{provider} answered {status} with {kind or 'no content type'} that is {problem}: "
        f"{cleaned(text, secrets, most=_MAX_SHOWN)!r}{advice}",
        status=status,
        # What says that it is JSON was cut or garbled on its way; a web page will be one again.
        transient=is_json,
        is_billed=None,
    )


def part(value: object, *path: str) -> dict[str, Any]:
    """Give an object inside of an answer; {} where something else is in its place."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[dict[str, Any]]:
    """Give the objects of a list; [] where something else is in its place."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(text: str) -> float | str:
    """Read a number. What is too large for one stays text: it could not be sent back."""
    value = float(text)
    return value if math.isfinite(value) else text


def _without_surrogates(value: Any) -> Any:
    """Put a replacement character where a lone surrogate is, which is half a character and cannot be sent back."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(each) for name, each in value.items()}
    return value
