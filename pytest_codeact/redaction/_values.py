"""
Secrets by their value: which environment variables hold one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_codeact.redaction._rules import shaped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MIN_CHARACTERS: Final = 8
"""A value shorter than this is no secret by value: it would blot out words that mean something else."""

MIN_NAMED_CHARACTERS: Final = 4
"""The same, for variables that the user names himself."""

_MIN_WORD_CHARACTERS: Final = 20
_MIN_LOGIN_CHARACTERS: Final = 16
_MIN_NUMBER_DIGITS: Final = 16

_KEY_NAME: Final = re.compile(
    # AUTHOR is nobody's key, AUTHORIZATION is.
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|PASS$|PWD|CREDENTIAL|COOKIE|AUTH(?!OR(?!I))|(?:^|_)PAT$",
    re.IGNORECASE,
)
_PATH: Final = re.compile(r"(?:~|\.{0,2})[/\\]|[A-Za-z]:[/\\]")
_WORDS: Final = re.compile(r"[a-z]+(?:[-_. ][a-z]+)*|[A-Z]+(?:[-_. ][A-Z]+)*|[A-Z]?[a-z]+")
_NUMBER: Final = re.compile(r"[-+]?\d*[.,]?\d*")


def secrets_of(environment: Mapping[str, str], named: Collection[str]) -> dict[str, str]:
    """
    Give what must not be shown of an environment.

    Args:
        environment: The variables.
        named: Names of variables that are secrets whatever they look like.

    Returns:
        Secret to the name of its variable. Parts of a value that are secrets in themselves are entries of their own:
        the lines of a key that spans several, the password and the query of a URL.
    """
    found: dict[str, str] = {}
    for name, whole in environment.items():
        least = MIN_NAMED_CHARACTERS if name in named else MIN_CHARACTERS
        is_key = name in named or _KEY_NAME.search(name) is not None
        # A connection string is a secret by its form, whatever its variable is called.
        for part in _parts(whole.strip()) if is_key else _login_of(whole):
            if len(part) >= least and (name in named or _looks_secret(part)):
                found.setdefault(part, name)
        # By its value a key is found where it was cut or encoded as well.
        for part in shaped(whole):
            found.setdefault(part, name)
    return found


def _parts(value: str) -> Iterator[str]:
    """Give what of a variable's value is to be hidden."""
    if "://" in value:
        yield from _login_of(value)
        return
    if _PATH.match(value):
        return
    yield value
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if "-----" not in line)
    if value.startswith("{"):
        yield from _leaves(value)


def _login_of(value: str) -> Iterator[str]:
    """Give the password, or the token, and the query values of a URL."""
    if "://" not in value:
        return
    try:
        parts = urlsplit(value.strip())
        # A token stands where the name of a user would.
        login = parts.username if parts.password is None else parts.password
        login = "" if login is None or (parts.password is None and len(login) < _MIN_LOGIN_CHARACTERS) else login
    except ValueError:
        return
    for each in (login, *(given for _, given in parse_qsl(parts.query))):
        yield from {each, unquote(each)} - {""}


def _leaves(value: str) -> Iterator[str]:
    """Give the strings of a JSON object: a service account's key is one of them."""
    try:
        fields = json.loads(value)
    except ValueError:
        return
    for name, each in fields.items():
        if isinstance(each, str) and _KEY_NAME.search(name) and "://" not in each:
            yield each
            yield from (line for line in each.splitlines() if "-----" not in line)


def _looks_secret(value: str) -> bool:
    """Tell a secret from a word, a number or a path: `AUTH_METHOD=password` is none."""
    if _NUMBER.fullmatch(value):
        return sum(each.isdigit() for each in value) >= _MIN_NUMBER_DIGITS
    if _WORDS.fullmatch(value):
        return len(value) >= _MIN_WORD_CHARACTERS
    return len(set(value)) > 2 and not _PATH.match(value)  # noqa: PLR2004 - "********" hides something already
