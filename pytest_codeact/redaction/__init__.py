"""
Takes secrets out of what leaves a run: records, journals, reports, warnings, messages, recordings.

A secret is known by its value (that of an environment variable whose name says that it is one), by the name it stands
behind, or by its shape. Nothing is taken out of what a model is shown, a figure is counted over or a validator judges.
docs/secrets.md says what is found, where, and what is not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pytest_codeact.redaction._known import MIN_CUT_CHARACTERS, Known
from pytest_codeact.redaction._rules import (
    MARK,
    RULES,
    SHAPES,
    Rule,
    is_plausible,
    is_sensitive,
    may_hold,
    may_hold_shape,
)
from pytest_codeact.redaction._values import MIN_CHARACTERS, secrets_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator, Mapping

__all__ = ["MARK", "MIN_CHARACTERS", "Redactor", "Secrets", "shown_address"]

T = TypeVar("T")

_WORDS: Final = ("error", "attempts")
"""Fields of a record that hold what libraries and servers said, not what a model or a world did."""

_OF_PYTEST: Final = "PYTEST_CURRENT_TEST"

_ELLIPSES_IN_JSON: Final = ("...", "\\u2026")
_MAX_DEPTH: Final = 200


class Redactor:
    """
    Takes secrets out of texts and JSON. Has no state; safe to use from several threads.

    What libraries, servers and pytest say is searched by value, shape and name. What a model and a world say to each
    other is searched by value and shape: a made-up password must be the same when it comes back.

    Args:
        secrets: Values to hide, each with the name of what holds it.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._known = Known(secrets)

    @classmethod
    def of(cls, environment: Mapping[str, str], *, named: Collection[str] = ()) -> Redactor:
        """
        Make one that knows the secrets of an environment.

        Args:
            environment: The variables.
            named: Names of variables that are secrets though their names do not say so.
        """
        return cls(secrets_of(environment, named))

    def text(self, text: str) -> str:
        """Take every secret out of a text. The same object if there is none."""
        cut = self._known.without(text)
        for rule in _rules_for(cut):
            cut = _without(cut, rule)
        return text if cut == text else cut

    def talk(self, text: str) -> str:
        """Take out of a text of a model's or a world's what is a secret by value or shape. The same object if none."""
        cut = self._known.without(text)
        if may_hold_shape(cut):
            for rule in SHAPES:
                cut = _without(cut, rule)
        return text if cut == text else cut

    def json(self, value: T) -> T:
        """
        Take every secret out of a value made of dicts, lists, tuples and plain values; keys of dicts as well.

        Returns:
            The same object if there is none, or one that shares all parts that hold none.
        """
        text = "\0".join(_strings(value))
        if not (self._known.may_hold(text) or self._known.may_hold_part(text) or may_hold(text)):
            return value
        changed: T = _Walk(self.text, by_name=True).of(value)
        return changed

    def talked(self, value: T) -> T:
        """Take out of a value what `talk` takes out of texts; the same object if there is none."""
        # At once: most values hold none, and are small texts by the thousand.
        text = "\0".join(_strings(value))
        if not (self._known.may_hold(text) or self._known.may_hold_part(text) or may_hold_shape(text)):
            return value
        changed: T = _Walk(self.talk, by_name=False).of(value)
        return changed

    def record(self, fields: dict[str, Any]) -> dict[str, Any]:
        """
        Take every secret out of a trial's record, or a part of it, as JSON. The same object if there is none.

        By name in its errors and failed attempts alone.
        """
        clean = self.talked(fields)
        told: dict[str, Any] = {name: self.json(clean[name]) for name in _WORDS if name in clean}
        if "turns" in clean:
            told["turns"] = [self.json(each) if each.get("attempts") else each for each in clean["turns"]]
        found = {**clean, **told}
        return fields if found == fields else found

    def record_text(self, text: str) -> str:
        """
        Take every secret out of a record's text, as `TrialRecord.to_json` gives it. The same object if there is none.

        Figures stay what they are, whatever stands beside them.
        """
        # Searching for names takes longest, and most records hold no word that they are searched for in.
        has_words = '"error":"' in text or '"attempts":[{' in text
        is_cut = has_words or any(each in text for each in _ELLIPSES_IN_JSON)
        if not (
            self._known.may_hold(text)
            or may_hold_shape(text)
            or (is_cut and self._known.may_hold_part(text))
            or (has_words and may_hold(text))
        ):
            return text
        fields = json.loads(text)
        clean = self.record(fields)
        return text if clean is fields else json.dumps(clean, separators=(",", ":"))

    def finds(self, text: str) -> list[tuple[str, int]]:
        """
        List the secrets of a text.

        Returns:
            What each is, for people, and where it begins; in the order of their places. Never the secret.
        """
        places = [(f"value of {holder}", start, end) for holder, start, end in self._known.matches(text)]
        for rule in _rules_for(text):
            for match in rule.matches(text):
                start, end = match.span("secret")
                if _is_secret(match, rule) and all(end <= first or start >= last for _, first, last in places):
                    places.append((rule.kind, start, end))
        return sorted(((kind, start) for kind, start, _ in places), key=lambda place: place[1])

    def holds_key(self, value: object) -> str:
        """
        Tell whether a JSON value holds a secret by value or by shape, and which; a name alone proves nothing.

        Returns:
            What it is, for people. "" if there is none.
        """
        for text in _strings(value):
            for kind, _ in self.finds(text):
                if kind.startswith(("value of ", "shape of ")) and kind != "value of a name that says so":
                    return kind
        return ""


class _Walk:
    """
    One walk through a value.

    Args:
        text: Takes secrets out of a text.
        by_name: Whether what has a name that says so is a secret.
    """

    def __init__(self, text: Callable[[str], str], *, by_name: bool) -> None:
        self._text = text
        self._by_name = by_name
        # Most texts of a record come again and again: names of fields, and what they hold.
        self._known: dict[str, str] = {}

    def of(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._clean(value)
        if depth > _MAX_DEPTH:
            return value
        if isinstance(value, dict):
            return _changed_dict(
                value,
                {
                    self._clean(key) if isinstance(key, str) else key: self._field(key, each, depth)
                    for key, each in value.items()
                },
            )
        if isinstance(value, list | tuple):
            items = [self.of(each, depth + 1) for each in value]
            if self._by_name and _is_header(items):
                items[1] = MARK
            same = all(one is other for one, other in zip(items, value, strict=True))
            return value if same else items if isinstance(value, list) else tuple(items)
        return value

    def _clean(self, text: str) -> str:
        if len(text) < MIN_CUT_CHARACTERS:
            return text
        if (clean := self._known.get(text)) is None:
            clean = self._known[text] = self._text(text)
        # What is equal is to be the same object to the caller too.
        return text if clean == text else clean

    def _field(self, name: object, value: Any, depth: int) -> Any:
        if self._by_name and isinstance(name, str) and is_sensitive(name):
            # A header may come several times. A dict has names of its own: a schema of a `password` is no secret.
            if isinstance(value, str):
                return value if value in ("", MARK) else MARK
            if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
                return value if set(value) <= {"", MARK} else [MARK for _ in value]
        return self.of(value, depth + 1)


class Secrets:
    """
    The secrets of a process, and a redactor that knows them. Safe to use from several threads.

    Variables may come while a run goes on, from a conftest or a fixture, and go again; what was a secret stays one.

    Args:
        environment: The process's variables, as they are at each moment.
        named: Names of variables that are secrets though their names do not say so.
        addresses: URLs whose passwords and queries are secrets too, each by the name of what it is of.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        named: Collection[str] = (),
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = environment
        self._named = frozenset(named)
        of_addresses = {f"the address of {name or 'the server'}": url for name, url in (addresses or {}).items()}
        self._known = secrets_of(of_addresses, ())
        self._seen: dict[str, str] = {}
        self._redactor: Redactor | None = None

    @property
    def redactor(self) -> Redactor:
        """A redactor that knows every secret there was until now."""
        now = self._variables()
        if self._redactor is None or now != self._seen:
            # Not changed in place: another thread may be reading it.
            self._known = {**secrets_of(now, self._named), **self._known}
            self._redactor, self._seen = Redactor(self._known), now
        return self._redactor

    def _variables(self) -> dict[str, str]:
        # One by one: another thread may take a variable away meanwhile. pytest does so with its own, in every phase of
        # every test; that it holds no secret saves making the redactor anew each time.
        names = [name for name in self._environment if name != _OF_PYTEST]
        return {name: value for name in names if (value := self._environment.get(name)) is not None}


def shown_address(given: str) -> str:
    """Write a URL, or what was meant to be one, without the parts of it that may be secret."""
    before, at, host = given.rpartition("@")
    scheme, sign, _ = before.partition("://")
    shown = f"{scheme}{sign}{MARK}@{host}" if at and sign else f"{MARK}@{host}" if at else given
    address, question, _ = shown.partition("?")
    return f"{address}?{MARK}" if question else shown


def _without(text: str, rule: Rule) -> str:
    """Take out of a text what a rule finds."""
    pieces, done = [], 0
    for match in rule.matches(text):
        if _is_secret(match, rule):
            start, end = match.span("secret")
            pieces += [text[done:start], MARK]
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _rules_for(text: str) -> Iterator[Rule]:
    """Give the rules that a text may have something for."""
    if not may_hold(text):
        return
    small = text.lower()
    for rule in RULES:
        searched = small if rule.folds else text
        if any(anchor in searched for anchor in rule.anchors):
            yield rule


def _is_secret(match: re.Match[str], rule: Rule) -> bool:
    # What was taken out is not taken out again: a mark of another rule's may have been met in part.
    secret = match["secret"]
    return not secret.startswith(MARK[:-1]) and (rule.accepts is None or rule.accepts(secret))


def _is_header(items: list[Any]) -> bool:
    """Tell a pair of a name and its secret from a list of names."""
    is_pair = len(items) == 2 and all(isinstance(each, str) for each in items)  # noqa: PLR2004 - a pair
    return is_pair and is_sensitive(items[0]) and is_plausible(items[1])


def _changed_dict(before: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, Any]:
    same = len(before) == len(after) and all(
        one is other
        for pairs in zip(before.items(), after.items(), strict=True)
        for one, other in zip(*pairs, strict=True)
    )
    return before if same else after


def _strings(value: object, depth: int = 0) -> Iterator[str]:
    """Give every text of a value, as deep as secrets are taken out."""
    if isinstance(value, str):
        yield value
    elif depth > _MAX_DEPTH:
        return
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings(key, depth + 1)
            yield from _strings(each, depth + 1)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each, depth + 1)
