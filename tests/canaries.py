"""Canaries: made-up keys, and the search for them in whatever a run writes and shows."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BY_VALUE: Final = {
    "CANARY_API_KEY": "plume4-Quartz/zebra+77",
    "CANARY_PASSWORD": 'it"s a\\odd päss 9',
    "CANARY_TOKEN": "0f3b9a77c1d244e8b6a5",
    "CANARY_NAMED": "wrenfeather",
}
"""Variables of the run, of no known shape; the last one's name says nothing, so that the run is told of it."""

# In two parts: neither this file nor the project's are to hold one, and scanners of repositories need not cry.
BY_SHAPE: Final = {
    "shaped": "sk-" + "ant-api03-Canary0123456789abcdef",
    "github": "ghp" + "_Canary0123456789abcdefghij",
    "google": "AIza" + "SyCanary0123456789abcdefghij_klmnop",
    "slack": "xoxb" + "-1234567890-canarycanary",
}
"""Keys that stand in no variable whose name says so: in CARRIER_n, from which the project's tests take them."""

LOGIN: Final = "canarylogin77"
QUERY: Final = "canaryquery77"

KEYS: Final = {
    "ANTHROPIC_API_KEY": "zephyr4.quartz-88x",
    "OPENAI_API_KEY": "marrow7.lantern-21q",
    "MISTRAL_API_KEY": "tundra5.velvet-63k",
    "GEMINI_API_KEY": "cobalt9.thistle-40w",
}
"""The vendors' variables, with keys of no known shape."""


def encoded(key: str) -> set[str]:
    """Write a key as what carries it may; not by the redactor's own forms, whose gaps would be the search's as well."""
    raw = key.encode()
    written = {key, repr(key)[1:-1], html.escape(key), quote(key), quote(key, safe=""), quote_plus(key)}
    for _ in range(2):
        written |= {json.dumps(each, ensure_ascii=only)[1:-1] for each in written for only in (True, False)}
    # What surrounds a key shifts its base64 by up to two bytes; the letters at both ends are its neighbours' too.
    shifted = {base64.b64encode(b"\0" * shift + raw).decode()[4:-4] for shift in range(3)}
    return {*written, *shifted, *(each.translate(str.maketrans("+/", "-_")) for each in shifted)}


def leaks(root: Path, streams: Iterable[str]) -> list[str]:
    """Say where under a directory, and in which streams, a canary stands in any form; of a part of one as well."""
    canaries = {**BY_VALUE, **BY_SHAPE, **KEYS, "login": LOGIN, "query": QUERY}
    forms = {name: {*encoded(value), value[:8], value[-8:]} for name, value in canaries.items()}
    # Its first letters are those of every key of its kind.
    forms["shaped"] |= {BY_SHAPE["shaped"][7:20]}
    needles = [(name, form.encode()) for name, held in forms.items() for form in sorted(held)]
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    texts = {str(path.relative_to(root)): path.read_bytes() for path in files}
    texts |= {f"stream {index}": text.encode(errors="surrogateescape") for index, text in enumerate(streams)}
    return [
        f"{where}: {name}: ...{text[max(0, text.index(form) - 80) : text.index(form) + 60]!r}"
        for where, text in texts.items()
        for name, form in needles
        if form in text
    ]
