"""
The beginning of a JSON object, as far as it goes.
"""

from __future__ import annotations

import json
from typing import Any


def partial_object(text: str) -> dict[str, Any]:
    """
    Read a JSON object whose end is missing: whole members, and the last one's text as far as it goes.

    Args:
        text: What there is of it. {} is given for what is no beginning of an object.
    """
    closers: list[str] = []
    cuts = [("{}", 0)]
    in_text = is_escaped = False
    for at, character in enumerate(text):
        if in_text:
            in_text = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            in_text = True
        elif character in "{[":
            closers.append("}" if character == "{" else "]")
        elif character in "}]" and closers:
            closers.pop()
        elif character == ",":
            cuts.append((text[:at] + "".join(reversed(closers)), at))
    ends = "".join(reversed(closers))
    body = text[:-1] if is_escaped else text
    for candidate in (body + ('"' if in_text else "") + ends, *(cut for cut, _ in reversed(cuts))):
        try:
            value = json.loads(candidate)
        except ValueError:
            continue
        return value if isinstance(value, dict) else {}
    return {}
