"""Tests of what becomes of a request that fails, with the real SDKs against a loopback server."""

from __future__ import annotations

import gc
import json
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from canned_server import HANG, HANG_UP, Canned, CannedServer, cut_reply, reply, text_reply
from fakes import make_bench
from vendor_replies import (
    KEY,
    REPLIES,
    anthropic_reply,
    client_of,
    function_call,
    key_of,
    openai_reply,
    request_of,
    tool_use,
)

from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.errors import ProviderError
from pytest_codeact.providers import Connections
from pytest_codeact.providers._exchange import origin_of, split_url
from pytest_codeact.records import ToolSpec
from pytest_codeact.scenario import Budget
from pytest_codeact.trial import Case, run_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVIDERS = ("anthropic", "openai")


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    """Name a provider whose SDK is installed."""
    name: str = request.param
    pytest.importorskip(name)
    return name


@pytest.fixture
def server() -> Iterator[CannedServer]:
    """Start a server; each test says what it answers."""
    with CannedServer(HANG_UP) as started:
        yield started


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Share connections within a test, and close them."""
    made = Connections()
    yield made
    made.close()
    gc.collect()


def failed(provider: str, server: CannedServer, connections: Connections, *answers: Canned, **more: Any) -> Any:
    """Ask once, and give the error."""
    server.answer(*answers)
    with pytest.raises(ProviderError) as caught:
        client_of(provider, server.url, connections, **more).complete(request_of())
    return caught.value


def said(message: str, kind: str = "some_error", **more: Any) -> dict[str, Any]:
    """Make the body of an error as both vendors write it."""
    return {"type": "error", "error": {"type": kind, "message": message} | more}


ADVICE = {
    401: "; check the key and what it may do",
    403: "; check the key and what it may do",
    404: "; check the name of the model and --codeact-base-url",
    413: "; the request is too large: offer fewer tools, or show less with --codeact-observation-bytes",
}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_status_of_our_fault_is_final(
    provider: str, server: CannedServer, connections: Connections, status: int
) -> None:
    """What another sending cannot mend is not transient, not billed, and says what to do."""
    error = failed(provider, server, connections, reply(said("No way."), status=status))

    assert str(error) == f"{provider} answered {status}: some_error: No way.{ADVICE.get(status, '')}"
    assert (error.status, error.transient, error.is_billed, error.retry_after_s) == (status, False, False, None)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_status_that_may_pass_is_transient(
    provider: str, server: CannedServer, connections: Connections, status: int
) -> None:
    """A busy or broken server may be asked again, by us: the SDK itself asks once."""
    error = failed(provider, server, connections, reply(said("Busy."), status=status))

    assert str(error) == f"{provider} answered {status}: some_error: Busy."
    assert (error.status, error.transient, error.is_billed, error.retry_after_s) == (status, True, False, None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "soon"}, None),
    ],
    ids=["seconds", "milliseconds", "unreadable"],
)
def test_retry_after_is_read(
    provider: str,
    server: CannedServer,
    connections: Connections,
    headers: dict[str, str],
    retry_after_s: float | None,
) -> None:
    """The wait that a server asks for is kept."""
    error = failed(provider, server, connections, reply(said("Slow down."), status=429, headers=headers))

    assert (error.transient, error.retry_after_s) == (True, retry_after_s)


@pytest.mark.parametrize(("header", "transient"), [("false", False), ("true", True)])
def test_server_says_whether_to_retry(
    provider: str, server: CannedServer, connections: Connections, header: str, transient: object
) -> None:
    """The server's own word on asking again counts."""
    error = failed(provider, server, connections, reply(said("Hm."), status=429, headers={"x-should-retry": header}))

    assert error.transient is transient


def test_empty_account_is_final(server: CannedServer, connections: Connections) -> None:
    """No waiting fills an account."""
    pytest.importorskip("openai")
    body = said("You exceeded your current quota.", "insufficient_quota", code="insufficient_quota")
    error = failed("openai", server, connections, reply(body, status=429))

    assert (error.status, error.transient) == (429, False)


def test_status_with_a_web_page_is_cut_short(provider: str, server: CannedServer, connections: Connections) -> None:
    """A proxy's page is shown in one line, and not whole."""
    page = "<html>\n<title>Bad gateway</title>" + "x" * 1_000
    error = failed(provider, server, connections, text_reply(page, status=502, kind="text/html"))

    assert str(error).startswith(f"{provider} answered 502: <html> <title>Bad gateway</title>xxx")
    assert len(str(error)) < 340


def test_status_without_a_reason_says_so(provider: str, server: CannedServer, connections: Connections) -> None:
    """An empty body leaves the status."""
    error = failed(provider, server, connections, text_reply("", status=500))

    assert str(error).startswith(f"{provider} answered 500: Error code: 500")


@pytest.mark.parametrize("answer", ["cut", "hang up"])
def test_cut_connection_may_be_billed(
    provider: str, server: CannedServer, connections: Connections, answer: str
) -> None:
    """Where no whole answer came nobody knows whether it is paid for."""
    error = failed(provider, server, connections, cut_reply(REPLIES[provider]) if answer == "cut" else HANG_UP)

    assert str(error).startswith(
        f"{provider} at {server.url} cut the connection before its answer was whole (RemoteProtocolError: "
    )
    assert (error.status, error.transient, error.is_billed) == (None, True, None)


def test_hanging_server_is_given_up(provider: str, server: CannedServer, connections: Connections) -> None:
    """A server that sends nothing has failed when the time is up."""
    error = failed(provider, server, connections, HANG, timeout_s=0.2)

    assert str(error) == (
        f"{provider} at {server.url} sent nothing for 0.2 s; if it only needs longer, allow more with "
        "--codeact-request-timeout"
    )
    assert (error.status, error.transient, error.is_billed) == (None, True, None)


def test_refused_connection_is_not_billed(provider: str, connections: Connections) -> None:
    """What was never sent costs nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = client_of(provider, f"http://127.0.0.1:{port}", connections)
    with pytest.raises(
        ProviderError,
        match=rf"^{provider} at http://127\.0\.0\.1:{port} cannot be connected to \(.*refused\); "
        r"check the network and --codeact-base-url$",
    ) as caught:
        client.complete(request_of())

    assert (caught.value.status, caught.value.transient, caught.value.is_billed) == (None, True, False)


def test_malformed_json_may_be_billed(provider: str, server: CannedServer, connections: Connections) -> None:
    """What calls itself JSON and is none was garbled on its way."""
    error = failed(provider, server, connections, text_reply('{"id": "x", '))

    assert str(error) == f'{provider} answered 200 with application/json that is no JSON: \'{{"id": "x",\''
    assert (error.status, error.transient, error.is_billed) == (200, True, None)


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", '"x"', "null"], ids=["deep", "list", "text", "null"])
def test_json_of_another_kind_is_refused(
    provider: str, server: CannedServer, connections: Connections, text: str
) -> None:
    """A reply is an object."""
    error = failed(provider, server, connections, text_reply(text))

    assert " that is no JSON" in str(error) or " and no object" in str(error)
    assert error.is_billed is None


def test_wrong_content_type_with_a_page_is_final(provider: str, server: CannedServer, connections: Connections) -> None:
    """A web page where a reply should be is a wrong address."""
    error = failed(provider, server, connections, text_reply("<html>Hello</html>", kind="text/html"))

    assert str(error) == (
        f"{provider} answered 200 with text/html that is no JSON: '<html>Hello</html>'; check --codeact-base-url"
    )
    assert (error.transient, error.is_billed) == (False, None)


def test_wrong_content_type_with_a_reply_is_read(provider: str, server: CannedServer, connections: Connections) -> None:
    """What a reply is called matters less than what it is."""
    server.answer(text_reply(json.dumps(REPLIES[provider]), kind="text/plain"))

    assert client_of(provider, server.url, connections).complete(request_of()).message.text == "Two."


def test_redirect_of_a_plain_server_is_not_followed(
    provider: str, server: CannedServer, connections: Connections
) -> None:
    """Its client verifies no certificates, so it must not be led to TLS."""
    answer = reply(said("Moved."), status=307, headers={"location": "https://example.invalid/"})

    assert failed(provider, server, connections, answer).status == 307


@pytest.mark.parametrize("where", ["short", "at the cut", "page"])
def test_key_is_in_no_error(provider: str, server: CannedServer, connections: Connections, where: str) -> None:
    """A server that says the key back does not get it into a message, nor into what is printed with it."""
    filler = {"short": "", "at the cut": "x" * 275, "page": ""}[where]
    answer = (
        text_reply(f"<html>{KEY}</html>", kind="text/html")
        if where == "page"
        else reply(said(f"{filler}{KEY} is wrong."), status=401)
    )
    error = failed(provider, server, connections, answer)
    printed = "".join(traceback.format_exception(error))

    assert KEY[:12] not in printed
    assert "***" in printed
    assert (error.__cause__, error.__context__) == (None, None)


def test_connection_is_shared_by_trials(provider: str, server: CannedServer, connections: Connections) -> None:
    """Clients of one process use one connection, and it is closed with them."""
    server.answer(reply(REPLIES[provider]))
    for _ in range(3):
        client_of(provider, server.url, connections).complete(request_of())

    assert {each.connection for each in server.requests} == {1}


def test_threads_share_a_client(provider: str, server: CannedServer, connections: Connections) -> None:
    """Trials that run at once ask through one client, each for itself."""
    server.answer(reply(REPLIES[provider]))
    clients = [client_of(provider, server.url, connections) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda client: client.complete(request_of()).message.text, clients * 5))

    assert texts == ["Two."] * 40
    assert max(each.connection for each in server.requests) <= 8


def test_other_key_is_another_connection(provider: str, server: CannedServer, connections: Connections) -> None:
    """What a client sends its key with is not lent to another key."""
    server.answer(reply(REPLIES[provider]))
    name = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}[provider]
    for key in ("first", "second"):
        client_of(provider, server.url, connections, environment={name: key}).complete(request_of())

    assert [key_of(each) for each in server.requests] == ["first", "second"]


def test_own_server_needs_no_key(provider: str, server: CannedServer, connections: Connections) -> None:
    """Where no key is set, none of the environment's leaks in either: a word stands for it."""
    server.answer(reply(REPLIES[provider]))
    client_of(provider, server.url, connections, environment={}).complete(request_of())

    assert key_of(server.requests[0]) == "none"


def test_environment_does_not_divert(
    provider: str, server: CannedServer, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's own variables for address and proxy change nothing for a server on this machine."""
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answer(reply(REPLIES[provider]))

    assert client_of(provider, server.url, connections).complete(request_of()).message.text == "Two."


def test_lone_surrogates_are_replaced(provider: str, server: CannedServer, connections: Connections) -> None:
    """Half a character could not be sent back; whole ones stay, however they are written."""
    text = json.dumps(REPLIES[provider]).replace("Two.", "\\ud83d \\ud83d\\ude00 ü")
    server.answer(text_reply(text), reply(REPLIES[provider]))
    client = client_of(provider, server.url, connections)
    message = client.complete(request_of()).message

    assert message.text == "� 😀 ü"
    assert client.complete(request_of(request_of().messages[0], message)).message.text == "Two."


def test_request_that_cannot_be_written_is_an_error(
    provider: str, server: CannedServer, connections: Connections
) -> None:
    """What is no JSON never leaves."""
    spec = ToolSpec(name="f", description="", parameters={"default": float("nan")})
    with pytest.raises(ProviderError, match=f"^{provider}: its SDK could not send the request: ValueError: ") as caught:
        client_of(provider, server.url, connections).complete(request_of(tools=(spec,)))

    assert (caught.value.transient, caught.value.is_billed) == (False, False)
    assert server.requests == []


def test_query_of_an_address_survives(provider: str, server: CannedServer, connections: Connections) -> None:
    """What a gateway wants in the query is in every request, and no message holds it."""
    server.answer(reply(REPLIES[provider]), reply(said("secret-value is bad"), status=400))
    client = client_of(provider, f"{server.url}/v1?token=secret-value&b=", connections)
    client.complete(request_of())
    with pytest.raises(ProviderError, match=r"\*\*\* is bad"):
        client.complete(request_of())

    path = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[provider]
    assert server.requests[0].path == f"{path}?token=secret-value&b="


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://host/v1/", ("http://host/v1", {})),
        ("http://host/v1?a=1&b=%20", ("http://host/v1", {"a": "1", "b": " "})),
        ("http://host", ("http://host", {})),
    ],
)
def test_address_and_query_are_split(url: str, parts: object) -> None:
    """An address has no slash at its end, and its query is apart."""
    assert split_url(url) == parts


def test_origin_tells_no_secret() -> None:
    """Of an address a message shows scheme, host and port."""
    assert origin_of("https://user:secret@host:8443/path?key=secret") == "https://host:8443"


SAID = {
    "anthropic": (
        anthropic_reply(
            {"type": "text", "text": "I put one."},
            tool_use("a", "put", input={"name": "cup", "count": 3}),
            tool_use("a", "fetch", input={}),
            tool_use("", "put", input='{"name": "cu'),
            stop_reason="tool_use",
        ),
        anthropic_reply({"type": "text", "text": "Done."}),
    ),
    "openai": (
        openai_reply(
            "tool_calls",
            content="I put one.",
            tool_calls=[
                function_call("a", "put", '{"name": "cup", "count": 3}'),
                function_call("a", "fetch", "{}"),
                function_call("", "put", '{"name": "cu'),
            ],
        ),
        openai_reply(content="Done."),
    ),
}
"""Text with a good call, one of an unknown tool under a taken id, and a broken one without an id; then text alone."""


def test_trial_goes_on_after_odd_calls(provider: str, server: CannedServer, connections: Connections) -> None:
    """The good call is carried out, the others are errors that the model is shown, each under its own id."""
    server.answer(*map(reply, SAID[provider]))
    bench, _ = make_bench()
    trial = run_trial(
        scenario_id="test_a.py::test_one",
        prompt="Put three cups on the shelf.",
        case=Case(arm="direct", model=f"{provider}/m"),
        arm=DirectArm(parallel=True),
        provider=client_of(provider, server.url, connections),
        bench=bench,
        budget=Budget(),
    )
    results = trial.messages[2].tool_results
    sent = server.requests[1].body["messages"]
    ids = (
        [each["tool_use_id"] for each in sent[2]["content"]]
        if provider == "anthropic"
        else [each["tool_call_id"] for each in sent[3:]]
    )

    assert (trial.record.ended, trial.answer, trial.state) == ("answered", "Done.", {"cup": 5})
    assert [each.is_error for each in results] == [False, True, True]
    assert "unknown tool 'fetch'" in results[1].content
    assert "expected a JSON object, got the text, which is not valid JSON" in results[2].content
    assert ids == ["a", "fixed0001", "fixed0002"]
    assert (trial.record.mode, len(trial.record.turns)) == ("live", 2)
    assert [each.usage.input_tokens for each in trial.record.turns if each.usage] == [10, 10]
    assert (trial.record.sdk or "").startswith(f"{provider} ")
