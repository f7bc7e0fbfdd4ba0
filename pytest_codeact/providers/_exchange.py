"""
One request to a vendor's server by its SDK: the body and headers of the answer, or an error in our words.

For the SDKs of Anthropic and OpenAI, which one generator wrote: their errors have the same names. Their exceptions hold
the request, and with it the key, so none is kept as the cause of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers._body import read_body
from pytest_codeact.providers._sdk import cleaned, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_codeact.records import Usage

CONNECT_S: Final = 10.0
"""Seconds within which a connection must be there, at most `ModelContext.timeout_s`. A server that is up takes none."""

_NEVER_SENT: Final = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "LocalProtocolError"}
)
"""Errors of the HTTP library, which is the SDK's own affair, by name: the request was not out, and cannot be billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """
    How a provider is asked.

    Attributes:
        provider: Its name, for messages.
        sdk: The SDK's module.
        errors: The class of all its errors.
        origin: Scheme, host and port of the server, for messages.
        timeout_s: As in `ModelContext`.
        secrets: What no message may hold.
    """

    provider: str
    sdk: Any
    errors: type[Exception]
    origin: str
    timeout_s: float
    secrets: tuple[str, ...] = field(repr=False)

    def ask(self, send: Callable[[], Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
        """
        Send a request.

        Args:
            send: Sends it, by the SDK, and gives its raw response.

        Returns:
            The body, and the headers.

        Raises:
            ProviderError: There is no reply, or none that can be read.
        """
        error: BaseException
        try:
            response = send().http_response
        except (self.errors, ValueError, TypeError, RecursionError, Warning) as raised:
            error = raised
        else:
            # Bytes that are no UTF-8 would come out as lone surrogates.
            text, status = response.content.decode("utf-8", "replace"), response.status_code
            body = read_body(self.provider, text, response.headers, status=status, secrets=self.secrets)
            return body, response.headers
        # Outside of the handler, so that the SDK's error is not the context of ours either.
        raise self._failure(error)

    def unusable(self, problem: str, usage: Usage | None, *, transient: bool = False) -> ProviderError:
        """
        Make the error of a whole reply that is of no use.

        Args:
            problem: What is wrong with it, as the end of the sentence.
            usage: What it says that it used. What reports its tokens is billed.
            transient: As in `ProviderError`.
        """
        return ProviderError(
            f"{self.provider} {cleaned(problem, self.secrets)}",
            status=200,
            transient=transient,
            is_billed=None,
            usage=usage,
        )

    def _failure(self, error: BaseException) -> ProviderError:
        sdk = self.sdk
        if isinstance(error, sdk.APIStatusError):
            answer: Any = error
            said = _said(answer.body) or answer.message
            made = refused(self.provider, answer.status_code, said, answer.response.headers, secrets=self.secrets)
            if _is_unpaid(answer.body):
                made.transient = False
            return made
        if isinstance(error, sdk.APIConnectionError):
            return self._lost(error)
        if isinstance(error, Warning):
            return ProviderError(
                f"{self.provider}: its SDK warned, and the warning filters make that an error: "
                f"{cleaned(str(error), self.secrets)}; choose another model, or ignore the warning with filterwarnings"
            )
        said = cleaned(f"{type(error).__name__}: {error}", self.secrets)
        return ProviderError(f"{self.provider}: its SDK could not send the request: {said}")

    def _lost(self, error: BaseException) -> ProviderError:
        """Make the error of a request without an answer."""
        causes = list(_causes(error))
        names = {base.__name__ for each in causes for base in type(each).__mro__}
        never_sent = bool(names & _NEVER_SENT)
        root = cleaned(f"{type(causes[-1]).__name__}: {causes[-1]}", self.secrets)
        if "ConnectTimeout" in names:
            what = f"did not take a connection within {min(CONNECT_S, self.timeout_s):g} s; check --codeact-base-url"
        elif never_sent:
            what = f"cannot be connected to ({root}); check the network and --codeact-base-url"
        elif isinstance(error, self.sdk.APITimeoutError):
            what = (
                f"sent nothing for {self.timeout_s:g} s; if it only needs longer, allow more with "
                "--codeact-request-timeout"
            )
        else:
            what = f"cut the connection before its answer was whole ({root})"
        return ProviderError(
            f"{self.provider} at {self.origin} {what}",
            transient="SSLCertVerificationError" not in names,
            is_billed=False if never_sent else None,
        )


def split_url(url: str) -> tuple[str, dict[str, str]]:
    """Split an address into what comes before its query, without a slash at the end, and the query."""
    parts = urlsplit(url)
    bare = parts._replace(query="", fragment="").geturl().rstrip("/")
    return bare, dict(parse_qsl(parts.query, keep_blank_values=True))


def login_of(url: str) -> tuple[str, ...]:
    """Give what of an address's login is secret: the password, or the name that stands there alone; as text too."""
    parts = urlsplit(url)
    secret = (parts.username if parts.password is None else parts.password) or ""
    return (secret, unquote(secret))


def named(value: object) -> str | None:
    """Give a name or an id that a server reports. None if it reports none."""
    return value if isinstance(value, str) and value else None


def origin_of(url: str) -> str:
    """Give scheme, host and port of an address: no user name, password or path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def client_options(sdk: Any, url: str, timeout_s: float) -> dict[str, Any]:
    """
    Give the options that the clients of both SDKs share: no retries, the timeout, how to connect.

    Args:
        sdk: The SDK's module.
        url: Where its client will send its requests.
        timeout_s: As in `ModelContext`.
    """
    timeout = sdk.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
    options: dict[str, Any] = {"base_url": url, "max_retries": 0, "timeout": timeout}
    parts = urlsplit(url)
    if parts.scheme == "http":
        is_loopback = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
        options["http_client"] = sdk.DefaultHttpxClient(
            timeout=timeout,
            # Without TLS there is nothing to verify, and reading the certificates takes 17 ms; so no redirect to TLS.
            verify=False,
            follow_redirects=False,
            # No proxy leads to this machine itself.
            trust_env=not is_loopback,
        )
    return options


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error, its cause, the cause of that, and so on."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _said(body: object) -> str:
    """Find what a server says is wrong, in any of the usual forms. "" if it says nothing."""
    if not isinstance(body, dict):
        return body if isinstance(body, str) else ""
    inner = body.get("error", body)
    if not isinstance(inner, dict):
        return str(inner)
    kind, text = inner.get("type") or inner.get("code"), inner.get("message") or inner.get("detail")
    return ": ".join(str(each) for each in (kind, text) if each)


def _is_unpaid(body: object) -> bool:
    """Tell whether a 429 of OpenAI is about money."""
    return isinstance(body, dict) and "insufficient_quota" in (body.get("code"), body.get("type"))
