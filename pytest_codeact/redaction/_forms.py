"""
The forms in which a known secret may turn up: what JSON, `repr`, URLs, HTML and base64 make of it, also in one another.
"""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIN_CORE_CHARACTERS: Final = 8
"""Characters of a piece of base64 that is looked for."""

WRAPPED: Final = re.compile(r" ['\"]\s*['\"]")
"""What `pprint` puts behind a blank at which it wraps a long text."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]+")
"""What every encoding but base64 leaves as it is."""

_LETTERS: Final = {"\n": "n", "\r": "r", "\t": "t"}


def written_forms(secret: str) -> set[str]:
    """
    Give the commonest texts by which a secret may turn up: itself, and as JSON, `repr`, URLs and HTML write it.

    JSON inside JSON is among them; base64 is not.
    """
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1], html.escape(secret)}
    escaped = {json.dumps(each, ensure_ascii=ascii_only)[1:-1] for each in plain for ascii_only in (True, False)}
    twice = {json.dumps(each)[1:-1] for each in escaped}
    return plain | escaped | twice


def base64_cores(secret: str) -> Iterator[str]:
    """Give of a secret's base64 what does not depend on what stands around it."""
    raw = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        padded = b"\0" * before + raw
        # The first and the last letters depend on what stands around the secret as well.
        start, end = -(-before * 8 // 6), len(padded) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            core = encode(padded).decode("ascii")[start:end]
            if len(core) >= _MIN_CORE_CHARACTERS:
                yield core


def pattern_of(secret: str) -> str:
    """Write a secret as a pattern that finds it however often it was encoded, and where it was wrapped."""
    # A run of backslashes is one pattern: several that may each be of any length would try all divisions of a run.
    pieces = re.split(r"(\\+)", secret)
    return "".join(
        _backslashes(len(each)) if each[:1] == "\\" else "".join(map(_sign_pattern, each)) for each in pieces
    )


def _backslashes(count: int) -> str:
    return rf"(?:\\{{{count},}}|(?:%(?:25)*5[Cc]){{{count}}})"


def needle_of(secret: str) -> str:
    """Give the longest part of a secret that stands in all of its forms but base64. "" if there is none."""
    return max(_PLAIN.findall(secret), key=len, default="")


def _sign_pattern(sign: str) -> str:
    if _PLAIN.fullmatch(sign):
        return re.escape(sign)
    code = ord(sign)
    raw = sign.encode("utf-8", "surrogateescape")
    units = sign.encode("utf-16-be", "surrogatepass")
    # Each level of JSON or repr doubles backslashes, each of a URL writes a percent sign as %25.
    ways = [
        r"\\*" + re.escape(sign),
        "".join(f"%(?:25)*{byte:02x}" for byte in raw),
        "".join(rf"\\+x{byte:02x}" for byte in raw),
        "".join(rf"\\+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)),
        rf"\\+U{code:08x}",
        rf"\\*&(?:amp;)*\#(?:0*{code}|x0*{code:x});",
    ]
    if (escaped := html.escape(sign)) != sign:
        ways.append(r"\\*&(?:amp;)*" + re.escape(escaped[1:]))
    if code < 256:  # noqa: PLR2004 - what repr of ASCII writes with two digits
        ways.append(rf"\\+x{code:02x}")
    if sign in _LETTERS:
        ways.append(rf"\\+{_LETTERS[sign]}")
    if sign == " ":
        ways += [r"\+", WRAPPED.pattern]
    return f"(?i:{'|'.join(reversed(ways))})"
