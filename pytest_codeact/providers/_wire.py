"""
What the adapters share whose SDKs let one have the HTTP client and the text of an answer: Mistral's and Google's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers._sdk import cleaned, load_sdk, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REQUEST_IDS: Final = ("x-request-id", "request-id", "mistral-correlation-id", "x-kong-request-id", "x-goog-request-id")
"""Headers that may hold the id of a request, the commonest first."""

_NOT_SENT: Final = frozenset({"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError", "UnsupportedProtocol"})
"""Names of the HTTP client's errors after which no server has seen the request."""

_NEVER_PASSES: Final = frozenset({"UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects", "InvalidURL"})


def http_clients(
    timeout_s: float, *, base_url: str | None, query: Mapping[str, str], extra: str
) -> tuple[Any, Any, Any]:
    """
    Make the HTTP client of an SDK's client, and the asynchronous one that SDKs make, if they are given none.

    Nothing is ever sent by the second.

    Args:
        timeout_s: Seconds without a byte after which a request has failed.
        base_url: Where requests will be sent. None for the vendor's own address.
        query: What the address has in its query, which every request gets.
        extra: The extra of pytest-codeact that installs the SDK.

    Returns:
        The two clients, and what they verify certificates by: False for nothing.
    """
    httpx = load_sdk("httpx2", package="httpx2", extra=extra)
    parts = urlsplit(base_url or "https://")
    # Without TLS there is nothing to verify, and reading the certificates takes 17 ms; so no redirect to TLS.
    verify = False if parts.scheme == "http" else httpx.create_ssl_context()
    is_loopback = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    made = {
        "verify": verify,
        "timeout": timeout_s,
        "params": dict(query),
        # How many trials are in flight is the run's to say: a limit here would be a wait that counts as latency.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=None),
        "follow_redirects": bool(verify),
        # No proxy leads to this machine itself.
        "trust_env": not is_loopback,
    }
    return httpx.Client(**made), httpx.AsyncClient(**made), verify


def is_transport_error(error: BaseException) -> bool:
    """Tell whether an exception is the HTTP client's own."""
    return type(error).__module__.split(".")[0] == "httpx2"


def unanswered(provider: str, error: BaseException, *, timeout_s: float, secrets: tuple[str, ...]) -> ProviderError:
    """
    Make the error of a request that brought no whole answer.

    Args:
        provider: Name of the provider.
        error: The HTTP client's.
        timeout_s: Seconds without a byte after which it gave up.
        secrets: What the text must not hold.
    """
    name = type(error).__name__
    said = cleaned(str(error), secrets) or "no reason given"
    if name == "ConnectTimeout":
        text = f"{provider} did not take a connection within {timeout_s:g} s; check --codeact-base-url"
    elif name == "ConnectError":
        text = f"{provider} cannot be reached: {said}; check the network and --codeact-base-url"
    elif name.endswith("Timeout"):
        text = f"{provider} sent nothing for {timeout_s:g} s ({name}); allow more with --codeact-request-timeout"
    else:
        text = f"the connection to {provider} failed before the whole reply had come: {name}: {said}"
    may_pass = name not in _NEVER_PASSES and "CERTIFICATE_VERIFY" not in said
    return ProviderError(text, transient=may_pass, is_billed=False if name in _NOT_SENT else None)


def status_error(
    provider: str, status: int, body: str, headers: Mapping[str, str], *, secrets: tuple[str, ...]
) -> ProviderError:
    """
    Make the error of an answer that is no success.

    Args:
        provider: Name of the provider.
        status: Its HTTP status.
        body: Its text; the reason is looked for where the vendors put it.
        headers: Its headers.
        secrets: What the text must not hold.
    """
    return refused(provider, status, _reason(body), headers, secrets=secrets)


def request_id(headers: Mapping[str, str], otherwise: object) -> str | None:
    """Find the id of a request among the headers of its answer, or take the one that the answer's body has."""
    found = next((headers[name] for name in _REQUEST_IDS if name in headers), otherwise)
    return found if isinstance(found, str) and found else None


def _reason(body: str) -> str:
    """Find the sentence that says what is wrong: `message`, `detail` or `error`, at the top or one level down."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    for _ in range(3):
        if isinstance(said, list) and len(said) == 1:
            said = said[0]
        if not isinstance(said, dict):
            break
        said = next((said[name] for name in _first(said) if said[name]), said)
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def _first(said: dict[str, Any]) -> Iterable[str]:
    return (name for name in ("message", "detail", "error", "msg") if name in said)
