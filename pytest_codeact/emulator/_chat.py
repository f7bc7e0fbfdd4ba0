"""
Chat completions, in OpenAI's and in Mistral's form.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.emulator._conversation import result_for
from pytest_codeact.emulator._wire import (
    DEFAULT_OUTPUT_TOKENS,
    Asked,
    Event,
    Wire,
    WireError,
    checked,
    dotted,
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

_LEFT_OUT: Final = re.compile(r"\n\.\.\. \(\d+ bytes left out\) \.\.\.\n")
"""What stands in a result that was too long. It is no JSON, and no error."""

_STOPS: Final = {
    "end": "stop",
    "tool_calls": "tool_calls",
    "max_tokens": "length",
    "refusal": "stop",
    "content_filter": "content_filter",
}


def _read(form: str, body: dict[str, Any], target: Target, conversations: Conversations) -> Asked:
    # Azure's address names a deployment, which is the model.
    model = taken(body, "model", str, (), target.model) if target.model else taken(body, "model", str, ())
    messages = taken(body, "messages", list, ())
    system, start = _system(messages)
    options = taken(body, "stream_options", dict, (), {})
    limit = taken(body, "max_tokens", int, (), DEFAULT_OUTPUT_TOKENS)
    request = Request(
        system=system,
        messages=conversations.messages(
            f"{form} from {start}",
            _groups(messages[start:]),
            lambda group, before, at: _read_group(group, before, at + start),
        ),
        tools=conversations.tools(form, taken(body, "tools", list, (), []), _read_tool),
        parallel_tool_calls=taken(body, "parallel_tool_calls", bool, (), default=True),
        max_output_tokens=taken(body, "max_completion_tokens", int, (), limit),
    )
    if request.max_output_tokens < 1:
        raise WireError("Input should be greater than or equal to 1", ("max_tokens",))
    return Asked(
        request=request,
        model=model,
        is_streamed=taken(body, "stream", bool, (), default=False),
        shows_usage=taken(options, "include_usage", bool, ("stream_options",), default=False),
    )


def _system(messages: list[Any]) -> tuple[str, int]:
    """Give the system prompt and how many messages it stands in."""
    texts = []
    for at, item in enumerate(messages):
        if not isinstance(item, dict) or item.get("role") not in {"system", "developer"}:
            break
        texts.append(_prose(taken(item, "content", (str, list), ("messages", at)), ("messages", at, "content")))
    return "\n\n".join(texts), len(texts)


def _groups(messages: Sequence[Any]) -> Iterator[list[Any]]:
    """Put the results of one turn together: the protocol has a message for each."""
    group: list[Any] = []
    for item in messages:
        is_result = isinstance(item, dict) and item.get("role") == "tool"
        if group and not is_result:
            yield group
            group = []
        if is_result:
            group.append(item)
        else:
            yield [item]
    if group:
        yield group


def _prose(content: str | list[Any], where: Where) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for at, part in enumerate(content):
        place = (*where, at)
        kind = taken(checked(part, dict, place), "type", str, place)
        if kind != "text":
            raise WireError(f"the emulator reads no {kind!r} part; allowed: 'text'", place, "sense")
        texts.append(taken(part, "text", str, place))
    return "".join(texts)


def _read_group(group: Sequence[Any], before: tuple[Message, ...], at: int) -> tuple[Message, ...]:
    where: Where = ("messages", at)
    item = checked(group[0], dict, where)
    match taken(item, "role", str, where):
        case "user":
            return (Message(role="user", text=_content(item, where)),)
        case "assistant":
            calls = taken(item, "tool_calls", list, where, [])
            return (
                Message(
                    role="assistant",
                    text=_content(item, where, required=False),
                    tool_calls=tuple(_read_call(call, (*where, "tool_calls", n)) for n, call in enumerate(calls)),
                ),
            )
        case "tool":
            results = []
            for index, each in enumerate(group):
                place = ("messages", at + index)
                shown = _content(each, place)
                results.append(
                    result_for(
                        before,
                        taken(each, "tool_call_id", str, place),
                        shown,
                        is_error=_is_error(shown),
                        where=place,
                    )
                )
            return (Message(role="tool", tool_results=tuple(results)),)
        case role:
            raise WireError(
                f"Input should be 'system' (before all others), 'user', 'assistant' or 'tool'; got {role!r}",
                (*where, "role"),
            )


def _is_error(shown: str) -> bool:
    """
    Tell whether a result is an error: the protocol has no mark for it.

    What a tool returns is JSON. An error is in words, which are none unless they are a number, say.
    """
    try:
        json.loads(shown)
    except (ValueError, RecursionError):
        return _LEFT_OUT.search(shown) is None
    return False


def _content(item: dict[str, Any], where: Where, *, required: bool = True) -> str:
    content = taken(item, "content", (str, list), where, *(() if required else ("",)))
    return _prose(content, (*where, "content"))


def _read_call(call: Any, where: Where) -> ToolCall:
    function = taken(checked(call, dict, where), "function", dict, where)
    # Mistral takes an object as well.
    given = taken(function, "arguments", (str, dict), (*where, "function"))
    return ToolCall(
        id=taken(call, "id", str, where),
        name=taken(function, "name", str, (*where, "function")),
        arguments=_parsed(given) if isinstance(given, str) else given,
    )


def _parsed(text: str) -> Any:
    """Read arguments as JSON. A text that is none stays what it is: it was a model that wrote it."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _read_tool(tool: Any, at: int) -> ToolSpec:
    where: Where = ("tools", at)
    kind = taken(checked(tool, dict, where), "type", str, where, "function")
    if kind != "function":
        raise WireError(f"the emulator has no {kind!r} tool; allowed: 'function'", where, "sense")
    function = taken(tool, "function", dict, where)
    place = (*where, "function")
    return ToolSpec(
        name=taken(function, "name", str, place),
        description=taken(function, "description", str, place, ""),
        parameters=taken(function, "parameters", dict, place, {"type": "object", "properties": {}}),
    )


def _calls(reply: Reply, *, indexed: bool) -> list[dict[str, Any]]:
    return [
        {
            **({"index": index} if indexed else {}),
            **({"id": call.id} if call.id else {}),
            "type": "function",
            "function": {"name": call.name, "arguments": _written(call)},
        }
        for index, call in enumerate(reply.message.tool_calls)
    ]


def _written(call: ToolCall) -> str:
    arguments = call.arguments
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _envelope(form: str, asked: Asked, kind: str) -> dict[str, Any]:
    made = token(32) if form == "mistral" else f"chatcmpl-{token(29)}"
    return {"id": made, "object": kind, "created": int(time.time()), "model": asked.model}


def _usage(form: str, reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    if usage is None:
        raise AssertionError("the emulator counts every reply")  # pragma: no cover
    figures: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    if form == "openai" or usage.cached_input_tokens is not None:
        figures["prompt_tokens_details"] = {"cached_tokens": usage.cached_input_tokens or 0}
    if form == "openai":
        figures["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens or 0}
    return figures


def _message(form: str, reply: Reply) -> dict[str, Any]:
    text = reply.message.text
    fields: dict[str, Any] = {"role": "assistant", "content": text or None}
    if form == "openai":
        is_refusal = reply.stop == "refusal"
        fields |= {"content": None if is_refusal else text or None, "refusal": (text or None) if is_refusal else None}
    elif not reply.message.tool_calls:
        fields["content"] = text
    if calls := _calls(reply, indexed=False):
        fields["tool_calls"] = calls
    return fields


def _write(form: str, asked: Asked, outgoing: Outgoing) -> dict[str, Any]:
    reply = outgoing.reply
    choice = {"index": 0, "message": _message(form, reply), "finish_reason": _STOPS[reply.stop]}
    if form == "openai":
        choice["logprobs"] = None
    return {
        **_envelope(form, asked, "chat.completion"),
        "choices": [] if outgoing.is_empty else [choice],
        "usage": _usage(form, reply),
    }


def _events(form: str, asked: Asked, outgoing: Outgoing) -> Iterator[Event]:
    reply = outgoing.reply
    envelope = _envelope(form, asked, "chat.completion.chunk")
    has_late_usage = form == "openai" and asked.shows_usage

    def chunk(delta: dict[str, Any], finish: str | None = None, share: int = 0) -> Event:
        choices = [] if outgoing.is_empty else [{"index": 0, "delta": delta, "finish_reason": finish}]
        fields = {**envelope, "choices": choices}
        if has_late_usage:
            fields["usage"] = None
        if form == "mistral" and finish is not None:
            fields["usage"] = _usage(form, reply)
        return Event(text=f"data: {dumped(fields)}\n\n", share=share)

    yield chunk({"role": "assistant", "content": ""})
    if not outgoing.is_empty:
        for delta, share in _deltas(form, reply):
            yield chunk(delta, share=share)
    yield chunk({} if form == "openai" else {"content": ""}, finish=_STOPS[reply.stop])
    if has_late_usage:
        fields = {**envelope, "choices": [], "usage": _usage(form, reply)}
        yield Event(text=f"data: {dumped(fields)}\n\n")
    yield Event(text="data: [DONE]\n\n")


def _deltas(form: str, reply: Reply) -> Iterator[tuple[dict[str, Any], int]]:
    key = "refusal" if form == "openai" and reply.stop == "refusal" else "content"
    for part in slices(reply.message.text):
        yield {key: part}, len(part)
    for call in _calls(reply, indexed=True):
        arguments = call["function"]["arguments"]
        if form == "mistral":
            # Its calls come whole.
            yield {"tool_calls": [call]}, len(arguments)
            continue
        yield {"tool_calls": [{**call, "function": {**call["function"], "arguments": ""}}]}, 0
        for part in slices(arguments):
            yield {"tool_calls": [{"index": call["index"], "function": {"arguments": part}}]}, len(part)


def _model(form: str, name: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": name, "object": "model", "created": 1767225600, "owned_by": "pytest-codeact"}
    if form == "mistral":
        fields["type"] = "base"
        fields["capabilities"] = {"completion_chat": True, "function_calling": True}
    return fields


def _models(form: str, names: list[str]) -> dict[str, Any]:
    return {"object": "list", "data": [_model(form, name) for name in names]}


_OPENAI_CODES: Final = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
}


def _openai_error(status: int, text: str, request_id: str, *, param: str | None = None) -> dict[str, Any]:  # noqa: ARG001 - as `Wire.error`
    fallback = ("server_error" if status >= 500 else "invalid_request_error", None)  # noqa: PLR2004 - every server error
    kind, code = _OPENAI_CODES.get(status, fallback)
    return {"error": {"message": text, "type": kind, "param": param, "code": code}}


def _openai_invalid(error: WireError, request_id: str) -> tuple[int, dict[str, Any]]:
    return 400, _openai_error(400, str(error), request_id, param=dotted(error.where) or None)


_MISTRAL_KINDS: Final = {
    400: ("invalid_request_error", "3051"),
    401: ("unauthorized", "1000"),
    403: ("forbidden", "1001"),
    404: ("invalid_model", "1500"),
    413: ("request_too_large", "3210"),
    429: ("rate_limited", "1300"),
}


def _mistral_error(status: int, text: str, request_id: str) -> dict[str, Any]:  # noqa: ARG001 - as `Wire.error`
    kind, code = _MISTRAL_KINDS.get(status, ("internal_server_error", "3000"))
    return {"object": "error", "message": text, "type": kind, "param": None, "code": code, "raw_status_code": status}


def _mistral_invalid(error: WireError, request_id: str) -> tuple[int, dict[str, Any]]:
    if error.kind == "sense":
        return 400, _mistral_error(400, str(error), request_id)
    kind = "missing" if error.text == "Field required" else "value_error"
    return 422, {"detail": [{"type": kind, "loc": ["body", *error.where], "msg": error.text, "input": None}]}


def _openai_request_id() -> tuple[str, dict[str, str]]:
    made = f"req_{token(32)}"
    return made, {"x-request-id": made, "openai-processing-ms": "0", "openai-version": "2020-10-01"}


def _mistral_request_id() -> tuple[str, dict[str, str]]:
    made = token(32)
    return made, {"mistral-correlation-id": made, "x-request-id": made}


OPENAI: Final = Wire(
    name="openai",
    read=lambda body, target, conversations: _read("openai", body, target, conversations),
    write=lambda asked, outgoing: _write("openai", asked, outgoing),
    events=lambda asked, outgoing: _events("openai", asked, outgoing),
    error=_openai_error,
    invalid=_openai_invalid,
    request_id=_openai_request_id,
    model=lambda name: _model("openai", name),
    models=lambda names: _models("openai", names),
)

MISTRAL: Final = Wire(
    name="mistral",
    read=lambda body, target, conversations: _read("mistral", body, target, conversations),
    write=lambda asked, outgoing: _write("mistral", asked, outgoing),
    events=lambda asked, outgoing: _events("mistral", asked, outgoing),
    error=_mistral_error,
    invalid=_mistral_invalid,
    request_id=_mistral_request_id,
    model=lambda name: _model("mistral", name),
    models=lambda names: _models("mistral", names),
)
