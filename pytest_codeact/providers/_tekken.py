"""
Token counts with Mistral's Tekken vocabulary, as mistral-common's v3 instruct rendering of a conversation.

The vocabulary is read from the data of the installed mistral-common, without importing that package: its import
and its own loader take several times as long. tiktoken is imported on the first count.

The rendering, where every ``[...]`` is one token and every text is encoded by itself::

    <s>  { [INST] text [/INST] | text </s> | [TOOL_CALLS] json </s> | [TOOL_RESULTS] json [/TOOL_RESULTS] } ...

The last user message has ``[AVAILABLE_TOOLS] json [/AVAILABLE_TOOLS]`` before it, and the system prompt and an
empty line in front of its text. Where that rendering knows no equivalent, this is what counts:

* an error result is rendered like any other: the protocol has no mark for it;
* a reply with text and tool calls is the text, then the calls, then one ``</s>``;
* an empty reply is its ``</s>``.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from importlib.machinery import ModuleSpec

    from pytest_codeact.providers import Request
    from pytest_codeact.records import Json, Message, ToolCall, ToolSpec

VOCABULARIES: Final = ("tekken_240718.json", "tekken_240911.json")
"""Data files of mistral-common, best first. The first is what its `MistralTokenizer.v3(is_tekken=True)` loads;
the second holds the same vocabulary and pattern, and settings for images."""

MEMO_CHARACTERS: Final = 16_000_000
"""Characters of rendered text that a memo may stand for. Beyond that it forgets what was used least recently."""

_JOINT: Final = "\n\n"

_Rendering: TypeAlias = "tuple[int, list[str]]"
"""How many special tokens a rendering has, and its texts in order."""

T = TypeVar("T")


_LOADING: Final = threading.Lock()
"""Held while the vocabulary is loaded: trials that begin together would each load one."""


def load_counter(find: Callable[[str], ModuleSpec | None] = find_spec) -> TokenCounter | None:
    """
    Load the vocabulary. Once per process and finder.

    Args:
        find: Finds an installed package by its name.

    Returns:
        The counter. None if mistral-common, its vocabulary or tiktoken is not installed.
    """
    with _LOADING:
        return _loaded(find)


@cache  # the vocabulary takes 0.25 s and 100 MB to load, and never changes in a process
def _loaded(find: Callable[[str], ModuleSpec | None]) -> TokenCounter | None:
    package = find("mistral_common")
    if package is None or package.origin is None or find("tiktoken") is None:
        return None
    data = Path(package.origin).parent / "data"
    path = next((data / name for name in VOCABULARIES if (data / name).is_file()), None)
    if path is None:
        return None
    return TokenCounter(name=path.stem.replace("_", " "), count_text=_text_counter(path))


def _text_counter(path: Path) -> Callable[[str], int]:
    import tiktoken

    vocabulary = json.loads(path.read_bytes())
    config = vocabulary["config"]
    size = config["default_vocab_size"] - config["default_num_special_tokens"]
    ranks = {base64.b64decode(token["token_bytes"]): token["rank"] for token in vocabulary["vocab"][:size]}
    encoding = tiktoken.Encoding(path.stem, pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})

    def count(text: str) -> int:
        return len(encoding.encode_ordinary(text))

    return count


class TokenCounter:
    """
    Counts the tokens of requests and replies.

    What it has counted once, as the same object or as the same text, it does not encode again: a
    conversation costs what is new in each turn. Objects are taken as frozen, as `records` says.

    Args:
        name: Name of the vocabulary, such as "tekken 240718".
        count_text: Counts the tokens of a text, special tokens neither recognised nor added.
        memo_characters: See `MEMO_CHARACTERS`.
    """

    def __init__(self, *, name: str, count_text: Callable[[str], int], memo_characters: int = MEMO_CHARACTERS) -> None:
        self.name = name
        self._count_text = count_text
        self._texts: _Memo[str] = _Memo(memo_characters)
        # By identity: rendering a whole conversation anew in every turn would cost more than its new tokens.
        self._objects: _Memo[tuple[int, ...]] = _Memo(memo_characters)

    def count_request(self, request: Request) -> int:
        """Count the tokens of everything that a request sends: system prompt, tools, messages."""
        groups = _grouped(request.messages)
        last_user = max(at for at, (role, _) in enumerate(groups) if role == "user")
        tokens = 1 + (self._rendered(request.tools, _render_tools) if request.tools else 0)
        for at, (role, messages) in enumerate(groups):
            if role == "user":
                tokens += self._user(messages, request.system if at == last_user else "")
            else:
                tokens += self._rendered(messages, _render_reply if role == "assistant" else _render_results)
        return tokens

    def count_reply(self, message: Message) -> int:
        """Count the tokens of an assistant's message: its text or tool calls, and the end mark."""
        return self._rendered([message], _render_reply)

    def _user(self, messages: Sequence[Message], system: str) -> int:
        texts = [message.text for message in messages if message.text] or [""]
        return 2 + self._joined([system, *texts] if system else texts)

    def _joined(self, parts: Sequence[str]) -> int:
        """
        Count parts that are encoded as one text, without encoding the first again when the second is new.

        No token of the vocabulary's pattern spans the end of an empty line, unless blanks or a slash follow.
        """
        tokens = 0
        text = parts[0]
        for part in parts[1:]:
            if part and (part[0].isspace() or part[0] == "/"):
                text += _JOINT + part
            else:
                tokens += self._text(text + _JOINT)
                text = part
        return tokens + (self._text(text) if text else 0)

    def _rendered(self, objects: Sequence[T], render: Callable[[Sequence[T]], _Rendering]) -> int:
        """Count what `render` makes of these objects, which a memo knows by their identity."""
        key = tuple(map(id, objects))
        tokens = self._objects.get(key)
        if tokens is None:
            marks, texts = render(objects)
            tokens = marks + sum(map(self._text, texts))
            # Kept, so that no other object can get their ids.
            self._objects.put(key, tokens, sum(map(len, texts)), kept=tuple(objects))
        return tokens

    def _text(self, text: str) -> int:
        tokens = self._texts.get(text)
        if tokens is None:
            tokens = self._count_text(text)
            self._texts.put(text, tokens, len(text))
        return tokens


K = TypeVar("K", bound="Hashable")


class _Memo(Generic[K]):
    """Token counts by key, the most recently used ones within a budget. Safe between threads."""

    def __init__(self, characters: int) -> None:
        self._budget = characters
        self._used = 0
        self._entries: OrderedDict[K, tuple[int, int, object]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> int | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: K, tokens: int, characters: int, *, kept: object = None) -> None:
        # An entry costs something, however short its text.
        weight = characters + 100
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = (tokens, weight, kept)
            self._used += weight
            while self._used > self._budget:
                _, (_, forgotten, _) = self._entries.popitem(last=False)
                self._used -= forgotten


def _grouped(messages: Iterable[Message]) -> list[tuple[str, list[Message]]]:
    """Group messages of the same role in a row, with an empty user message in front unless the user begins."""
    groups: list[tuple[str, list[Message]]] = []
    for message in messages:
        if not groups or groups[-1][0] != message.role:
            groups.append((message.role, []))
        groups[-1][1].append(message)
    if not groups or groups[0][0] != "user":
        groups.insert(0, ("user", []))
    return groups


def _render_tools(tools: Sequence[ToolSpec]) -> _Rendering:
    functions = [{"name": spec.name, "description": spec.description, "parameters": spec.parameters} for spec in tools]
    return 2, [_json([{"type": "function", "function": each} for each in functions])]


def _render_reply(messages: Sequence[Message]) -> _Rendering:
    """Render the messages of one reply, commonly one."""
    # Trailing blanks are stripped after joining, which leaves those between two messages.
    text = _JOINT.join(message.text for message in messages if message.text).rstrip(" ")
    calls = [_render_call(call) for message in messages for call in message.tool_calls]
    texts = ([text] if text else []) + ([_json(calls)] if calls else [])
    return 1 + bool(calls), texts


def _render_call(call: ToolCall) -> dict[str, Json]:
    arguments = _parsed(call.arguments) if isinstance(call.arguments, str) else call.arguments
    return {"name": call.name, "arguments": arguments, "id": call.id}


def _render_results(messages: Sequence[Message]) -> _Rendering:
    results = [result for message in messages for result in message.tool_results]
    texts = [_json({"content": _parsed(result.content), "call_id": result.call_id}) for result in results]
    return 2 * len(results), texts


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> Json:
    """Read a text as JSON if it is JSON; an empty one is an empty object."""
    try:
        value: Json = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text
    return value
