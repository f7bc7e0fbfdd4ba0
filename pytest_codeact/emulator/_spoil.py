"""
Replies with a fault in them, in our own types; each protocol writes them in its own form.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_codeact.emulator._model import MISSPELT
from pytest_codeact.emulator._wire import Outgoing
from pytest_codeact.providers.reference import RUN_CODE, RUN_TYPESCRIPT
from pytest_codeact.records import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_codeact.emulator._faults import Fault
    from pytest_codeact.providers import Reply, Request
    from pytest_codeact.records import ToolCall

REFUSAL: Final = "I can't help with that."
MUSING: Final = "I will look into it."


def spoiled(fault: Fault, reply: Reply, request: Request) -> Outgoing | None:
    """
    Give a reply with a fault. Its usage is that of the reply it was.

    Args:
        fault: One of the stage "reply".
        reply: What the model answered.
        request: What it was asked.

    Returns:
        None if the reply cannot have the fault: there is no tool call that could.
    """
    wordless = Message(role="assistant")
    match fault.kind:
        case "usage":
            return Outgoing(reply=_with_usage(fault, reply))
        case "empty":
            return Outgoing(reply=replace(reply, message=wordless, stop="end"), is_empty=True)
        case "silent":
            return Outgoing(reply=replace(reply, message=wordless, stop="end"))
        case "refusal":
            return Outgoing(reply=replace(reply, message=replace(wordless, text=REFUSAL), stop="refusal"))
        case "content-filter":
            return Outgoing(reply=replace(reply, message=wordless, stop="content_filter"))
    return _with_calls(fault, reply, request)


def _with_calls(fault: Fault, reply: Reply, request: Request) -> Outgoing | None:
    """Give a reply with a fault of tool calls. None if it has none that can have it."""
    calls = reply.message.tool_calls
    changed = _CHANGES[fault.kind](calls, request) if calls else None
    if changed is None:
        return None
    text = MUSING if fault.kind == "mixed" else reply.message.text
    stop = "max_tokens" if fault.kind.startswith("max-tokens") else reply.stop
    return Outgoing(reply=replace(reply, message=replace(reply.message, text=text, tool_calls=changed), stop=stop))


def _with_usage(fault: Fault, reply: Reply) -> Reply:
    if reply.usage is None:
        raise AssertionError("the emulator counts every reply")  # pragma: no cover
    usage = reply.usage
    read = min(int(fault.number("cached", 0)), usage.input_tokens)
    return replace(
        reply,
        usage=replace(
            usage,
            cached_input_tokens=read,
            cache_write_tokens=min(int(fault.number("written", 0)), usage.input_tokens - read),
            reasoning_tokens=min(int(fault.number("reasoning", 0)), usage.output_tokens),
        ),
    )


def _cut_call(calls: tuple[ToolCall, ...], _: Request) -> tuple[ToolCall, ...]:
    text = json.dumps(calls[-1].arguments, ensure_ascii=False)
    return (*calls[:-1], replace(calls[-1], arguments=text[: len(text) // 2]))


def _cut_program(calls: tuple[ToolCall, ...], request: Request) -> tuple[ToolCall, ...] | None:
    return _cut_call(calls, request) if calls[-1].name in {RUN_CODE, RUN_TYPESCRIPT} else None


def _one_id(calls: tuple[ToolCall, ...], request: Request) -> tuple[ToolCall, ...] | None:
    earlier = [call.id for message in request.messages for call in message.tool_calls]
    if not earlier and len(calls) == 1:
        return None
    taken = earlier[0] if earlier else calls[0].id
    return tuple(replace(call, id=taken) for call in calls)


def _no_ids(calls: tuple[ToolCall, ...], _: Request) -> tuple[ToolCall, ...]:
    return tuple(replace(call, id="") for call in calls)


def _no_json(calls: tuple[ToolCall, ...], _: Request) -> tuple[ToolCall, ...]:
    text = json.dumps(calls[-1].arguments, ensure_ascii=False)
    return (*calls[:-1], replace(calls[-1], arguments=f"{text[:-1]}, "))


def _no_tool(calls: tuple[ToolCall, ...], _: Request) -> tuple[ToolCall, ...]:
    return (replace(calls[0], name=calls[0].name + MISSPELT), *calls[1:])


_CHANGES: Final[Mapping[str, Callable[[tuple[ToolCall, ...], Request], tuple[ToolCall, ...] | None]]] = {
    "max-tokens-call": _cut_call,
    "max-tokens-program": _cut_program,
    "duplicate-ids": _one_id,
    "missing-ids": _no_ids,
    "broken-arguments": _no_json,
    "unknown-tool": _no_tool,
    "mixed": lambda calls, _: calls,
}
