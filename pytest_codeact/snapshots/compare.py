"""
Outcomes as JSON: how two of them differ, and the text of one in a file.
"""

from __future__ import annotations

import json
import math
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_codeact.records import Json

_SHOWN_CHARACTERS: Final = 80
"""Longest text of one value in an explanation."""

_EXACT_INTEGER: Final = 2**53
"""Up to here a float without a fraction is the integer it looks like."""


def as_text(value: Json) -> str:
    """Give the text of a snapshot file. Values that are equal without tolerance have the same text."""
    return json.dumps(_integral(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _integral(value: Json) -> Json:
    """Write 13000.0 as 13000: arms differ in which of the two they return."""
    if isinstance(value, dict):
        return {key: _integral(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_integral(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INTEGER:
        return int(value)
    return value


def as_json(value: object, path: str, *, finite: bool = False) -> Json:
    """
    Give a copy made of JSON values only; a tuple becomes a list.

    Args:
        value: What a world, a solution or a model gave.
        path: How to call it in a message.
        finite: Whether NaN and the infinities, which JSON does not know, are refused.

    Raises:
        ScenarioError: A part of it is no JSON value; the text names it.
    """
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ScenarioError(f"{path} has the key {key!r}; a snapshot holds JSON, where keys are str")
        return {key: as_json(each, _at(path, key), finite=finite) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each, f"{path}[{index}]", finite=finite) for index, each in enumerate(value)]
    if finite and isinstance(value, float) and not math.isfinite(value):
        raise ScenarioError(f"{path} is {value!r}; a snapshot holds JSON, which knows finite numbers only")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ScenarioError(
        f"{path} is {value!r} of type {type(value).__name__}; "
        "a snapshot holds JSON: None, bool, int, float, str, list and dict"
    )


def differences(expected: Json, got: Json, tolerance: float = 0.0, path: str = "") -> Iterator[str]:
    """
    List how a value differs from the expected one.

    Args:
        expected: The truth.
        got: What is judged.
        tolerance: Absolute difference up to which two numbers are equal.
        path: Where both stand, for example "state.rows[3]". "" for the top.

    Yields:
        One line per difference, for example "state.accounts.checking: expected 7175, got 7125".
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted(expected.keys() | got.keys()):
            if key not in got:
                yield f"{_at(path, key)}: missing, expected {_shown(expected[key])}"
            elif key not in expected:
                yield f"{_at(path, key)}: unexpected {_shown(got[key])}"
            else:
                yield from differences(expected[key], got[key], tolerance, _at(path, key))
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _list_differences(expected, got, tolerance, path)
    elif not _same(expected, got, tolerance):
        yield f"{path or 'outcome'}: expected {_shown(expected)}, got {_shown(got)}"


def _list_differences(expected: list[Json], got: list[Json], tolerance: float, path: str) -> Iterator[str]:
    steps: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(expected), 0, len(got))]
    if len(expected) != len(got):
        yield f"{path or 'outcome'}: expected {len(expected)} entries, got {len(got)}"
        # Aligned, a dropped entry is one line and not a shifted comparison of all that follow it.
        texts, other_texts = [as_text(each) for each in expected], [as_text(each) for each in got]
        steps = SequenceMatcher(None, texts, other_texts, autojunk=False).get_opcodes()
    for tag, start, end, other_start, other_end in steps:
        if tag == "equal":
            continue
        paired = min(end - start, other_end - other_start)
        for index, other in zip(range(start, end), range(other_start, other_end), strict=False):
            yield from differences(expected[index], got[other], tolerance, f"{path}[{index}]")
        for index in range(start + paired, end):
            yield f"{path}[{index}]: missing, expected {_shown(expected[index])}"
        for other in range(other_start + paired, other_end):
            yield f"{path}[{other}]: unexpected {_shown(got[other])}"


def _same(expected: Json, got: Json, tolerance: float) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        try:
            return expected == got or abs(expected - got) <= tolerance
        except OverflowError:  # an int beyond the range of float
            return False
    return type(expected) is type(got) and expected == got


def _at(path: str, key: str) -> str:
    if not key.isidentifier():
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
