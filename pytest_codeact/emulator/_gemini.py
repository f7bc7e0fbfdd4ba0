"""
Gemini's generateContent.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.emulator._conversation import result_for
from pytest_codeact.emulator._wire import (
    DEFAULT_OUTPUT_TOKENS,
    Asked,
    Event,
    Wire,
    WireError,
    checked,
    dumped,
    slices,
    taken,
    token,
)
from pytest_codeact.providers import Request
from pytest_codeact.records import Message, ToolCall, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_codeact.emulator._conversation import Conversations
    from pytest_codeact.emulator._wire import Outgoing, Target, Where
    from pytest_codeact.providers import Reply
    from pytest_codeact.records import Json, ToolResult

_STOPS: Final = {
    "end": "STOP",
    "tool_calls": "STOP",
    "max_tokens": "MAX_TOKENS",
    "refusal": "PROHIBITED_CONTENT",
    "content_filter": "SAFETY",
}

_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}


_CAPITAL: Final = re.compile("[A-Z]")


def _field(fields: dict[str, Any], name: str, kind: type, where: Where, default: Any) -> Any:
    """Take a field under either of its names, as the protocol has it: `maxTokens` or `max_tokens`."""
    snake = _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)
    return taken(fields, snake if snake in fields else name, kind, where, default)


def _read(body: dict[str, Any], target: Target, conversations: Conversations) -> Asked:
    # Counting takes the whole request in a field of its own.
    body = _field(body, "generateContentRequest", dict, (), body)
    system = _field(body, "systemInstruction", dict, (), None)
    config = _field(body, "generationConfig", dict, (), {})
    limit = _field(config, "maxOutputTokens", int, ("generationConfig",), DEFAULT_OUTPUT_TOKENS)
    if limit < 1:
        raise WireError("maxOutputTokens must be positive", ("generationConfig",))
    declared = [
        declaration
        for at, tool in enumerate(taken(body, "tools", list, (), []))
        for declaration in _declarations(tool, ("tools", at))
    ]
    request = Request(
        system="" if system is None else _prose(system, ("systemInstruction",)),
        messages=conversations.messages(
            "google", ([each] for each in taken(body, "contents", list, ())), _read_content
        ),
        tools=conversations.tools("google", declared, _read_declaration),
        parallel_tool_calls=True,
        max_output_tokens=limit,
    )
    return Asked(request=request, model=target.model, is_streamed=target.action == "stream")


def _parts(content: dict[str, Any], where: Where) -> list[tuple[dict[str, Any], Where]]:
    parts = taken(content, "parts", list, where, [])
    places = [(*where, "parts", at) for at in range(len(parts))]
    return [(checked(part, dict, place), place) for part, place in zip(parts, places, strict=True)]


def _prose(content: dict[str, Any], where: Where) -> str:
    return "".join(_text(part, place) for part, place in _parts(content, where))


def _text(part: dict[str, Any], where: Where) -> str:
    if part.get("thought") is True:
        return ""
    if "text" not in part:
        given = ", ".join(part) or "nothing"
        raise WireError(f"the emulator reads no part with {given} here; allowed: text", where, "sense")
    text: str = taken(part, "text", str, where)
    return text


def _read_content(group: Sequence[Any], before: tuple[Message, ...], at: int) -> tuple[Message, ...]:
    where: Where = ("contents", at)
    content = checked(group[0], dict, where)
    role = taken(content, "role", str, where, "user")
    if role == "model":
        return (_read_model_content(content, before, where),)
    if role not in {"user", "function", "tool"}:
        raise WireError(f"Please use a valid role: user, model; got {role!r}", (*where, "role"))
    texts: list[str] = []
    results: list[ToolResult] = []
    for part, place in _parts(content, where):
        if (response := _field(part, "functionResponse", dict, place, None)) is None:
            texts.append(_text(part, place))
        else:
            results.append(_read_response(response, before, results, (*place, "functionResponse")))
    shown = [Message(role="tool", tool_results=tuple(results))] if results else []
    said = [Message(role="user", text="".join(texts))] if texts or not results else []
    return (*shown, *said)


def _read_model_content(content: dict[str, Any], before: tuple[Message, ...], where: Where) -> Message:
    texts: list[str] = []
    calls: list[ToolCall] = []
    made = sum(len(message.tool_calls) for message in before)
    for part, place in _parts(content, where):
        if (call := _field(part, "functionCall", dict, place, None)) is None:
            texts.append(_text(part, place))
            continue
        inner = (*place, "functionCall")
        calls.append(
            ToolCall(
                # Ids are optional here; the results of calls without one come in their order.
                id=taken(call, "id", str, inner, f"call{made + len(calls) + 1:05d}"),
                name=taken(call, "name", str, inner),
                arguments=taken(call, "args", dict, inner, {}),
            )
        )
    return Message(role="assistant", text="".join(texts), tool_calls=tuple(calls))


def _read_response(
    response: dict[str, Any], before: tuple[Message, ...], earlier: list[ToolResult], where: Where
) -> ToolResult:
    name = taken(response, "name", str, where)
    calls = before[-1].tool_calls if before else ()
    taken_ids = {result.call_id for result in earlier}
    by_name = next((call.id for call in calls if call.name == name and call.id not in taken_ids), "")
    call_id = taken(response, "id", str, where, by_name)
    shown = taken(response, "response", dict, where)
    is_error = "error" in shown
    content = shown["error"] if is_error else shown.get("output", shown.get("result", shown))
    return result_for(
        before,
        call_id,
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False),
        is_error=is_error,
        where=where,
    )


def _declarations(tool: Any, where: Where) -> list[Any]:
    declarations = _field(checked(tool, dict, where), "functionDeclarations", list, where, None)
    if declarations is None:
        raise WireError(f"the emulator has no {', '.join(tool)} tool; allowed: functionDeclarations", where, "sense")
    return declarations  # type: ignore[no-any-return]  # checked to be a list


def _read_declaration(declaration: Any, at: int) -> ToolSpec:
    where: Where = ("tools", "functionDeclarations", at)
    checked(declaration, dict, where)
    schema = _field(declaration, "parametersJsonSchema", dict, where, None)
    if schema is None:
        schema = _json_schema(taken(declaration, "parameters", dict, where, {"type": "OBJECT"}))
    return ToolSpec(
        name=taken(declaration, "name", str, where),
        description=taken(declaration, "description", str, where, ""),
        parameters=schema,
    )


def _json_schema(schema: Any) -> Any:
    """Write Google's form of a schema as JSON Schema: its types are in capitals."""
    if isinstance(schema, list):
        return [_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else _json_schema(value)
        for key, value in schema.items()
    }


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    if usage is None:
        raise AssertionError("the emulator counts every reply")  # pragma: no cover
    thoughts = usage.reasoning_tokens or 0
    figures = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - thoughts,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input_tokens}],
    }
    if usage.cached_input_tokens:
        figures["cachedContentTokenCount"] = usage.cached_input_tokens
    if thoughts:
        figures["thoughtsTokenCount"] = thoughts
    return figures


def _answer(asked: Asked, reply: Reply, response_id: str, candidates: list[dict[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {"candidates": candidates} if candidates else {}
    return {**fields, "usageMetadata": _usage(reply), "modelVersion": asked.model, "responseId": response_id}


def _shown_text(reply: Reply) -> str:
    """Give the text; a refusal has none here, only its reason."""
    return "" if reply.stop == "refusal" else reply.message.text


def _call_parts(reply: Reply) -> list[dict[str, Any]]:
    """Write the calls. One whose arguments are no JSON object cannot be written, and is left out."""
    return [
        {"functionCall": {**({"id": call.id} if call.id else {}), "name": call.name, "args": call.arguments}}
        for call in reply.message.tool_calls
        if isinstance(call.arguments, dict)
    ]


def _ending(reply: Reply) -> dict[str, Any]:
    broken = [call for call in reply.message.tool_calls if not isinstance(call.arguments, dict)]
    if broken and reply.stop != "max_tokens":
        text = f"Malformed function call: {broken[0].name}({broken[0].arguments})"
        return {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": text}
    return {"finishReason": _STOPS[reply.stop]}


def _write(asked: Asked, outgoing: Outgoing) -> dict[str, Any]:
    reply = outgoing.reply
    text = [{"text": each} for each in (_shown_text(reply),) if each]
    content = {"parts": text + _call_parts(reply), "role": "model"}
    candidate = {"content": content, **_ending(reply), "index": 0}
    return _answer(asked, reply, token(22), [] if outgoing.is_empty else [candidate])


def _events(asked: Asked, outgoing: Outgoing) -> Iterator[Event]:
    reply = outgoing.reply
    response_id = token(22)
    pieces: list[tuple[list[dict[str, Any]], int]] = [
        ([{"text": part}], len(part)) for part in slices(_shown_text(reply))
    ]
    pieces += [([part], len(dumped(part["functionCall"]["args"]))) for part in _call_parts(reply)]
    if outgoing.is_empty:
        yield Event(text=_data(_answer(asked, reply, response_id, [])))
        return
    for parts, share in pieces[:-1]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        yield Event(text=_data(_answer(asked, reply, response_id, [candidate])), share=share)
    parts, share = pieces[-1] if pieces else ([], 0)
    candidate = {"content": {"parts": parts, "role": "model"}, **_ending(reply), "index": 0}
    yield Event(text=_data(_answer(asked, reply, response_id, [candidate])), share=share)


def _data(fields: dict[str, Any]) -> str:
    return f"data: {dumped(fields)}\r\n\r\n"


def _error(status: int, text: str, request_id: str) -> dict[str, Any]:  # noqa: ARG001 - as `Wire.error`
    return {"error": {"code": status, "message": text, "status": _STATUSES.get(status, "INTERNAL")}}


def _invalid(error: WireError, request_id: str) -> tuple[int, dict[str, Any]]:
    return 400, _error(400, str(error), request_id)


def _request_id() -> tuple[str, dict[str, str]]:
    made = token(22)
    return made, {"x-request-id": made}


def _model(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "displayName": name,
        "version": "001",
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _models(names: list[str]) -> dict[str, Any]:
    return {"models": [_model(name) for name in names]}


def _counted(input_tokens: int) -> dict[str, Json]:
    return {"totalTokens": input_tokens}


GEMINI: Final = Wire(
    name="google",
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
