"""
Models of Mistral, and of servers that speak its protocol, through Mistral's own SDK.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers import Reply
from pytest_codeact.providers._body import listed, part, read_body
from pytest_codeact.providers._exchange import split_url
from pytest_codeact.providers._mistral_client import MistralClient
from pytest_codeact.providers._sdk import (
    ToolList,
    as_arguments,
    count_of,
    find_key,
    mode_of,
    model_name,
    sent_arguments,
    with_ids,
)
from pytest_codeact.providers._wire import request_id
from pytest_codeact.records import Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_codeact.providers import ModelContext, Request
    from pytest_codeact.records import Json, ToolResult, ToolSpec

_NAME: Final = "mistral"

_STOPS: Final[Mapping[str, Literal["max_tokens", "refusal", "content_filter"]]] = {
    "length": "max_tokens",
    "model_length": "max_tokens",
    "refusal": "refusal",
    "content_filter": "content_filter",
}
"""Reasons to stop that are told apart. Every other one, known or not, is the end or a wait for tool calls."""

_NO_ID: Final = "null"
"""What Mistral writes where a call has no id."""


def live_model(context: ModelContext) -> MistralModel:
    """
    Make the client of one trial.

    Raises:
        UnavailableError: There is no key, or no SDK.
        ProviderError: No model is named.
    """
    model = model_name(context, _NAME, "mistral-small-latest")
    key = find_key(context, "MISTRAL_API_KEY")
    url, query = split_url(context.base_url or "")
    base_url = url.removesuffix("/v1") or None
    client: MistralClient = context.connections.get(
        (_NAME, context.base_url, key, context.timeout_s),
        lambda: MistralClient(key=key, base_url=base_url, query=query, timeout_s=context.timeout_s),
    )
    return MistralModel(client, model=model, prompt_cache=context.prompt_cache)


class MistralModel:
    """
    A `Provider` that asks a model by chat completions.

    Args:
        client: The process's connection.
        model: Name of the model, as Mistral has it.
        prompt_cache: Whether requests with the same beginning name a common prompt cache.
    """

    def __init__(self, client: MistralClient, *, model: str, prompt_cache: bool) -> None:
        self._client = client
        self._model = model
        self._prompt_cache = prompt_cache
        self._tools = ToolList(self._make_tools)

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ProviderError: The model could not be asked or broke its protocol.
        """
        options: dict[str, Any] = {"max_tokens": request.max_output_tokens}
        if request.tools:
            options |= {"tools": self._tools.of(request.tools), "parallel_tool_calls": request.parallel_tool_calls}
        if self._prompt_cache:
            options["prompt_cache_key"] = _cache_key(self._model, request)
        body, headers = self._client.complete(model=self._model, messages=self._messages(request), **options)
        reply = _reply(read_body(_NAME, body, headers, secrets=self._client.secrets), headers, request)
        return replace(reply, sdk=self._client.version)

    def _make_tools(self, specs: Sequence[ToolSpec]) -> list[Any]:
        models = self._client.models
        return [
            models.Tool(
                function=models.Function(name=each.name, description=each.description, parameters=each.parameters)
            )
            for each in specs
        ]

    def _messages(self, request: Request) -> list[Any]:
        models = self._client.models
        messages = [models.SystemMessage(content=request.system)] if request.system else []
        for message in request.messages:
            if message.role == "user":
                messages.append(models.UserMessage(content=message.text))
            elif message.role == "assistant":
                messages.append(self._assistant(message))
            else:
                messages += [self._result(each) for each in message.tool_results]
        return messages

    def _assistant(self, message: Message) -> Any:
        models = self._client.models
        content: str | None = message.text
        if message.native and (chunks := message.native.get(_NAME)) is not None:
            content = self._client.verbatim(chunks)
        calls = [
            models.ToolCall(
                id=each.id, function=models.FunctionCall(name=each.name, arguments=_arguments_text(each.arguments))
            )
            for each in message.tool_calls
        ]
        return models.AssistantMessage(content=content, tool_calls=calls or None)

    def _result(self, result: ToolResult) -> Any:
        # The protocol has no mark for errors: their text says that they are some.
        return self._client.models.ToolMessage(content=result.content, tool_call_id=result.call_id, name=result.name)


def _arguments_text(arguments: Json) -> str:
    return json.dumps(sent_arguments(arguments), ensure_ascii=False)


def _cache_key(model: str, request: Request) -> str:
    """Name the prompt cache of all requests that begin alike: the same model, system prompt and tools."""
    beginning = repr((model, request.system, request.tools))
    return hashlib.sha256(beginning.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _reply(reply: dict[str, Any], headers: Mapping[str, str], request: Request) -> Reply:
    choices = listed(reply.get("choices"))
    if not choices:
        raise ProviderError(
            f"the reply of {_NAME} holds no choice; the request's id is {request_id(headers, reply.get('id'))}",
            transient=True,
            status=200,
            is_billed=None,
            usage=_usage(reply),
        )
    reason = choices[0].get("finish_reason")
    if reason == "error":
        raise ProviderError(
            f"{_NAME} broke off the reply with finish_reason 'error'",
            transient=True,
            status=200,
            is_billed=None,
            usage=_usage(reply),
        )
    stop = _STOPS.get(str(reason))
    message = _message(part(choices[0], "message"), request)
    if stop in ("refusal", "content_filter"):
        # What was held back was stopped half way; nobody may carry its calls out.
        message = Message(role="assistant", text=message.text)
    version = reply.get("model")
    return Reply(
        message=message,
        stop=stop or ("tool_calls" if message.tool_calls else "end"),
        usage=_usage(reply),
        mode=mode_of(headers),
        model_version=version if isinstance(version, str) else None,
        request_id=request_id(headers, reply.get("id")),
    )


def _message(message: dict[str, Any], request: Request) -> Message:
    content = message.get("content")
    calls = [_call(each) for each in listed(message.get("tool_calls"))]
    chunks = listed(content)
    text = content if isinstance(content, str) else "".join(_text(each) for each in chunks)
    return Message(
        role="assistant",
        text=text,
        tool_calls=with_ids(calls, request),
        # Thoughts, references and whatever comes next are wanted back as they were.
        native={_NAME: list(chunks)} if any(each.get("type") != "text" for each in chunks) else None,
    )


def _text(chunk: dict[str, Any]) -> str:
    text = chunk.get("text") if chunk.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def _call(call: dict[str, Any]) -> ToolCall:
    function = part(call, "function")
    call_id, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
    return ToolCall(
        id=call_id if isinstance(call_id, str) and call_id != _NO_ID else "",
        name=name if isinstance(name, str) else "",
        arguments=as_arguments(arguments) if arguments is None or isinstance(arguments, str) else arguments,
    )


def _usage(reply: dict[str, Any]) -> Usage | None:
    """Normalise usage: `prompt_tokens` holds the cached ones, `completion_tokens` the reasoning."""
    usage = part(reply, "usage")
    read, written = count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens")
    if read is None or written is None:
        return None
    cached = count_of(usage, "prompt_tokens_details", "cached_tokens")
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_input_tokens=count_of(usage, "num_cached_tokens") if cached is None else cached,
        reasoning_tokens=count_of(usage, "completion_tokens_details", "reasoning_tokens"),
    )
