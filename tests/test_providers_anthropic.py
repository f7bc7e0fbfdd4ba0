"""Tests of Anthropic's adapter, with the real SDK against a loopback server."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from canned_server import CannedServer, reply, text_reply
from vendor_replies import KEY, TALK, TASK, TOOLS, anthropic_reply, client_of, key_of, request_of, tool_use

from pytest_codeact.errors import ProviderError, UnavailableError
from pytest_codeact.providers import Connections, Request
from pytest_codeact.records import Message, ToolCall, ToolResult, Usage

pytest.importorskip("anthropic")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.providers import Reply

THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}


@pytest.fixture
def server() -> Iterator[CannedServer]:
    """Start a server that answers in text."""
    with CannedServer(reply(anthropic_reply())) as started:
        yield started


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Share connections within a test, and close them."""
    made = Connections()
    yield made
    made.close()


def sent(server: CannedServer, connections: Connections, request: Request, **context: Any) -> Any:
    """Ask, and give the body that the server got."""
    client_of("anthropic", server.url, connections, **context).complete(request)
    return server.requests[-1].body


def read(server: CannedServer, connections: Connections, body: Any, request: Request | None = None) -> Reply:
    """Give what becomes of a reply."""
    server.answer(reply(body))
    return client_of("anthropic", server.url, connections).complete(request or request_of())


def test_request_is_translated(server: CannedServer, connections: Connections) -> None:
    """System prompt, tools, conversation, results and limit stand where the API wants them, and nothing else does."""
    assert sent(server, connections, request_of(*TALK)) == {
        "model": "some-model",
        "max_tokens": 4096,
        "system": "Be brief.",
        "tools": [
            {"name": each.name, "description": each.description, "input_schema": each.parameters} for each in TOOLS
        ],
        "messages": [
            {"role": "user", "content": "How many?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "one", "name": "look_up", "input": {"name": "Müller"}},
                    {"type": "tool_use", "id": "two", "name": "nope", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "one", "content": '{"open": [1, 2]}'},
                    {
                        "type": "tool_result",
                        "tool_use_id": "two",
                        "content": "unknown tool 'nope'",
                        "is_error": True,
                    },
                ],
            },
        ],
    }


def test_headers_of_a_request(server: CannedServer, connections: Connections) -> None:
    """The key is sent as the SDK sends it, to the path of the API, also where the address names it."""
    client_of("anthropic", f"{server.url}/v1", connections).complete(request_of())

    assert server.requests[0].path == "/v1/messages"
    assert key_of(server.requests[0]) == KEY


def test_what_is_not_there_is_not_sent(server: CannedServer, connections: Connections) -> None:
    """Without system prompt and tools their fields are missing; the parallel switch needs tools."""
    body = sent(server, connections, request_of(system="", tools=(), parallel_tool_calls=False))

    assert set(body) == {"model", "max_tokens", "messages"}


def test_parallel_calls_are_switched_off(server: CannedServer, connections: Connections) -> None:
    """One call per reply is the API's own switch."""
    body = sent(server, connections, request_of(parallel_tool_calls=False))

    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_long_replies_may_be_asked_for(server: CannedServer, connections: Connections) -> None:
    """The SDK's own refusal to wait for long replies does not apply, at its own timeout neither."""
    body = sent(server, connections, request_of(max_output_tokens=128_000), timeout_s=600.0)

    assert body["max_tokens"] == 128_000


def test_prompts_are_cached_on_demand(server: CannedServer, connections: Connections) -> None:
    """Tools, system prompt and conversation each end a cached prefix; requests stay as they are."""
    ephemeral = {"type": "ephemeral"}
    request = request_of(*TALK)
    body = sent(server, connections, request, prompt_cache=True)

    assert [each.get("cache_control") for each in body["tools"]] == [None, ephemeral]
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": ephemeral}]
    assert [each.get("cache_control") for each in body["messages"][-1]["content"]] == [None, ephemeral]
    assert request == request_of(*TALK)


def test_a_task_is_cached_too(server: CannedServer, connections: Connections) -> None:
    """A message of text becomes a block, which can be marked."""
    body = sent(server, connections, request_of(), prompt_cache=True)

    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "How many?", "cache_control": {"type": "ephemeral"}}]}
    ]


def test_nothing_is_cached_without_demand(server: CannedServer, connections: Connections) -> None:
    """No arm warms the cache of another."""
    assert "cache_control" not in str(sent(server, connections, request_of(*TALK)))


def test_tools_are_translated_once_per_trial(server: CannedServer, connections: Connections) -> None:
    """A client makes its list of tools once, and anew for other tools."""
    client: Any = client_of("anthropic", server.url, connections)
    request, other = request_of(), request_of(tools=TOOLS[:1])

    assert client._sent(request)["tools"] is client._sent(request)["tools"]
    assert [each["name"] for each in client._sent(other)["tools"]] == ["look_up"]


def test_reply_is_translated(server: CannedServer, connections: Connections) -> None:
    """Text and calls are both kept; version, request id and SDK are reported."""
    server.answer(
        reply(
            anthropic_reply({"type": "text", "text": "I look."}, tool_use(), stop_reason="tool_use"),
            headers={"request-id": "req_1"},
        )
    )
    found = client_of("anthropic", server.url, connections).complete(request_of())

    assert found.message == Message(
        role="assistant",
        text="I look.",
        tool_calls=(ToolCall(id="toolu_1", name="look_up", arguments={"name": "ACME"}),),
    )
    assert (found.stop, found.mode, found.model_version) == ("tool_calls", "live", "claude-haiku-4-5-20251001")
    assert found.request_id == "req_1"
    assert re.fullmatch(r"anthropic \d+\.\d+.*", found.sdk or "")


def test_reply_id_stands_in_for_the_header(server: CannedServer, connections: Connections) -> None:
    """A server that names no request is asked about by the message's id."""
    assert read(server, connections, anthropic_reply()).request_id == "msg_01"


def test_emulator_is_told_by_its_header(server: CannedServer, connections: Connections) -> None:
    """What the emulator answers is the reference model's."""
    server.answer(reply(anthropic_reply(), headers={"X-Codeact-Emulator": "1"}))

    assert client_of("anthropic", server.url, connections).complete(request_of()).mode == "reference"


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "end"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "max_tokens"),
        ("refusal", "refusal"),
        ("reason_of_2031", "end"),
        (None, "end"),
    ],
)
def test_stop_reasons(server: CannedServer, connections: Connections, reason: object, stop: str) -> None:
    """Every stop reason has a meaning, unknown ones too."""
    assert read(server, connections, anthropic_reply(stop_reason=reason)).stop == stop


@pytest.mark.parametrize("reason", ["tool_use", "end_turn", "reason_of_2031"])
def test_calls_wait_for_results(server: CannedServer, connections: Connections, reason: str) -> None:
    """A reply with calls waits for their results, whatever reason it gives."""
    assert read(server, connections, anthropic_reply(tool_use(), stop_reason=reason)).stop == "tool_calls"


def test_paused_turn_is_an_error(server: CannedServer, connections: Connections) -> None:
    """A turn that is paused for the vendor's own tools is no answer."""
    with pytest.raises(
        ProviderError, match=r"^anthropic paused in mid-turn, as for tools of its own, and none was offered$"
    ) as caught:
        read(server, connections, anthropic_reply(stop_reason="pause_turn"))

    assert (caught.value.transient, caught.value.is_billed) == (False, True)


def test_refused_calls_are_not_carried_out(server: CannedServer, connections: Connections) -> None:
    """A refusal stops calls half way; its explanation is the text where there is no other."""
    body = anthropic_reply(
        tool_use(),
        stop_reason="refusal",
        stop_details={"type": "refusal", "category": None, "explanation": "No."},
    )

    assert read(server, connections, body).message == Message(role="assistant", text="No.")


def test_call_cut_off_does_not_pass_for_whole(server: CannedServer, connections: Connections) -> None:
    """What the output limit cut is text and no arguments, so that no tool runs on half of them; others stay."""
    body = anthropic_reply(tool_use("a"), tool_use("b", input={"code": "delete("}), stop_reason="max_tokens")
    found = read(server, connections, body)

    assert [each.arguments for each in found.message.tool_calls] == [{"name": "ACME"}, '{"code": "delete("']
    assert found.stop == "max_tokens"


def test_empty_reply_is_a_reply(server: CannedServer, connections: Connections) -> None:
    """A model that says nothing has said nothing: that is its doing."""
    found = read(server, connections, anthropic_reply(content=[]))

    assert (found.message, found.stop) == (Message(role="assistant"), "end")


@pytest.mark.parametrize("content", [None, "Two.", {}], ids=["none", "text", "object"])
def test_reply_without_content_is_an_error(server: CannedServer, connections: Connections, content: object) -> None:
    """Content that is no list breaks the protocol; what reports its tokens is billed."""
    with pytest.raises(ProviderError, match=r"^anthropic sent a reply without content$") as caught:
        read(server, connections, anthropic_reply(content=content))

    assert (caught.value.status, caught.value.transient, caught.value.is_billed) == (200, True, True)


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, Usage(input_tokens=10, output_tokens=5)),
        (
            {
                "input_tokens": 10,
                "output_tokens": 50,
                "cache_read_input_tokens": 300,
                "cache_creation_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
                "output_tokens_details": {"thinking_tokens": 40},
                "tokens_of_2031": 9,
            },
            Usage(
                input_tokens=317,
                output_tokens=50,
                cached_input_tokens=300,
                cache_write_tokens=7,
                reasoning_tokens=40,
            ),
        ),
        (
            {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": None},
            Usage(input_tokens=10, output_tokens=5, cached_input_tokens=0),
        ),
        ({"input_tokens": 10}, None),
        ({"input_tokens": "many", "output_tokens": 5}, None),
        (None, None),
    ],
    ids=["plain", "cached", "nulls", "half", "nonsense", "none"],
)
def test_usage_includes_the_cache(server: CannedServer, connections: Connections, given: object, usage: object) -> None:
    """The API counts the cache apart from the input, and ours counts it in."""
    assert read(server, connections, anthropic_reply(usage=given)).usage == usage


def test_thoughts_go_back_verbatim(server: CannedServer, connections: Connections) -> None:
    """Blocks with signatures are kept, in their place, and sent back as they came."""
    blocks = [
        THINKING,
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "I look."},
        tool_use(caller={"type": "direct"}),
    ]
    found = read(server, connections, anthropic_reply(*blocks, stop_reason="tool_use"))
    result = Message(role="tool", tool_results=(ToolResult(call_id="toolu_1", name="look_up", content="1"),))
    body = sent(server, connections, request_of(TASK, found.message, result))

    assert (found.message.text, len(found.message.tool_calls)) == ("I look.", 1)
    assert body["messages"][1] == {"role": "assistant", "content": blocks}


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "text", "text": "I look."}, tool_use(caller={"type": "direct"})],
        [{"type": "text", "text": "Two.", "citations": None}],
        [tool_use("a"), tool_use("b")],
    ],
    ids=["text and call", "no citations", "calls"],
)
def test_plain_replies_keep_nothing_more(server: CannedServer, connections: Connections, blocks: list[Any]) -> None:
    """What text and calls say in full is not kept twice."""
    assert read(server, connections, anthropic_reply(*blocks)).message.native is None


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "block_of_2031", "value": {"a": [1]}}, {"type": "text", "text": "Two."}],
        [tool_use(), {"type": "text", "text": "Two."}],
        [{"type": "text", "text": "Two.", "citations": [{"type": "char_location"}]}],
        [{"type": "text", "text": "Tw"}, {"type": "text", "text": "o."}],
    ],
    ids=["unknown", "order", "citations", "pieces"],
)
def test_other_blocks_are_kept(server: CannedServer, connections: Connections, blocks: list[Any]) -> None:
    """What the protocol may want back is kept, unknown blocks too."""
    message = read(server, connections, anthropic_reply(*blocks)).message

    assert message.text == "Two."
    assert message.native == {"anthropic": blocks}


@pytest.mark.parametrize("before", [[], [THINKING]], ids=["rebuilt", "kept"])
def test_blank_text_does_not_go_back(server: CannedServer, connections: Connections, before: list[Any]) -> None:
    """The API gives blank text and does not take it."""
    body = anthropic_reply(*before, {"type": "text", "text": "\n\n"}, tool_use())
    message = read(server, connections, body).message

    assert message.text == "\n\n"
    assert sent(server, connections, request_of(TASK, message))["messages"][1]["content"] == [*before, tool_use()]


def test_unknown_fields_do_no_harm(server: CannedServer, connections: Connections) -> None:
    """A reply may say more than this version knows, and less than it expects."""
    body = {"content": [{"type": "text", "text": "Two.", "mood": "glad"}, 7, {"no": "type"}], "of_2031": {"a": 1}}
    found = read(server, connections, body)

    assert (found.message.text, found.stop, found.usage, found.model_version) == ("Two.", "end", None, None)


def test_missing_and_taken_ids_are_repaired(server: CannedServer, connections: Connections) -> None:
    """Each call has an id of its own, and goes back under it, from kept blocks as well."""
    blocks = [THINKING, tool_use("one"), tool_use("new"), tool_use("new"), tool_use("")]
    message = read(server, connections, anthropic_reply(*blocks), request_of(*TALK)).message
    ids = [each.id for each in message.tool_calls]

    assert ids == ["fixed0001", "new", "fixed0002", "fixed0003"]
    body = sent(server, connections, request_of(TASK, message))
    assert [each["id"] for each in body["messages"][1]["content"][1:]] == ids


@pytest.mark.parametrize(
    ("given", "shown"),
    [('{"name": ', '{"name": '), (["ACME"], '["ACME"]'), (None, "null")],
    ids=["text", "list", "null"],
)
def test_broken_arguments_are_passed_on(server: CannedServer, connections: Connections, given: Any, shown: str) -> None:
    """What is no object reaches the tool's own check, and goes back in an object, which the API insists on."""
    message = read(server, connections, anthropic_reply(tool_use(input=given))).message
    body = sent(server, connections, request_of(TASK, message))

    assert message.tool_calls[0].arguments == given
    assert body["messages"][1]["content"][0]["input"] == {"invalid_arguments": shown}


def test_numbers_that_json_lacks_stay_text(server: CannedServer, connections: Connections) -> None:
    """What could not be sent back is not taken for a number."""
    text = json.dumps(anthropic_reply(tool_use(input={"a": "A", "b": "B"})))
    server.answer(text_reply(text.replace('"A"', "NaN").replace('"B"', "1e999")), reply(anthropic_reply()))
    client = client_of("anthropic", server.url, connections)
    message = client.complete(request_of()).message

    assert message.tool_calls[0].arguments == {"a": "NaN", "b": "1e999"}
    assert client.complete(request_of(TASK, message)).stop == "end"


def test_empty_messages_are_left_out(server: CannedServer, connections: Connections) -> None:
    """The API takes no empty content."""
    body = sent(server, connections, request_of(TASK, Message(role="assistant"), TASK))

    assert [each["role"] for each in body["messages"]] == ["user", "user"]


def test_warning_of_the_sdk_may_be_an_error(server: CannedServer, connections: Connections) -> None:
    """A deprecated model is a warning, and where warnings are errors the trial says so."""
    deprecated: Any = pytest.importorskip("anthropic._data")
    model = next(iter(deprecated.DEPRECATED_MODELS))
    client = client_of("anthropic", server.url, connections, model=model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ProviderError, match=f"^anthropic: its SDK warned, .*'{model}' is deprecated") as caught:
            client.complete(request_of())

    assert str(caught.value).endswith("; choose another model, or ignore the warning with filterwarnings")
    assert (caught.value.is_billed, server.requests) == (False, [])


@pytest.mark.parametrize("base_url", [None, "https://api.anthropic.com"])
def test_missing_key_names_the_variable(connections: Connections, base_url: str | None) -> None:
    """The vendor's own server needs a key, and a blank one is none."""
    with pytest.raises(
        UnavailableError, match=r"^no key: ANTHROPIC_API_KEY is not set; export it, or choose another model$"
    ):
        client_of("anthropic", base_url, connections, environment={"ANTHROPIC_API_KEY": " "})


def test_vendors_own_server_is_the_default(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address it is the vendor's, whatever the SDK's own variable says."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    client: Any = client_of("anthropic", None, connections)
    sdk = client._create.__wrapped__.__self__._client

    assert (str(sdk.base_url).rstrip("/"), sdk.max_retries) == ("https://api.anthropic.com", 0)


def test_model_must_be_named(connections: Connections) -> None:
    """The provider alone is no model."""
    with pytest.raises(
        ProviderError,
        match=r"^no model of 'anthropic' is named; expected PROVIDER/MODEL, "
        r"for example --codeact-model=anthropic/claude-haiku-4-5$",
    ):
        client_of("anthropic", None, connections, model="")
