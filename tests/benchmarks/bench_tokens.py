"""
Compare the incremental token count with counting every request anew, in CPU seconds.

Two hundred rounds of one tool call each, with 120 tools. Every round's counts are checked for equality. Run it
as a script; it needs mistral-common::

    python tests/benchmarks/bench_tokens.py
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from pytest_codeact.providers import Request
from pytest_codeact.providers._tekken import TokenCounter, load_counter
from pytest_codeact.records import Message, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 200
TOOLS = 120
TARGET_RATIO = 50
"""What mistral-common's own count should cost, in multiples of the incremental one."""


def main() -> int:
    """Print the seconds and their ratios; 1 if a count differs or the target is missed."""
    loaded = load_counter()
    if loaded is None:
        sys.stderr.write("needs mistral-common and tiktoken; run: pip install 'pytest-codeact[tokens]'\n")
        return 2
    count_theirs = _mistral_common()
    # The memo of `loaded` might not be empty; one without room counts every text anew.
    incremental = TokenCounter(name=loaded.name, count_text=loaded._count_text)
    forgetful = TokenCounter(name=loaded.name, count_text=loaded._count_text, memo_characters=0)
    requests = _conversation()
    ours_s, ours = _timed(incremental.count_request, requests)
    anew_s, anew = _timed(forgetful.count_request, requests)
    theirs_s, theirs = _timed(count_theirs, requests)
    equal = sum(a == b == c for a, b, c in zip(ours, anew, theirs, strict=True))
    sys.stdout.write(
        f"{ROUNDS} rounds, {TOOLS} tools, {ours[0]} to {ours[-1]} tokens per request\n"
        f"equal in {equal} of {ROUNDS} rounds\n"
        f"incremental      {ours_s:8.4f} s\n"
        f"all anew         {anew_s:8.4f} s, {anew_s / ours_s:6.0f} x\n"
        f"mistral-common   {theirs_s:8.4f} s, {theirs_s / ours_s:6.0f} x (target: at least {TARGET_RATIO} x)\n"
    )
    return int(equal != ROUNDS or theirs_s / ours_s < TARGET_RATIO)


def _timed(count: Callable[[Request], int], requests: list[Request]) -> tuple[float, list[int]]:
    start = time.process_time()
    counts = [count(request) for request in requests]
    return time.process_time() - start, counts


def _conversation() -> list[Request]:
    """Give the request of every round; as in a trial, each holds the objects of the one before."""
    tools = tuple(
        ToolSpec(
            name=f"list_open_invoices_{number}",
            description=f"List the open invoices of region {number}, oldest first, with their remaining amounts.",
            parameters={
                "type": "object",
                "properties": {
                    "client": {"type": "string", "description": "Name of the client, exactly as in the ledger."},
                    "limit": {"type": "integer", "description": "The most invoices to list.", "default": 20},
                },
                "required": ["client"],
                "additionalProperties": False,
            },
        )
        for number in range(TOOLS)
    )
    messages: tuple[Message, ...] = (Message(role="user", text="Which client owes us most?"),)
    requests = []
    for number in range(ROUNDS):
        requests.append(
            Request(
                system="Carry out the user's task with the tools.",
                messages=messages,
                tools=tools,
                parallel_tool_calls=True,
                max_output_tokens=4096,
            )
        )
        call = ToolCall(id=f"call{number:05d}", name=tools[number % TOOLS].name, arguments={"client": f"C{number}"})
        content = json.dumps([{"invoice": number, "remaining": 12.5 * number, "status": "sent"}])
        messages += (
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", tool_results=(ToolResult(call_id=call.id, name=call.name, content=content),)),
        )
    return requests


def _mistral_common() -> Callable[[Request], int]:
    from mistral_common.protocol.instruct import messages as wire
    from mistral_common.protocol.instruct import tool_calls as wire_calls
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    tokenizer = MistralTokenizer.v3(is_tekken=True)

    def converted(message: Message) -> Any:
        if message.role == "user":
            return wire.UserMessage(content=message.text)
        if message.role == "tool":
            result = message.tool_results[0]
            return wire.ToolMessage(content=result.content, tool_call_id=result.call_id, name=result.name)
        call = message.tool_calls[0]
        function = wire_calls.FunctionCall(name=call.name, arguments=json.dumps(call.arguments))
        return wire.AssistantMessage(tool_calls=[wire_calls.ToolCall(id=call.id, function=function)])

    def count(request: Request) -> int:
        tools = [
            wire_calls.Tool(
                function=wire_calls.Function(
                    name=spec.name, description=spec.description, parameters=dict(spec.parameters)
                )
            )
            for spec in request.tools
        ]
        messages = [wire.SystemMessage(content=request.system), *map(converted, request.messages)]
        encoded = tokenizer.encode_chat_completion(ChatCompletionRequest(messages=messages, tools=tools))
        return len(encoded.tokens)

    return count


if __name__ == "__main__":
    sys.exit(main())
