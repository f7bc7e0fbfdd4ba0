"""Each protocol read with its vendor's own SDK: replies, streams, token counts, lists of models, errors."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Shelf, make_bench
from sdk_talk import PROVIDERS, Talker, anthropic_client, google_client, mistral_client, openai_client, talker

from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.emulator import BASES, Emulator, Order
from pytest_codeact.errors import UnknownNameError
from pytest_codeact.providers import Reply, Request, Solution
from pytest_codeact.providers._tekken import load_counter
from pytest_codeact.records import Message, ToolCall, ToolResult
from pytest_codeact.scenario import Budget
from pytest_codeact.tools import Toolbox
from pytest_codeact.trial import Case, run_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

for sdk in ("anthropic", "mistralai", "openai", "google.genai", "uvicorn"):
    pytest.importorskip(sdk)

BOX = Toolbox(Shelf())
TASK = "Put a pot and a pan on the shelf. How many pots are there?"


def solve(tools: Any) -> Any:
    """Put two things, look at one."""
    tools.put(name="pot", count=3)
    tools.put(name="pan")
    return tools.look(name="pot")["count"]


def learned(emulator: Emulator) -> Emulator:
    """Let an emulator learn the task."""
    emulator.learn(TASK, Solution(function=solve, parameters=BOX.parameters, read_only=BOX.read_only))
    return emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Serve an emulator that knows one task."""
    with Emulator() as running:
        yield learned(running)


def request_of(*messages: Message, task: str = TASK, parallel: bool = True) -> Request:
    """Make a request with the shelf's tools."""
    return Request(
        system="Be brief.",
        messages=(Message(role="user", text=task), *messages),
        tools=BOX.specs,
        parallel_tool_calls=parallel,
        max_output_tokens=1000,
    )


def post(emulator: Emulator, path: str, body: object, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Send a body and give status, JSON and headers of the answer."""
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=20)
    try:
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request("POST" if body is not None else "GET", path, text if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), {k.lower(): v for k, v in response.getheaders()}
    finally:
        connection.close()


CALLS = (
    ToolCall(id="call00001", name="put", arguments={"name": "pot", "count": 3}),
    ToolCall(id="call00002", name="put", arguments={"name": "pan"}),
)
RESULTS = (
    ToolResult(call_id="call00001", name="put", content='{"name": "pot", "count": 3}'),
    ToolResult(call_id="call00002", name="put", content='{"name": "pan", "count": 1}'),
)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_reply_survives_the_wire(emulator: Emulator, provider: str, streamed: bool) -> None:
    """Calls and texts come out of the SDK as the model made them, whole and streamed alike."""
    with talker(provider, emulator, streamed=streamed) as talking:
        first = talking.complete(request_of())
        last = talking.complete(
            request_of(
                first.message,
                Message(role="tool", tool_results=RESULTS),
                Message(
                    role="assistant", tool_calls=(look := (ToolCall(id="c3", name="look", arguments={"name": "pot"}),))
                ),
                Message(
                    role="tool",
                    tool_results=(ToolResult(call_id=look[0].id, name="look", content='{"name": "pot", "count": 3}'),),
                ),
            )
        )

    assert first.message.tool_calls == CALLS
    assert first.stop == "tool_calls"
    assert (last.message.text, last.message.tool_calls, last.stop) == ("3", (), "end")
    assert first.usage is not None
    assert first.usage.input_tokens > 100


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unknown_task_is_answered_in_words(emulator: Emulator, provider: str) -> None:
    """What the emulator has no solution for it says so, as a reply that ends."""
    with talker(provider, emulator) as talking:
        reply = talking.complete(request_of(task="What is the weather?"))

    assert reply.message.text.startswith("The emulator knows no solution for this task: 'What is the weather?'.")
    assert reply.stop == "end"
    assert reply.usage is not None
    assert reply.usage.output_tokens > 5


@pytest.mark.parametrize("provider", ["anthropic", "mistral", "openai"])
def test_calls_can_be_forbidden_to_be_parallel(emulator: Emulator, provider: str) -> None:
    """The switch of the protocol reaches the model."""
    with talker(provider, emulator) as talking:
        reply = talking.complete(request_of(parallel=False))

    assert reply.message.tool_calls == CALLS[:1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_result_is_read_as_one(emulator: Emulator, provider: str) -> None:
    """A tool's error reaches the solution as one, also where the protocol has no mark for it."""

    def careful(tools: Any) -> Any:
        try:
            return tools.look(name="vase")["count"]
        except Exception as error:  # noqa: BLE001 - the solution's own way
            return f"none: {error}"

    task = f"{provider}: how many vases?"
    emulator.learn(task, Solution(function=careful, parameters=BOX.parameters, read_only=BOX.read_only))
    with talker(provider, emulator) as talking:
        first = talking.complete(request_of(task=task))
        result = ToolResult(
            call_id=first.message.tool_calls[0].id, name="look", content="no item 'vase'", is_error=True
        )
        reply = talking.complete(request_of(first.message, Message(role="tool", tool_results=(result,)), task=task))

    assert reply.message.text == "none: no item 'vase'"


def test_anthropic_counts_tokens_and_lists_models(emulator: Emulator) -> None:
    """count_tokens says what the message costs; models and their beta variants are what the SDK's models say."""
    messages = [{"role": "user", "content": "What is the weather?"}]
    with anthropic_client(emulator.base_url("anthropic")) as client:
        counted = client.messages.count_tokens(model="m", messages=messages)
        message = client.messages.create(model="m", max_tokens=9, messages=messages)
        beta = client.beta.messages.create(model="m", max_tokens=9, messages=messages)
        listed, one = client.models.list(), client.beta.models.retrieve("claude-x")

    assert counted.input_tokens == message.usage.input_tokens == beta.usage.input_tokens
    assert message.id.startswith("msg_")
    assert message.id != beta.id
    assert message._request_id.startswith("req_")
    assert [each.id for each in listed] == ["reference"]
    assert one.id == "claude-x"


def test_openai_lists_models_and_speaks_azure(emulator: Emulator) -> None:
    """Models are listed; Azure's addresses name the model as a deployment."""
    import openai

    with openai_client(emulator.base_url("openai")) as client:
        assert [each.id for each in client.models.list()] == ["reference"]
        assert client.models.retrieve("gpt-x").id == "gpt-x"
    with openai.AzureOpenAI(
        azure_endpoint=emulator.url, azure_deployment="mine", api_version="2025-01-01", api_key="k", max_retries=0
    ) as azure:
        reply = azure.chat.completions.create(model="ignored", messages=[{"role": "user", "content": "Hi"}])

    assert reply.id.startswith("chatcmpl-")
    assert emulator.requests[-1].path == "/openai/deployments/mine/chat/completions"


def test_mistral_lists_models(emulator: Emulator) -> None:
    """Models are what the SDK's models say."""
    with mistral_client(emulator.base_url("mistral")) as client:
        listed = client.models.list()

    assert [each.id for each in listed.data] == ["reference"]


def test_google_counts_tokens_and_lists_models(emulator: Emulator) -> None:
    """CountTokens says what a request costs; models are what the SDK's models say."""
    with google_client(emulator.base_url("google")) as client:
        counted = client.models.count_tokens(model="gemini-x", contents="What is the weather?")
        reply = client.models.generate_content(model="gemini-x", contents="What is the weather?")
        listed = list(client.models.list())
        one = client.models.get(model="gemini-x")

    assert counted.total_tokens == reply.usage_metadata.prompt_token_count
    assert reply.model_version == "gemini-x"
    assert [each.name for each in listed] == ["models/reference"]
    assert one.name == "models/gemini-x"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_root_speaks_every_protocol(emulator: Emulator, provider: str) -> None:
    """The bare address is a base URL for every SDK."""
    clients: dict[str, Any] = {
        "anthropic": anthropic_client,
        "openai": openai_client,
        "mistral": mistral_client,
        "google": google_client,
    }
    user = [{"role": "user", "content": "Hi"}]
    with clients[provider](emulator.url) as client:
        match provider:
            case "anthropic":
                client.messages.create(model="m", max_tokens=9, messages=user)
                client.models.list()
            case "openai":
                client.chat.completions.create(model="m", messages=user)
            case "mistral":
                client.chat.complete(model="m", messages=user)
                client.models.list()
            case "google":
                client.models.generate_content(model="m", contents="Hi")
                list(client.models.list())

    assert emulator.requests[-1].provider == provider


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/anthropic/v1/messages", "{", 400, "the body is no JSON"),
        ("/anthropic/v1/messages", [], 400, "must be a JSON object"),
        ("/anthropic/v1/messages", {"max_tokens": 1, "messages": []}, 400, "model: Field required"),
        ("/anthropic/v1/messages", {"model": "m", "messages": []}, 400, "max_tokens: Field required"),
        ("/anthropic/v1/messages", {"model": "m", "max_tokens": 0, "messages": []}, 400, "greater than or equal"),
        ("/anthropic/v1/messages", {"model": "m", "max_tokens": 1, "messages": []}, 400, "at least one message"),
        (
            "/anthropic/v1/messages",
            {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "image"}]}]},
            400,
            "reads no 'image' block here; allowed: 'text'",
        ),
        (
            "/anthropic/v1/messages",
            {
                "model": "m",
                "max_tokens": 1,
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
                ],
            },
            400,
            "tool result 't' has no tool call in the message before",
        ),
        ("/openai/v1/chat/completions", {"model": "m"}, 400, "messages: Field required"),
        ("/openai/v1/chat/completions", {"model": "m", "messages": 3}, 400, "messages: Input should be a valid array"),
        (
            "/openai/v1/chat/completions",
            {"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "x"}]},
            400,
            "messages.1.tool_call_id: Field required",
        ),
        (
            "/openai/v1/chat/completions",
            {"model": "m", "messages": [{"role": "robot", "content": "x"}]},
            400,
            "messages.0.role: Input should be",
        ),
        ("/mistral/v1/chat/completions", {"model": "m"}, 422, '"loc": ["body", "messages"]'),
        (
            "/mistral/v1/chat/completions",
            {"model": "m", "messages": [{"role": "assistant", "content": "x"}]},
            400,
            "first message must be of the user",
        ),
        ("/google/v1beta/models/m:generateContent", {}, 400, "contents: Field required"),
        (
            "/google/v1beta/models/m:generateContent",
            {"contents": [{"role": "robot", "parts": [{"text": "x"}]}]},
            400,
            "Please use a valid role: user, model; got 'robot'",
        ),
        (
            "/google/v1beta/models/m:generateContent",
            {"contents": [{"role": "user", "parts": [{"inlineData": {}}]}]},
            400,
            "reads no part with inlineData here; allowed: text",
        ),
        ("/google/v1beta/nowhere", {}, 404, "there is nothing at POST /google/v1beta/nowhere"),
    ],
)
def test_wrong_request_is_refused_in_the_vendors_form(
    emulator: Emulator, path: str, body: object, status: int, said: str
) -> None:
    """A request that its protocol does not allow gets the vendor's own error, with the reason, and no 500."""
    got, fields, headers = post(emulator, path, body)

    assert got == status
    assert said in json.dumps(fields)
    assert "x-codeact-emulator" in headers
    match path.split("/")[1]:
        case "anthropic":
            assert (fields["type"], fields["error"]["type"]) == ("error", "invalid_request_error")
            assert fields["request_id"] == headers["request-id"]
        case "openai":
            assert set(fields["error"]) == {"message", "type", "param", "code"}
        case "mistral":
            assert "detail" in fields or fields["object"] == "error"
        case "google":
            assert fields["error"]["code"] == status


def conversation(*items: dict[str, Any]) -> dict[str, Any]:
    """Make a chat request."""
    return {"model": "m", "messages": [{"role": "user", "content": "x"}, *items]}


CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (({"role": "assistant", "tool_calls": [CALL]}, {"role": "user", "content": "y"}), "without results: a"),
        (({"role": "assistant", "tool_calls": [CALL, CALL]},), "ids must be unique"),
        (
            (
                {"role": "assistant", "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "a", "content": "1"},
                {"role": "tool", "tool_call_id": "a", "content": "1"},
            ),
            "a single result",
        ),
        (({"role": "assistant", "content": "z"},), "does not carry one on"),
    ],
)
def test_conversation_that_does_not_hold_together_is_refused(
    emulator: Emulator, items: tuple[dict[str, Any], ...], said: str
) -> None:
    """Calls have one result each, in the next message, and the last word is not the model's."""
    status, fields, _ = post(emulator, "/openai/v1/chat/completions", conversation(*items))

    assert status == 400
    assert said in fields["error"]["message"]


def test_solution_at_fault_is_no_server_error(emulator: Emulator) -> None:
    """What the reference model cannot do is a 400 that says so: asking again would not help."""

    def wrong(tools: Any) -> Any:
        return 1 / 0

    emulator.learn("Divide.", Solution(function=wrong, parameters={}, read_only=frozenset()))
    status, fields, _ = post(
        emulator, "/openai/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Divide."}]}
    )

    assert status == 400
    assert "the reference model: reference solution" in fields["error"]["message"]
    assert "ZeroDivisionError" in fields["error"]["message"]


def test_requests_are_kept_without_keys(emulator: Emulator) -> None:
    """What came in can be looked at: conversation, turn, model; never a key."""
    with talker("openai", emulator) as talking:
        talking.complete(request_of())
    seen = emulator.requests[-1]

    assert (seen.provider, seen.task, seen.turn, seen.model, seen.status) == ("openai", TASK, 1, "chat-test", 200)
    assert seen.headers["authorization"] == "***"
    assert "canary" not in repr(seen)


def test_base_url_of_an_unknown_provider_is_refused(emulator: Emulator) -> None:
    """The message lists the providers."""
    with pytest.raises(UnknownNameError, match="unknown provider 'nope'; known providers"):
        emulator.base_url("nope")

    assert emulator.base_url("mistral") == emulator.url + BASES["mistral"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_client_that_refuses_parallel_calls_is_served(emulator: Emulator, provider: str) -> None:
    """A call refused as one too many, in the words of the arm `direct-serial`, is asked for again, and by itself."""
    bench, _ = make_bench()
    with talker(provider, emulator) as talking:
        trial = run_trial(
            scenario_id="serial",
            prompt=TASK,
            case=Case(arm="direct-serial", model="test"),
            arm=DirectArm(parallel=False),
            provider=talking,
            bench=bench,
            budget=Budget(deadline_s=60),
        )

    assert trial.outcome == {"answer": "3", "ended": "answered", "state": {"cup": 2, "pot": 3, "pan": 1}}
    assert [call.name for call in trial.record.calls] == ["put", "put", "look"]
    refused = [each.is_error for message in trial.messages for each in message.tool_results]
    assert refused == ([False, True, False, False] if provider == "google" else [False] * 3)


@pytest.mark.parametrize("fault", ["unknown-tool", "unknown-tool@next=2"])
def test_misspelt_calls_are_made_good_in_their_place(emulator: Emulator, fault: str) -> None:
    """
    The right call stands after neighbours of the wrong one that were carried out; the solution goes on all the same.

    Its tokens are those of what was really said, and no id is used twice.
    """
    emulator.place(Order.parse(fault))
    requests: list[Request] = []
    with talker("openai", emulator) as talking:

        def kept(request: Request) -> Reply:
            requests.append(request)
            return talking.complete(request)

        bench, _ = make_bench()
        trial = run_trial(
            scenario_id="misspelt",
            prompt=TASK,
            case=Case(arm="direct", model="test"),
            arm=DirectArm(parallel=True),
            provider=Talker(kept),
            bench=bench,
            budget=Budget(deadline_s=60),
        )
    names = [[call.name for call in message.tool_calls] for message in trial.messages if message.role == "assistant"]
    wrong = [["put_nope", "put"]] + [["put_nope"]] * fault.endswith("2")
    ids = [call.id for message in trial.messages for call in message.tool_calls]
    read = [turn.usage.input_tokens for turn in trial.record.turns if turn.usage]

    assert trial.outcome == {"answer": "3", "ended": "answered", "state": {"cup": 2, "pot": 3, "pan": 1}}
    assert names == [*wrong, ["put"], ["look"], []]
    assert len(ids) == len(set(ids))
    counter = load_counter()
    assert counter is not None
    assert read == [counter.count_request(request) for request in requests]
