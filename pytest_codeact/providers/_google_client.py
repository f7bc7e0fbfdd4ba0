"""
One client of Google's SDK, with its connections, for all trials of a process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers._exchange import login_of
from pytest_codeact.providers._sdk import cleaned, load_sdk, sdk_version
from pytest_codeact.providers._wire import http_clients, is_transport_error, status_error, unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = "google"

_PLACEHOLDER: Final = "-"
"""What the SDK is given as contents. It is replaced by `extra_body`, which goes out as it is."""


class GoogleClient:
    """
    Sends requests to generate content and gives what came back as it came.

    Args:
        key: The key.
        base_url: Where the protocol is spoken. None for Google's own address.
        query: What that address has in its query.
        api_version: Version of the API in the path. None for the SDK's.
        timeout_s: Seconds without a byte after which a request has failed.
    """

    def __init__(
        self, *, key: str, base_url: str | None, query: Mapping[str, str], api_version: str | None, timeout_s: float
    ) -> None:
        genai = load_sdk("google.genai", package="google-genai", extra=_NAME)
        self._types = genai.types
        self._errors = genai.errors
        self.version = sdk_version("google-genai")
        self.secrets = (key, *query.values(), *login_of(base_url or ""))
        self._timeout_s = timeout_s
        self._http, unused, verify = http_clients(timeout_s, base_url=base_url, query=query, extra=_NAME)
        self._sdk = genai.Client(
            api_key=key,
            # Not Vertex AI, whatever the environment says: its models are priced and versioned otherwise.
            enterprise=False,
            http_options=self._types.HttpOptions(
                base_url=base_url,
                api_version=api_version,
                timeout=round(timeout_s * 1000),
                httpx_client=self._http,
                httpx_async_client=unused,
                # Of websockets, which nobody opens: it would read the certificates once more.
                async_client_args={"ssl": verify},
            ),
        )
        self._no_calling = self._types.AutomaticFunctionCallingConfig(disable=True)

    def generate(
        self,
        *,
        model: str,
        system: str,
        max_output_tokens: int,
        contents: list[dict[str, Any]],
        tools: list[dict[str, Any]],
    ) -> tuple[str, Mapping[str, str]]:
        """
        Send one request.

        Args:
            model: Name of the model.
            system: The system prompt. "" for none.
            max_output_tokens: The most tokens that the reply may have.
            contents: The conversation, as the protocol has it.
            tools: The tools, as the protocol has them.

        Returns:
            The text and the headers of a successful answer.

        Raises:
            ProviderError: There was none.
        """
        body: dict[str, Any] = {"contents": contents}
        if tools:
            body["tools"] = tools
        config = self._types.GenerateContentConfig(
            system_instruction=system or None,
            max_output_tokens=max_output_tokens,
            automatic_function_calling=self._no_calling,
            # It would send further requests by itself, which nobody would count.
            automatic_continuation=False,
            # The SDK's own form of an answer loses what it does not know, and warns of it.
            should_return_http_response=True,
            http_options=self._types.HttpOptions(extra_body=body),
        )
        failure: Exception
        try:
            answer = self._sdk.models.generate_content(
                model=model, contents=_PLACEHOLDER, config=config
            ).sdk_http_response
        except Exception as error:  # noqa: BLE001 - the SDK raises whatever comes from beneath it
            failure = error
        else:
            return answer.body or "", {name.lower(): value for name, value in (answer.headers or {}).items()}
        # Out of the handler: the SDK's error holds the request, and with it the key. It is not to be ours' context.
        raise self._failure(failure)

    def close(self) -> None:
        """Close the connections."""
        self._sdk.close()
        self._http.close()

    def _failure(self, error: Exception) -> ProviderError:
        if isinstance(error, self._errors.APIError):
            answer: Any = error.response
            return status_error(_NAME, answer.status_code, answer.text, answer.headers, secrets=self.secrets)
        if is_transport_error(error):
            return unanswered(_NAME, error, timeout_s=self._timeout_s, secrets=self.secrets)
        said = cleaned(f"{type(error).__name__}: {error}", self.secrets)
        return ProviderError(f"{_NAME}: the google-genai package failed: {said}", is_billed=None)
