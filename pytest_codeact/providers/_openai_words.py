"""
Between our types and those of OpenAI's chat completions, as OpenAI and compatible servers speak them: translation, and
nothing else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.providers._sdk import as_arguments, count_of, sent_arguments, with_ids
from pytest_codeact.records import Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_codeact.providers import Request
    from pytest_codeact.records import Json, ToolSpec

NATIVE: Final = "openai"
"""The key of `Message.native`. Under it stand fields of the assistant's message that go back as they came."""

_REASONING: Final = ("reasoning_content", "reasoning", "reasoning_details")
"""
Fields in which compatible servers give a model's thoughts, and in which they take them back (DeepSeek, vLLM, llama.cpp;
Ollama and Groq; OpenRouter). Other unknown fields are not sent back: OpenAI and others refuse them.
"""


def sent_tools(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Give tools as the protocol takes them."""
    return [
        {
            "type": "function",
            "function": {"name": each.name, "description": each.description, "parameters": each.parameters},
        }
        for each in specs
    ]


def sent_messages(system: str, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Give system prompt and conversation as the protocol takes them."""
    sent: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for message in messages:
        match message.role:
            case "user":
                sent.append({"role": "user", "content": message.text})
            case "tool":
                sent += [
                    {"role": "tool", "tool_call_id": each.call_id, "content": each.content}
                    for each in message.tool_results
                ]
            case "assistant":
                sent.append(_sent_reply(message))
    return sent


def _sent_reply(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": "assistant", "content": message.text}
    if message.tool_calls:
        sent["content"] = message.text or None
        sent["tool_calls"] = [_sent_call(each) for each in message.tool_calls]
    native = (message.native or {}).get(NATIVE)
    return sent | native if isinstance(native, dict) else sent


def _sent_call(call: ToolCall) -> dict[str, Any]:
    # As OpenAI's own models write them, so that theirs need not be kept.
    arguments = json.dumps(sent_arguments(call.arguments), ensure_ascii=False, separators=(",", ":"))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def read_message(said: Mapping[str, Any], stop: object, request: Request) -> Message:
    """
    Read the assistant's message out of a choice.

    Args:
        said: The choice's `message`.
        stop: The choice's `finish_reason`.
        request: What was asked.
    """
    text = _text(said.get("content"))
    if said.get("refusal") or stop == "content_filter":
        # What was held back was stopped half way; nobody may carry its calls out.
        return Message(role="assistant", text=text or str(said.get("refusal") or ""))
    given = said.get("tool_calls")
    given = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    calls = with_ids([_read_call(each) for each in given], request)
    return Message(role="assistant", text=text, tool_calls=calls, native=_native(said, given, calls))


def _text(content: object) -> str:
    """Give the prose of a message; some servers give it in parts."""
    if isinstance(content, list):
        return "".join(str(each.get("text") or "") for each in content if isinstance(each, dict))
    return content if isinstance(content, str) else ""


def _called(given: Mapping[str, Any]) -> dict[str, Any]:
    function = given.get("function") or given.get("custom")
    return function if isinstance(function, dict) else {}


def _read_call(given: Mapping[str, Any]) -> ToolCall:
    function = _called(given)
    arguments: Json = function.get("arguments", function.get("input"))
    if arguments is None or isinstance(arguments, str):
        arguments = as_arguments(arguments)
    return ToolCall(id=str(given.get("id") or ""), name=str(function.get("name") or ""), arguments=arguments)


def _native(
    said: Mapping[str, Any], given: Sequence[dict[str, Any]], calls: Sequence[ToolCall]
) -> dict[str, Json] | None:
    """Give what must go back as it came. None where text and calls say it all."""
    kept = {name: said[name] for name in _REASONING if said.get(name)}
    plain = [_sent_call(call) for call in calls]
    # The model wrote the arguments in its own way: other blanks would be other tokens, which no cache knows.
    verbatim = [_verbatim(*each) for each in zip(given, calls, plain, strict=True)]
    if verbatim != plain:
        kept["tool_calls"] = verbatim
    return {NATIVE: kept} if kept else None


def _verbatim(given: dict[str, Any], call: ToolCall, plain: dict[str, Any]) -> dict[str, Any]:
    """Give a call as it came, but for an id that was repaired and arguments that no server would take."""
    function = _called(given)
    written = function.get("arguments")
    if not isinstance(call.arguments, dict) or not isinstance(written, str) or not written.strip():
        written = plain["function"]["arguments"]
    extra = {name: value for name, value in given.items() if name not in ("index", "custom") and value is not None}
    return extra | {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": written},
    }


def stop_of(
    reason: object, said: Mapping[str, Any], message: Message
) -> Literal["end", "tool_calls", "max_tokens", "refusal", "content_filter"]:
    """Say in our words why a model stopped. A reason of the future is the end of its turn."""
    if said.get("refusal"):
        return "refusal"
    if reason == "content_filter":
        return "content_filter"
    if reason == "length":
        return "max_tokens"
    return "tool_calls" if message.tool_calls else "end"


def read_usage(fields: object) -> Usage | None:
    """
    Read the tokens of a request. `prompt_tokens` includes the cache, as ours does.

    `completion_tokens` includes reasoning at OpenAI, not so everywhere; the total tells. None if it does not say.
    """
    if not isinstance(fields, dict):
        return None
    prompt, completion = count_of(fields, "prompt_tokens"), count_of(fields, "completion_tokens")
    if prompt is None or completion is None:
        return None
    total = count_of(fields, "total_tokens") or 0
    cached = count_of(fields, "prompt_tokens_details", "cached_tokens")
    return Usage(
        input_tokens=prompt,
        output_tokens=max(completion, total - prompt),
        # DeepSeek's name for it.
        cached_input_tokens=count_of(fields, "prompt_cache_hit_tokens") if cached is None else cached,
        cache_write_tokens=count_of(fields, "prompt_tokens_details", "cache_write_tokens"),
        reasoning_tokens=count_of(fields, "completion_tokens_details", "reasoning_tokens"),
    )
