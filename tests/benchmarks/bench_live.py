"""
Compare a live round trip through our whole client with the bare call of the vendor's SDK, in CPU of this process.

Ours is what a trial uses: retry policy, budget, ledger on disk, prices, adapter. The bare call is given ready-made
dicts, and its reply is read as the SDK gives it. One server, in a process of its own, answers both, always the same.
A request of one message is the first of a trial, so each has a client of its own, made within the measure; one of 21
messages is the eleventh, so its client has been asked the one before, outside of the measure. Both are alternated call
by call. Run it as a script, on a machine that does nothing else; it needs the SDKs::

    python tests/benchmarks/bench_live.py [PROVIDER ...]
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from canned_server import CannedServer, reply

from pytest_codeact.money import Bounds, Ledger, MoneyGate, PriceTable, Terms, ToolSizes
from pytest_codeact.providers import Connections, ModelContext, Request, anthropic, google, mistral, openai
from pytest_codeact.providers.retry import Retrying
from pytest_codeact.records import Json, Message, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

TARGET_RATIO: Final = 1.15
PAIRS: Final = 15
BLOCK_S: Final = 0.1
"""Pairs of blocks per case, and about the CPU seconds of the bare half of one."""

TOOL: Final = "list_open_invoices_0"
CALL: Final[dict[str, Json]] = {"client": "ACME", "limit": 20}
SAID: Final = "I look the invoices up."
BUDGET: Final = 10**18
"""A million dollars, in pico-dollars: it is looked at for every request, and never used up."""

REPLIES: Final[dict[str, Any]] = {
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [
            {"type": "text", "text": SAID},
            {"type": "tool_use", "id": "toolu_9", "name": TOOL, "input": CALL},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 900, "output_tokens": 60, "cache_read_input_tokens": 0},
    },
    "google": {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [{"text": SAID}, {"functionCall": {"id": "abcdefghi", "name": TOOL, "args": CALL}}],
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 900, "candidatesTokenCount": 60, "totalTokenCount": 960},
        "modelVersion": "gemini-2.5-pro",
        "responseId": "r",
    },
}

CHAT: Final[dict[str, Any]] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": SAID,
                "tool_calls": [
                    {
                        "id": "abcdefghi",
                        "type": "function",
                        "function": {"name": TOOL, "arguments": json.dumps(CALL)},
                    }
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960},
}


def bare_anthropic(url: str, request: Request) -> Callable[[], object]:
    """Give the SDK's own call."""
    from anthropic import Anthropic

    client: Any = Anthropic(api_key="key", base_url=url, max_retries=0)
    messages: list[Any] = []
    for message in request.messages:
        calls = [
            {"type": "tool_use", "id": each.id, "name": each.name, "input": each.arguments}
            for each in message.tool_calls
        ]
        results = [
            {"type": "tool_result", "tool_use_id": each.call_id, "content": each.content}
            for each in message.tool_results
        ]
        role = "assistant" if message.role == "assistant" else "user"
        messages.append({"role": role, "content": [*calls, *results] or message.text})
    arguments = {
        "model": "claude-haiku-4-5",
        "system": request.system,
        "messages": messages,
        "tools": [
            {"name": each.name, "description": each.description, "input_schema": each.parameters}
            for each in request.tools
        ],
        "max_tokens": request.max_output_tokens,
    }

    def call() -> object:
        found = client.messages.create(**arguments)
        return found.content[0].text, found.content[1].input, found.usage.input_tokens

    return call


def _chat(request: Request) -> dict[str, Any]:
    messages: list[Any] = [{"role": "system", "content": request.system}]
    for message in request.messages:
        calls = [
            {
                "id": each.id,
                "type": "function",
                "function": {"name": each.name, "arguments": json.dumps(each.arguments)},
            }
            for each in message.tool_calls
        ]
        results = [
            {"role": "tool", "content": each.content, "tool_call_id": each.call_id} for each in message.tool_results
        ]
        said = {"role": message.role, "content": message.text, **({"tool_calls": calls} if calls else {})}
        messages += results or [said]
    tools = [
        {
            "type": "function",
            "function": {"name": each.name, "description": each.description, "parameters": each.parameters},
        }
        for each in request.tools
    ]
    return {"messages": messages, "tools": tools}


def bare_openai(url: str, request: Request) -> Callable[[], object]:
    """Give the SDK's own call."""
    from openai import OpenAI

    client: Any = OpenAI(api_key="key", base_url=url, max_retries=0)
    arguments = {"model": "gpt-4o", "max_completion_tokens": request.max_output_tokens, **_chat(request)}

    def call() -> object:
        found = client.chat.completions.create(**arguments)
        said = found.choices[0].message
        return said.content, said.tool_calls[0].function.arguments, found.usage.prompt_tokens

    return call


def bare_mistral(url: str, request: Request) -> Callable[[], object]:
    """Give the SDK's own call."""
    from mistralai.client import Mistral

    client: Any = Mistral(api_key="key", server_url=url)
    arguments = {"model": "mistral-small-latest", "max_tokens": request.max_output_tokens, **_chat(request)}

    def call() -> object:
        found = client.chat.complete(**arguments)
        said = found.choices[0].message
        return said.content, said.tool_calls[0].function.arguments, found.usage.prompt_tokens

    return call


def bare_google(url: str, request: Request) -> Callable[[], object]:
    """Give the SDK's own call."""
    from google import genai

    client: Any = genai.Client(api_key="key", http_options={"base_url": url})
    contents: list[Any] = []
    for message in request.messages:
        parts: list[Any] = [{"text": message.text}] if message.text else []
        parts += [
            {"function_call": {"id": each.id, "name": each.name, "args": each.arguments}} for each in message.tool_calls
        ]
        parts += [
            {"function_response": {"id": each.call_id, "name": each.name, "response": {"output": each.content}}}
            for each in message.tool_results
        ]
        contents.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
    declared = [
        {"name": each.name, "description": each.description, "parameters_json_schema": each.parameters}
        for each in request.tools
    ]
    config: Any = {
        "system_instruction": request.system,
        "max_output_tokens": request.max_output_tokens,
        "tools": [{"function_declarations": declared}],
        "automatic_function_calling": {"disable": True},
    }

    def call() -> object:
        found = client.models.generate_content(model="gemini-2.5-pro", contents=contents, config=config)
        parts = found.candidates[0].content.parts
        return parts[0].text, parts[1].function_call.args, found.usage_metadata.prompt_token_count

    return call


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """
    One that is measured.

    Attributes:
        model: PROVIDER/MODEL, whose prices are known.
        module: The adapter.
        bare: Makes the SDK's own call.
    """

    model: str
    module: Any
    bare: Callable[[str, Request], Callable[[], object]]


VENDORS: Final = {
    "anthropic": Vendor(model="anthropic/claude-haiku-4-5", module=anthropic, bare=bare_anthropic),
    "mistral": Vendor(model="mistral/mistral-small-latest", module=mistral, bare=bare_mistral),
    "openai": Vendor(model="openai/gpt-4o", module=openai, bare=bare_openai),
    "google": Vendor(model="google/gemini-2.5-pro", module=google, bare=bare_google),
}


class Ours:
    """Makes our whole clients, as `clients.make_client` does for a live run with a budget."""

    def __init__(self, vendor: Vendor, url: str, ledger: Ledger, connections: Connections) -> None:
        model = vendor.model.partition("/")[2]
        keys = dict.fromkeys(("ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"), "key")
        self._vendor = vendor
        self._ledger = ledger
        self._rates = PriceTable().find(vendor.model, url)
        self._tools = ToolSizes()
        self._context = ModelContext(
            model=model, solution=None, seed=0, base_url=url, environment=keys, connections=connections
        )

    def client(self) -> Retrying:
        """Make the client of a trial."""
        vendor = self._vendor
        gate = MoneyGate(ledger=self._ledger, terms=Terms(model=vendor.model, rates=self._rates), tools=self._tools)
        return Retrying(provider=vendor.module.live_model(self._context), gate=gate)

    def first_s(self, request: Request) -> float:
        """Give CPU seconds of a trial's first request."""
        began = time.process_time()
        self.client().complete(request)
        return time.process_time() - began

    def later_s(self, request: Request) -> float:
        """Give CPU seconds of a request that goes on with a conversation."""
        client = self.client()
        client.complete(replace(request, messages=request.messages[:-2]))
        began = time.process_time()
        client.complete(request)
        return time.process_time() - began


def main() -> int:
    """Print the CPU of both and their ratio, per provider and size of request; 1 if a ratio misses the target."""
    sys.stdout.write("provider   tools  messages  SDK ms  ours ms  ratio\n")
    worst = max(map(_measured, sys.argv[1:] or VENDORS))
    sys.stdout.write(f"at most {TARGET_RATIO} is the target; the worst is {worst:.3f}\n")
    return int(worst > TARGET_RATIO)


def _measured(name: str) -> float:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, name))
    server.start()
    url, connections, worst = here.recv(), Connections(), 0.0
    with tempfile.TemporaryDirectory() as directory:
        ledger = Ledger(Path(directory), Bounds(budget=BUDGET), time.monotonic())
        try:
            ours = Ours(VENDORS[name], url, ledger, connections)
            for tools in (1, 120):
                for messages in (1, 21):
                    request = _request(tools, messages)
                    bare = VENDORS[name].bare(url, request)
                    ask = ours.first_s if messages == 1 else ours.later_s
                    worst = max(worst, _compare(name, bare, ask, request))
        finally:
            connections.close()
            ledger.close()
            here.send(None)
            server.join()
    return worst


def _compare(name: str, bare: Callable[[], object], ask: Callable[[Request], float], request: Request) -> float:
    for _ in range(5):
        bare()
        ask(request)
    repeats = max(5, int(BLOCK_S / min(_cpu_s(bare) for _ in range(5))))
    blocks = []
    for _ in range(PAIRS):
        pairs = [(_cpu_s(bare), ask(request)) for _ in range(repeats)]
        blocks.append(tuple(sum(side) / repeats for side in zip(*pairs, strict=True)))
    ratio: float = statistics.median(mine / theirs for theirs, mine in blocks)
    bare_ms, ours_ms = (1000 * statistics.median(side) for side in zip(*blocks, strict=True))
    sys.stdout.write(
        f"{name:9}  {len(request.tools):5}  {len(request.messages):8}  {bare_ms:6.3f}  {ours_ms:7.3f}  {ratio:5.3f}\n"
    )
    sys.stdout.flush()
    return ratio


def _cpu_s(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def _serve(there: Connection, name: str) -> None:
    with CannedServer(reply(REPLIES.get(name, CHAT))) as server:
        there.send(server.url)
        there.recv()


def _request(tools: int, messages: int) -> Request:
    talk: list[Message] = [Message(role="user", text="Which client owes us most?")]
    while len(talk) < messages:
        call = ToolCall(id=f"call{len(talk):05d}", name=TOOL, arguments=dict(CALL))
        content = f'[{{"invoice": {len(talk)}, "remaining": 12.5, "status": "sent"}}]'
        talk += [
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", tool_results=(ToolResult(call_id=call.id, name=call.name, content=content),)),
        ]
    return Request(
        system="Carry out the user's task with the tools.",
        messages=tuple(talk),
        tools=tuple(map(_tool, range(tools))),
        parallel_tool_calls=True,
        max_output_tokens=4096,
    )


def _tool(number: int) -> ToolSpec:
    return ToolSpec(
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


if __name__ == "__main__":
    sys.exit(main())
