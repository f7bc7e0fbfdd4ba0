"""
What the vendors' adapters share: finding SDK and key, and making a reply of theirs one of ours.
"""

from __future__ import annotations

import importlib
import itertools
import json
import math
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.errors import ProviderError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_codeact.providers import ModelContext, Request
    from pytest_codeact.records import Json, ToolCall, ToolSpec

NO_KEY: Final = "none"
"""Sent as the key to a server of the user's own, which asks for none, where no key is set."""

EMULATOR_HEADER: Final = "x-codeact-emulator"
"""Header by which the emulator says that the reference model answered."""

_TRANSIENT_STATUSES: Final = frozenset({408, 409, 425, 429})
"""Besides 500 and above: timeout, conflict, too early, too many requests."""

_MAX_TEXT: Final = 300

_MIN_SECRET: Final = 8
"""Characters of a secret that is looked for in texts. A shorter one would be found in ordinary words; no key is one."""


def load_sdk(module: str, *, package: str, extra: str) -> Any:
    """
    Import a vendor's SDK; the first use of it in a process.

    Args:
        module: What is imported.
        package: What is installed.
        extra: The extra of pytest-codeact that installs it.

    Raises:
        UnavailableError: It is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnavailableError(
            f"the package {package} cannot be imported ({error}); run: pip install 'pytest-codeact[{extra}]'"
        ) from error


def sdk_version(package: str) -> str:
    """Give name and version of a package, as records hold it."""
    return f"{package} {metadata.version(package)}"


def find_key(context: ModelContext, *variables: str, own_server: bool | None = None) -> str:
    """
    Find a provider's key in the environment. `NO_KEY` where it is missing and the server is one of the user's own.

    Args:
        context: The client's.
        variables: Names of the variables that may hold it; the first that is set counts.
        own_server: Whether the server is one of the user's own. None for one that has an address of its own.

    Raises:
        UnavailableError: None is set, and a vendor's server needs one.
    """
    for name in variables:
        # A blank variable is how CI systems pass a secret that is not there.
        if key := context.environment.get(name, "").strip():
            return key
    if context.base_url is not None if own_server is None else own_server:
        return NO_KEY
    raise UnavailableError(f"no key: {' or '.join(variables)} is not set; export it, or choose another model")


def mode_of(headers: Mapping[str, str]) -> Literal["reference", "live"]:
    """Tell by its headers where a reply came from: the emulator's are the reference model's."""
    return "reference" if EMULATOR_HEADER in headers else "live"


def model_name(context: ModelContext, provider: str, example: str) -> str:
    """
    Give the name of the vendor's model.

    Args:
        context: The client's.
        provider: Name of the provider.
        example: The name of a model, for the message.

    Raises:
        ProviderError: There is none: the user named the provider alone.
    """
    if context.model:
        return context.model
    raise ProviderError(
        f"no model of {provider!r} is named; expected PROVIDER/MODEL, for example --codeact-model={provider}/{example}"
    )


def as_arguments(text: str | None) -> Json:
    """Read the arguments of a tool call, which a model wrote as JSON. Its text where it cannot be read; {} for none."""
    if not text or not text.strip():
        return {}
    try:
        # NaN and its like are no JSON, and could not be sent back.
        arguments: Json = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return text
    return arguments


def sent_arguments(arguments: Json) -> dict[str, Json]:
    """
    Give the arguments of an earlier call as they go back to the provider: an object, which the protocols insist on.

    What was no object, or no JSON at all, is shown as text under "invalid_arguments".
    """
    if isinstance(arguments, dict):
        return arguments
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"invalid_arguments": text}


class ToolList:
    """
    A vendor's form of a trial's tools, which are the same in each of its requests: made once, not per request.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[Sequence[ToolSpec]], list[Any]]) -> None:
        self._make = make
        self._last: tuple[Sequence[ToolSpec], list[Any]] = ((), [])

    def of(self, specs: Sequence[ToolSpec]) -> list[Any]:
        """Give the vendor's form of these tools. Nobody may change it."""
        seen, made = self._last
        if seen is not specs:
            made = self._make(specs)
            # In one step: threads may share the client.
            self._last = (specs, made)
        return made


def count_of(fields: Mapping[str, Any] | None, *path: str) -> int | None:
    """
    Give a number of tokens from what a vendor reports. None if it does not.

    Args:
        fields: What it reports.
        path: Where in it.
    """
    value: Any = fields
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def with_ids(calls: Sequence[ToolCall], request: Request) -> tuple[ToolCall, ...]:
    """
    Give calls ids that the conversation does not hold yet, where theirs are missing or taken.

    The repaired message is what goes back to the provider, so that results find their calls.

    Args:
        calls: A reply's, in order; "" for an id that is missing.
        request: What was asked.
    """
    used = {call.id for message in request.messages for call in message.tool_calls}
    # Nine letters and digits: the only form that every provider's protocol takes.
    free = (each for number in itertools.count(1) if (each := f"fixed{number:04d}") not in used)
    found = []
    for call in calls:
        call_id = call.id if call.id and call.id not in used else next(free)
        used.add(call_id)
        found.append(replace(call, id=call_id))
    return tuple(found)


def refused(
    provider: str, status: int, said: str, headers: Mapping[str, str], *, secrets: Iterable[str] = ()
) -> ProviderError:
    """
    Make the error of an HTTP status that is no success.

    Args:
        provider: Name of the provider.
        status: The status.
        said: What the server says is wrong.
        headers: Of its answer.
        secrets: What the text must not hold.
    """
    text = cleaned(said, secrets) or "no reason given"
    transient = status in _TRANSIENT_STATUSES or status >= 500  # noqa: PLR2004 - every server error
    # A server that knows better says so: a 429 may mean an empty account, which no waiting fills.
    transient = {"true": True, "false": False}.get(headers.get("x-should-retry", ""), transient)
    return ProviderError(
        f"{provider} answered {status}: {text}{_advice(status)}",
        status=status,
        transient=transient,
        retry_after_s=_retry_after_s(headers),
    )


def cleaned(said: str, secrets: Iterable[str] = (), *, most: int = _MAX_TEXT) -> str:
    """
    Give the beginning of what a server or an SDK said, in one line and without secrets.

    Args:
        said: What was said.
        secrets: What the text must not hold.
        most: Characters that are kept.
    """
    # Before it is cut: half a key is still half a key.
    for secret in secrets:
        if len(secret) >= _MIN_SECRET:
            said = said.replace(secret, "***")
    text = " ".join(said.split())
    # The ellipsis tells the run's redactor, which knows more secrets, where half of one may stand.
    return text if len(text) <= most else f"{text[:most]}..."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large a number")
    return value


def _advice(status: int) -> str:
    match status:
        case 401 | 403:
            return "; check the key and what it may do"
        case 404:
            return "; check the name of the model and --codeact-base-url"
        case 413:
            return "; the request is too large: offer fewer tools, or show less with --codeact-observation-bytes"
        case _:
            return ""


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `retry-after-ms` and `retry-after`, in seconds or as a date. None if there is none that can be read."""
    from email.utils import parsedate_to_datetime
    from time import time

    for name, scale in (("retry-after-ms", 1000), ("retry-after", 1)):
        if (text := headers.get(name)) is None:
            continue
        try:
            return max(0.0, float(text) / scale)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - time())
        except (ValueError, TypeError):
            continue
    return None
