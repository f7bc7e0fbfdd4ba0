"""
OpenAI's models, and those of every server that speaks OpenAI's chat completions, by OpenAI's own SDK.

* Address: `--codeact-base-url=openai=URL`; OpenAI's own without. `http://HOST:PORT/v1` is a server such as vLLM, Ollama
  or llama.cpp. `https://NAME.openai.azure.com` is an Azure resource, with the model as name of the deployment;
  `https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=VERSION` one deployment of it. The version
  is the address's, else that of OPENAI_API_VERSION, else `AZURE_API_VERSION`. OPENAI_BASE_URL and
  AZURE_OPENAI_ENDPOINT are not read, so that what a run did stands in its options.
* Key: OPENAI_API_KEY; for Azure AZURE_OPENAI_API_KEY, then OPENAI_API_KEY. A server of one's own needs none.
* The output limit is `max_completion_tokens` for OpenAI's models, at OpenAI and in Azure, and `max_tokens` for others,
  whose servers do not all know the newer name and would set no limit.
* `parallel_tool_calls` is sent to OpenAI's models only where parallel calls are not wanted: they are the default, and
  some models refuse the parameter. Other servers are always told: llama.cpp's default is off.
* OpenAI and most servers cache prompts by themselves. `ModelContext.prompt_cache` changes nothing here; what was read
  from a cache is reported.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.providers import Reply
from pytest_codeact.providers._exchange import Exchange, client_options, login_of, named, origin_of
from pytest_codeact.providers._openai_address import read_address
from pytest_codeact.providers._openai_words import read_message, read_usage, sent_messages, sent_tools, stop_of
from pytest_codeact.providers._sdk import ToolList, find_key, load_sdk, mode_of, model_name, sdk_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.providers import ModelContext, Request
    from pytest_codeact.providers._openai_address import Address

_PROVIDER: Final = "openai"


def live_model(context: ModelContext) -> OpenAIModel:
    """
    Make the client of one trial. Trials share the SDK's client, and with it its connections.

    Raises:
        UnavailableError: The key or the SDK is missing.
        ProviderError: No model is named.
    """
    model = model_name(context, _PROVIDER, "gpt-5-mini")
    address = read_address(context.base_url, context.environment)
    names = ("AZURE_OPENAI_API_KEY", "OPENAI_API_KEY") if _is_azure(address) else ("OPENAI_API_KEY",)
    key = find_key(context, *names, own_server=not address.is_openai_model)
    sdk = load_sdk("openai", package="openai", extra=_PROVIDER)
    query = tuple(address.query.items())
    shared = (_PROVIDER, address.kind, address.url, address.api_version, query, key, context.timeout_s)
    return OpenAIModel(
        model=model,
        client=context.connections.get(shared, partial(_client, sdk, address, key, context.timeout_s)),
        exchange=Exchange(
            provider=_PROVIDER,
            sdk=sdk,
            errors=sdk.OpenAIError,
            origin=origin_of(address.url),
            timeout_s=context.timeout_s,
            secrets=(key, *address.query.values(), *login_of(address.url)),
        ),
        is_openai_model=address.is_openai_model,
        sdk=context.connections.get((_PROVIDER, "version"), partial(sdk_version, "openai")),
    )


def _is_azure(address: Address) -> bool:
    return address.kind == "azure" or (address.is_openai_model and address.kind == "other")


def _client(sdk: Any, address: Address, key: str, timeout_s: float) -> Any:
    options = client_options(sdk, address.url, timeout_s)
    if address.kind != "azure":
        return sdk.OpenAI(api_key=key, default_query=address.query, **options)
    if not address.is_deployment:
        options["azure_endpoint"] = options.pop("base_url")
    return sdk.AzureOpenAI(api_key=key, api_version=address.api_version, default_query=address.query, **options)


class OpenAIModel:
    """
    A `Provider` that asks a model by OpenAI's chat completions.

    Args:
        model: Its name; in Azure the name of its deployment.
        client: The SDK's client.
        exchange: How it is asked.
        is_openai_model: As in `Address`.
        sdk: Name and version of the SDK.
    """

    def __init__(self, *, model: str, client: Any, exchange: Exchange, is_openai_model: bool, sdk: str) -> None:
        self._model = model
        self._create = client.chat.completions.with_raw_response.create
        self._exchange = exchange
        self._is_openai_model = is_openai_model
        self._sdk = sdk
        self._tools = ToolList(sent_tools)

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ProviderError: There is no reply, or none that can be understood.
        """
        body, headers = self._exchange.ask(lambda: self._create(**self._sent(request)))
        return self._read(body, headers, request)

    def _sent(self, request: Request) -> dict[str, Any]:
        limit = "max_completion_tokens" if self._is_openai_model else "max_tokens"
        body: dict[str, Any] = {"messages": sent_messages(request.system, request.messages)}
        if request.tools:
            body["tools"] = self._tools.of(request.tools)
            if not (self._is_openai_model and request.parallel_tool_calls):
                body["parallel_tool_calls"] = request.parallel_tool_calls
        # As `extra_body`, which takes the place of `messages`, what is plain JSON already is sent as it is. As
        # arguments the SDK would walk it by its type hints: 10 ms with 120 tools, for which all threads wait.
        return {"model": self._model, limit: request.max_output_tokens, "messages": (), "extra_body": body}

    def _read(self, body: dict[str, Any], headers: Mapping[str, str], request: Request) -> Reply:
        choices, usage = body.get("choices"), read_usage(body.get("usage"))
        if not isinstance(choices, list) or not choices:
            # Some servers put an error into an answer of status 200.
            problem = f"sent an error with status 200: {body['error']!r}" if body.get("error") else ""
            raise self._exchange.unusable(problem or "sent a reply without choices", usage, transient=True)
        choice = choices[0] if isinstance(choices[0], dict) else {}
        said, reason = choice.get("message"), choice.get("finish_reason")
        if not isinstance(said, dict):
            raise self._exchange.unusable("sent a choice without a message", usage, transient=True)
        message = read_message(said, reason, request)
        return Reply(
            message=message,
            stop=stop_of(reason, said, message),
            usage=usage,
            mode=mode_of(headers),
            model_version=named(body.get("model")),
            request_id=named(headers.get("x-request-id") or body.get("id")),
            sdk=self._sdk,
        )
