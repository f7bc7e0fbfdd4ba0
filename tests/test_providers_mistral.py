"""Mistral's adapter, by its real SDK, against canned answers."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from canned_server import HANG, HANG_UP, Canned, CannedServer, cut_reply, reply, text_reply

from pytest_codeact.errors import ProviderError, UnavailableError
from pytest_codeact.providers import Connections, ModelContext, Reply, Request
from pytest_codeact.providers.mistral import MistralModel, live_model
from pytest_codeact.records import Message, ToolCall, ToolResult, ToolSpec, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("mistralai.client")

KEY = "sk-canary-5f3a9b"

TOOL = ToolSpec(
    name="look",
    description="Look it up.",
    parameters={
        "type": "object",
        "properties": {
            "a_b": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "kind": {"$ref": "#/$defs/Kind"},
        },
        "$defs": {"Kind": {"enum": ["x", "y"]}},
        "additionalProperties": False,
    },
)

TASK = Message(role="user", text='say "hi"')


def request_of(*more: Message, **fields: Any) -> Request:
    """Make a request that begins with the task."""
    return Request(
        **{
            "system": "Be brief.",
            "messages": (TASK, *more),
            "tools": (TOOL,),
            "parallel_tool_calls": True,
            "max_output_tokens": 99,
            **fields,
        }
    )


def answer(message: dict[str, Any], *, reason: str = "stop", **fields: Any) -> dict[str, Any]:
    """Make the body of a chat completion."""
    return {
        "id": "cmpl-1",
        "object": "chat.completion",
        "model": "mistral-small-2603",
        "created": 1,
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}],
        **fields,
    }


def asking(*calls: dict[str, Any], content: Any = "", reason: str = "tool_calls") -> dict[str, Any]:
    """Make the body of a chat completion that asks for calls."""
    return answer({"content": content, "tool_calls": list(calls)}, reason=reason)


def call(arguments: Any = '{"a_b": "ü"}', *, call_id: Any = "abcdefghi", name: str = "look") -> dict[str, Any]:
    """Make a call as the protocol has it."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


@contextmanager
def asked(*answers: Canned, path: str = "", **fields: Any) -> Iterator[tuple[MistralModel, CannedServer]]:
    """Give a model behind canned answers."""
    connections = Connections()
    with CannedServer(*answers) as server:
        context = ModelContext(
            **{
                "model": "mistral-small-latest",
                "solution": None,
                "seed": 1,
                "base_url": server.url + path,
                "timeout_s": 5.0,
                "environment": {"MISTRAL_API_KEY": KEY},
                "connections": connections,
                **fields,
            }
        )
        try:
            yield live_model(context), server
        finally:
            connections.close()


def replied(body: dict[str, Any], *, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    """Give what becomes of one answer."""
    with asked(reply(body, headers=headers)) as (model, _):
        return model.complete(request_of(**fields))


def failed(canned: Canned, *, timeout_s: float = 5.0) -> ProviderError:
    """Give what an answer is refused with."""
    with asked(canned, timeout_s=timeout_s) as (model, _), pytest.raises(ProviderError) as raised:
        model.complete(request_of())
    assert (raised.value.__context__, raised.value.__cause__) == (None, None)
    assert KEY not in str(raised.value)
    return raised.value


def test_request_says_what_ours_says() -> None:
    """System prompt, messages, tools with their whole schema, the switch and the limit stand in what is sent."""
    with asked(reply(answer({"content": "hi"}))) as (model, server):
        model.complete(request_of(parallel_tool_calls=False))
    sent = server.requests[0]

    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.body == {
        "model": "mistral-small-latest",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": 'say "hi"'}],
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Look it up.", "parameters": TOOL.parameters},
            }
        ],
        "parallel_tool_calls": False,
        "max_tokens": 99,
        "stream": False,
    }


def test_request_without_tools_and_system() -> None:
    """What there is none of is not sent."""
    with asked(reply(answer({"content": "hi"}))) as (model, server):
        model.complete(request_of(tools=(), system=""))

    assert set(server.requests[0].body) == {"model", "messages", "max_tokens", "stream"}
    assert [each["role"] for each in server.requests[0].body["messages"]] == ["user"]


def test_conversation_goes_back() -> None:
    """Calls keep their ids, and results, errors included, say which call they answer."""
    said = Message(
        role="assistant",
        text="I look.",
        tool_calls=(
            ToolCall(id="aaaaaaaaa", name="look", arguments={"a_b": "ü"}),
            ToolCall(id="bbbbbbbbb", name="look", arguments='{"a_b": '),
        ),
    )
    shown = Message(
        role="tool",
        tool_results=(
            ToolResult(call_id="aaaaaaaaa", name="look", content='{"n": 1}'),
            ToolResult(call_id="bbbbbbbbb", name="look", content="no JSON", is_error=True),
        ),
    )
    with asked(reply(answer({"content": "hi"}))) as (model, server):
        model.complete(request_of(said, shown))
    assistant, *results = server.requests[0].body["messages"][2:]

    assert assistant["content"] == "I look."
    assert [each["id"] for each in assistant["tool_calls"]] == ["aaaaaaaaa", "bbbbbbbbb"]
    assert [json.loads(each["function"]["arguments"]) for each in assistant["tool_calls"]] == [
        {"a_b": "ü"},
        {"invalid_arguments": '{"a_b": '},
    ]
    assert results == [
        {"role": "tool", "content": '{"n": 1}', "tool_call_id": "aaaaaaaaa", "name": "look"},
        {"role": "tool", "content": "no JSON", "tool_call_id": "bbbbbbbbb", "name": "look"},
    ]


def test_reply_with_text_and_calls() -> None:
    """Text and calls are both kept, with usage, version, request id and SDK."""
    body = asking(call(), call("{}", call_id="jklmnopqr"), content="I look.")
    body["usage"] |= {
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    got = replied(body, headers={"x-request-id": "req-7"})

    assert got.message == Message(
        role="assistant",
        text="I look.",
        tool_calls=(
            ToolCall(id="abcdefghi", name="look", arguments={"a_b": "ü"}),
            ToolCall(id="jklmnopqr", name="look", arguments={}),
        ),
    )
    assert got.usage == Usage(input_tokens=10, output_tokens=5, cached_input_tokens=4, reasoning_tokens=2)
    assert (got.stop, got.mode) == ("tool_calls", "live")
    assert got.model_version == "mistral-small-2603"
    assert got.request_id == "req-7"
    assert got.sdk is not None
    assert got.sdk.startswith("mistralai 3.")


def test_usage_that_is_not_reported_is_unknown() -> None:
    """No usage is None, and what a usage leaves out is None; the body's id stands in for a header's."""
    bare = answer({"content": "hi"})
    got = replied(bare)
    none = replied({**bare, "usage": None})

    assert got.usage == Usage(input_tokens=10, output_tokens=5)
    assert got.request_id == "cmpl-1"
    assert none.usage is None


def test_emulator_is_told_by_its_header() -> None:
    """The emulator's replies are the reference model's."""
    assert replied(answer({"content": "hi"}), headers={"x-codeact-emulator": "1"}).mode == "reference"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "end"),
        ("length", "max_tokens"),
        ("model_length", "max_tokens"),
        ("content_filter", "content_filter"),
        ("refusal", "refusal"),
        ("something_new", "end"),
    ],
)
def test_reasons_to_stop(reason: str, expected: str) -> None:
    """Every reason has its word; one that nobody knows yet is the end."""
    assert replied(answer({"content": "hi"}, reason=reason)).stop == expected


def test_held_back_calls_are_not_carried_out() -> None:
    """A reply that was filtered has no calls, whatever was written before."""
    got = replied(asking(call(), content="So", reason="content_filter"))

    assert (got.stop, got.message) == ("content_filter", Message(role="assistant", text="So"))


def test_cut_call_keeps_its_text() -> None:
    """A call that the output limit cut keeps what was written of it."""
    got = replied(asking(call('{"a_b": "lo'), reason="length"))

    assert got.stop == "max_tokens"
    assert got.message.tool_calls[0].arguments == '{"a_b": "lo'


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"a": ', '{"a": '), ("", {}), (None, {}), ({"a": 1}, {"a": 1}), ("[1]", [1])],
)
def test_arguments_as_they_came(arguments: Any, expected: Any) -> None:
    """Arguments that are no JSON stay the text they are; objects are taken as such."""
    assert replied(asking(call(arguments))).message.tool_calls[0].arguments == expected


def test_ids_are_repaired() -> None:
    """Missing and doubled ids become ids of nine letters and digits; the others stay; unknown tools pass."""
    got = replied(asking(call(), call(), call(call_id="null"), call(call_id=None, name="nope")))
    ids = [each.id for each in got.message.tool_calls]

    assert ids[0] == "abcdefghi"
    assert len(set(ids)) == 4
    assert all(len(each) == 9 and each.isalnum() for each in ids)
    assert got.message.tool_calls[3].name == "nope"


def test_chunks_go_back_verbatim() -> None:
    """Thoughts, and chunks and fields that the SDK does not know, survive it in both directions."""
    chunks = [
        {"type": "thinking", "thinking": [{"type": "text", "text": 'hm "ü"'}], "signature": "s", "novel": {"a": [1]}},
        {"type": "text", "text": "So"},
        {"type": "from_the_future", "x": None},
        {"type": "text", "text": " be it."},
    ]
    body = asking(call(), content=chunks)
    with asked(reply({**body, "novel": 1})) as (model, server):
        first = model.complete(request_of())
        shown = Message(role="tool", tool_results=(ToolResult(call_id="abcdefghi", name="look", content="{}"),))
        model.complete(request_of(first.message, shown))

    assert first.message.text == "So be it."
    assert first.message.native == {"mistral": chunks}
    assert server.requests[1].body["messages"][2]["content"] == chunks


@pytest.mark.parametrize("body", [answer({"content": "hi"}, usage={"prompt_tokens": "many"}, created="today")])
def test_answer_that_the_sdk_refuses_is_read(body: dict[str, Any]) -> None:
    """An answer whose types are others than the SDK's models have is no failure."""
    assert replied(body).message.text == "hi"


def test_connection_and_client_are_shared() -> None:
    """The trials of a process ask by one client, and one connection."""
    with asked(reply(answer({"content": "hi"}))) as (model, server):
        context = ModelContext(
            model="other",
            solution=None,
            seed=2,
            base_url=server.url,
            timeout_s=5.0,
            environment={"MISTRAL_API_KEY": KEY},
        )
        other = MistralModel(model._client, model="other", prompt_cache=False)
        for each in (model, other, model):
            each.complete(request_of())

    assert {each.connection for each in server.requests} == {1}
    assert [each.body["model"] for each in server.requests][1] == context.model


def test_prompt_cache_is_named_on_demand() -> None:
    """Requests that begin alike name the same cache, and no request names one unless it is asked for."""
    with asked(reply(answer({"content": "hi"})), prompt_cache=True) as (model, server):
        model.complete(request_of())
        model.complete(request_of(Message(role="user", text="more")))
        model.complete(request_of(system="Otherwise."))
    keys = [each.body["prompt_cache_key"] for each in server.requests]

    assert keys[0] == keys[1] != keys[2]


def test_address_may_end_with_its_version() -> None:
    """`/v1` at the end of an address is the protocol's own."""
    with asked(reply(answer({"content": "hi"})), path="/here/v1/") as (model, server):
        model.complete(request_of())

    assert server.requests[0].path == "/here/v1/chat/completions"


def test_missing_key_names_its_variable() -> None:
    """Without a key the trial is skipped, and the reason names the variable."""
    with pytest.raises(UnavailableError, match="MISTRAL_API_KEY is not set"):
        live_model(ModelContext(model="m", solution=None, seed=1))


def test_missing_model_is_an_error() -> None:
    """The provider alone names no model."""
    with pytest.raises(ProviderError, match="no model of 'mistral' is named"):
        live_model(ModelContext(model="", solution=None, seed=1))


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        *((each, False) for each in (400, 401, 403, 404, 413, 422)),
        *((each, True) for each in (429, 500, 502, 529)),
    ],
)
@pytest.mark.parametrize("body", [{"message": f"not so with {KEY}"}, {"detail": [{"msg": f"no {KEY}", "loc": []}]}])
def test_refusals(status: int, transient: bool, body: Any) -> None:
    """A status that is no success is an error that costs nothing and holds no key."""
    error = failed(reply(body, status=status, headers={"retry-after": "7"}))

    assert (error.status, error.transient, error.is_billed) == (status, transient, False)
    assert error.retry_after_s == 7.0
    assert str(error).startswith(f"mistral answered {status}: n")
    assert "***" in str(error)


def test_silence_is_a_timeout() -> None:
    """A server that sends nothing fails the request, which may be billed and may pass."""
    error = failed(HANG, timeout_s=0.2)

    assert "mistral sent nothing for 0.2 s" in str(error)
    assert (error.status, error.transient, error.is_billed) == (None, True, None)


@pytest.mark.parametrize("canned", [cut_reply(answer({"content": "hi"})), HANG_UP])
def test_cut_connection(canned: Canned) -> None:
    """A connection that ends before the whole answer is a failure that may be billed and may pass."""
    error = failed(canned)

    assert "the connection to mistral failed before the whole reply had come" in str(error)
    assert (error.transient, error.is_billed) == (True, None)


def test_unreachable_server_costs_nothing() -> None:
    """Where no connection can be made, nothing was sent."""
    with asked(HANG) as (_, server):
        url = server.url
    with asked(HANG, base_url=url) as (model, _), pytest.raises(ProviderError, match="cannot be reached") as raised:
        model.complete(request_of())

    assert (raised.value.transient, raised.value.is_billed) == (True, False)


@pytest.mark.parametrize(
    ("text", "kind", "transient", "said"),
    [
        ('{"choices": [', "application/json", True, "that is no JSON"),
        ("<html>hello</html>", "text/html", False, "text/html that is no JSON: '<html>hello</html>'"),
        ("[]", "application/json", True, "a JSON list and no object"),
        ("", "application/json", True, "that is no JSON"),
    ],
)
def test_answers_that_are_no_answers(text: str, kind: str, transient: bool, said: str) -> None:
    """What is no JSON object may have been billed; what says that it is JSON may come whole the next time."""
    error = failed(text_reply(text, kind=kind))

    assert said in str(error)
    assert (error.transient, error.is_billed) == (transient, None)


def test_empty_choices() -> None:
    """An answer without a choice is the provider's failure, and may pass; it is billed, as its usage says."""
    error = failed(reply(answer({}, choices=[])))

    assert str(error) == "the reply of mistral holds no choice; the request's id is cmpl-1"
    assert (error.transient, error.is_billed) == (True, True)


def test_reply_that_the_provider_broke_off() -> None:
    """`finish_reason` "error" is the provider's failure, and may pass."""
    error = failed(reply(answer({"content": "h"}, reason="error")))

    assert "finish_reason 'error'" in str(error)
    assert (error.transient, error.is_billed) == (True, True)


def test_importing_it_imports_no_sdk() -> None:
    """The SDK is imported with the first client, not with the module."""
    program = "import sys, pytest_codeact.providers.mistral; print({'mistralai', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
