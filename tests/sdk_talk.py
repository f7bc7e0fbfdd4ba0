"""The vendors' own SDKs against an emulator: each asks our `Request` and gives our `Reply`, whole or streamed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_codeact.providers import Reply, Request
from pytest_codeact.providers._sdk import with_ids
from pytest_codeact.records import Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.emulator import Emulator

PROVIDERS = ("anthropic", "mistral", "openai", "google")


class Talker:
    """A provider by the vendor's SDK, as thin as can be: no retries, and every reply held against the SDK's models."""

    def __init__(self, complete: Callable[[Request], Reply]) -> None:
        self.complete = complete


@contextmanager
def talker(provider: str, emulator: Emulator, *, streamed: bool = False) -> Iterator[Talker]:
    """Give a talker to an emulator."""
    with _CLIENTS[provider](emulator.base_url(provider)) as client:
        form = _FORMS[provider]
        yield Talker(lambda request: form(client, request, streamed))


@contextmanager
def anthropic_client(url: str) -> Iterator[Any]:
    """Give a client that refuses a reply that is not as its models say."""
    import anthropic

    with anthropic.Anthropic(
        base_url=url, api_key="sk-canary-anthropic", max_retries=0, timeout=20, _strict_response_validation=True
    ) as client:
        yield client


@contextmanager
def openai_client(url: str) -> Iterator[Any]:
    """Give a client that refuses a reply that is not as its models say."""
    import openai

    with openai.OpenAI(
        base_url=url, api_key="sk-canary-openai", max_retries=0, timeout=20, _strict_response_validation=True
    ) as client:
        yield client


@contextmanager
def mistral_client(url: str) -> Iterator[Any]:
    """Give a client; it always holds replies against its models."""
    from mistralai.client import Mistral

    with Mistral(server_url=url, api_key="canary-mistral", retry_config=None, timeout_ms=20_000) as client:
        yield client


@contextmanager
def google_client(url: str) -> Iterator[Any]:
    """Give a client; its models forbid fields that they do not know."""
    from google import genai

    client = genai.Client(api_key="canary-google", http_options={"base_url": url, "timeout": 20_000})
    try:
        yield client
    finally:
        client.close()


_CLIENTS = {
    "anthropic": anthropic_client,
    "openai": openai_client,
    "mistral": mistral_client,
    "google": google_client,
}


def _anthropic(client: Any, request: Request, streamed: bool) -> Reply:
    messages: list[dict[str, Any]] = []
    for message in request.messages:
        blocks: list[dict[str, Any]] = [{"type": "text", "text": message.text}] if message.text else []
        blocks += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            if isinstance(call.arguments, dict)
            else {"type": "tool_use", "id": call.id, "name": call.name, "input": {"broken": call.arguments}}
            for call in message.tool_calls
        ]
        blocks += [
            {"type": "tool_result", "tool_use_id": each.call_id, "content": each.content, "is_error": each.is_error}
            for each in message.tool_results
        ]
        messages.append({"role": "assistant" if message.role == "assistant" else "user", "content": blocks})
    arguments: dict[str, Any] = {
        "model": "claude-test",
        "max_tokens": request.max_output_tokens,
        "system": request.system,
        "messages": messages,
        "tools": [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": not request.parallel_tool_calls},
    }
    if streamed:
        with client.messages.stream(**arguments) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**arguments)
    calls = [block for block in message.content if block.type == "tool_use"]
    usage = message.usage
    return Reply(
        message=Message(
            role="assistant",
            text="".join(block.text for block in message.content if block.type == "text"),
            tool_calls=with_ids([ToolCall(id=c.id or "", name=c.name, arguments=c.input) for c in calls], request),
        ),
        stop={"end_turn": "end", "tool_use": "tool_calls"}.get(message.stop_reason, message.stop_reason),
        usage=Usage(
            input_tokens=usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
            output_tokens=usage.output_tokens,
        ),
    )


def _chat_request(request: Request) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        messages += [
            {"role": "tool", "tool_call_id": each.call_id, "content": each.content} for each in message.tool_results
        ]
        if message.role == "tool":
            continue
        sent: dict[str, Any] = {
            "role": message.role,
            "content": message.text or ("" if message.role == "user" else None),
        }
        if message.tool_calls:
            sent["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments),
                    },
                }
                for call in message.tool_calls
            ]
        messages.append(sent)
    return {
        "model": "chat-test",
        "messages": messages,
        "max_tokens": request.max_output_tokens,
        "parallel_tool_calls": request.parallel_tool_calls,
        "tools": [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ],
    }


def _openai(client: Any, request: Request, streamed: bool) -> Reply:
    arguments = _chat_request(request)
    if not streamed:
        return _chat_reply(client.chat.completions.create(**arguments), request)
    with client.chat.completions.stream(**arguments, stream_options={"include_usage": True}) as stream:
        return _chat_reply(stream.get_final_completion(), request)


def _mistral(client: Any, request: Request, streamed: bool) -> Reply:
    arguments = _chat_request(request)
    if not streamed:
        return _chat_reply(client.chat.complete(**arguments), request)
    text, last = "", None
    calls: list[Any] = []
    with client.chat.stream(**arguments) as stream:
        for event in stream:
            last = event.data
            for choice in last.choices:
                text += choice.delta.content if isinstance(choice.delta.content, str) else ""
                calls += choice.delta.tool_calls or []
    assert last is not None
    return _reply(request, text, calls, last.choices[0].finish_reason, last.usage)


def _chat_reply(completion: Any, request: Request) -> Reply:
    choice = completion.choices[0]
    refusal = getattr(choice.message, "refusal", None)
    text = refusal or choice.message.content or ""
    return _reply(
        request, text, choice.message.tool_calls or [], "refusal" if refusal else choice.finish_reason, completion.usage
    )


def _reply(request: Request, text: str, calls: list[Any], finish: str, usage: Any) -> Reply:
    stops = {"stop": "end", "tool_calls": "tool_calls", "length": "max_tokens"}
    return Reply(
        message=Message(
            role="assistant",
            text=text,
            tool_calls=with_ids([_chat_call(call) for call in calls], request),
        ),
        stop=stops.get(finish, finish),  # type: ignore[arg-type]  # as the vendor has it
        usage=Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens),
    )


def _chat_call(call: Any) -> ToolCall:
    try:
        arguments = json.loads(call.function.arguments)
    except ValueError:
        arguments = call.function.arguments
    # Mistral's SDK writes a missing id as this text.
    return ToolCall(id="" if call.id in {None, "null"} else call.id, name=call.function.name, arguments=arguments)


def _google(client: Any, request: Request, streamed: bool) -> Reply:
    from google.genai import types

    contents = []
    for message in request.messages:
        parts: list[Any] = [types.Part(text=message.text)] if message.text else []
        parts += [
            types.Part(function_call=types.FunctionCall(id=call.id, name=call.name, args=call.arguments))
            for call in message.tool_calls
            if isinstance(call.arguments, dict)
        ]
        parts += [
            types.Part(
                function_response=types.FunctionResponse(
                    id=each.call_id,
                    name=each.name,
                    response={"error" if each.is_error else "output": each.content},
                )
            )
            for each in message.tool_results
        ]
        contents.append(types.Content(role="model" if message.role == "assistant" else "user", parts=parts))
    declarations = [
        types.FunctionDeclaration(name=tool.name, description=tool.description, parameters_json_schema=tool.parameters)
        for tool in request.tools
    ]
    config = types.GenerateContentConfig(
        system_instruction=request.system or None,
        max_output_tokens=request.max_output_tokens,
        tools=[types.Tool(function_declarations=declarations)] if declarations else None,
    )
    ask = client.models.generate_content_stream if streamed else client.models.generate_content
    got = ask(model="gemini-test", contents=contents, config=config)
    chunks = list(got) if streamed else [got]
    found = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
    calls = [part.function_call for part in found if part.function_call]
    usage, reason = chunks[-1].usage_metadata, chunks[-1].candidates[0].finish_reason.value
    stops = {"STOP": "tool_calls" if calls else "end", "MAX_TOKENS": "max_tokens"}
    return Reply(
        message=Message(
            role="assistant",
            text="".join(part.text or "" for part in found),
            tool_calls=with_ids([ToolCall(id=c.id or "", name=c.name, arguments=c.args) for c in calls], request),
        ),
        stop=stops.get(reason, reason),
        usage=Usage(input_tokens=usage.prompt_token_count, output_tokens=usage.candidates_token_count),
    )


_FORMS: dict[str, Callable[[Any, Request, bool], Reply]] = {
    "anthropic": _anthropic,
    "openai": _openai,
    "mistral": _mistral,
    "google": _google,
}
