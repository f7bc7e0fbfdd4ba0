"""Tests of the token counts."""

from __future__ import annotations

import json
import random
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.providers import Request
from pytest_codeact.providers._tekken import VOCABULARIES, TokenCounter, _parsed, load_counter
from pytest_codeact.records import Json, Message, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Theirs = Callable[[Request], int]


class CountingText:
    """Counts words, and the characters that it was given to count."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> int:
        self.texts.append(text)
        return len(text.split())

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))


@pytest.fixture
def counter() -> TokenCounter:
    """The real counter, where its vocabulary is installed."""
    found = load_counter()
    if found is None:
        pytest.skip("needs mistral-common and tiktoken")
    return found


@pytest.fixture(scope="module")
def theirs() -> Theirs:
    """Counts a request with mistral-common itself."""
    pytest.importorskip("mistral_common")
    from mistral_common.protocol.instruct import messages as wire
    from mistral_common.protocol.instruct import tool_calls as wire_calls
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    tokenizer = MistralTokenizer.v3(is_tekken=True)

    def converted(message: Message) -> list[Any]:
        if message.role == "user":
            return [wire.UserMessage(content=message.text)]
        if message.role == "tool":
            return [
                wire.ToolMessage(content=each.content, tool_call_id=each.call_id, name=each.name)
                for each in message.tool_results
            ]
        calls = [
            wire_calls.ToolCall(
                id=call.id,
                function=wire_calls.FunctionCall(
                    name=call.name,
                    arguments=call.arguments
                    if isinstance(call.arguments, str)
                    else json.dumps(call.arguments, ensure_ascii=False),
                ),
            )
            for call in message.tool_calls
        ]
        return [wire.AssistantMessage(content=message.text or None, tool_calls=calls or None)]

    def count(request: Request) -> int:
        system = [wire.SystemMessage(content=request.system)] if request.system else []
        tools = [
            wire_calls.Tool(
                function=wire_calls.Function(
                    name=spec.name, description=spec.description, parameters=dict(spec.parameters)
                )
            )
            for spec in request.tools
        ]
        messages = [each for message in request.messages for each in converted(message)]
        # A request may end in an assistant's message only if that is a prefix, which has no end mark.
        unended = messages[-1].role == "assistant"
        if unended:
            messages[-1].prefix = True
        encoded = tokenizer.encode_chat_completion(
            ChatCompletionRequest(messages=[*system, *messages], tools=tools or None)
        )
        return len(encoded.tokens) + (1 if unended else 0)

    return count


def _tools(count: int) -> tuple[ToolSpec, ...]:
    return tuple(
        ToolSpec(
            name=f"create_invoice_{number}",
            description=f"Create invoice kind {number} for a client.\n\nUmlauts: äöü, 漢字.",
            parameters={
                "type": "object",
                "properties": {
                    "client": {"type": "string", "description": "Name of the client."},
                    "amount": {"type": "number", "minimum": 0.5, "default": 1e-7},
                    "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                },
                "required": ["client"],
                "additionalProperties": False,
            },
        )
        for number in range(count)
    )


def _round(number: int, calls: int) -> tuple[Message, Message]:
    """One exchange: an assistant's calls and their results, the last of which is an error."""
    asked = tuple(
        ToolCall(
            id=f"call{number:02d}{index:03d}",
            name="create_invoice_0",
            arguments={"client": f"Ünïcode {number}", "amount": number * 1.1, "tags": ["a", None, True]},
        )
        for index in range(calls)
    )
    contents = [
        json.dumps({"id": number, "rows": ["é", 1.0, 10**20]}, separators=(",", ":")),
        '"just a text"',
        "",
        "ToolError: no such client: 'x' {[",
    ]
    results = tuple(
        ToolResult(call_id=call.id, name=call.name, content=contents[index % 4], is_error=index % 4 == 3)
        for index, call in enumerate(asked)
    )
    return (
        Message(role="assistant", tool_calls=asked),
        Message(role="tool", tool_results=results),
    )


def _request(messages: tuple[Message, ...], *, system: str = "", tools: tuple[ToolSpec, ...] = ()) -> Request:
    return Request(system=system, messages=messages, tools=tools, parallel_tool_calls=True, max_output_tokens=1000)


TASK = Message(role="user", text="Create all the invoices for June, please.")
SYSTEM = "You are a careful bookkeeper.\nUse the tools."


@pytest.mark.parametrize("tool_count", [0, 1, 20])
def test_count_request_equals_mistral_common_in_every_round(
    counter: TokenCounter, theirs: Theirs, tool_count: int
) -> None:
    """Forty rounds of parallel calls: the count is mistral-common's own in each of them."""
    tools = _tools(tool_count)
    messages: tuple[Message, ...] = (TASK,)
    expected = []
    actual = []
    for number in range(40):
        request = _request(messages, system=SYSTEM, tools=tools)
        expected.append(theirs(request))
        actual.append(counter.count_request(request))
        messages += _round(number, 1 + number % 5)

    assert actual == expected


def _text(role: str, text: str) -> Message:
    return Message(role="user" if role == "user" else "assistant", text=text)


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((_text("user", "Hello"), _text("assistant", "Hi  "), _text("user", "More")), id="text-turns"),
        pytest.param((_text("user", "One."), _text("user", ""), _text("user", "/two")), id="users-in-a-row"),
        pytest.param((_text("user", "a"), _text("assistant", "b "), _text("assistant", " c ")), id="assistants"),
        pytest.param((_text("user", ""),), id="empty-task"),
        pytest.param((_text("user", "\n\n  indented"),), id="blank-start"),
        pytest.param((_text("assistant", "I begin"), _text("user", "So")), id="assistant-first"),
        pytest.param((_text("assistant", "I am"), _text("assistant", "alone")), id="no-user"),
        pytest.param((_text("user", "lone \ud800 surrogate"),), id="surrogate"),
        pytest.param((_text("user", "[INST] <s> [/INST] </s>"),), id="special-tokens-as-text"),
        pytest.param(
            (
                TASK,
                Message(role="assistant", tool_calls=(ToolCall(id="abcdefghi", name="f", arguments="{broken"),)),
                Message(role="tool", tool_results=(ToolResult(call_id="abcdefghi", name="f", content="NaN"),)),
            ),
            id="unparsed-arguments",
        ),
        pytest.param(
            (
                TASK,
                Message(role="assistant", tool_calls=(ToolCall(id="abcdefghi", name="f", arguments=""),)),
                Message(role="tool", tool_results=(ToolResult(call_id="abcdefghi", name="f", content="[1,2]"),)),
                _text("user", "And now?"),
            ),
            id="empty-arguments",
        ),
    ],
)
@pytest.mark.parametrize("system", ["", SYSTEM, "Ends in blanks. \n", "Ends in a dot...", "x/"])
def test_count_request_equals_mistral_common_for_odd_conversations(
    counter: TokenCounter, theirs: Theirs, messages: tuple[Message, ...], system: str
) -> None:
    """Merged messages, empty texts, broken arguments and texts that look special count as there."""
    request = _request(messages, system=system, tools=_tools(1))

    assert counter.count_request(request) == theirs(request)


def test_count_request_joins_system_and_task_exactly(counter: TokenCounter, theirs: Theirs) -> None:
    """Counting the system prompt apart from the task never changes the sum, whatever meets at the seam."""
    draw = random.Random(7)
    alphabet = "aZ9.,/ \n\r\t#_-'\"{}(é漢\u0301\u00a0\u2028\x1c\x85🙂"
    for _ in range(1500):
        system, task = ("".join(draw.choices(alphabet, k=draw.randint(1, 5))) for _ in range(2))
        request = _request((_text("user", task),), system=system)

        assert counter.count_request(request) == theirs(request), (system, task)


def test_count_reply_is_what_the_reply_adds_to_the_next_request(counter: TokenCounter, theirs: Theirs) -> None:
    """Output tokens are the reply as it is rendered: text or calls, and the end mark."""
    calls = _round(3, 3)[0]
    text = _text("assistant", "All invoices are created.")
    before = theirs(_request((TASK,)))

    assert counter.count_reply(calls) == theirs(_request((TASK, calls))) - before
    assert counter.count_reply(text) == theirs(_request((TASK, text))) - before


def test_count_reply_of_text_with_calls_is_both_and_one_end_mark(counter: TokenCounter) -> None:
    """The rendering has no such reply; ours puts the text in front of the calls."""
    calls = _round(0, 1)[0]
    text = _text("assistant", "Let me see.")
    both = Message(role="assistant", text="Let me see.", tool_calls=calls.tool_calls)

    assert counter.count_reply(both) == counter.count_reply(calls) + counter.count_reply(text) - 1


def test_count_reply_of_an_empty_reply_is_its_end_mark(counter: TokenCounter) -> None:
    """Nothing said costs one token."""
    assert counter.count_reply(Message(role="assistant")) == 1


def test_error_results_count_like_others(counter: TokenCounter) -> None:
    """The protocol has no mark for an error, so it costs nothing."""
    result = ToolResult(call_id="abcdefghi", name="f", content="no such client")
    error = ToolResult(call_id="abcdefghi", name="f", content="no such client", is_error=True)

    assert counter.count_request(
        _request((TASK, Message(role="tool", tool_results=(error,))))
    ) == counter.count_request(_request((TASK, Message(role="tool", tool_results=(result,)))))


def test_results_too_deep_to_parse_count_as_text(counter: TokenCounter) -> None:
    """What a model is shown may be anything, and counting it must not fail."""
    deep = Message(role="tool", tool_results=(ToolResult(call_id="abcdefghi", name="f", content="[" * 200_000),))

    assert counter.count_request(_request((TASK, deep))) > 1000


def test_counting_encodes_only_what_is_new() -> None:
    """Two hundred turns with many tools encode each text once: the cost is linear in the conversation."""
    count_text = CountingText()
    counter = TokenCounter(name="words", count_text=count_text)
    tools = _tools(120)
    messages: tuple[Message, ...] = (TASK,)
    for number in range(200):
        counter.count_request(_request(messages, system=SYSTEM, tools=tools))
        messages += _round(number % 100, 1 + number // 100)

    assert len(count_text.texts) == len(set(count_text.texts))
    assert count_text.characters < 2 * len(repr(messages)) + len(repr(tools))


def test_counting_knows_equal_texts_in_new_objects() -> None:
    """A conversation that was parsed anew, as a server does, is not encoded again."""
    count_text = CountingText()
    counter = TokenCounter(name="words", count_text=count_text)
    first = counter.count_request(_request((TASK, *_round(1, 2)), system=SYSTEM, tools=_tools(3)))
    encoded = count_text.characters
    second = counter.count_request(_request((TASK, *_round(1, 2)), system=SYSTEM, tools=_tools(3)))

    assert second == first
    assert count_text.characters == encoded


def test_counting_does_not_encode_the_system_prompt_again_for_each_user_message() -> None:
    """Arms that show results as user messages move the system prompt along; it is counted once."""
    count_text = CountingText()
    counter = TokenCounter(name="words", count_text=count_text)
    system = "A long system prompt. " * 1000
    messages: tuple[Message, ...] = (TASK,)
    for number in range(50):
        counter.count_request(_request(messages, system=system))
        messages += (_text("assistant", f"do {number}"), _text("user", f"Observation: {number}"))

    assert count_text.characters < 2 * len(system)


def test_counting_forgets_beyond_its_budget() -> None:
    """The memory of a long run is bounded, and what was forgotten is counted again, alike."""
    count_text = CountingText()
    counter = TokenCounter(name="words", count_text=count_text, memo_characters=5_000)
    requests = [_request((_text("user", f"task {number} " * 100),)) for number in range(100)]
    first = [counter.count_request(request) for request in requests]
    second = [counter.count_request(request) for request in requests]

    assert second == first
    assert len(count_text.texts) == 200
    assert len(counter._texts._entries) <= 5
    assert counter._texts._used == sum(weight for _, weight, _ in counter._texts._entries.values()) <= 5_000


def test_counting_keeps_what_was_used_last() -> None:
    """The tools of a conversation stay known while its messages come and go."""
    count_text = CountingText()
    counter = TokenCounter(name="words", count_text=count_text, memo_characters=8_000)
    tools = _tools(5)
    for number in range(100):
        reply = _text("assistant", f"reply {number} " * 50)
        counter.count_request(_request((TASK, reply), tools=tools))

    assert sum("create_invoice_4" in text for text in count_text.texts) == 1
    assert len(counter._objects._entries) < 20


@pytest.mark.parametrize(("text", "value"), [("", {}), ("[1]", [1]), ("[1", "[1"), ('"a"', "a")])
def test_texts_are_rendered_as_the_json_they_hold(text: str, value: Json) -> None:
    """As there, an empty text is an empty object, and what is no JSON is a text."""
    assert _parsed(text) == value


def test_counting_tells_objects_apart_that_follow_each_other_in_memory() -> None:
    """A memo by identity holds on to its objects, so that no new one is taken for an old one."""
    counter = TokenCounter(name="words", count_text=CountingText())
    counts = []
    for number in range(200):
        reply = Message(role="assistant", tool_calls=(ToolCall(id="a", name="f", arguments={"x": "word " * number}),))
        counts.append(counter.count_reply(reply))
        del reply

    assert len(set(counts)) == 200


def test_counting_the_same_text_at_once_is_remembered_once() -> None:
    """Two threads may count a text at the same time; the second adds nothing."""
    counter = TokenCounter(name="words", count_text=CountingText())
    for _ in range(2):
        counter._texts.put("text", 1, len("text"))

    assert counter._texts._used == len("text") + 100


def test_counter_names_its_vocabulary(counter: TokenCounter) -> None:
    """A record says which tokenizer counted."""
    assert counter.name == "tekken 240718"


def test_load_counter_loads_once() -> None:
    """The vocabulary is large; a process holds it once."""
    assert load_counter() is load_counter()


@pytest.mark.parametrize("missing", ["mistral_common", "tiktoken"])
def test_load_counter_gives_none_without_a_package(missing: str) -> None:
    """No package, no count: the caller says so instead of guessing."""

    def find(name: str) -> ModuleSpec | None:
        return None if name == missing else ModuleSpec(name, None, origin=__file__)

    assert load_counter(find) is None


def test_load_counter_gives_none_without_the_vocabulary(tmp_path: Path) -> None:
    """A mistral-common without the data files is as good as none."""

    def find(name: str) -> ModuleSpec | None:
        return ModuleSpec(name, None, origin=str(tmp_path / "__init__.py"))

    assert load_counter(find) is None


def test_load_counter_takes_the_other_vocabulary_when_the_first_is_gone(tmp_path: Path) -> None:
    """Both files hold the same vocabulary; a release may drop one of them."""
    pytest.importorskip("tiktoken")
    tokens: list[Json] = [{"rank": rank, "token_bytes": "YQ==", "token_str": "a"} for rank in range(1)]
    config: Json = {"pattern": "a", "default_vocab_size": 3, "default_num_special_tokens": 2, "version": "v3"}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / VOCABULARIES[1]).write_text(json.dumps({"config": config, "vocab": tokens}))

    def find(name: str) -> ModuleSpec | None:
        return ModuleSpec(name, None, origin=str(tmp_path / "__init__.py"))

    found = load_counter(find)

    assert found is not None
    assert found.name == "tekken 240911"
    assert found.count_reply(_text("assistant", "aaa")) == 4


def test_load_counter_does_not_import_mistral_common() -> None:
    """Its import costs several times what the counter does."""
    if find_spec("mistral_common") is None:
        pytest.skip("needs mistral-common")
    import subprocess
    import sys

    program = (
        "import sys; from pytest_codeact.providers._tekken import load_counter; "
        "assert 'tiktoken' not in sys.modules; assert load_counter() is not None; "
        "print('mistral_common' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False False\n"
