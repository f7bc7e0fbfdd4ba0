"""
Puts a trial's recording into the text of a cassette without reading the others: a file of fifty trials is written after
each of their replies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_codeact.cassettes._form import SCHEMA, recording_text

if TYPE_CHECKING:
    from pytest_codeact.cassettes._form import Recording

_BEGIN: Final = f'{{\n "schema": {SCHEMA},\n'
_TRIALS: Final = '\n "trials": [\n'
_END: Final = "\n ]\n}\n"
_BETWEEN: Final = "\n  },\n  {\n"
"""Stands between two trials and nowhere else: what lies deeper is indented more, and no string holds a line's end."""

_NUMBER: Final = re.compile(r'   "trial": (\d+),\n')
_OFFER: Final = re.compile(r'^     "offer": "(\w+)"', re.MULTILINE)
_OFFERED: Final = re.compile(r'^  "(\w+)": \{', re.MULTILINE)


def spliced(text: str, recording: Recording) -> str | None:
    """
    Put a recording in the place of that of the same trial.

    Args:
        text: That of a cassette's file.
        recording: The new one, with at least one interaction.

    Returns:
        The text that the file would have, or None where it takes more to tell: the file was laid out by another hand,
        or an offer comes or goes.
    """
    head, found, rest = text.partition(_TRIALS)
    if not (found and head.startswith(_BEGIN) and rest.startswith("  {\n") and rest.endswith("\n  }" + _END)):
        return None
    blocks = rest[len("  {\n") : -len("\n  }" + _END)].split(_BETWEEN)
    numbers = [_NUMBER.match(block) for block in blocks]
    new = recording_text(recording, "  ")
    if not new.startswith("{\n"):
        return None
    trials = {int(number[1]): block for number, block in zip(numbers, blocks, strict=True) if number}
    offers = set(_OFFER.findall(new))
    gone = set(_OFFER.findall(trials.get(recording.trial, ""))) - offers
    if len(trials) < len(blocks) or gone or not offers or not offers <= set(_OFFERED.findall(head)):
        return None
    trials[recording.trial] = new[len("{\n") : -len("\n  }")]
    return head + _TRIALS + "  {\n" + _BETWEEN.join(trials[number] for number in sorted(trials)) + "\n  }" + _END
