"""
Between our types and those of the Anthropic Messages API: translation, and nothing else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.providers._sdk import count_of, sent_arguments, with_ids
from pytest_codeact.records import Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_codeact.providers import Request
    from pytest_codeact.records import Json, ToolSpec

NATIVE: Final = "anthropic"
"""The key of `Message.native`. Under it stand the content blocks of a reply, as they came."""

_CACHED: Final = {"cache_control": {"type": "ephemeral"}}
"""What marks the end of a prefix that is to be cached."""

_CUT_OFF: Final = frozenset({"max_tokens", "model_context_window_exceeded"})
"""Stop reasons that leave the last block unfinished."""


def sent_tools(specs: Sequence[ToolSpec], *, prompt_cache: bool) -> list[dict[str, Any]]:
    """Give tools as the API takes them. With `prompt_cache` they end a prefix that is cached."""
    tools: list[dict[str, Any]] = [
        {"name": each.name, "description": each.description, "input_schema": each.parameters} for each in specs
    ]
    if prompt_cache and tools:
        tools[-1] |= _CACHED
    return tools


def sent_system(text: str, *, prompt_cache: bool) -> str | list[dict[str, Any]]:
    """Give a system prompt as the API takes it."""
    return [{"type": "text", "text": text} | _CACHED] if prompt_cache else text


def sent_messages(messages: Sequence[Message], *, prompt_cache: bool) -> list[dict[str, Any]]:
    """Give a conversation as the API takes it. With `prompt_cache` the whole of it is cached, for the next request."""
    sent = [made for each in messages if (made := _sent_message(each))["content"]]
    if prompt_cache and sent and sent[-1]["role"] == "user":
        content = sent[-1]["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        sent[-1]["content"] = [*blocks[:-1], blocks[-1] | _CACHED]
    return sent


def _sent_message(message: Message) -> dict[str, Any]:
    match message.role:
        case "user":
            return {"role": "user", "content": message.text}
        case "tool":
            return {"role": "user", "content": [_sent_result(each) for each in message.tool_results]}
        case "assistant":
            return {"role": "assistant", "content": _sent_reply(message)}


def _sent_result(result: Any) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": result.call_id, "content": result.content}
    if result.is_error:
        block["is_error"] = True
    return block


def _sent_reply(message: Message) -> Json:
    if message.native is not None and NATIVE in message.native:
        return message.native[NATIVE]
    blocks: list[Json] = [{"type": "text", "text": message.text}] if message.text.strip() else []
    blocks += [
        {"type": "tool_use", "id": each.id, "name": each.name, "input": sent_arguments(each.arguments)}
        for each in message.tool_calls
    ]
    return blocks


def read_message(body: Mapping[str, Any], request: Request) -> Message:
    """
    Read the assistant's message out of a reply.

    Args:
        body: The reply; its `content` is a list.
        request: What was asked.
    """
    blocks = [each for each in body["content"] if isinstance(each, dict)]
    text = "".join(str(each.get("text") or "") for each in blocks if each.get("type") == "text")
    if body.get("stop_reason") == "refusal":
        # Its calls were stopped half way; nobody may carry them out.
        details = body.get("stop_details")
        explanation = details.get("explanation") if isinstance(details, dict) else None
        return Message(role="assistant", text=text or str(explanation or ""))
    is_cut = body.get("stop_reason") in _CUT_OFF
    found = [
        _read_call(each, is_cut=is_cut and each is blocks[-1]) for each in blocks if each.get("type") == "tool_use"
    ]
    calls = with_ids(found, request)
    return Message(role="assistant", text=text, tool_calls=calls, native=_native(blocks, calls))


def _read_call(block: Mapping[str, Any], *, is_cut: bool) -> ToolCall:
    arguments = block.get("input", {})
    if is_cut:
        # The API closes what the model could not: the call must not pass for one that it finished.
        arguments = json.dumps(arguments, ensure_ascii=False).removesuffix("}")
    return ToolCall(id=str(block.get("id") or ""), name=str(block.get("name") or ""), arguments=arguments)


def _native(blocks: list[dict[str, Any]], calls: tuple[ToolCall, ...]) -> dict[str, Json] | None:
    """Give the blocks as they must go back. None where text and calls say it all."""
    kinds = [each.get("type") for each in blocks]
    in_order = kinds == ["text"] * kinds.count("text") + ["tool_use"] * len(calls) and kinds.count("text") <= 1
    if in_order and all(map(_is_plain, blocks)):
        return None
    left = iter(calls)
    # The API gives blank text before a call now and then, and does not take it back.
    kept = [each for each in blocks if each.get("type") != "text" or str(each.get("text") or "").strip()]
    return {NATIVE: [_sent_block(each, left) if each.get("type") == "tool_use" else each for each in kept]}


def _sent_block(block: dict[str, Any], calls: Any) -> dict[str, Any]:
    call = next(calls)
    return block | {"id": call.id, "name": call.name, "input": sent_arguments(call.arguments)}


def _is_plain(block: Mapping[str, Any]) -> bool:
    """Tell whether a block of text, or a call, says no more than our message does."""
    spoken = {"type", "text"} if block.get("type") == "text" else {"type", "id", "name", "input"}
    beyond = {name: value for name, value in block.items() if name not in spoken and value is not None}
    return not beyond or beyond == {"caller": {"type": "direct"}}


def stop_of(reason: object, message: Message) -> Literal["end", "tool_calls", "max_tokens", "refusal"]:
    """Say in our words why a model stopped. A reason of the future is the end of its turn."""
    if reason == "refusal":
        return "refusal"
    if reason in _CUT_OFF:
        return "max_tokens"
    return "tool_calls" if message.tool_calls else "end"


def read_usage(fields: object) -> Usage | None:
    """
    Read the tokens of a request. The API counts cache reads and writes apart from `input_tokens`; ours includes them.

    None if it does not say.
    """
    if not isinstance(fields, dict):
        return None
    fresh, output = count_of(fields, "input_tokens"), count_of(fields, "output_tokens")
    if fresh is None or output is None:
        return None
    read, written = count_of(fields, "cache_read_input_tokens"), count_of(fields, "cache_creation_input_tokens")
    return Usage(
        input_tokens=fresh + (read or 0) + (written or 0),
        output_tokens=output,
        cached_input_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=count_of(fields, "output_tokens_details", "thinking_tokens"),
    )
