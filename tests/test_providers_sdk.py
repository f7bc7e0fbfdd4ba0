"""Tests of what the vendors' adapters share."""

from __future__ import annotations

import subprocess
import sys
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.errors import ProviderError, UnavailableError
from pytest_codeact.providers import ModelContext, Request
from pytest_codeact.providers._sdk import (
    NO_KEY,
    ToolList,
    as_arguments,
    cleaned,
    count_of,
    find_key,
    load_sdk,
    mode_of,
    model_name,
    refused,
    sdk_version,
    sent_arguments,
    with_ids,
)
from pytest_codeact.records import Message, ToolCall, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Sequence


def context_of(environment: dict[str, str], base_url: str | None = None, model: str = "m") -> ModelContext:
    """Make a context with an environment."""
    return ModelContext(model=model, solution=None, seed=0, base_url=base_url, environment=environment)


def test_missing_sdk_gives_the_line_that_installs_it() -> None:
    """The reason names the package, what is wrong, and what to run."""
    with pytest.raises(
        UnavailableError,
        match=r"^the package acme-sdk cannot be imported \(No module named 'acme_of_2031'\); "
        r"run: pip install 'pytest-codeact\[acme\]'$",
    ):
        load_sdk("acme_of_2031", package="acme-sdk", extra="acme")


def test_sdk_is_imported() -> None:
    """An installed package is given as its module."""
    assert load_sdk("json", package="json", extra="json").loads("1") == 1


def test_version_names_the_package() -> None:
    """Records hold name and version."""
    assert sdk_version("pytest") == f"pytest {pytest.__version__}"


@pytest.mark.parametrize(
    ("environment", "key"),
    [({"A": "1", "B": "2"}, "1"), ({"A": " ", "B": " 2\n"}, "2"), ({"B": "2"}, "2")],
    ids=["first", "blank", "second"],
)
def test_first_key_that_is_set_counts(environment: dict[str, str], key: str) -> None:
    """Variables are asked in order; blanks around a key are no part of it, and a blank one is none."""
    assert find_key(context_of(environment), "A", "B") == key


@pytest.mark.parametrize(
    ("base_url", "own_server"), [(None, None), (None, False), ("http://host", False)], ids=["vendor", "said", "address"]
)
def test_missing_key_names_every_variable(base_url: str | None, own_server: bool | None) -> None:
    """A vendor's server needs a key."""
    with pytest.raises(UnavailableError, match=r"^no key: A or B is not set; export it, or choose another model$"):
        find_key(context_of({}, base_url), "A", "B", own_server=own_server)


@pytest.mark.parametrize("own_server", [None, True])
def test_own_server_needs_no_key(own_server: bool | None) -> None:
    """A server of the user's own is sent a word in its place."""
    assert find_key(context_of({}, "http://host"), "A", own_server=own_server) == NO_KEY


def test_model_name_is_what_was_named() -> None:
    """What follows the first slash is the vendor's business."""
    assert model_name(context_of({}, model="org/model:7b"), "openai", "x") == "org/model:7b"


def test_missing_model_name_gives_an_example() -> None:
    """A provider alone is a user's mistake."""
    with pytest.raises(
        ProviderError,
        match=r"^no model of 'acme' is named; expected PROVIDER/MODEL, for example --codeact-model=acme/m-1$",
    ):
        model_name(context_of({}, model=""), "acme", "m-1")


@pytest.mark.parametrize(("headers", "mode"), [({"x-codeact-emulator": ""}, "reference"), ({}, "live")])
def test_mode_is_told_by_a_header(headers: dict[str, str], mode: str) -> None:
    """The emulator's replies are the reference model's."""
    assert mode_of(headers) == mode


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"a": 1.5}', {"a": 1.5}),
        ("[1]", [1]),
        ("", {}),
        (" ", {}),
        (None, {}),
        ('{"a": ', '{"a": '),
        ('{"a": NaN}', '{"a": NaN}'),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("1" * 5_000, "1" * 5_000),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=["object", "list", "empty", "blank", "none", "cut", "nan", "infinity", "large", "long", "deep"],
)
def test_arguments_are_read_or_left_as_text(text: str | None, arguments: object) -> None:
    """What is no JSON is its own text, for the model to be shown."""
    assert as_arguments(text) == arguments


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a', {"invalid_arguments": '{"a'}),
        (["ü", 1], {"invalid_arguments": '["ü", 1]'}),
        (None, {"invalid_arguments": "null"}),
    ],
)
def test_arguments_go_back_as_an_object(arguments: Any, sent: object) -> None:
    """Protocols insist on an object; what was none is shown in one."""
    assert sent_arguments(arguments) == sent


def test_ids_are_repaired() -> None:
    """Missing ids and those that are taken are replaced; others stay, and the order."""
    asked = Request(
        system="",
        messages=(Message(role="assistant", tool_calls=(ToolCall(id="a", name="f", arguments={}),)),),
        tools=(),
        parallel_tool_calls=True,
        max_output_tokens=1,
    )
    calls = [ToolCall(id=each, name="f", arguments={}) for each in ("a", "", "b", "b", "fixed0001")]

    assert [each.id for each in with_ids(calls, asked)] == ["fixed0001", "fixed0002", "b", "fixed0003", "fixed0004"]


def test_tools_are_made_once() -> None:
    """The same tools have one form, equal ones of another trial another."""
    made: list[Sequence[ToolSpec]] = []

    def make(specs: Sequence[ToolSpec]) -> list[Any]:
        made.append(specs)
        return [each.name for each in specs]

    tools = ToolList(make)
    first, second = ((ToolSpec(name=name, description="", parameters={}),) for name in "ab")

    assert [tools.of(each) for each in (first, first, second, first)] == [["a"], ["a"], ["b"], ["a"]]
    assert made == [first, second, first]


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"a": {"b": 3}}, 3),
        ({"a": {"b": 0}}, 0),
        ({"a": {"b": None}}, None),
        ({"a": {"b": True}}, None),
        ({"a": {"b": -1}}, None),
        ({"a": {"b": 1.0}}, None),
        ({"a": 7}, None),
        (None, None),
    ],
)
def test_counts_are_whole_numbers_from_0(fields: Any, count: object) -> None:
    """What is no count is unknown, and not 0."""
    assert count_of(fields, "a", "b") == count


def test_secrets_are_taken_out_before_the_cut() -> None:
    """Half a key is still half a key; short words are none, nor is the one that stands for no key."""
    said = "x" * 295 + "secret-key and\n none"

    assert cleaned(said, ("secret-key", "", "a", NO_KEY)) == "x" * 295 + "*** a..."
    assert cleaned("none\n  given", (NO_KEY,)) == "none given"


@pytest.mark.parametrize(
    ("status", "headers", "transient"),
    [
        (400, {}, False),
        (401, {}, False),
        (404, {}, False),
        (408, {}, True),
        (425, {}, True),
        (429, {}, True),
        (429, {"x-should-retry": "false"}, False),
        (400, {"x-should-retry": "true"}, True),
        (500, {}, True),
        (529, {}, True),
    ],
)
def test_statuses_that_may_pass(status: int, headers: dict[str, str], transient: bool) -> None:
    """Busy and broken servers may be asked again, unless they say otherwise."""
    error = refused("acme", status, "no", headers)

    assert (error.status, error.transient, error.is_billed) == (status, transient, False)


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "-7"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({}, None),
    ],
    ids=["seconds", "negative", "milliseconds", "bad milliseconds", "nonsense", "past date", "none"],
)
def test_retry_after_is_read(headers: dict[str, str], retry_after_s: float | None) -> None:
    """Both headers and both forms are understood; what cannot be read is as if it were not there."""
    assert refused("acme", 429, "no", headers).retry_after_s == retry_after_s


def test_retry_after_a_date_is_counted_from_now() -> None:
    """A date is so many seconds away."""
    error = refused("acme", 429, "no", {"retry-after": formatdate(time.time() + 1_000, usegmt=True)})

    assert 900 < (error.retry_after_s or 0) <= 1_000


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "acme answered 401: no; check the key and what it may do"),
        (403, "acme answered 403: no; check the key and what it may do"),
        (404, "acme answered 404: no; check the name of the model and --codeact-base-url"),
        (
            413,
            "acme answered 413: no; the request is too large: offer fewer tools, or show less with "
            "--codeact-observation-bytes",
        ),
        (500, "acme answered 500: no"),
    ],
)
def test_refusals_say_what_to_do(status: int, text: str) -> None:
    """The text holds status, reason and advice."""
    assert str(refused("acme", status, " no ", {})) == text


def test_refusal_without_a_reason_says_so() -> None:
    """A server that says nothing is quoted so."""
    assert str(refused("acme", 500, "\n", {})) == "acme answered 500: no reason given"


PROBE = """
import sys
{action}
heavy = ("anthropic", "openai", "mistralai", "google.genai", "httpx2", "httpx", "pydantic", "tenacity", "ssl")
print(sorted(name for name in heavy if name in sys.modules))
"""


@pytest.mark.parametrize(
    "action",
    [
        "import pytest_codeact.providers.anthropic",
        "import pytest_codeact.providers.openai",
        "import pytest_codeact.plugin",
    ],
)
def test_import_brings_no_sdk(action: str) -> None:
    """Providers import their SDK when the first client is made. `ssl` alone costs 20 ms."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(action=action)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_plugin_start_brings_no_sdk(pytester: pytest.Pytester) -> None:
    """A run that names live models and asks none imports no SDK."""
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            heavy = [name for name in ("anthropic", "openai", "mistralai", "httpx2", "tenacity") if name in sys.modules]
            print("heavy:", heavy)
        """
    )
    pytester.makepyfile("def test_nothing(): pass")
    done = pytester.runpytest_subprocess("-s", "--codeact-model=anthropic/a,openai/b")

    done.stdout.fnmatch_lines(["heavy: []"])
    done.assert_outcomes(passed=1)
