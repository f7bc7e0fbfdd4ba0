"""
Our conversation and tools as Gemini's protocol has them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.providers._body import listed, part
from pytest_codeact.providers._sdk import sent_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.records import Json, Message, ToolCall, ToolResult, ToolSpec

NAME: Final = "google"
"""Under which name `Message.native` holds the parts of a message as Gemini sent them."""


def tools_of(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Give tools as the protocol has them. Their JSON Schemas stay as they are."""
    declared = [
        {"name": each.name, "description": each.description, "parametersJsonSchema": each.parameters} for each in specs
    ]
    return [{"functionDeclarations": declared}] if declared else []


def contents_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Give a conversation as the protocol has it."""
    contents: list[dict[str, Any]] = []
    called: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "user":
            contents.append({"role": "user", "parts": [{"text": message.text}]})
        elif message.role == "assistant":
            parts = parts_of(message)
            called = [part(each, "functionCall") for each in parts if "functionCall" in each]
            contents.append({"role": "model", "parts": parts})
        else:
            contents.append({"role": "user", "parts": [_result(each, called) for each in message.tool_results]})
    return contents


def parts_of(message: Message) -> list[dict[str, Any]]:
    """Give the parts of an assistant's message: those that Gemini sent, where there is more to them than our fields."""
    if message.native and (native := listed(message.native.get(NAME))):
        return native
    return plain_parts(message.text, message.tool_calls)


def plain_parts(text: str, calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """Give the parts of a text and calls. One part is there in any case: none is refused."""
    parts: list[dict[str, Any]] = [{"text": text}] if text or not calls else []
    asked = ({"id": each.id, "name": each.name, "args": sent_arguments(each.arguments)} for each in calls)
    return parts + [{"functionCall": each} for each in asked]


def _result(result: ToolResult, called: list[dict[str, Any]]) -> dict[str, Any]:
    if not called:
        # Gemini could not read the call and holds none: nothing can be the response of it.
        return {"text": result.content}
    response: dict[str, Any] = {"name": result.name, "response": _response(result)}
    # An id that we gave to a call is none to Gemini, which then tells results by their order.
    known = any(each.get("id") == result.call_id for each in called)
    return {"functionResponse": {"id": result.call_id, **response} if known else response}


def _response(result: ToolResult) -> dict[str, Json]:
    """
    Give what a model is shown as an object.

    A result that is an object or a list goes as such; any other as the text it is, so that the model reads
    the same characters with every provider.
    """
    if result.is_error:
        return {"error": result.content}
    if result.content[:1] in {"{", "["}:
        try:
            value: Json = json.loads(result.content)
        except ValueError:
            return {"output": result.content}
        # A text that says the same otherwise (a program's output, a number like 1e400) is shown as it was written.
        if json.dumps(value, ensure_ascii=False) == result.content:
            return {"output": value}
    return {"output": result.content}
