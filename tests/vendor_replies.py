"""What vendors' servers say, and clients that ask a canned server, for the tests of the adapters."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.providers import Connections, ModelContext, Request
from pytest_codeact.records import Message, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from canned_server import Received

    from pytest_codeact.providers import Provider

KEY: Final = "sk-canary-0123456789"

KEYS: Final = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}

TOOLS: Final = (
    ToolSpec(
        name="look_up",
        description="Look a client up.",
        parameters={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    ),
    ToolSpec(name="count", description="Count.", parameters={"type": "object", "properties": {}}),
)

TASK: Final = Message(role="user", text="How many?")

TALK: Final = (
    TASK,
    Message(
        role="assistant",
        text="I look.",
        tool_calls=(
            ToolCall(id="one", name="look_up", arguments={"name": "Müller"}),
            ToolCall(id="two", name="nope", arguments={}),
        ),
    ),
    Message(
        role="tool",
        tool_results=(
            ToolResult(call_id="one", name="look_up", content='{"open": [1, 2]}'),
            ToolResult(call_id="two", name="nope", content="unknown tool 'nope'", is_error=True),
        ),
    ),
)
"""A task, two calls, and their results: one structured, one an error."""


def request_of(*messages: Message, **changes: Any) -> Request:
    """Make a request of two tools, with parallel calls."""
    asked: dict[str, Any] = {
        "system": "Be brief.",
        "messages": messages or (TASK,),
        "tools": TOOLS,
        "parallel_tool_calls": True,
        "max_output_tokens": 4096,
    }
    return Request(**(asked | changes))


def client_of(provider: str, base_url: str | None, connections: Connections, **changes: Any) -> Provider:
    """Make a provider's client by its factory."""
    context: dict[str, Any] = {
        "model": "some-model",
        "solution": None,
        "seed": 0,
        "base_url": base_url,
        "timeout_s": 20.0,
        "environment": {KEYS[provider]: KEY},
        "connections": connections,
    }
    made: Provider = import_module(f"pytest_codeact.providers.{provider}").live_model(
        ModelContext(**(context | changes))
    )
    return made


def key_of(received: Received) -> str:
    """Give the key of a request, in whichever header the SDK's version sends it."""
    headers = received.headers
    return headers.get("x-api-key") or headers["authorization"].removeprefix("Bearer ")


def anthropic_reply(*blocks: Any, **changes: Any) -> dict[str, Any]:
    """Make a reply of the Messages API; of one block of text unless told otherwise."""
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": list(blocks) or [{"type": "text", "text": "Two."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    } | changes


def tool_use(call_id: str = "toolu_1", name: str = "look_up", **changes: Any) -> dict[str, Any]:
    """Make a call as the Messages API gives it."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": {"name": "ACME"}} | changes


def openai_reply(finish_reason: str = "stop", usage: Any = None, **message: Any) -> dict[str, Any]:
    """Make a reply of chat completions; in text unless told otherwise."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": "Two.", "refusal": None} | message,
            }
        ],
        "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def function_call(
    call_id: str = "call_1", name: str = "look_up", arguments: Any = '{"name":"ACME"}', **more: Any
) -> dict[str, Any]:
    """Make a call as chat completions give it."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}} | more


REPLIES: Final = {"anthropic": anthropic_reply(), "openai": openai_reply()}
