"""
Gemini's answer as one of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers import Reply
from pytest_codeact.providers._body import listed, part
from pytest_codeact.providers._google_request import NAME, plain_parts
from pytest_codeact.providers._sdk import count_of, mode_of, with_ids
from pytest_codeact.providers._wire import request_id
from pytest_codeact.records import Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.providers import Request

_Stop: TypeAlias = Literal["end", "tool_calls", "max_tokens", "refusal", "content_filter"]

_STOPS: Final[Mapping[str, _Stop]] = {
    "MAX_TOKENS": "max_tokens",
    "CONTINUATION": "max_tokens",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""Reasons to stop that are told apart. Every other one, known or not, is the end or a wait for tool calls."""

_BROKEN_CALLS: Final = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})
"""The model wrote a call that Gemini could not read, or of a tool that there is none of, and was not given its say."""

_OWN_FAULTS: Final = frozenset({"MISSING_THOUGHT_SIGNATURE"})
"""Reasons for which the request is to blame, and not the model."""


def as_reply(reply: dict[str, Any], headers: Mapping[str, str], request: Request, *, sdk: str) -> Reply:
    """
    Make a reply of an answer.

    Args:
        reply: The answer's body.
        headers: Its headers.
        request: What was asked.
        sdk: Name and version of the SDK.

    Raises:
        ProviderError: It holds no candidate and does not say that the prompt was blocked.
    """
    message, stop = _candidate(reply, headers, request)
    version = reply.get("modelVersion")
    return Reply(
        message=message,
        stop=stop,
        usage=_usage(reply),
        mode=mode_of(headers),
        model_version=version if isinstance(version, str) else None,
        request_id=request_id(headers, reply.get("responseId")),
        sdk=sdk,
    )


def _candidate(reply: dict[str, Any], headers: Mapping[str, str], request: Request) -> tuple[Message, _Stop]:
    candidates = listed(reply.get("candidates"))
    if not candidates:
        if part(reply, "promptFeedback").get("blockReason"):
            return Message(role="assistant"), "content_filter"
        raise _broken("holds no candidate", reply, headers, transient=True)
    candidate = candidates[0]
    reason, parts = str(candidate.get("finishReason")), listed(part(candidate, "content").get("parts"))
    if reason in _OWN_FAULTS:
        raise _broken(f"is broken off with {reason}", reply, headers, transient=False)
    if reason in _BROKEN_CALLS and not any("functionCall" in each for each in parts):
        return _broken_call(str(candidate.get("finishMessage") or reason), parts, request), "tool_calls"
    stop = _STOPS.get(reason)
    message = _message(parts, request)
    if stop == "content_filter":
        # What was held back was stopped half way; nobody may carry its calls out.
        message = Message(role="assistant", text=message.text)
    return message, stop or ("tool_calls" if message.tool_calls else "end")


def _broken(what: str, reply: dict[str, Any], headers: Mapping[str, str], *, transient: bool) -> ProviderError:
    return ProviderError(
        f"the reply of {NAME} {what}; the request's id is {request_id(headers, reply.get('responseId'))}",
        transient=transient,
        status=200,
        is_billed=None,
        usage=_usage(reply),
    )


def _message(parts: list[dict[str, Any]], request: Request) -> Message:
    if not request.parallel_tool_calls:
        parts = _up_to_one_call(parts)
    text = _text(parts)
    asked = [part(each, "functionCall") for each in parts if "functionCall" in each]
    calls = with_ids([_call(each) for each in asked], request)
    # Of two calls with one id, the second goes back with the id that its result has.
    parts = _with_own_ids(parts, calls)
    plain = not parts or parts == plain_parts(text, calls)
    return Message(role="assistant", text=text, tool_calls=calls, native=None if plain else {NAME: list(parts)})


def _text(parts: list[dict[str, Any]]) -> str:
    texts = (each.get("text") for each in parts if not each.get("thought"))
    return "".join(each for each in texts if isinstance(each, str))


def _call(call: dict[str, Any]) -> ToolCall:
    call_id, name, arguments = call.get("id"), call.get("name"), call.get("args")
    return ToolCall(
        id=call_id if isinstance(call_id, str) else "",
        name=name if isinstance(name, str) else "",
        arguments={} if arguments is None else arguments,
    )


def _with_own_ids(parts: list[dict[str, Any]], calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    ids = iter(call.id for call in calls)
    found = []
    for each in parts:
        call = part(each, "functionCall")
        own = next(ids) if "functionCall" in each else ""
        found.append({**each, "functionCall": {**call, "id": own}} if call.get("id") not in (None, "", own) else each)
    return found


def _up_to_one_call(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = next((index for index, each in enumerate(parts) if "functionCall" in each), len(parts))
    return parts[: first + 1]


def _broken_call(said: str, parts: list[dict[str, Any]], request: Request) -> Message:
    """
    Make a call of one that Gemini could not read, so that the model is told, as every other provider's is.

    Its arguments are what Gemini says of it, its name the first of the tools' that occurs in it. It goes back as text,
    for no call was made.
    """
    places = {tool.name: said.find(tool.name) for tool in request.tools}
    name = min((each for each in places if places[each] >= 0), key=lambda each: (places[each], -len(each)), default="")
    calls = with_ids([ToolCall(id="", name=name, arguments=said)], request)
    native = [*parts, {"text": said}]
    return Message(role="assistant", text=_text(parts), tool_calls=calls, native={NAME: list(native)})


def _usage(reply: dict[str, Any]) -> Usage | None:
    """
    Normalise usage: the prompt's tokens hold the cached ones, the candidates' leave out the thoughts.

    Gemini's JSON leaves out what is 0.
    """
    usage = part(reply, "usageMetadata")
    read = count_of(usage, "promptTokenCount")
    if read is None:
        return None
    thoughts = count_of(usage, "thoughtsTokenCount") or 0
    return Usage(
        input_tokens=read + (count_of(usage, "toolUsePromptTokenCount") or 0),
        output_tokens=(count_of(usage, "candidatesTokenCount") or 0) + thoughts,
        cached_input_tokens=count_of(usage, "cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
    )
