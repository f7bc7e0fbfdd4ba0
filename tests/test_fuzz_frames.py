"""A short run of the fuzzer of frames; `python tests/fuzz/frames.py` runs it for longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.frames import fuzz

from pytest_codeact.runtimes._channel import _TOKENS

if TYPE_CHECKING:
    from pathlib import Path


def test_hostile_frames_find_nothing(tmp_path: Path) -> None:
    """Some thousand broken streams and some broken conversations end in the reader's own errors."""
    tally = fuzz(seed=1, folder=tmp_path, enough=lambda tally: tally.conversations >= 40, streams_per_conversation=100)

    assert tally.findings == []
    assert tally.streams == 4000
    assert {"message", "no frame", "end", "program ok", "program error", "program crash"} <= set(tally.outcomes)


def test_string_without_an_end_is_one_token() -> None:
    """Looked for anew at each of its quotes, its end would cost the host hours of a frame of some megabytes."""
    text = '{"t":"out","s":"' + '\\"[\\"]' * 100_000

    assert [match[0] for match in _TOKENS.finditer(text)] == ["{", '"t"', '"out"', '"s"', text[15:]]
