"""
One client of Mistral's SDK, with its connections, for all trials of a process.
"""

from __future__ import annotations

import json
import threading
import uuid
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers._exchange import login_of
from pytest_codeact.providers._sdk import cleaned, load_sdk, sdk_version
from pytest_codeact.providers._wire import http_clients, is_transport_error, status_error, unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = "mistral"


class MistralClient:
    """
    Sends chat completions and gives what came back as it came.

    What the SDK makes of an answer is not used: it refuses what it does not know, and gives no headers.

    Args:
        key: The key.
        base_url: Where the protocol is spoken. None for Mistral's own address.
        query: What that address has in its query.
        timeout_s: Seconds without a byte after which a request has failed.
    """

    def __init__(self, *, key: str, base_url: str | None, query: Mapping[str, str], timeout_s: float) -> None:
        sdk = load_sdk("mistralai.client", package="mistralai", extra=_NAME)
        self.models = load_sdk("mistralai.client.models", package="mistralai", extra=_NAME)
        """The SDK's module of models: requests are built of them, which it takes faster than dicts."""
        self.version = sdk_version("mistralai")
        self.secrets = (key, *query.values(), *login_of(base_url or ""))
        self._timeout_s = timeout_s
        http, unused, _ = http_clients(timeout_s, base_url=base_url, query=query, extra=_NAME)
        self._http = _Http(http)
        self._sdk = sdk.Mistral(
            api_key=key,
            server_url=base_url,
            client=self._http,
            async_client=unused,
            retry_config=None,
            timeout_ms=round(timeout_s * 1000),
        )

    def complete(self, **options: Any) -> tuple[str, Mapping[str, str]]:
        """
        Send one request.

        Args:
            options: Those of the SDK's `chat.complete`.

        Returns:
            The text and the headers of a successful answer.

        Raises:
            ProviderError: There was none.
        """
        answer = self._http.answer
        answer.last = None
        failure: Exception | None = None
        try:
            self._sdk.chat.complete(**options)
        except Exception as error:  # noqa: BLE001 - the SDK's errors have no common base with those beneath it
            failure = error
        # Out of the handler: the SDK's error holds the request, and with it the key. It is not to be ours' context.
        response, answer.last = answer.last, None
        if response is None:
            raise self._unanswered(failure)
        if not response.is_success:
            raise status_error(_NAME, response.status_code, response.text, response.headers, secrets=self.secrets)
        return response.text, response.headers

    def verbatim(self, value: object) -> str:
        """Give a text that is replaced by a JSON value where it stands, as a whole string, in the next request."""
        return self._http.verbatim(value)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _unanswered(self, error: Exception | None) -> ProviderError:
        if error is not None and is_transport_error(error):
            return unanswered(_NAME, error, timeout_s=self._timeout_s, secrets=self.secrets)
        said = cleaned(f"{type(error).__name__}: {error}", self.secrets)
        return ProviderError(f"{_NAME}: the mistralai package could not send the request: {said}")


class _Answer(threading.local):
    """The last answer that a thread was given. None if it was given none."""

    last: Any = None


class _Http:
    """The HTTP client that the SDK is given; see its protocol `HttpClient`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._mark = f"verbatim-{uuid.uuid4().hex}:"
        self.answer = _Answer()

    def verbatim(self, value: object) -> str:
        return self._mark + json.dumps(value)

    def build_request(self, method: str, url: str, *, content: Any = None, **options: Any) -> Any:
        if isinstance(content, str) and self._mark in content:
            content = self._filled(content)
        return self._client.build_request(method, url, content=content, **options)

    def send(self, request: Any, **options: Any) -> Any:
        response = self._client.send(request, **options)
        self.answer.last = response
        return response

    def close(self) -> None:
        self._client.close()

    def _filled(self, content: str) -> str:
        """Put values in their places. The SDK's models would drop of them what its version does not know."""
        pieces = content.split(f'"{self._mark}')
        filled, read = [pieces[0]], json.JSONDecoder().raw_decode
        for piece in pieces[1:]:
            text, end = read(f'"{piece}')
            filled += [text, piece[end - 1 :]]
        return "".join(filled)
