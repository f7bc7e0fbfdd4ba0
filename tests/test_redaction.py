"""Secrets by value, name and shape: what is taken out, and what is honest and stays."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from pytest_codeact.redaction import MARK, Redactor, Secrets, shown_address

KEY = 'pLm8-quartz/zz+1"x'
if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = {"MY_API_KEY": KEY}

NOTHING = Redactor.of({})
ONE = Redactor.of(SECRETS)

TAKEN = {
    "header": ("x-api-key: abc12345678", f"x-api-key: {MARK}"),
    "bearer header": ("Authorization: Bearer abcdefgh1", f"Authorization: Bearer {MARK}"),
    "bearer": ("sent Bearer abc.def-12345 there", f"sent Bearer {MARK} there"),
    "json": ('{"api_key": "abc"}', f'{{"api_key": "{MARK}"}}'),
    "json in json": (r"{\"api_key\": \"abc\"}", rf"{{\"api_key\": \"{MARK}\"}}"),
    "json with a quote": (r'{"password": "a\"b"}', f'{{"password": "{MARK}"}}'),
    "repr of a header": ("{'x-goog-api-key': 'abc'}", f"{{'x-goog-api-key': '{MARK}'}}"),
    "bytes": ("(b'x-api-key', b'abcd12345')", f"(b'x-api-key', b'{MARK}')"),
    "pair": ("('authorization', 'Bearer abc12345x')", f"('authorization', '{MARK}')"),
    "argument": ('put(client_secret="abc")', f'put(client_secret="{MARK}")'),
    "camel case": ('{"clientSecret":"abc"}', f'{{"clientSecret":"{MARK}"}}'),
    "assignment": ("OPENAI_API_KEY=abcd1234efgh", f"OPENAI_API_KEY={MARK}"),
    "cookie": ("cookie: session=b12345678", f"cookie: {MARK}"),
    "login": ("https://u:p@ss@h/x", f"https://{MARK}@h/x"),
    "token login": ("https://abcdefghijklmnop1234@h/x", f"https://{MARK}@h/x"),
    "query": ("https://h/x?a=1&key=secret&b=2", f"https://h/x?a=1&key={MARK}&b=2"),
    "named query": ("https://h?api_key=s", f"https://h?api_key={MARK}"),
    "anthropic": ("a sk-" + "ant-api03-abcdefgh12345678 b", f"a {MARK} b"),
    "openai": ("sk-" + "proj-AAAA1111BBBB2222CCCC", MARK),
    "github": ("ghp" + "_0123456789abcdefghij", MARK),
    "github fine": ("github" + "_pat_0123456789_abcdefghij", MARK),
    "google": ("AIza" + "Sy0123456789abcdefghij_klmnopqrs", MARK),
    "aws": ("AKIA" + "IOSFODNN7EXAMPLE", MARK),
    "slack": ("xoxb" + "-1234567890-abcdef", MARK),
    "web token": ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0.abc-def", MARK),
    "private key": ("-----BEGIN RSA " + "PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nx", f"{MARK}\nx"),
}

HONEST = [
    '{"key": "cups", "token_count": 3, "token": "abc", "output_tokens": 12}',
    '["password", "email"]',
    "password: required",
    "api_key=settings.key",
    'password == "x"',
    'set_password("x")',
    'preauthorization: "PA-123"',
    '{"cookie": "chocolate"}',
    "task-sk-learn-based-pipeline and risk-free",
    "Bearer of news that are good",
    "http://user@host/ and http://h:80/x@y",
    "https://shop/item?key=42",
    "secret_name: x12345678",
    '{"password": {"type": "string"}}',
]


@pytest.mark.parametrize(("text", "clean"), TAKEN.values(), ids=TAKEN)
def test_secret_of_a_known_form_is_taken_out(text: str, clean: str) -> None:
    """What a name or a shape tells to be a secret becomes the mark, and nothing else changes; once is enough."""
    assert NOTHING.text(text) == clean
    assert NOTHING.text(clean) == clean
    assert len(NOTHING.finds(text)) == 1
    assert NOTHING.finds(clean) == []


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays(text: str) -> None:
    """What only resembles a secret is the same object afterwards."""
    assert ONE.text(text) is text
    assert ONE.finds(text) == []


LINE = 'it\'s "a\\odd" <p\u00e4ss> & 9/x\n7'


def _chained(*steps: Callable[[str], str]) -> str:
    text = LINE
    for step in steps:
        text = step(text)
    return text


ENCODED = {
    "repr of JSON": _chained(json.dumps, repr),
    "repr of repr of JSON in JSON": _chained(json.dumps, json.dumps, repr, repr),
    "html": _chained(html.escape),
    "html of html": _chained(html.escape, html.escape),
    "html of repr": _chained(repr, html.escape),
    "url": _chained(quote),
    "url of url": _chained(lambda text: quote(text, safe=""), quote),
    "form": _chained(quote_plus),
    "ascii": _chained(ascii, ascii),
    "bytes": repr(LINE.encode()),
    "bytes of JSON": repr(json.dumps(LINE).encode()),
    "JSON of slashes": json.dumps(LINE).replace("/", "\\/"),
}


@pytest.mark.parametrize("text", ENCODED.values(), ids=ENCODED)
def test_value_is_taken_out_however_often_it_was_encoded(text: str) -> None:
    """A secret with quotes, backslashes and letters of other alphabets is found in encodings of encodings."""
    redactor = Redactor.of({"MY_PASSWORD": LINE})
    clean = redactor.text(f"before {text} behind")

    assert "odd" not in clean
    assert "before" in clean
    assert "behind" in clean
    assert redactor.finds(text)[0][0] == "value of MY_PASSWORD"


MADE_UP = [
    {"password": "honest-12345", "api_key": "demo-key-1", "note": "password: honest-12345"},
    {"headers": [["x-api-key", "abcd1234"]], "url": "https://h/?key=abcdef123"},
]


@pytest.mark.parametrize("value", MADE_UP)
def test_what_a_world_calls_a_secret_stays_in_its_talk(value: object) -> None:
    """What only its name tells is taken out of what libraries say, and stays in what models and worlds say."""
    assert ONE.talked(value) is value
    assert ONE.json(value) != value


def test_talk_loses_values_and_shapes() -> None:
    """What is a secret by value or shape is taken out of what models and worlds say as well."""
    shaped = "ghp" + "_0123456789abcdefghij"

    assert ONE.talked({"a": [KEY, {"b": f"{shaped} and Bearer abcdefgh1"}], "c": "https://u:p@ss@h"}) == {
        "a": [MARK, {"b": f"{MARK} and Bearer {MARK}"}],
        "c": f"https://{MARK}@h",
    }


def test_record_is_searched_by_name_in_errors_alone() -> None:
    """Of a record, errors and failed attempts are searched by name as well, calls of tools are not."""
    call = {"arguments": {"password": "honest-12345"}, "error": None}
    attempt = {"error": "x-api-key: abc12345678", "status": 401}
    fields = {"calls": [call], "turns": [{"attempts": [attempt]}, {"attempts": []}], "attempts": [attempt]}
    fields["error"] = "sent x-api-key: abc12345678"
    clean = NOTHING.record(fields)
    text = json.dumps(fields, separators=(",", ":"))

    assert clean["calls"] == [call]
    assert clean["error"] == f"sent x-api-key: {MARK}"
    assert clean["attempts"] == clean["turns"][0]["attempts"] == [{"error": f"x-api-key: {MARK}", "status": 401}]
    assert json.loads(NOTHING.record_text(text)) == clean


def test_record_loses_a_key_that_an_error_cut() -> None:
    """An error's text that ends in half a key is found without reading records that hold none."""
    text = json.dumps({"calls": [], "error": f"answered: {KEY[:9]}..."}, separators=(",", ":"))

    assert json.loads(ONE.record_text(text))["error"] == f"answered: {MARK}..."


@pytest.mark.parametrize(
    "text", [f"{'x' * 90}password{'y' * 90}", "İ api_key: abcd12345", f"{'a' * 50}_api_key=abcd12345"]
)
def test_names_are_found_where_they_end(text: str) -> None:
    """A name is found after any text, of any alphabet; one that is a part of a longer word is none."""
    assert ("abcd12345" in text) == (NOTHING.text(text) != text)
    assert "abcd12345" not in NOTHING.text(text)


FORMS = {
    "plain": KEY,
    "json": json.dumps(KEY),
    "json in json": json.dumps(json.dumps(KEY)),
    "repr": repr(KEY + "'"),
    "url": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "url base64": base64.urlsafe_b64encode(f"me:{KEY}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_value_is_taken_out_in_every_form(form: str) -> None:
    """A secret that is known by value is found as it is and as JSON, repr, URLs and base64 write it."""
    clean = ONE.text(f"before {form} behind")

    assert MARK in clean
    assert "quartz" not in clean
    assert ONE.finds(form)[0][0] == "value of MY_API_KEY"


@pytest.mark.parametrize("text", ["cut pLm8-qua...", '...artz/zz+1"x is the end', "'pLm8-quartz/... and so on'"])
def test_part_of_a_value_is_taken_out_where_a_text_was_cut(text: str) -> None:
    """The beginning or the end of a secret beside an ellipsis is one too."""
    assert MARK in ONE.text(text)
    assert "artz" not in ONE.text(text).replace(MARK, "")


def test_wrapped_value_is_taken_out() -> None:
    """A secret with blanks is found where pprint wrapped it."""
    redactor = Redactor.of({"A_PASSWORD": "horse 9 battery"})

    assert redactor.text("x = ('my horse '\n     '9 battery')") == f"x = ('my {MARK}')"


NO_SECRETS = {
    "TOKENIZERS_PARALLELISM": "false",
    "AUTH_METHOD": "password",
    "SSH_AUTH_SOCK": "/run/user/1000/agent.12",
    "KEY_LENGTH": "40960000",
    "GIT_AUTHOR_NAME": "Ada L. 1815 of London",
    "SHORT_KEY": "a1b2c3",
    "AUTH_URL": "https://login.example.org/v1",
    "HIDDEN_KEY": "************",
    "HOME_9": "x12345678y",
}


@pytest.mark.parametrize(("name", "value"), NO_SECRETS.items())
def test_variable_that_holds_no_secret(name: str, value: str) -> None:
    """Words, numbers, paths, addresses, short values and values of other names are not taken out."""
    assert Redactor.of({name: value}).text(f"so {value} it is") == f"so {value} it is"


def test_variable_is_named_by_the_user() -> None:
    """A variable that the user names is a secret whatever its name and value."""
    assert Redactor.of({"PLAIN": "wren"}, named=["PLAIN"]).text("a wren") == f"a {MARK}"


def test_password_of_an_address_is_a_secret() -> None:
    """Of a connection string the password is known by value, whatever its variable is called."""
    redactor = Redactor.of({"DATABASE": "postgres://me:pq78-zx12@host/db"})

    assert redactor.text("with pq78-zx12 at host") == f"with {MARK} at host"


def test_json_shares_what_holds_none() -> None:
    """A value without a secret is the same object; one with a secret is changed there alone."""
    clean = {"a": [1, 2.5, None, True, "x"], "key": "cups"}
    mixed = {"clean": clean, "api_key": "abc", "list": [f"a {KEY}"], KEY: 1, "headers": [["x-api-key", "abcd1234"]]}

    assert ONE.json(clean) is clean
    assert ONE.json(mixed) == {
        "clean": clean,
        "api_key": MARK,
        "list": [f"a {MARK}"],
        MARK: 1,
        "headers": [["x-api-key", MARK]],
    }
    assert ONE.json(mixed)["clean"] is clean


def test_record_text_keeps_figures() -> None:
    """A record's text without a secret is the same object; in one with a secret all figures stay."""
    clean, mixed = '{"a":0.1}', json.dumps({"a": 0.1, "b": 12345678901234567890, "c": KEY})

    assert ONE.record_text(clean) is clean
    assert json.loads(ONE.record_text(mixed)) == {"a": 0.1, "b": 12345678901234567890, "c": MARK}


def test_secrets_come_and_stay() -> None:
    """A variable that comes during a run is a secret from then on, also after it has gone."""
    environment: dict[str, str] = {}
    secrets = Secrets(environment, addresses={"openai": "https://u:zq12-ab34@h"})
    before = secrets.redactor
    environment |= {"LATE_TOKEN": "late-1234"}
    late = secrets.redactor
    del environment["LATE_TOKEN"]

    assert before.text("late-1234") == "late-1234"
    assert late.text("late-1234") == secrets.redactor.text("late-1234") == MARK
    assert before.text("zq12-ab34") == MARK


def test_variable_that_goes_while_it_is_read_is_none() -> None:
    """Another thread may take a variable away between its name and its value: pytest does so with its own."""

    class Fleeting(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            raise KeyError(name)

        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            return None if name == "GONE" else super().get(name, default)

    secrets = Secrets(Fleeting({"GONE": "1", "LATE_TOKEN": "late-1234"}))

    assert secrets.redactor.text("late-1234") == MARK


def test_test_of_the_moment_makes_no_redactor_anew() -> None:
    """The variable that pytest sets in every phase of every test costs nothing."""
    environment = {"PYTEST_CURRENT_TEST": "test_one (setup)"}
    secrets = Secrets(environment)
    before = secrets.redactor
    environment["PYTEST_CURRENT_TEST"] = "test_one (call)"

    assert secrets.redactor is before


def test_name_alone_makes_no_truth_unfit() -> None:
    """What holds a key is told by value and shape: a made-up password of a world is none."""
    assert ONE.holds_key({"password": "made up"}) == ""
    assert ONE.holds_key({"a": [KEY]}) == "value of MY_API_KEY"
    assert ONE.holds_key(["AKIA" + "IOSFODNN7EXAMPLE"]) == "shape of an AWS key id"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://user:secret@host/?key=secret", f"https://{MARK}@host/?{MARK}"),
        ("openai=htps://u:p@h", f"openai=htps://{MARK}@h"),
        ("user:secret@host/?k=s", f"{MARK}@host/?{MARK}"),
        ("http://h/v1", "http://h/v1"),
    ],
)
def test_address_is_shown_without_login_and_query(given: str, shown: str) -> None:
    """A URL in a message, well formed or not, shows neither login nor query."""
    assert shown_address(given) == shown
