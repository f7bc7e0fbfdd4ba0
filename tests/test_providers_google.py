"""Google's adapter, by its real SDK, against canned answers."""

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
from pytest_codeact.providers.google import GoogleModel, live_model
from pytest_codeact.records import Message, ToolCall, ToolResult, ToolSpec, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("google.genai")

KEY = "AIza-canary-5f3a9b"

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


def answer(*parts: dict[str, Any], reason: Any = "STOP", **fields: Any) -> dict[str, Any]:
    """Make the body of an answer."""
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": "gemini-2.5-flash-001",
        "responseId": "rid-1",
        **fields,
    }


def call(arguments: Any = None, *, name: str = "look", call_id: str | None = "id1", **more: Any) -> dict[str, Any]:
    """Make a part that is a call."""
    made = {"name": name, "args": {"a_b": "ü"} if arguments is None else arguments}
    return {"functionCall": made if call_id is None else {"id": call_id, **made}, **more}


@contextmanager
def asked(*answers: Canned, path: str = "", **fields: Any) -> Iterator[tuple[GoogleModel, CannedServer]]:
    """Give a model behind canned answers."""
    connections = Connections()
    with CannedServer(*answers) as server:
        context = ModelContext(
            **{
                "model": "gemini-2.5-flash",
                "solution": None,
                "seed": 1,
                "base_url": server.url + path,
                "timeout_s": 5.0,
                "environment": {"GEMINI_API_KEY": KEY},
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


def sent_after(first: dict[str, Any], *contents: str, is_error: bool = False) -> list[Any]:
    """Give the contents that are sent after a reply whose calls came to these contents."""
    with asked(reply(first), reply(answer({"text": "hi"}))) as (model, server):
        said = model.complete(request_of()).message
        results = tuple(
            ToolResult(call_id=each.id, name=each.name, content=content, is_error=is_error)
            for each, content in zip(said.tool_calls, contents, strict=True)
        )
        model.complete(request_of(said, Message(role="tool", tool_results=results)))
    sent: list[Any] = server.requests[1].body["contents"]
    return sent[1:]


def test_request_says_what_ours_says() -> None:
    """System prompt, messages, tools with their whole schema and the limit stand in what is sent; the key in no URL."""
    with asked(reply(answer({"text": "hi"}))) as (model, server):
        model.complete(request_of())
    sent = server.requests[0]

    assert sent.path.endswith("/models/gemini-2.5-flash:generateContent")
    assert sent.headers["x-goog-api-key"] == KEY
    assert sent.body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "contents": [{"role": "user", "parts": [{"text": 'say "hi"'}]}],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "look", "description": "Look it up.", "parametersJsonSchema": TOOL.parameters}
                ]
            }
        ],
        "generationConfig": {"maxOutputTokens": 99},
    }


def test_request_without_tools_and_system() -> None:
    """What there is none of is not sent."""
    with asked(reply(answer({"text": "hi"}))) as (model, server):
        model.complete(request_of(tools=(), system=""))

    assert set(server.requests[0].body) == {"contents", "generationConfig"}


def test_reply_with_text_and_calls() -> None:
    """Text and calls are both kept, with usage, version, request id and SDK."""
    body = answer({"text": "I "}, {"text": "look."}, call(), call({}, call_id="id2"))
    body["usageMetadata"] |= {"cachedContentTokenCount": 4, "thoughtsTokenCount": 3}
    got = replied(body, headers={"X-Request-Id": "req-7"})

    assert got.message.text == "I look."
    assert got.message.tool_calls == (
        ToolCall(id="id1", name="look", arguments={"a_b": "ü"}),
        ToolCall(id="id2", name="look", arguments={}),
    )
    assert got.usage == Usage(input_tokens=10, output_tokens=8, cached_input_tokens=4, reasoning_tokens=3)
    assert (got.stop, got.mode) == ("tool_calls", "live")
    assert got.model_version == "gemini-2.5-flash-001"
    assert got.request_id == "req-7"
    assert got.sdk is not None
    assert got.sdk.startswith("google-genai 3.")


def test_usage_leaves_out_what_is_0() -> None:
    """Gemini's JSON leaves out zeros; no usage at all is None. The body's id stands in for a header's."""
    got = replied(answer({"text": "hi"}))
    none = replied(answer({"text": "hi"}, usageMetadata=None))

    assert got.usage == Usage(input_tokens=10, output_tokens=5, cached_input_tokens=0, reasoning_tokens=0)
    assert got.request_id == "rid-1"
    assert none.usage is None


def test_emulator_is_told_by_its_header() -> None:
    """The emulator's replies are the reference model's."""
    assert replied(answer({"text": "hi"}), headers={"x-codeact-emulator": "1"}).mode == "reference"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "max_tokens"),
        ("CONTINUATION", "max_tokens"),
        ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("RECITATION", "content_filter"),
        ("OTHER", "end"),
        ("FROM_THE_FUTURE", "end"),
        (None, "end"),
    ],
)
def test_reasons_to_stop(reason: Any, expected: str) -> None:
    """Every reason has its word; one that nobody knows yet is the end, and no warning."""
    assert replied(answer({"text": "hi"}, reason=reason)).stop == expected


def test_continuation_sends_nothing_by_itself() -> None:
    """The SDK asks for no continuation behind our back."""
    body = answer({"text": "hi"}, reason="CONTINUATION")
    body["candidates"][0]["continuationToken"] = "dG9rZW4="
    with asked(reply(body)) as (model, server):
        model.complete(request_of())

    assert len(server.requests) == 1


def test_held_back_calls_are_not_carried_out() -> None:
    """A reply that was filtered has no calls, whatever was written before."""
    got = replied(answer({"text": "So"}, call(), reason="SAFETY"))

    assert (got.stop, got.message) == ("content_filter", Message(role="assistant", text="So"))


def test_blocked_prompt_is_a_filtered_reply() -> None:
    """A prompt that is blocked is no error: the model was held back."""
    got = replied({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 10}})

    assert (got.stop, got.message.text) == ("content_filter", "")
    assert got.usage == Usage(input_tokens=10, output_tokens=0, cached_input_tokens=0, reasoning_tokens=0)


def test_call_that_gemini_could_not_read() -> None:
    """A malformed call is the model's call of that tool with arguments that are no JSON; it goes back as text."""
    body = answer(reason="MALFORMED_FUNCTION_CALL")
    said = "Malformed function call: print(default_api.look(a_b='"
    body["candidates"][0] |= {"content": {}, "finishMessage": said}
    got = replied(body)
    back = sent_after(body, "arguments are no JSON", is_error=True)

    assert got.stop == "tool_calls"
    assert [(each.name, each.arguments) for each in got.message.tool_calls] == [("look", said)]
    assert back == [
        {"role": "model", "parts": [{"text": said}]},
        {"role": "user", "parts": [{"text": "arguments are no JSON"}]},
    ]


def test_parts_go_back_verbatim() -> None:
    """Signatures, thoughts, and parts and fields that the SDK does not know, survive it in both directions."""
    parts: list[dict[str, Any]] = [
        {"text": "hm", "thought": True},
        {"text": "So", "thoughtSignature": "c2ln+/=="},
        call(thoughtSignature="c2ln", novel={"a_b": [1]}),
        {"fromTheFuture": {"x": None}},
    ]
    back = sent_after(answer(*parts, novel=1), '{"n": 1}')

    assert back == [
        {"role": "model", "parts": parts},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "id1", "name": "look", "response": {"output": {"n": 1}}}}],
        },
    ]


def test_calls_without_ids() -> None:
    """Calls without ids get some of ours, which are not sent: Gemini tells such results by their order."""
    parts = [call(call_id=None), call(call_id=None, name="nope")]
    ids = [each.id for each in replied(answer(*parts)).message.tool_calls]
    back = sent_after(answer(*parts), "1", "2")

    assert len(set(ids)) == 2
    assert all(ids)
    assert back[0]["parts"] == parts
    assert [each["functionResponse"] for each in back[1]["parts"]] == [
        {"name": "look", "response": {"output": "1"}},
        {"name": "nope", "response": {"output": "2"}},
    ]


def test_calls_with_one_id() -> None:
    """Of two calls with one id, the second goes back with the id that its result has."""
    back = sent_after(answer(call(), call({})), "1", "2")
    ids = [each["functionCall"]["id"] for each in back[0]["parts"]]

    assert ids[0] == "id1"
    assert len(set(ids)) == 2
    assert [each["functionResponse"]["id"] for each in back[1]["parts"]] == ids


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ('{"n": [1, "ü"]}', {"n": [1, "ü"]}),
        ("[1, 2.5]", [1, 2.5]),
        ("plain text", "plain text"),
        ("42", "42"),
        ('"quoted"', '"quoted"'),
        ('{"n":1}', '{"n":1}'),
        ('{"n": 1e400}', '{"n": 1e400}'),
        ('{"cut": ', '{"cut": '),
    ],
)
def test_results_are_objects(content: str, output: Any) -> None:
    """Objects and lists are shown as such, everything else as the text it is: no character is another."""
    part = sent_after(answer(call()), content)[1]["parts"][0]["functionResponse"]

    assert part["response"] == {"output": output}
    assert isinstance(output, str) or json.dumps(output, ensure_ascii=False) == content


def test_errors_are_marked() -> None:
    """An error stands under the key that the protocol has for it."""
    part = sent_after(answer(call()), "no such thing", is_error=True)[1]["parts"][0]["functionResponse"]

    assert part["response"] == {"error": "no such thing"}


def test_one_call_is_taken_where_one_is_wanted() -> None:
    """There is no switch against parallel calls: a reply is taken up to its first call, in both directions."""
    parts = [{"text": "I look."}, call(), call({}, call_id="id2"), {"text": "twice"}]
    got = replied(answer(*parts), parallel_tool_calls=False)

    assert got.message == Message(
        role="assistant", text="I look.", tool_calls=(ToolCall(id="id1", name="look", arguments={"a_b": "ü"}),)
    )


def test_connection_and_client_are_shared() -> None:
    """The trials of a process ask by one client, and one connection."""
    with asked(reply(answer({"text": "hi"}))) as (model, server):
        other = GoogleModel(model._client, model="other")
        for each in (model, other, model):
            each.complete(request_of())

    assert {each.connection for each in server.requests} == {1}
    assert server.requests[1].path.endswith("/models/other:generateContent")


def test_address_may_end_with_its_version() -> None:
    """A version at the end of an address takes the place of the SDK's."""
    with asked(reply(answer({"text": "hi"})), path="/here/v1beta") as (model, server):
        model.complete(request_of())

    assert server.requests[0].path == "/here/v1beta/models/gemini-2.5-flash:generateContent"


def test_missing_key_names_its_variables() -> None:
    """Without a key the trial is skipped, and the reason names the variables."""
    with pytest.raises(UnavailableError, match="GOOGLE_API_KEY or GEMINI_API_KEY is not set"):
        live_model(ModelContext(model="m", solution=None, seed=1))


def test_missing_model_is_an_error() -> None:
    """The provider alone names no model."""
    with pytest.raises(ProviderError, match="no model of 'google' is named"):
        live_model(ModelContext(model="", solution=None, seed=1))


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        *((each, False) for each in (400, 401, 403, 404, 413)),
        *((each, True) for each in (429, 500, 502, 529)),
    ],
)
@pytest.mark.parametrize(
    "body",
    [{"error": {"code": 1, "message": f"not so with {KEY}", "status": "X"}}, [{"error": {"message": f"n {KEY}"}}]],
)
def test_refusals(status: int, transient: bool, body: Any) -> None:
    """A status that is no success is an error that costs nothing and holds no key."""
    error = failed(reply(body, status=status, headers={"retry-after": "7"}))

    assert (error.status, error.transient, error.is_billed) == (status, transient, False)
    assert error.retry_after_s == 7.0
    assert str(error).startswith(f"google answered {status}: n")
    assert "***" in str(error)


def test_refusal_in_words() -> None:
    """A gateway's page is quoted as it is."""
    error = failed(text_reply("<h1>Bad Gateway</h1>", status=502, kind="text/html"))

    assert str(error) == "google answered 502: <h1>Bad Gateway</h1>"


def test_silence_is_a_timeout() -> None:
    """A server that sends nothing fails the request, which may be billed and may pass."""
    error = failed(HANG, timeout_s=0.2)

    assert "google sent nothing for 0.2 s" in str(error)
    assert (error.status, error.transient, error.is_billed) == (None, True, None)


@pytest.mark.parametrize("canned", [cut_reply(answer({"text": "hi"})), HANG_UP])
def test_cut_connection(canned: Canned) -> None:
    """A connection that ends before the whole answer is a failure that may be billed and may pass."""
    error = failed(canned)

    assert "the connection to google failed before the whole reply had come" in str(error)
    assert (error.transient, error.is_billed) == (True, None)


@pytest.mark.parametrize(
    ("text", "kind", "transient", "said"),
    [
        ('{"candidates": [', "application/json", True, "that is no JSON"),
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


def test_empty_candidates() -> None:
    """An answer without a candidate is the provider's failure, and may pass; it is billed, as its usage says."""
    error = failed(reply(answer(candidates=[])))

    assert str(error) == "the reply of google holds no candidate; the request's id is rid-1"
    assert (error.transient, error.is_billed) == (True, True)


def test_request_that_is_to_blame() -> None:
    """A reply that is broken off for a fault of the request is an error, and not the model's failure."""
    error = failed(reply(answer(reason="MISSING_THOUGHT_SIGNATURE")))

    assert "is broken off with MISSING_THOUGHT_SIGNATURE" in str(error)


def test_importing_it_imports_no_sdk() -> None:
    """The SDK is imported with the first client, not with the module."""
    program = "import sys, pytest_codeact.providers.google; print({'google.genai', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
