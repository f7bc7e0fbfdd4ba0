"""Tests of the adapter for OpenAI's protocol, with the real SDK against a loopback server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from canned_server import CannedServer, reply
from vendor_replies import KEY, TALK, TASK, TOOLS, client_of, function_call, openai_reply, request_of

from pytest_codeact.errors import ProviderError, UnavailableError
from pytest_codeact.providers import Connections, Request
from pytest_codeact.providers._openai_address import AZURE_API_VERSION, Address, read_address
from pytest_codeact.records import Message, ToolCall, ToolResult, Usage

pytest.importorskip("openai")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.providers import Reply


@pytest.fixture
def server() -> Iterator[CannedServer]:
    """Start a server that answers in text."""
    with CannedServer(reply(openai_reply())) as started:
        yield started


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Share connections within a test, and close them."""
    made = Connections()
    yield made
    made.close()


def sent(server: CannedServer, connections: Connections, request: Request, **context: Any) -> Any:
    """Ask, and give the body that the server got."""
    client_of("openai", server.url, connections, **context).complete(request)
    return server.requests[-1].body


def read(server: CannedServer, connections: Connections, body: Any, request: Request | None = None) -> Reply:
    """Give what becomes of a reply."""
    server.answer(reply(body))
    return client_of("openai", server.url, connections).complete(request or request_of())


def test_request_is_translated(server: CannedServer, connections: Connections) -> None:
    """System prompt, tools, conversation, results and limit stand where the protocol wants them, and nothing else."""
    assert sent(server, connections, request_of(*TALK)) == {
        "model": "some-model",
        "max_tokens": 4096,
        "parallel_tool_calls": True,
        "tools": [
            {
                "type": "function",
                "function": {"name": each.name, "description": each.description, "parameters": each.parameters},
            }
            for each in TOOLS
        ],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How many?"},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [function_call("one", arguments='{"name":"Müller"}'), function_call("two", "nope", "{}")],
            },
            {"role": "tool", "tool_call_id": "one", "content": '{"open": [1, 2]}'},
            {"role": "tool", "tool_call_id": "two", "content": "unknown tool 'nope'"},
        ],
    }


def test_headers_of_a_request(server: CannedServer, connections: Connections) -> None:
    """The key is a bearer token."""
    client_of("openai", f"{server.url}/v1", connections).complete(request_of())

    assert server.requests[0].path == "/v1/chat/completions"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_what_is_not_there_is_not_sent(server: CannedServer, connections: Connections) -> None:
    """Without system prompt and tools their fields are missing; the parallel switch needs tools."""
    body = sent(server, connections, request_of(system="", tools=(), parallel_tool_calls=False))

    assert set(body) == {"model", "max_tokens", "messages"}
    assert [each["role"] for each in body["messages"]] == ["user"]


def test_calls_without_text_have_no_content(server: CannedServer, connections: Connections) -> None:
    """An assistant that only calls says nothing."""
    message = Message(role="assistant", tool_calls=(ToolCall(id="a", name="count", arguments={}),))

    assert sent(server, connections, request_of(TASK, message))["messages"][2]["content"] is None


@pytest.mark.parametrize("base_url", [None, "https://example.openai.azure.com", "https://eu.api.openai.com/v1"])
@pytest.mark.parametrize("parallel", [True, False])
def test_openais_models_have_its_newest_parameters(
    connections: Connections, base_url: str | None, parallel: object
) -> None:
    """OpenAI and Azure take the newer name of the limit, and are told of parallel calls only where there are none."""
    client: Any = client_of("openai", base_url, connections)
    made = client._sent(request_of(parallel_tool_calls=parallel))

    assert made["max_completion_tokens"] == 4096
    assert "max_tokens" not in made
    assert made["extra_body"].get("parallel_tool_calls") is (None if parallel else False)


def test_other_servers_are_told_of_parallel_calls(server: CannedServer, connections: Connections) -> None:
    """Their defaults differ."""
    assert sent(server, connections, request_of(parallel_tool_calls=False))["parallel_tool_calls"] is False


def test_tools_are_translated_once_per_trial(server: CannedServer, connections: Connections) -> None:
    """A client makes its list of tools once, and anew for other tools."""
    client: Any = client_of("openai", server.url, connections)
    request, other = request_of(), request_of(tools=TOOLS[:1])

    assert client._sent(request)["extra_body"]["tools"] is client._sent(request)["extra_body"]["tools"]
    assert len(client._sent(other)["extra_body"]["tools"]) == 1


def test_reply_is_translated(server: CannedServer, connections: Connections) -> None:
    """Text and calls are both kept; version, request id and SDK are reported."""
    body = openai_reply("tool_calls", content="I look.", tool_calls=[function_call()])
    server.answer(reply(body, headers={"x-request-id": "req_1"}))
    found = client_of("openai", server.url, connections).complete(request_of())

    assert found.message == Message(
        role="assistant",
        text="I look.",
        tool_calls=(ToolCall(id="call_1", name="look_up", arguments={"name": "ACME"}),),
    )
    assert (found.stop, found.mode, found.model_version) == ("tool_calls", "live", "gpt-5-mini-2025-08-07")
    assert found.request_id == "req_1"
    assert re.fullmatch(r"openai \d+\.\d+.*", found.sdk or "")


def test_reply_id_stands_in_for_the_header(server: CannedServer, connections: Connections) -> None:
    """A server that names no request is asked about by the completion's id."""
    assert read(server, connections, openai_reply()).request_id == "chatcmpl-1"


def test_emulator_is_told_by_its_header(server: CannedServer, connections: Connections) -> None:
    """What the emulator answers is the reference model's."""
    server.answer(reply(openai_reply(), headers={"X-Codeact-Emulator": "1"}))

    assert client_of("openai", server.url, connections).complete(request_of()).mode == "reference"


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "end"),
        ("length", "max_tokens"),
        ("content_filter", "content_filter"),
        ("tool_calls", "end"),
        ("reason_of_2031", "end"),
        (None, "end"),
    ],
)
def test_stop_reasons(server: CannedServer, connections: Connections, reason: Any, stop: str) -> None:
    """Every finish reason has a meaning, unknown ones too; without calls none are waited for."""
    assert read(server, connections, openai_reply(reason)).stop == stop


@pytest.mark.parametrize("reason", ["tool_calls", "stop", "reason_of_2031"])
def test_calls_wait_for_results(server: CannedServer, connections: Connections, reason: str) -> None:
    """A reply with calls waits for their results, whatever reason it gives."""
    assert read(server, connections, openai_reply(reason, tool_calls=[function_call()])).stop == "tool_calls"


def test_refusal_is_one(server: CannedServer, connections: Connections) -> None:
    """A refusal has its own field, and its calls are not carried out."""
    found = read(server, connections, openai_reply(content=None, refusal="No.", tool_calls=[function_call()]))

    assert (found.message, found.stop) == (Message(role="assistant", text="No."), "refusal")


def test_filtered_calls_are_not_carried_out(server: CannedServer, connections: Connections) -> None:
    """What a filter held back was stopped half way."""
    found = read(server, connections, openai_reply("content_filter", content="I", tool_calls=[function_call()]))

    assert (found.message, found.stop) == (Message(role="assistant", text="I"), "content_filter")


def test_call_cut_off_does_not_pass_for_whole(server: CannedServer, connections: Connections) -> None:
    """Arguments that the output limit cut are their text."""
    calls = [function_call(arguments='{"code": "delete(')]
    found = read(server, connections, openai_reply("length", tool_calls=calls))

    assert (found.message.tool_calls[0].arguments, found.stop) == ('{"code": "delete(', "max_tokens")


def test_empty_reply_is_a_reply(server: CannedServer, connections: Connections) -> None:
    """A model that says nothing has said nothing: that is its doing."""
    found = read(server, connections, openai_reply(content=None))

    assert (found.message, found.stop) == (Message(role="assistant"), "end")


@pytest.mark.parametrize(
    ("changes", "text", "is_billed"),
    [
        ({"choices": []}, "openai sent a reply without choices", True),
        ({"choices": None, "usage": None}, "openai sent a reply without choices", None),
        ({"choices": [{}]}, "openai sent a choice without a message", True),
        ({"choices": ["x"]}, "openai sent a choice without a message", True),
        (
            {"choices": None, "usage": None, "error": {"message": f"no room {KEY}"}},
            "openai sent an error with status 200: {'message': 'no room ***'}",
            None,
        ),
    ],
    ids=["empty", "none", "no message", "no object", "error"],
)
def test_reply_without_a_choice_is_an_error(
    server: CannedServer, connections: Connections, changes: Any, text: str, is_billed: object
) -> None:
    """A reply without a choice breaks the protocol and may be asked for again; what reports its tokens is billed."""
    with pytest.raises(ProviderError) as caught:
        read(server, connections, openai_reply() | changes)

    assert str(caught.value) == text
    assert (caught.value.status, caught.value.transient, caught.value.is_billed) == (200, True, is_billed)


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, Usage(input_tokens=10, output_tokens=5)),
        (
            {
                "prompt_tokens": 310,
                "completion_tokens": 50,
                "total_tokens": 360,
                "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 7, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 40},
            },
            Usage(
                input_tokens=310,
                output_tokens=50,
                cached_input_tokens=300,
                cache_write_tokens=7,
                reasoning_tokens=40,
            ),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 55, "prompt_tokens_details": None},
            Usage(input_tokens=10, output_tokens=45),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_cache_hit_tokens": 8},
            Usage(input_tokens=10, output_tokens=5, cached_input_tokens=8),
        ),
        ({"prompt_tokens": 10}, None),
        ({"prompt_tokens": True, "completion_tokens": -1}, None),
        ("free", None),
    ],
    ids=["plain", "cached", "reasoning apart", "deepseek", "half", "nonsense", "text"],
)
def test_usage_is_normalised(server: CannedServer, connections: Connections, given: object, usage: object) -> None:
    """Input includes the cache, output the reasoning, at servers that count it apart as well."""
    assert read(server, connections, openai_reply(usage=given)).usage == usage


def test_thoughts_and_signatures_go_back_verbatim(server: CannedServer, connections: Connections) -> None:
    """Reasoning of compatible servers and the extra of calls are kept; other unknown fields are not sent back."""
    calls = [function_call(arguments='{ "name" : "ACME" }', index=0, extra_content={"google": {"signature": "x"}})]
    found = read(
        server,
        connections,
        openai_reply("tool_calls", reasoning_content="Hm.", reasoning=None, mood="glad", tool_calls=calls),
    )
    result = Message(role="tool", tool_results=(ToolResult(call_id="call_1", name="look_up", content="1"),))
    body = sent(server, connections, request_of(TASK, found.message, result))

    assert body["messages"][2] == {
        "role": "assistant",
        "content": "Two.",
        "reasoning_content": "Hm.",
        "tool_calls": [
            function_call(arguments='{ "name" : "ACME" }', extra_content={"google": {"signature": "x"}}),
        ],
    }


def test_plain_replies_keep_nothing_more(server: CannedServer, connections: Connections) -> None:
    """What text and calls say in full is not kept twice."""
    found = read(server, connections, openai_reply(annotations=[], tool_calls=[function_call()], audio=None))

    assert found.message.native is None


def test_unknown_fields_do_no_harm(server: CannedServer, connections: Connections) -> None:
    """A reply may say more than this version knows, and less than it expects."""
    body = {"choices": [{"message": {"content": "Two.", "of_2031": 1, "tool_calls": [7]}, "x": {}}], "y": []}
    found = read(server, connections, body)

    assert (found.message, found.stop, found.usage) == (Message(role="assistant", text="Two."), "end", None)
    assert (found.model_version, found.request_id) == (None, None)


def test_content_in_parts_is_joined(server: CannedServer, connections: Connections) -> None:
    """Some servers give text in parts."""
    parts = [{"type": "text", "text": "Tw"}, {"type": "thinking"}, "x", {"type": "text", "text": "o."}]

    assert read(server, connections, openai_reply(content=parts)).message.text == "Two."


def test_missing_and_taken_ids_are_repaired(server: CannedServer, connections: Connections) -> None:
    """Each call has an id of its own, and goes back under it."""
    calls = [function_call("one"), function_call("new"), function_call("new"), function_call("", arguments="{ }")]
    message = read(server, connections, openai_reply(tool_calls=calls), request_of(*TALK)).message
    ids = [each.id for each in message.tool_calls]
    body = sent(server, connections, request_of(TASK, message))

    assert ids == ["fixed0001", "new", "fixed0002", "fixed0003"]
    assert [each["id"] for each in body["messages"][2]["tool_calls"]] == ids


@pytest.mark.parametrize(
    ("given", "arguments", "back"),
    [
        ('{"name": ', '{"name": ', {"invalid_arguments": '{"name": '}),
        ('{"name": NaN}', '{"name": NaN}', {"invalid_arguments": '{"name": NaN}'}),
        ('{"name": 1e999}', '{"name": 1e999}', {"invalid_arguments": '{"name": 1e999}'}),
        ('["ACME"]', ["ACME"], {"invalid_arguments": '["ACME"]'}),
        ("", {}, {}),
        (None, {}, {}),
        ({"name": "ACME"}, {"name": "ACME"}, {"name": "ACME"}),
    ],
    ids=["cut", "nan", "infinite", "list", "empty", "none", "object"],
)
def test_arguments_are_read_and_go_back(
    server: CannedServer, connections: Connections, given: Any, arguments: Any, back: Any
) -> None:
    """Broken arguments are their text; what goes back is always an object, which some servers insist on."""
    message = read(server, connections, openai_reply(tool_calls=[function_call(arguments=given)])).message
    body = sent(server, connections, request_of(TASK, message))

    assert message.tool_calls[0].arguments == arguments
    assert json.loads(body["messages"][2]["tool_calls"][0]["function"]["arguments"]) == back


def test_custom_calls_are_passed_on(server: CannedServer, connections: Connections) -> None:
    """A call of another kind, which nobody offered, is a call of an unknown tool."""
    call = {"id": "a", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}}
    message = read(server, connections, openai_reply(tool_calls=[call])).message

    assert message.tool_calls == (ToolCall(id="a", name="shell", arguments="ls -l"),)
    assert sent(server, connections, request_of(TASK, message))["messages"][2]["tool_calls"] == [
        function_call("a", "shell", '{"invalid_arguments":"ls -l"}')
    ]


def azure(url: str, version: str = AZURE_API_VERSION, *, is_deployment: bool = False, **query: str) -> Address:
    """Describe an address in Azure."""
    return Address(
        kind="azure",
        url=url,
        is_deployment=is_deployment,
        query=query,
        api_version=version,
        is_openai_model=True,
    )


def plain(url: str, kind: Any = "other", *, is_openai_model: bool = False, **query: str) -> Address:
    """Describe an address elsewhere."""
    return Address(
        kind=kind, url=url, is_deployment=False, query=query, api_version="", is_openai_model=is_openai_model
    )


RESOURCE = "https://example.openai.azure.com"
DEPLOYMENT = f"{RESOURCE}/openai/deployments/mine"


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        (None, plain("https://api.openai.com/v1", "openai", is_openai_model=True)),
        ("https://eu.api.openai.com/v1", plain("https://eu.api.openai.com/v1", "openai", is_openai_model=True)),
        ("http://127.0.0.1:8000/v1", plain("http://127.0.0.1:8000/v1")),
        ("http://127.0.0.1:8000", plain("http://127.0.0.1:8000/v1")),
        ("http://host/api/v3/chat/completions", plain("http://host/api/v3")),
        ("http://host/v1?team=a", plain("http://host/v1", team="a")),
        ("https://notopenai.com/v1", plain("https://notopenai.com/v1")),
        (RESOURCE, azure(RESOURCE)),
        (f"{RESOURCE}/openai", azure(RESOURCE)),
        (f"{RESOURCE}?api-version=2025-01-01", azure(RESOURCE, "2025-01-01")),
        (f"{RESOURCE}/openai/v1", plain(f"{RESOURCE}/openai/v1", is_openai_model=True)),
        ("https://x.cognitiveservices.azure.com", azure("https://x.cognitiveservices.azure.com")),
        (DEPLOYMENT, azure(DEPLOYMENT, is_deployment=True)),
        (
            f"{DEPLOYMENT}/chat/completions?api-version=2025-01-01-preview&team=a",
            azure(DEPLOYMENT, "2025-01-01-preview", is_deployment=True, team="a"),
        ),
    ],
)
def test_address_is_read(base_url: str | None, address: Address) -> None:
    """OpenAI, Azure and others are told apart by the address."""
    assert read_address(base_url, {}) == address


@pytest.mark.parametrize(
    ("query", "environment", "version"),
    [
        ("?api-version=1", {"OPENAI_API_VERSION": "2"}, "1"),
        ("", {"OPENAI_API_VERSION": "2"}, "2"),
        ("", {"OPENAI_API_VERSION": " "}, AZURE_API_VERSION),
    ],
    ids=["address", "environment", "default"],
)
def test_azure_version_is_found(query: str, environment: dict[str, str], version: str) -> None:
    """The address says the version first, then the environment, then this module."""
    assert read_address(RESOURCE + query, environment).api_version == version


def test_azure_deployment_is_asked(server: CannedServer, connections: Connections) -> None:
    """A full deployment URL is asked as it stands, with Azure's own header for the key."""
    url = f"{server.url}/openai/deployments/mine/chat/completions?api-version=2025-01-01-preview&team=a"
    environment = {"AZURE_OPENAI_API_KEY": "azure-key", "OPENAI_API_KEY": "other-key"}
    client_of("openai", url, connections, environment=environment).complete(request_of())
    received = server.requests[0]

    assert received.path.partition("?")[0] == "/openai/deployments/mine/chat/completions"
    assert set(received.path.partition("?")[2].split("&")) == {"api-version=2025-01-01-preview", "team=a"}
    assert received.headers["api-key"] == "azure-key"
    assert "authorization" not in received.headers
    assert received.body["max_completion_tokens"] == 4096


def test_azure_resource_is_asked_by_deployment(connections: Connections) -> None:
    """Of a resource the model names the deployment. The SDK builds the URL; nothing is sent."""
    client: Any = client_of("openai", RESOURCE, connections, model="mine", environment={"OPENAI_API_KEY": "x"})
    sdk = client._create.__wrapped__.__self__._client
    options = sdk._build_request.__globals__["FinalRequestOptions"](
        method="post", url="/chat/completions", json_data={"model": "mine"}
    )
    made = sdk._build_request(options)

    assert str(made.url) == f"{RESOURCE}/openai/deployments/mine/chat/completions?api-version={AZURE_API_VERSION}"


@pytest.mark.parametrize(
    ("base_url", "names"),
    [
        (None, "OPENAI_API_KEY"),
        ("https://api.openai.com/v1", "OPENAI_API_KEY"),
        (RESOURCE, "AZURE_OPENAI_API_KEY or OPENAI_API_KEY"),
        (f"{RESOURCE}/openai/v1", "AZURE_OPENAI_API_KEY or OPENAI_API_KEY"),
    ],
    ids=["default", "openai", "azure", "azure v1"],
)
def test_missing_key_names_the_variables(connections: Connections, base_url: str | None, names: str) -> None:
    """OpenAI and Azure need a key, also where their address is given."""
    with pytest.raises(UnavailableError, match=f"^no key: {names} is not set; export it, or choose another model$"):
        client_of("openai", base_url, connections, environment={})


def test_vendors_own_server_is_the_default(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address it is the vendor's, whatever the SDK's own variable says."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    client: Any = client_of("openai", None, connections)
    sdk = client._create.__wrapped__.__self__._client

    assert (str(sdk.base_url).rstrip("/"), sdk.max_retries) == ("https://api.openai.com/v1", 0)


def test_model_must_be_named(connections: Connections) -> None:
    """The provider alone is no model."""
    with pytest.raises(ProviderError, match=r"^no model of 'openai' is named; expected PROVIDER/MODEL, for example "):
        client_of("openai", None, connections, model="")
