"""Keys in no error and no repr of an adapter: whatever a server answers, and whatever stands in its address."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from canaries import KEYS, LOGIN, QUERY
from canned_server import HANG_UP, CannedServer, reply, text_reply

from pytest_codeact.errors import ProviderError
from pytest_codeact.options import Settings
from pytest_codeact.providers import ModelContext, Request
from pytest_codeact.records import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canned_server import Canned

SDKS: Final = {"anthropic": "anthropic", "mistral": "mistralai", "openai": "openai", "google": "google.genai"}
CANARIES: Final = (*KEYS.values(), LOGIN, QUERY)

REQUEST: Final = Request(
    system="s",
    messages=(Message(role="user", text="hi"),),
    tools=(),
    parallel_tool_calls=True,
    max_output_tokens=10,
)

SAID: Final = f"Authorization: Bearer {' '.join(KEYS.values())} https://user:{LOGIN}@h/?key={QUERY} "
ANSWERS: Final[dict[str, Canned]] = {
    "refused": reply({"error": {"type": "echo", "message": SAID * 3}}, status=401),
    # Cut at each place of a key by one of them.
    **{
        f"cut at {place}": reply({"error": {"message": "x" * (300 - place) + SAID[22:]}}, status=400)
        for place in (6, 12, 17)
    },
    "no JSON": text_reply(f'{{"text": "{SAID}'),
    "no JSON, short": text_reply("x" * 65 + SAID[22:], kind="text/html"),
    "no object": reply([SAID]),
    "error with 200": reply({"error": {"message": "x" * 150 + SAID}}),
    "redirect": text_reply("", status=302, headers={"location": f"http://user:{LOGIN}@127.0.0.1:9/?key={QUERY}"}),
    "hang up": HANG_UP,
}


@pytest.fixture(params=SDKS)
def provider(request: pytest.FixtureRequest) -> str:
    """Give the name of a provider whose SDK is installed."""
    pytest.importorskip(SDKS[request.param])
    name: str = request.param
    return name


@pytest.fixture
def asked(provider: str) -> Iterator[Any]:
    """Give a function that makes a context for an address."""
    made: list[ModelContext] = []

    def context(url: str | None) -> ModelContext:
        made.append(ModelContext(model="m", solution=None, seed=0, base_url=url, environment=KEYS, timeout_s=20))
        return made[-1]

    yield context
    for each in made:
        each.connections.close()


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_key_in_an_error(provider: str, asked: Any, answer: Canned) -> None:
    """An answer that echoes keys, login and query, whole or where its text is cut, puts none into the error."""
    module = importlib.import_module(f"pytest_codeact.providers.{provider}")
    with CannedServer(answer) as server:
        url = server.url.replace("://", f"://user:{LOGIN}@")
        with pytest.raises(ProviderError) as raised:
            module.live_model(asked(f"{url}/{provider}?key={QUERY}")).complete(REQUEST)
    own = {"anthropic": "ANTHROPIC", "mistral": "MISTRAL", "openai": "OPENAI", "google": "GEMINI"}[provider]
    # Keys of other vendors are the run's to take out; an adapter knows its own.
    known = (KEYS[f"{own}_API_KEY"], LOGIN, QUERY)

    assert not [each for each in known if each in repr(vars(raised.value)) + str(raised.value)]
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert all(QUERY in each.path for each in server.requests)


def test_no_key_in_an_error_of_connecting(provider: str, asked: Any) -> None:
    """A server that is not there is named without login and query."""
    module = importlib.import_module(f"pytest_codeact.providers.{provider}")
    with CannedServer(HANG_UP) as server:
        url = server.url.replace("://", f"://user:{LOGIN}@")
    with pytest.raises(ProviderError) as raised:
        module.live_model(asked(f"{url}/v1?key={QUERY}")).complete(REQUEST)

    assert not [each for each in CANARIES if each in f"{raised.value} {vars(raised.value)}"]
    assert raised.value.__context__ is None


def test_no_key_in_a_repr(provider: str, asked: Any) -> None:
    """Neither an adapter, nor its parts, nor the context that it was made of shows a key, a login or a query."""
    module = importlib.import_module(f"pytest_codeact.providers.{provider}")
    context = asked(f"http://user:{LOGIN}@127.0.0.1:9/v1?key={QUERY}")
    model = module.live_model(context)
    parts = [model, context, context.connections, *_ours(model)]

    assert not [(each, canary) for each in parts for canary in CANARIES if canary in repr(each)]


def test_no_key_in_the_repr_of_settings_and_addresses() -> None:
    """What the options hold of addresses is in no repr."""
    from pytest_codeact.providers._openai_address import read_address

    url = f"http://user:{LOGIN}@127.0.0.1:9/v1?key={QUERY}"
    shown = f"{Settings(base_urls={'openai': url})} {read_address(url, {})}"

    assert not [each for each in CANARIES if each in shown]


def test_query_of_an_address_is_sent(provider: str, asked: Any) -> None:
    """What an address has in its query comes with every request, beside the path of the protocol."""
    module = importlib.import_module(f"pytest_codeact.providers.{provider}")
    with CannedServer(reply({"error": {"message": "no"}}, status=400)) as server:
        with pytest.raises(ProviderError):
            module.live_model(asked(f"{server.url}/{provider}?key={QUERY}&tenant=7")).complete(REQUEST)
        path, _, query = server.requests[0].path.partition("?")

    assert path.startswith(f"/{provider}/")
    assert set(query.split("&")) >= {f"key={QUERY}", "tenant=7"}
    assert json.dumps(server.requests[0].body)


def _ours(value: object) -> Iterator[object]:
    """Give the parts of an object that are the plugin's own, and theirs."""
    names = [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]
    for part in (getattr(value, name) for name in names):
        if type(part).__module__.startswith("pytest_codeact"):
            yield part
            yield from _ours(part)
