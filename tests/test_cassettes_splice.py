"""Splicing a trial into a text gives what writing the whole cassette gives, or declines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from recordings_of import conversation, slot

from pytest_codeact.cassettes import Cassette, Measured, read_cassette
from pytest_codeact.cassettes._splice import spliced

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    """Record three trials."""
    for trial in (2, 10, 1):
        conversation(tmp_path, trial)
    read = read_cassette(slot(tmp_path).path)
    assert read is not None
    return read


@pytest.mark.parametrize("trial", [1, 2, 10])
def test_splice_replaces_a_trial(cassette: Cassette, trial: int) -> None:
    """First, last and between."""
    old = cassette.of_trial(trial)
    assert old is not None
    new = replace(old, measured=Measured(action_s=(0.5,) * 40, tool_s=(), in_flight=2))

    assert spliced(cassette.to_text(), new) == cassette.with_recording(new, {}).to_text()


@pytest.mark.parametrize("trial", [3, 7, 11])
def test_splice_adds_a_trial(cassette: Cassette, trial: int) -> None:
    """By its number, wherever that is; a string that looks like the layout is none."""
    (first, *_) = cassette.recordings[0].interactions
    odd = replace(first, added=({"role": "user", "text": '\n  },\n  {\n   "trial": 2,\n "trials": [\n'},))
    new = replace(cassette.recordings[0], trial=trial, interactions=(odd, odd))
    text = cassette.with_recording(new, {}).to_text()

    assert spliced(cassette.to_text(), new) == text
    assert spliced(text, new) == text
    assert Cassette.from_text(text).of_trial(trial) == new


def test_splice_declines_what_it_cannot_tell(cassette: Cassette) -> None:
    """Another layout, another schema, an offer that comes or that goes, a file cut off."""
    text, recording = cassette.to_text(), cassette.recordings[0]
    other = replace(recording, interactions=tuple(replace(each, offer="ffff") for each in recording.interactions))
    with_other = cassette.with_recording(other, {"ffff": {}})

    assert spliced(json.dumps(json.loads(text)), recording) is None
    assert spliced(json.dumps(json.loads(text), indent=2), recording) is None
    assert spliced(text.replace('"schema": 1', '"schema": 2'), recording) is None
    assert spliced(text, other) is None
    assert spliced(with_other.to_text(), recording) is None
    assert spliced(text[:-4], recording) is None
    assert spliced("", recording) is None
