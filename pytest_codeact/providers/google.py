"""
Gemini, through Google's own SDK and the Gemini Developer API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_codeact.providers._body import read_body
from pytest_codeact.providers._exchange import split_url
from pytest_codeact.providers._google_client import GoogleClient
from pytest_codeact.providers._google_reply import as_reply
from pytest_codeact.providers._google_request import NAME, contents_of, tools_of
from pytest_codeact.providers._sdk import ToolList, find_key, model_name

if TYPE_CHECKING:
    from pytest_codeact.providers import ModelContext, Reply, Request

_VERSIONS: Final = ("v1", "v1beta", "v1alpha")
"""Versions of the API, with which a given address may end."""


def live_model(context: ModelContext) -> GoogleModel:
    """
    Make the client of one trial.

    Raises:
        UnavailableError: There is no key, or no SDK.
        ProviderError: No model is named.
    """
    model = model_name(context, NAME, "gemini-2.5-flash")
    # In the order of the SDK, which logs which of the two it takes.
    key = find_key(context, "GOOGLE_API_KEY", "GEMINI_API_KEY")
    client: GoogleClient = context.connections.get(
        (NAME, context.base_url, key, context.timeout_s),
        lambda: _client(context, key),
    )
    return GoogleModel(client, model=model)


def _client(context: ModelContext, key: str) -> GoogleClient:
    url, query = split_url(context.base_url or "")
    head, _, last = url.rpartition("/")
    base_url, version = (head, last) if last in _VERSIONS else (url or None, None)
    return GoogleClient(key=key, base_url=base_url, query=query, api_version=version, timeout_s=context.timeout_s)


class GoogleModel:
    """
    A `Provider` that asks a model to generate content.

    Gemini has no switch against parallel calls. Where a request wants one call at most, the reply is taken up to its
    first call, and the rest is left out of the conversation; it is billed all the same.

    Args:
        client: The process's connection.
        model: Name of the model, as Google has it.
    """

    def __init__(self, client: GoogleClient, *, model: str) -> None:
        self._client = client
        self._model = model
        self._tools = ToolList(tools_of)

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ProviderError: The model could not be asked or broke its protocol.
        """
        body, headers = self._client.generate(
            model=self._model,
            system=request.system,
            max_output_tokens=request.max_output_tokens,
            contents=contents_of(request.messages),
            tools=self._tools.of(request.tools),
        )
        reply = read_body(NAME, body, headers, secrets=self._client.secrets)
        return as_reply(reply, headers, request, sdk=self._client.version)
