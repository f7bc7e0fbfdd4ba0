"""The form of a cassette, and what is found to be wrong with one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from recordings_of import conversation, slot

from pytest_codeact.cassettes import Cassette, read_cassette, reply_of
from pytest_codeact.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def recorded(root: Path) -> Cassette:
    """Record two trials of two requests."""
    for trial in (2, 1):
        conversation(root, trial)
    cassette = read_cassette(slot(root).path)
    assert cassette is not None
    return cassette


def test_text_is_read_as_what_it_was_written_from(tmp_path: Path) -> None:
    """And written again as the same text: a file changes only where its content does."""
    cassette = recorded(tmp_path)
    text = cassette.to_text()

    assert Cassette.from_text(text) == cassette
    assert Cassette.from_text(text).to_text() == text
    assert text.isascii()
    assert [each.trial for each in cassette.recordings] == [1, 2]
    assert len(cassette.offers) == 1


def test_new_trial_changes_no_line_of_the_others(tmp_path: Path) -> None:
    """A difference in version control shows what was recorded, and nothing else."""
    conversation(tmp_path, 1)
    before = slot(tmp_path).path.read_text().splitlines()
    conversation(tmp_path, 2)
    after = slot(tmp_path).path.read_text().splitlines()

    # But for the comma after the first.
    assert [line.rstrip(",") for line in after[: len(before) - 3]] == [line.rstrip(",") for line in before[:-3]]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda form: form["trials"][0]["interactions"][0]["added"][0].update(text="!"), "has been changed: its key "),
        (lambda form: form["trials"][0]["interactions"][0]["reply"]["message"].update(text="!"), "has been changed"),
        (lambda form: form["trials"][0]["interactions"].pop(0), " of trial 1 follows "),
        (lambda form: form["offers"].update(x={}), "no request names the offer x"),
        (lambda form: form["offers"].clear(), ", which is gone"),
        (lambda form: form["trials"][0].update(trial=3), "of trial 3 has been changed"),
    ],
)
def test_what_was_changed_by_hand_is_found(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    """A key is that of its request, and what hangs loose is named."""
    cassette = recorded(tmp_path)
    assert list(cassette.problems()) == []
    form = json.loads(cassette.to_text())
    change(form)

    problems = list(Cassette.from_text(json.dumps(form)).problems())

    assert any(problem in each for each in problems)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stop": "because"}, r"holds a damaged reply \(unknown stop 'because'\)"),
        ({"usage": {"input": 1}}, r"holds a damaged reply \(TypeError: "),
        ({"message": {}}, r"holds a damaged reply \(KeyError: 'role'\)"),
        ({"attempts": [1]}, r"holds a damaged reply \(TypeError: "),
    ],
)
def test_damaged_reply_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """What no reply can be made of is an error of the recording."""
    form = dict(recorded(tmp_path).recordings[0].interactions[0].reply)

    with pytest.raises(RecordingError, match=said):
        reply_of({**form, **change})
