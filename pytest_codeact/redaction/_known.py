"""
The secrets that are known by value, as they are looked for in texts.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pytest_codeact.redaction._forms import base64_cores, needle_of, pattern_of, written_forms
from pytest_codeact.redaction._rules import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MIN_CUT_CHARACTERS: Final = 6
"""Characters of a secret, at a place where a text was cut, that are taken for a part of it."""

_ELLIPSES: Final = ("...", "…")
_ELLIPSIS: Final = re.compile("|".join(map(re.escape, _ELLIPSES)))


class Known:
    """
    Finds values. Has no state; safe to use from several threads.

    Args:
        secrets: Values, each with the name of what holds it.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        # The longest first: a secret may begin with another one.
        pairs = sorted(secrets.items(), key=lambda pair: len(pair[0]), reverse=True)
        found = [(pattern_of(secret), holder) for secret, holder in pairs]
        found += [(re.escape(core), holder) for secret, holder in pairs for core in dict.fromkeys(base64_cores(secret))]
        self._holders = tuple(holder for _, holder in found)
        self._pattern = re.compile("|".join(f"({pattern})" for pattern, _ in found)) if found else None
        cores = {core for secret in secrets for core in base64_cores(secret)}
        self._needles = tuple({needle_of(secret) for secret in secrets} | cores)
        self._cut = tuple({form for secret in secrets for form in written_forms(secret)})
        size = MIN_CUT_CHARACTERS
        self._ends = tuple({end for each in self._cut for end in (each[:size], each[-size:])})
        self._longest = max(map(len, self._cut), default=0)

    def may_hold(self, text: str) -> bool:
        """Tell, fast and with false alarms, whether a value stands in a text, whole."""
        return any(each in text for each in self._needles)

    def may_hold_part(self, text: str) -> bool:
        """Tell the same of a part of a value, at a place where somebody cut."""
        return any(each in text for each in self._ends)

    def matches(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Give what holds each value that stands in a text, whole, and where it begins and ends."""
        if self._pattern is not None and self.may_hold(text):
            for match in self._pattern.finditer(text):
                yield self._holders[(match.lastindex or 1) - 1], match.start(), match.end()

    def without(self, text: str) -> str:
        """Take every value out of a text; where the text was cut, a part of one too."""
        if self._pattern is None:
            return text
        if self.may_hold(text):
            text = self._pattern.sub(MARK, text)
        # A report's texts are shortened by whoever writes them: a part of a secret is one too.
        size, longest = MIN_CUT_CHARACTERS, self._longest
        is_cut = any(each in text for each in _ELLIPSES)
        ends = text if is_cut or len(text) <= 2 * longest else f"{text[:longest]}\0{text[-longest:]}"
        met = [each for each in self._cut if each[:size] in ends or each[-size:] in ends]
        return _without_parts(text, met) if met else text


def _without_parts(text: str, secrets: Sequence[str]) -> str:
    """Take the beginning of a secret out where a text breaks off, and its end where it goes on."""
    breaks = [0, *(place for match in _ELLIPSIS.finditer(text) for place in match.span()), len(text)]
    parts = []
    for start, end in pairwise(breaks):
        part = text[start:end]
        # The longest: two secrets may share an end.
        if size := max(_ending_size(part, secret) for secret in secrets):
            part = part[:-size] + MARK
        if size := max(_ending_size(part[::-1], secret[::-1]) for secret in secrets):
            part = MARK + part[size:]
        parts.append(part)
    clean = "".join(parts)
    return text if clean == text else clean


def _ending_size(part: str, secret: str) -> int:
    """Count the characters at the end of a text that are the beginning of a secret, not all of it. 0 for too few."""
    sizes = range(min(len(secret) - 1, len(part)), MIN_CUT_CHARACTERS - 1, -1)
    return next((size for size in sizes if part.endswith(secret[:size])), 0)
