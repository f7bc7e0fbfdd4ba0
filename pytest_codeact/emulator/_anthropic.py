"""
Anthropic's Messages.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.emulator._conversation import result_for
from pytest_codeact.emulator._partial import partial_object
from pytest_codeact.emulator._wire import Asked, Event, Wire, WireError, checked, dumped, slices, taken, token
from pytest_codeact.providers import Request
from pytest_codeact.records import Message, ToolCall, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_codeact.emulator._conversation import Conversations
    from pytest_codeact.emulator._wire import Outgoing, Target, Where
    from pytest_codeact.providers import Reply
    from pytest_codeact.records import ToolResult

_STOPS: Final = {
    "end": "end_turn",
    "tool_calls": "tool_use",
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    "content_filter": "refusal",
}

_ERRORS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _read(body: dict[str, Any], target: Target, conversations: Conversations) -> Asked:
    model = taken(body, "model", str, ())
    is_counting = target.action == "count"
    max_tokens = taken(body, "max_tokens", int, (), 1 if is_counting else ...)
    if max_tokens is ... or max_tokens < 1:
        raise WireError(
            "Input should be greater than or equal to 1" if max_tokens is not ... else "Field required", ("max_tokens",)
        )
    choice = taken(body, "tool_choice", dict, (), {})
    request = Request(
        system=_prose(taken(body, "system", (str, list), (), ""), ("system",)),
        messages=conversations.messages(
            "anthropic", ([each] for each in taken(body, "messages", list, ())), _read_message
        ),
        tools=conversations.tools("anthropic", taken(body, "tools", list, (), []), _read_tool),
        parallel_tool_calls=not taken(choice, "disable_parallel_tool_use", bool, ("tool_choice",), default=False),
        max_output_tokens=max_tokens,
    )
    return Asked(request=request, model=model, is_streamed=taken(body, "stream", bool, (), default=False))


def _prose(content: str | list[Any], where: Where) -> str:
    """Read what is a text or a list of text blocks."""
    if isinstance(content, str):
        return content
    return "".join(_text_block(each, (*where, at)) for at, each in enumerate(content))


def _text_block(block: Any, where: Where) -> str:
    kind = taken(checked(block, dict, where), "type", str, where)
    if kind != "text":
        raise WireError(f"the emulator reads no {kind!r} block here; allowed: 'text'", where, "sense")
    text: str = taken(block, "text", str, where)
    return text


def _read_message(group: Sequence[Any], before: tuple[Message, ...], at: int) -> tuple[Message, ...]:
    where: Where = ("messages", at)
    item = checked(group[0], dict, where)
    role = taken(item, "role", str, where)
    content = taken(item, "content", (str, list), where)
    if role == "assistant":
        return (_read_assistant(content, (*where, "content")),)
    if role != "user":
        raise WireError("Input should be 'user' or 'assistant'", (*where, "role"))
    return _read_user(content, before, (*where, "content"))


def _read_user(content: str | list[Any], before: tuple[Message, ...], where: Where) -> tuple[Message, ...]:
    if isinstance(content, str):
        return (Message(role="user", text=content),)
    texts: list[str] = []
    results: list[ToolResult] = []
    for index, block in enumerate(content):
        place = (*where, index)
        if checked(block, dict, place).get("type") != "tool_result":
            texts.append(_text_block(block, place))
            continue
        if texts:
            raise WireError("tool_result blocks must come first", place, "sense")
        content_text = _prose(taken(block, "content", (str, list), place, ""), (*place, "content"))
        results.append(
            result_for(
                before,
                taken(block, "tool_use_id", str, place),
                content_text,
                is_error=taken(block, "is_error", bool, place, default=False),
                where=place,
            )
        )
    shown = [Message(role="tool", tool_results=tuple(results))] if results else []
    said = [Message(role="user", text="".join(texts))] if texts or not results else []
    return (*shown, *said)


def _read_assistant(content: str | list[Any], where: Where) -> Message:
    if isinstance(content, str):
        return Message(role="assistant", text=content)
    texts: list[str] = []
    calls: list[ToolCall] = []
    for index, block in enumerate(content):
        place = (*where, index)
        kind = taken(checked(block, dict, place), "type", str, place)
        if kind == "tool_use":
            calls.append(
                ToolCall(
                    id=taken(block, "id", str, place),
                    name=taken(block, "name", str, place),
                    arguments=taken(block, "input", dict, place),
                )
            )
        elif kind not in {"thinking", "redacted_thinking"}:
            texts.append(_text_block(block, place))
    return Message(role="assistant", text="".join(texts), tool_calls=tuple(calls))


def _read_tool(tool: Any, at: int) -> ToolSpec:
    where: Where = ("tools", at)
    kind = taken(checked(tool, dict, where), "type", str, where, "custom")
    if kind != "custom":
        raise WireError(f"the emulator has no {kind!r} tool; allowed: 'custom'", where, "sense")
    return ToolSpec(
        name=taken(tool, "name", str, where),
        description=taken(tool, "description", str, where, ""),
        parameters=taken(tool, "input_schema", dict, where),
    )


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    if usage is None:
        raise AssertionError("the emulator counts every reply")  # pragma: no cover
    read, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    return {
        "input_tokens": usage.input_tokens - read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }


def _envelope(asked: Asked, reply: Reply) -> dict[str, Any]:
    return {
        "id": f"msg_01{token(22)}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(reply),
    }


def _blocks(outgoing: Outgoing) -> list[dict[str, Any]]:
    reply = outgoing.reply
    if outgoing.is_empty:
        return []
    text = [{"type": "text", "text": reply.message.text}] if reply.message.text else []
    return text + [_tool_use(call, reply.stop) for call in reply.message.tool_calls]


def _tool_use(call: ToolCall, stop: str) -> dict[str, Any]:
    arguments = call.arguments
    if isinstance(arguments, str) and stop == "max_tokens":
        arguments = partial_object(arguments)
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments, "caller": {"type": "direct"}}
    return block if call.id else {key: value for key, value in block.items() if key != "id"}


def _ending(outgoing: Outgoing) -> dict[str, Any]:
    stop = _STOPS[outgoing.reply.stop]
    details = {"type": "refusal", "category": None, "explanation": None} if stop == "refusal" else None
    return {"stop_reason": stop, "stop_sequence": None, "stop_details": details}


def _write(asked: Asked, outgoing: Outgoing) -> dict[str, Any]:
    return {**_envelope(asked, outgoing.reply), "content": _blocks(outgoing), **_ending(outgoing)}


def _events(asked: Asked, outgoing: Outgoing) -> Iterator[Event]:
    envelope = _envelope(asked, outgoing.reply)
    usage = envelope["usage"]
    yield _event({"type": "message_start", "message": {**envelope, "usage": {**usage, "output_tokens": 1}}})
    yield _event({"type": "ping"})
    for index, block in enumerate(_blocks(outgoing)):
        yield from _block_events(index, block, outgoing)
    yield _event(
        {"type": "message_delta", "delta": _ending(outgoing), "usage": {"output_tokens": usage["output_tokens"]}}
    )
    yield _event({"type": "message_stop"})


def _block_events(index: int, block: dict[str, Any], outgoing: Outgoing) -> Iterator[Event]:
    if block["type"] == "text":
        start, text, delta, key = {**block, "text": ""}, block["text"], "text_delta", "text"
    else:
        calls = outgoing.reply.message.tool_calls
        arguments = calls[index - bool(outgoing.reply.message.text)].arguments
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        start, delta, key = {**block, "input": {}}, "input_json_delta", "partial_json"
    yield _event({"type": "content_block_start", "index": index, "content_block": start})
    for part in slices(text):
        yield _event(
            {"type": "content_block_delta", "index": index, "delta": {"type": delta, key: part}}, share=len(part)
        )
    yield _event({"type": "content_block_stop", "index": index})


def _event(fields: dict[str, Any], share: int = 0) -> Event:
    return Event(text=f"event: {fields['type']}\ndata: {dumped(fields)}\n\n", share=share)


def _error(status: int, text: str, request_id: str) -> dict[str, Any]:
    kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004 - every server error
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": request_id}


def _invalid(error: WireError, request_id: str) -> tuple[int, dict[str, Any]]:
    return 400, _error(400, str(error), request_id)


def _request_id() -> tuple[str, dict[str, str]]:
    made = f"req_01{token(22)}"
    return made, {"request-id": made}


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
    }


def _models(names: list[str]) -> dict[str, Any]:
    return {
        "data": [_model(name) for name in names],
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
        "has_more": False,
    }


def _counted(input_tokens: int) -> dict[str, Any]:
    return {"input_tokens": input_tokens}


ANTHROPIC: Final = Wire(
    name="anthropic",
    read=_read,
    write=_write,
    events=_events,
    error=_error,
    invalid=_invalid,
    request_id=_request_id,
    model=_model,
    models=_models,
    counted=_counted,
)
