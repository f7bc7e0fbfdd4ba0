"""
Reports: formatting only. What they show was measured elsewhere.
"""

from __future__ import annotations

import textwrap


def wrapped(sentence: str, width: int) -> list[str]:
    """Break a sentence into lines of a terminal's width, at blanks alone: names stay whole."""
    return textwrap.wrap(sentence, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
