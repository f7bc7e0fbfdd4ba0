"""
Secrets by their form: known shapes of keys, and values that stand behind a name which says what they are.

A rule is a pattern with one group, "secret", which is all that is taken out. Searching a long text for a pattern takes
milliseconds, looking for a plain string microseconds: so a rule is tried only where one of its anchors occurs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK: Final = "[redacted]"
"""Stands for a secret, however long it was."""

_SURE_CHARACTERS: Final = 20
_MIN_PLAUSIBLE_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    How one kind of secret is found in a text.

    Attributes:
        kind: What is found, for people.
        anchors: Strings of which a text that holds one has at least one. In small letters if `folds`.
        pattern: Finds it; its group "secret" is what is taken out.
        folds: Whether capital letters are as good as small ones.
        accepts: Tells whether what was found is one. None for always.
        places: Gives where in a text it may be found. None for anywhere.
    """

    kind: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    folds: bool = False
    accepts: Callable[[str], bool] | None = None
    places: Callable[[str], Iterator[int]] | None = None

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Give every match in a text, in order; whether it is a secret is for `accepts` to say."""
        if self.places is None:
            yield from self.pattern.finditer(text)
            return
        end = 0
        for place in self.places(text):
            if place >= end and (match := self.pattern.match(text, place)) is not None:
                yield match
                end = match.end()


def _shape(kind: str, anchors: tuple[str, ...], pattern: str) -> Rule:
    return Rule(kind=f"shape of {kind}", anchors=anchors, pattern=re.compile(rf"(?<![A-Za-z0-9])(?P<secret>{pattern})"))


_SHAPES: Final = (
    _shape(
        "a private key",
        ("PRIVATE KEY-----",),
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)",
    ),
    # Words in kebab case ("sk-learn-based-pipeline") have no digits.
    _shape("an sk- key", ("sk-",), r"sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"),
    _shape("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{16,}"),
    _shape("a GitHub token", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{20,}"),
    _shape("a GitLab token", ("glpat-",), r"glpat-[A-Za-z0-9_-]{16,}"),
    _shape("a Google key", ("AIza",), r"AIza[A-Za-z0-9_-]{30,}"),
    _shape("a Google token", ("ya29.",), r"ya29\.[A-Za-z0-9_-]{20,}"),
    _shape("an AWS key id", ("AKIA", "ASIA"), r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("a Slack token", ("xox",), r"xox[a-z]-[A-Za-z0-9-]{10,}"),
    _shape("a Hugging Face token", ("hf_",), r"hf_[A-Za-z0-9]{20,}"),
    _shape("a JSON web token", ("eyJ",), r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
)

_ENDS: Final = (
    r"(?:api|access|secret|private|subscription|signing|encryption|account|master)[-_ ]?key"
    r"|(?:access|auth|refresh|session|id|bearer|security|api)[-_ ]?token"
    r"|secret|passw(?:or)?d|passphrase|authorization|credentials?|set-cookie"
)
_NAME: Final = rf"(?:db|my|user|client|x)?(?:{_ENDS})"
"""The ends of names behind which a secret stands. `key`, `token`, `token_count`, `secret_name` are not among them."""

_HUMP: Final = "(?<=(?-i:[a-z]))(?=(?-i:[A-Z]))"
_NAMED: Final = re.compile(rf"(?:.*(?:[^A-Za-z]|{_HUMP}))?{_NAME}", re.IGNORECASE | re.DOTALL)
_IN_TEXT: Final = rf"(?:(?<![A-Za-z])|{_HUMP}){_NAME}"

_NAME_ANCHORS: Final = ("key", "token", "secret", "passw", "passphrase", "authorization", "credential", "cookie")


_TAIL: Final = re.compile(
    r"(?:key|token|secret|passw(?:or)?d|passphrase|authorization|credentials?|cookie)(?=\\*[\"']?\s*[:=,])"
)
_NAME_BEFORE: Final = re.compile(rf"{_IN_TEXT}\Z", re.IGNORECASE)
_MAX_NAME_CHARACTERS: Final = 32


def _name_places(text: str) -> Iterator[int]:
    """Give where names begin that say that a secret follows. A search for whole names takes a hundred times as long."""
    small = text.lower()
    if len(small) != len(text):
        # Some capitals of other alphabets are two small letters.
        small = "".join(each.lower() if each.isascii() else each for each in text)
    for tail in _TAIL.finditer(small):
        end = tail.end()
        if name := _NAME_BEFORE.search(text, max(0, end - _MAX_NAME_CHARACTERS), end):
            yield name.start()


def is_plausible(secret: str) -> bool:
    """Tell a secret from prose and from code: `password: required`, `api_key=settings.key`."""
    has_digit = any(each.isdigit() for each in secret)
    return len(secret) >= _MIN_PLAUSIBLE_CHARACTERS and (has_digit or len(secret) >= _SURE_CHARACTERS)


def _named(kind: str, pattern: str, *, anchors: tuple[str, ...] = (), sure: bool) -> Rule:
    return Rule(
        kind=kind,
        anchors=anchors or _NAME_ANCHORS,
        pattern=re.compile(pattern, re.IGNORECASE),
        folds=True,
        accepts=None if sure else is_plausible,
        places=None if anchors else _name_places,
    )


# With the backslashes of JSON in JSON.
_QUOTE: Final = r"\\*[\"']"
_QUOTED: Final = rf"b?(?P<quote>{_QUOTE})(?P<secret>(?:(?!(?P=quote))(?:\\.|[^\\\n]))+)(?P=quote)"
_BARE: Final = r"(?P<secret>[^\s,;&\"'<>()\[\]{}\\]+)"
_URL_BARE: Final = r"(?P<secret>[^\s&#\"'<>\\]+)"

_BEARER: Final = _named("Bearer token", r"\bbearer\s+(?P<secret>[A-Za-z0-9._~+/=-]+)", anchors=("bearer ",), sure=False)

_NAMES: Final = (
    _named("value of a name that says so", rf"{_IN_TEXT}(?:{_QUOTE}\s*[:=]|\s*[:=])\s*{_QUOTED}", sure=True),
    # A pair, as clients keep headers; but ["password", "email"] is a list of names.
    _named("value of a name that says so", rf"{_IN_TEXT}{_QUOTE}\s*,\s*{_QUOTED}", sure=False),
    _named(
        "value of a name that says so",
        rf"{_IN_TEXT}(?:{_QUOTE})?\s*[:=]\s*(?!=)(?:(?:bearer|basic|token|digest)\s+)?{_BARE}",
        sure=False,
    ),
    _BEARER,
    _named(
        "cookie",
        rf"\bcookie(?:{_QUOTE})?\s*[:=]\s*b?(?:{_QUOTE})?(?P<secret>[^\s;=\"']+=[^\"'\n\\]+)",
        anchors=("cookie:", "cookie=", "cookie'", 'cookie"', "cookie\\"),
        sure=False,
    ),
)

_LOGIN: Final = Rule(
    kind="login in a URL",
    anchors=("://",),
    # A password may hold any sign; what stands before the last @ of the host's part is the login.
    pattern=re.compile(r"://(?P<secret>[^\s/?#\"'<>@:]*:[^\s/?#\"'<>]*|[^\s/?#\"'<>@:]{16,})@"),
)

_URLS: Final = (
    _LOGIN,
    _named(
        "query of a URL",
        rf"[?&](?:[\w.-]*(?:{_ENDS}|signature)|(?:key|token|sig)(?==[^\s&#\"'<>\\]{{6}}))={_URL_BARE}",
        anchors=("key=", "token=", "sig=", "signature=", "secret=", "passw", "credential"),
        sure=True,
    ),
)

RULES: Final = (*_SHAPES, *_URLS, *_NAMES)
"""In the order in which they are tried: what is sure comes first."""

SHAPES: Final = (*_SHAPES, _LOGIN, _BEARER)
"""Those that need no name: a world's `password` may be as made up as the rest of it."""


def _ending(words: str, end: str) -> str:
    """Write, as looking back from its end, that a text ends in one of some words and another, joined by any sign."""
    return "|".join(rf"(?<={word}{end})|(?<={word}[-_ ]{end})" for word in words.split())


_KEYS: Final = _ending("api access secret private subscription signing encryption account master", "key")
_TOKENS: Final = _ending("access auth refresh session id bearer security api", "token")

_GATE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # The first look back at one sign spares most places all others.
        rf"k(?:ey(?<=[a-z_ -]key)(?:{_KEYS})|en(?!s)(?<=[a-z_ -]token)(?:{_TOKENS}))",
        r"k(?:ie(?<=cookie)|-(?<=sk-)|ia(?<=akia))",
        r"z(?:(?<=authoriz)|a(?<=aiza))",
        r"j(?<=eyj)",
        r"_(?:(?<=gh[pousr]_)|(?<=hf_)|(?<=github_pat_))",
        r"-(?:(?<=glpat-)|(?<=xox[a-z]-)|----b)",
        r"=(?:(?<=key=)|(?<=token=)|(?<=sig=)|(?<=signature=))",
    )
)
_GATE_TEXTS: Final = ("@", "secret", "passw", "passphrase", "credential", "bearer ", "ya29.", "asia")


_SHAPE_GATE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Each begins with one letter, for which `re` searches fastest, and looks back from there.
        r"_(?:(?<=gh[pousr]_)|(?<=hf_)|(?<=github_pat_))",
        r"-(?:(?<=glpat-)|(?<=xox[a-z]-)|(?<=(?<![A-Za-z0-9])sk-)|(?<=KEY-))",
        r"I(?:A(?<=A[KS]IA)|za(?<=AIza))",
        r"J(?<=eyJ)",
        r"9\.(?<=ya29\.)",
    )
)


def may_hold(text: str) -> bool:
    """Tell, fast and with false alarms, whether a rule may find something. What is slow in `re` is not asked of it."""
    small = text.lower()
    return any(each in small for each in _GATE_TEXTS) or any(each.search(small) for each in _GATE)


def may_hold_shape(text: str) -> bool:
    """Tell the same of the rules that need no name."""
    return (
        any(each.search(text) for each in _SHAPE_GATE)
        or ("earer " in text or "EARER " in text)
        or ("@" in text and "://" in text and _LOGIN.pattern.search(text) is not None)
    )


def shaped(text: str) -> list[str]:
    """Give the parts of a text that have the shape of a key."""
    if not may_hold_shape(text):
        return []
    return [match["secret"] for rule in _SHAPES for match in rule.pattern.finditer(text)]


def is_sensitive(name: str) -> bool:
    """Tell whether the value of a field, header or parameter of this name is a secret."""
    return _NAMED.fullmatch(name) is not None
