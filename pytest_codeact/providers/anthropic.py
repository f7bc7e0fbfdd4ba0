"""
Anthropic's models, by the Messages API and Anthropic's own SDK.

* Key: ANTHROPIC_API_KEY. Address: `--codeact-base-url`; the SDK's own ANTHROPIC_BASE_URL is not read, so that what a
  run did stands in its options.
* Replies are not streamed. The SDK refuses to wait for a reply whose `max_tokens` might take more than ten minutes,
  unless it is told how long to wait; it is told `--codeact-request-timeout`. A reply sends no byte until it is whole,
  so that is how long a reply may take.
* Prompts are cached where `ModelContext.prompt_cache` asks for it: tools, system prompt, and the conversation so far.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.providers import Reply
from pytest_codeact.providers._anthropic_words import (
    read_message,
    read_usage,
    sent_messages,
    sent_system,
    sent_tools,
    stop_of,
)
from pytest_codeact.providers._exchange import Exchange, client_options, login_of, named, origin_of, split_url
from pytest_codeact.providers._sdk import ToolList, find_key, load_sdk, mode_of, model_name, sdk_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.providers import ModelContext, Request

_PROVIDER: Final = "anthropic"
_ADDRESS: Final = "https://api.anthropic.com"


def live_model(context: ModelContext) -> AnthropicModel:
    """
    Make the client of one trial. Trials share the SDK's client, and with it its connections.

    Raises:
        UnavailableError: The key or the SDK is missing.
        ProviderError: No model is named.
    """
    model = model_name(context, _PROVIDER, "claude-haiku-4-5")
    url, query = split_url(context.base_url or _ADDRESS)
    key = find_key(context, "ANTHROPIC_API_KEY", own_server=not origin_of(url).endswith(".anthropic.com"))
    sdk = load_sdk("anthropic", package="anthropic", extra=_PROVIDER)
    # The SDK adds it.
    url = url.removesuffix("/v1")

    def make() -> Any:
        return sdk.Anthropic(api_key=key, default_query=query, **client_options(sdk, url, context.timeout_s))

    shared = (_PROVIDER, url, *query.items(), key, context.timeout_s)
    return AnthropicModel(
        model=model,
        client=context.connections.get(shared, make),
        exchange=Exchange(
            provider=_PROVIDER,
            sdk=sdk,
            errors=sdk.AnthropicError,
            origin=origin_of(url),
            timeout_s=context.timeout_s,
            secrets=(key, *query.values(), *login_of(url)),
        ),
        prompt_cache=context.prompt_cache,
        sdk=context.connections.get((_PROVIDER, "version"), partial(sdk_version, "anthropic")),
    )


class AnthropicModel:
    """
    A `Provider` that asks one of Anthropic's models.

    Args:
        model: Its name.
        client: The SDK's client.
        exchange: How it is asked.
        prompt_cache: Whether prompts are to be cached.
        sdk: Name and version of the SDK.
    """

    def __init__(self, *, model: str, client: Any, exchange: Exchange, prompt_cache: bool, sdk: str) -> None:
        self._model = model
        self._create = client.messages.with_raw_response.create
        self._exchange = exchange
        self._prompt_cache = prompt_cache
        self._sdk = sdk
        self._tools = ToolList(partial(sent_tools, prompt_cache=prompt_cache))

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ProviderError: There is no reply, or none that can be understood.
        """
        body, headers = self._exchange.ask(lambda: self._create(**self._sent(request)))
        return self._read(body, headers, request)

    def _sent(self, request: Request) -> dict[str, Any]:
        sent: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_output_tokens,
            "messages": sent_messages(request.messages, prompt_cache=self._prompt_cache),
        }
        if request.system:
            sent["system"] = sent_system(request.system, prompt_cache=self._prompt_cache)
        if request.tools:
            sent["tools"] = self._tools.of(request.tools)
            if not request.parallel_tool_calls:
                sent["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        return sent

    def _read(self, body: dict[str, Any], headers: Mapping[str, str], request: Request) -> Reply:
        reason, usage = body.get("stop_reason"), read_usage(body.get("usage"))
        if not isinstance(body.get("content"), list):
            raise self._exchange.unusable("sent a reply without content", usage, transient=True)
        message = read_message(body, request)
        if reason == "pause_turn" and not message.tool_calls:
            raise self._exchange.unusable("paused in mid-turn, as for tools of its own, and none was offered", usage)
        return Reply(
            message=message,
            stop=stop_of(reason, message),
            usage=usage,
            mode=mode_of(headers),
            model_version=named(body.get("model")),
            request_id=named(headers.get("request-id") or body.get("id")),
            sdk=self._sdk,
        )
