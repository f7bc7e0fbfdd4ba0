"""
Text on its way out of the sandbox: cut to a length, made safe to print and to store. Used on both sides.
"""

from __future__ import annotations

import re
from typing import Final

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""
What a terminal obeys, turns the order of what is read (Unicode's bidirectional overrides), UTF-8 cannot encode or XML
1.0 forbids. Newline and tab are none of these.
"""

_NOTE_BYTES: Final = 64
"""Room for the note that says how much was left out."""


def utf8_bytes(text: str) -> int:
    """Give the UTF-8 bytes of a text; a lone surrogate counts 3."""
    return len(text.encode("utf-8", "surrogatepass"))


def cut(text: str, limit_bytes: int) -> str:
    """
    Leave out the middle of a text that is longer than `limit_bytes` UTF-8 bytes, and say so in its place.

    The result with its note keeps to the limit, unless the note alone is longer.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) <= limit_bytes:
        return text
    kept_bytes = max(0, limit_bytes - _NOTE_BYTES)
    tail_bytes = kept_bytes // 2
    head = encoded[: kept_bytes - tail_bytes].decode("utf-8", "ignore")
    tail = encoded[len(encoded) - tail_bytes :].decode("utf-8", "ignore")
    return f"{head}\n[... {len(encoded) - kept_bytes} bytes left out ...]\n{tail}"


def escape(text: str) -> str:
    r"""Replace control characters and lone surrogates by their Python escapes, such as `\x1b`."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
