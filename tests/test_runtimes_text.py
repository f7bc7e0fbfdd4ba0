"""Text on its way out of the sandbox."""

from __future__ import annotations

import pytest

from pytest_codeact.runtimes._text import cut, escape, utf8_bytes


@pytest.mark.parametrize("limit_bytes", [80, 100, 101, 1000])
@pytest.mark.parametrize("text", ["x" * 5000, "é" * 3000, "😀" * 2000, "\ud800" * 2000])
def test_cut_keeps_to_the_limit(text: str, limit_bytes: int) -> None:
    """However wide its characters, a cut text with its note is no longer than allowed."""
    assert utf8_bytes(cut(text, limit_bytes)) <= limit_bytes


def test_cut_leaves_a_short_text_alone() -> None:
    """A text of exactly the limit is not cut."""
    assert cut("é" * 50, 100) == "é" * 50


def test_cut_says_how_much_is_missing() -> None:
    """The bytes kept and the bytes named add up."""
    shown = cut("a" * 600 + "z" * 400, 164)

    assert shown == "a" * 50 + "\n[... 900 bytes left out ...]\n" + "z" * 50


def test_escape_leaves_ordinary_text_alone() -> None:
    """Letters of any script, newlines and tabs are not control characters."""
    assert escape("a\tb\né😀") == "a\tb\né😀"


@pytest.mark.parametrize(
    "character", ["\0", "\x1b", "\r", "\x7f", "\x9b", chr(0xD800), chr(0xDFFF), "\ufffe", "\uffff"]
)
def test_escape_replaces_what_breaks_things(character: str) -> None:
    """A control character becomes its Python escape."""
    assert escape(f"a{character}b") == "a" + character.encode("unicode_escape").decode() + "b"
