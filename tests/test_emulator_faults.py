"""Faults on order: which request has them, and what a vendor's SDK meets, whole and streamed."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from sdk_talk import PROVIDERS, talker
from test_emulator_wires import CALLS, RESULTS, TASK, learned, post, request_of

from pytest_codeact.emulator import KINDS, Emulator, Order, Speed
from pytest_codeact.errors import ChoiceError
from pytest_codeact.providers import Solution
from pytest_codeact.records import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.emulator import Seen

for sdk in ("anthropic", "mistralai", "openai", "google.genai", "uvicorn"):
    pytest.importorskip(sdk)


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    """Serve an emulator that knows one task."""
    with Emulator() as running:
        yield learned(running)


@pytest.fixture
def emulator(served: Emulator) -> Iterator[Emulator]:
    """Give an emulator without orders."""
    served.clear_orders()
    yield served
    served.clear_orders()


PATHS = {
    "anthropic": "/anthropic/v1/messages",
    "mistral": "/mistral/v1/chat/completions",
    "openai": "/openai/v1/chat/completions",
    "google": "/google/v1beta/models/m:generateContent",
}


def body_of(provider: str, task: str = "Hi") -> dict[str, Any]:
    """Make a small request."""
    if provider == "google":
        return {"contents": [{"role": "user", "parts": [{"text": task}]}]}
    return {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": task}]}


ERRORS = {
    "anthropic": {
        "400": "invalid_request_error",
        "401": "authentication_error",
        "403": "permission_error",
        "404": "not_found_error",
        "413": "request_too_large",
        "429": "rate_limit_error",
        "500": "api_error",
        "529": "overloaded_error",
    },
    "openai": {"401": "invalid_request_error", "429": "requests", "500": "server_error"},
    "mistral": {"401": "unauthorized", "429": "rate_limited", "500": "internal_server_error"},
    "google": {"400": "INVALID_ARGUMENT", "401": "UNAUTHENTICATED", "429": "RESOURCE_EXHAUSTED", "500": "INTERNAL"},
}


@pytest.mark.parametrize(
    ("provider", "status"), [(provider, status) for provider, known in ERRORS.items() for status in known]
)
def test_error_has_the_vendors_form(emulator: Emulator, provider: str, status: str) -> None:
    """An ordered status comes with the vendor's own body, its kind of error and the text of the order."""
    emulator.order(f"{status}:text=so it is")
    got, fields, headers = post(emulator, PATHS[provider], body_of(provider))

    assert got == int(status)
    error = fields if provider == "mistral" else fields["error"]
    assert error["message"] == "so it is"
    assert (error["status"] if provider == "google" else error["type"]) == ERRORS[provider][status]
    assert "retry-after" not in headers
    assert emulator.requests[-1].fault == f"{status}:text=so it is"
    assert emulator.requests[-1].status == int(status)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_bad_gateway_is_a_proxys_page(emulator: Emulator, provider: str) -> None:
    """A 502 is HTML, as proxies send it."""
    emulator.order("502")
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=20)
    connection.request("POST", PATHS[provider], json.dumps(body_of(provider)))
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()

    assert (response.status, response.getheader("content-type")) == (502, "text/html")
    assert "<title>502 bad gateway</title>" in text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_rate_limit_says_when_to_come_again(emulator: Emulator, provider: str) -> None:
    """Retry-After is what the order says; the next request is answered."""
    emulator.order("429:retry-after=7")

    assert post(emulator, PATHS[provider], body_of(provider))[2]["retry-after"] == "7"
    assert post(emulator, PATHS[provider], body_of(provider))[0] == 200


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["cut", "malformed-json", "wrong-content-type", "429", "529", "401"])
def test_sdk_meets_the_fault(emulator: Emulator, provider: str, streamed: bool, fault: str) -> None:
    """An answer that is damaged or refused is an error of the SDK's; the next request is answered."""
    emulator.order(fault)
    with talker(provider, emulator, streamed=streamed) as talking:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each SDK has its own
            talking.complete(request_of())
        reply = talking.complete(request_of())

    assert emulator.requests[-2].fault == fault
    assert reply.message.tool_calls == CALLS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_hang_lasts_until_the_client_leaves(emulator: Emulator, provider: str) -> None:
    """Nothing comes; other requests are answered meanwhile."""
    emulator.order("hang")
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=0.3)
    connection.request("POST", PATHS[provider], json.dumps(body_of(provider)))

    assert post(emulator, PATHS[provider], body_of(provider))[0] == 200
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


def test_server_closes_while_a_request_hangs() -> None:
    """A hanging client does not keep the server, and no thread of it stays."""
    with Emulator() as running:
        running.order("hang")
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=20)
        connection.request("POST", PATHS["openai"], json.dumps(body_of("openai")))
        while not running.requests:
            time.sleep(0.01)

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_slow_bytes_arrive_in_the_end(emulator: Emulator, provider: str, streamed: bool) -> None:
    """A body that drips is whole all the same."""
    emulator.order("slow:bytes=200,pause=0.001")
    with talker(provider, emulator, streamed=streamed) as talking:
        reply = talking.complete(request_of())

    assert reply.message.tool_calls == CALLS
    assert emulator.requests[-1].fault == "slow:bytes=200,pause=0.001"


def test_cut_body_is_as_long_as_ordered(emulator: Emulator) -> None:
    """So many bytes come of the body that was announced."""
    emulator.order("cut:bytes=10")
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=20)
    connection.request("POST", PATHS["openai"], json.dumps(body_of("openai")))
    with pytest.raises(http.client.IncompleteRead) as caught:
        connection.getresponse().read()
    connection.close()

    assert len(caught.value.partial) == 10


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_mixed_and_unknown_tool(emulator: Emulator, provider: str, streamed: bool) -> None:
    """Text stands beside the calls; a call names a tool that does not exist."""
    emulator.order("mixed")
    emulator.order("unknown-tool")
    with talker(provider, emulator, streamed=streamed) as talking:
        mixed = talking.complete(request_of())
        unknown = talking.complete(request_of())

    assert (mixed.message.text, mixed.message.tool_calls) == ("I will look into it.", CALLS)
    assert [call.name for call in unknown.message.tool_calls] == ["put_nope", "put"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", ["anthropic", "mistral", "openai"])
def test_duplicate_ids(emulator: Emulator, provider: str, streamed: bool) -> None:
    """Both calls come with one id: the client has to give the second another."""
    emulator.order("duplicate-ids")
    with talker(provider, emulator, streamed=streamed) as talking:
        reply = talking.complete(request_of())

    assert [call.id for call in reply.message.tool_calls] == ["call00001", "fixed0001"]


def test_duplicate_of_an_earlier_id(emulator: Emulator) -> None:
    """A single call takes the id of an earlier one; the first turn, which has none, is left alone."""
    emulator.order("duplicate-ids", when=lambda seen: seen.turn == 2)
    with talker("openai", emulator) as talking:
        first = talking.complete(request_of())
        second = talking.complete(request_of(first.message, Message(role="tool", tool_results=RESULTS)))

    assert [call.id for call in first.message.tool_calls] == ["call00001", "call00002"]
    assert [call.id for call in second.message.tool_calls] == ["fixed0001"]


@pytest.mark.parametrize("provider", ["mistral", "google"])
def test_missing_ids(emulator: Emulator, provider: str) -> None:
    """Calls come without ids where the SDK lets them through."""
    emulator.order("missing-ids")
    with talker(provider, emulator) as talking:
        reply = talking.complete(request_of())

    assert [call.id for call in reply.message.tool_calls] == ["fixed0001", "fixed0002"]


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_missing_ids_on_the_wire(emulator: Emulator, provider: str) -> None:
    """Where the SDK's models demand an id, the JSON has none all the same."""
    emulator.order("missing-ids")
    with talker(provider, emulator) as talking, pytest.raises(Exception, match="id"):
        talking.complete(request_of())


@pytest.mark.parametrize("provider", ["mistral", "openai"])
@pytest.mark.parametrize(
    ("fault", "arguments", "stop"),
    [
        ("broken-arguments", '{"name": "pan", ', "tool_calls"),
        ("max-tokens-call", '{"name"', "max_tokens"),
    ],
)
def test_chat_arguments_are_broken(emulator: Emulator, provider: str, fault: str, arguments: str, stop: str) -> None:
    """Chat protocols hand over what the model wrote."""
    emulator.order(fault)
    with talker(provider, emulator) as talking:
        reply = talking.complete(request_of())

    assert [call.arguments for call in reply.message.tool_calls] == [CALLS[0].arguments, arguments]
    assert reply.stop == stop


def test_anthropic_call_ends_at_the_limit(emulator: Emulator) -> None:
    """A call cut at max_tokens has what was complete of its input."""
    emulator.order("max-tokens-call")
    with talker("anthropic", emulator) as talking:
        reply = talking.complete(request_of())

    assert [call.arguments for call in reply.message.tool_calls] == [CALLS[0].arguments, {}]
    assert reply.stop == "max_tokens"


def test_google_leaves_out_what_it_cannot_write(emulator: Emulator) -> None:
    """Gemini says MALFORMED_FUNCTION_CALL or MAX_TOKENS and keeps the call for itself."""
    emulator.order("broken-arguments")
    emulator.order("max-tokens-call")
    with talker("google", emulator) as talking:
        broken, cut = talking.complete(request_of()), talking.complete(request_of())

    assert (broken.stop, broken.message.tool_calls) == ("MALFORMED_FUNCTION_CALL", CALLS[:1])
    assert (cut.stop, cut.message.tool_calls) == ("max_tokens", CALLS[:1])


@pytest.mark.parametrize(
    ("provider", "refusal", "withheld"),
    [
        ("anthropic", ("refusal", "I can't help with that."), ("refusal", "")),
        ("openai", ("refusal", "I can't help with that."), ("content_filter", "")),
        ("mistral", ("end", "I can't help with that."), ("content_filter", "")),
        ("google", ("PROHIBITED_CONTENT", ""), ("SAFETY", "")),
    ],
)
def test_refusal_and_content_filter(
    emulator: Emulator, provider: str, refusal: tuple[str, str], withheld: tuple[str, str]
) -> None:
    """Each vendor says in its own way that there is no answer."""
    emulator.order("refusal")
    emulator.order("content-filter")
    with talker(provider, emulator) as talking:
        first, second = talking.complete(request_of()), talking.complete(request_of())

    assert (first.stop, first.message.text) == refusal
    assert (second.stop, second.message.text) == withheld


@pytest.mark.parametrize(
    ("provider", "field"),
    [("anthropic", "content"), ("openai", "choices"), ("mistral", "choices"), ("google", "candidates")],
)
def test_empty_reply(emulator: Emulator, provider: str, field: str) -> None:
    """There is nothing in it, but its usage."""
    emulator.order("empty")
    status, fields, _ = post(emulator, PATHS[provider], body_of(provider))

    assert status == 200
    assert fields.get(field, []) == []
    assert fields.get("usage") or fields.get("usageMetadata")


def test_program_is_cut_only_where_there_is_one(emulator: Emulator) -> None:
    """An order that a reply cannot have waits for one that can."""
    emulator.order("max-tokens-program")
    with talker("openai", emulator) as talking:
        reply = talking.complete(request_of())

    assert reply.message.tool_calls == CALLS
    assert emulator.requests[-1].fault == ""
    tool = {"type": "function", "function": {"name": "run_code", "parameters": {"type": "object"}}}
    _, fields, _ = post(emulator, PATHS["openai"], {**body_of("openai", TASK), "tools": [tool]})
    choice = fields["choices"][0]

    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"].startswith('{"code": "')
    assert not choice["message"]["tool_calls"][0]["function"]["arguments"].endswith("}")
    assert emulator.requests[-1].fault == "max-tokens-program"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_usage_says_what_was_cached(emulator: Emulator, provider: str) -> None:
    """Cache reads and writes and reasoning stand in the usage as each vendor counts them."""
    emulator.order("usage:cached=2,written=1,reasoning=3")
    plain = post(emulator, PATHS[provider], body_of(provider))[1]
    total = plain.get("usage") or plain["usageMetadata"]
    match provider:
        case "anthropic":
            assert (total["cache_read_input_tokens"], total["cache_creation_input_tokens"]) == (2, 1)
            read = total["input_tokens"] + 3
        case "openai":
            assert total["completion_tokens_details"]["reasoning_tokens"] == 3
            assert total["prompt_tokens_details"]["cached_tokens"] == 2
            read = total["prompt_tokens"]
        case "mistral":
            assert total["prompt_tokens_details"]["cached_tokens"] == 2
            read = total["prompt_tokens"]
        case _:
            assert (total["cachedContentTokenCount"], total["thoughtsTokenCount"]) == (2, 3)
            read = total["promptTokenCount"]
    # <s> [INST] Hi [/INST]
    assert read == 4


def test_faults_are_ordered_for_certain_requests(emulator: Emulator) -> None:
    """The n-th, the next k, every one, those of a task, those that a function picks."""

    def statuses(count: int, task: str = "Hi") -> list[int]:
        return [post(emulator, PATHS["openai"], body_of("openai", task))[0] for _ in range(count)]

    emulator.order("500", first=2, times=2)
    assert statuses(4) == [200, 500, 500, 200]
    emulator.order("500", task="pots")
    assert statuses(2) + statuses(2, "Count pots.") == [200, 200, 500, 200]

    def is_mistral(seen: Seen) -> bool:
        return seen.provider == "mistral"

    emulator.order("500", when=is_mistral, times=None)
    assert statuses(2) == [200, 200]
    assert post(emulator, PATHS["mistral"], body_of("mistral"))[0] == 500
    emulator.place(Order.parse("413@every"))
    assert statuses(3) == [413, 413, 413]
    emulator.clear_orders()
    assert statuses(1) == [200]


def test_order_is_read_from_a_text() -> None:
    """The command line's form says the same as the arguments."""
    order = Order.parse("429:retry-after=2,text=slow down@3,next=2,turn=4,task=a, b")

    assert str(order.fault) == "429:retry-after=2,text=slow down"
    assert (order.first, order.times, order.turn, order.task) == (3, 2, 4, "a, b")
    assert (Order.parse("hang").times, Order.parse("hang@every").times) == (1, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nope", "unknown fault 'nope'; known faults: '400', '401'"),
        ("429:when=2", "fault '429' takes no 'when=2'; allowed: text=..., retry-after=...; the form is KIND"),
        ("hang:x", "fault 'hang' takes no 'x'; allowed: none"),
        ("slow:bytes=few", "fault 'slow': bytes must be a number from 0; got 'few'"),
        ("hang@0", "cannot read '0' in the fault 'hang@0'; allowed after @: N, next=K, every, turn=N, task=TEXT"),
        ("hang@soon", "cannot read 'soon' in the fault 'hang@soon'"),
    ],
)
def test_order_that_cannot_be_read_is_refused(text: str, said: str) -> None:
    """The message says what is wrong and what is allowed."""
    with pytest.raises(ChoiceError) as caught:
        Order.parse(text)

    assert said in str(caught.value)


def test_document_lists_every_fault() -> None:
    """docs/emulator.md has a row for each kind."""
    from pathlib import Path

    text = (Path(__file__).parent.parent / "docs" / "emulator.md").read_text()
    rows = {
        cell.strip(" `")
        for line in text.splitlines()
        if line.startswith("| `")
        for cell in line.split("|")[1].split(",")
    }

    assert set(KINDS) <= rows


def _say(tools: Any) -> Any:
    return "a few words, so that there are tokens"


def test_speed_is_simulated() -> None:
    """An answer takes the time to the first token and that of its tokens."""
    solution = Solution(function=_say, parameters={}, read_only=frozenset())
    with Emulator(speed=Speed(ttft_s=0.1, tokens_per_s=200)) as running:
        running.learn("Say x.", solution)
        began = time.perf_counter()
        _, fields, _ = post(running, PATHS["openai"], body_of("openai", "Say x."))
        took_s = time.perf_counter() - began

    # At least: a loaded machine takes longer.
    assert took_s >= 0.1 + fields["usage"]["completion_tokens"] / 200
