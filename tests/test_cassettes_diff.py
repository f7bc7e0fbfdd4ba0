"""What is said of a request that is not recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from recordings_of import request, slot

from pytest_codeact.cassettes import CassetteModel
from pytest_codeact.cassettes._diff import MAX_LINES
from pytest_codeact.errors import RecordingError
from pytest_codeact.records import Message, ToolCall, ToolResult

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_codeact.providers import Request

from fakes import ScriptedModel, says


def turns(*results: str, code: str = "look()") -> Request:
    """Make a request after so many turns, each with a program and what it gave."""
    messages: list[Message] = []
    for number, content in enumerate(results):
        call = ToolCall(id=f"c{number}", name="run_code", arguments={"code": code})
        messages.append(Message(role="assistant", tool_calls=(call,)))
        result = ToolResult(call_id=f"c{number}", name="run_code", content=content)
        messages.append(Message(role="tool", tool_results=(result,)))
    return request(*messages)


def said(root: Path, recorded: list[Request], asked: Request, *, trial: int = 1) -> list[str]:
    """Record requests as trial 1; give the lines that are said of another request."""
    model = ScriptedModel(*(says("x") for _ in recorded))
    client = CassetteModel(slot(root), ask=lambda: model)
    for each in recorded:
        client.complete(each)
    if trial != 1:
        CassetteModel(slot(root, trial), ask=lambda: ScriptedModel(says("x"))).complete(request(system="other"))
    with pytest.raises(RecordingError) as caught:
        CassetteModel(slot(root, trial), ask=None).complete(asked)
    return str(caught.value).splitlines()


def test_difference_is_that_from_the_nearest(tmp_path: Path) -> None:
    """Of the recorded requests the one with the longest equal beginning; and only from where they part."""
    rows = {"rows": [{"name": f"row {number}", "count": number} for number in range(50)]}
    old = json.dumps(rows)
    rows["rows"][40]["count"] = 41
    recorded = [turns(), turns("ok"), turns("ok", old)]

    lines = said(tmp_path, recorded, turns("ok", json.dumps(rows)))

    assert lines[1:4] == [
        "nearest is request 3 of trial 1; it differs in: messages",
        "--- recorded: request 3 of trial 1",
        "+++ asked now",
    ]
    assert [line.split() for line in lines[5:]] == [
        ["{"],
        ['"name":', '"row', '40",'],
        ["-", '"count":', "40"],
        ["+", '"count":', "41"],
        ["},"],
        ["{"],
    ]


def test_program_is_shown_as_lines(tmp_path: Path) -> None:
    """A program differs in a line, not in a string."""
    lines = said(tmp_path, [turns("ok", code="a = 1\nb = 2\nc = 3")], turns("ok", code="a = 1\nb = 20\nc = 3"))

    assert [line.replace(" ", "") for line in lines if line[0] in "+-"][2:] == ["-b=2", "+b=20"]


def test_difference_is_bounded(tmp_path: Path) -> None:
    """A conversation of megabytes makes no report of megabytes, whatever its lines are."""
    for recorded, asked in (("a\n" * 50_000, "b\n" * 50_000), ("a" * 1_000_000, "b" * 1_000_000)):
        root = tmp_path / recorded[:2].strip() / str(len(recorded))
        lines = said(root, [turns(recorded)], turns(asked))

        assert len(lines) == 2 + MAX_LINES + 1
        assert max(map(len, lines[1:])) < 140
        assert lines[-1].endswith(" more lines)")


def test_same_request_of_another_trial_says_so(tmp_path: Path) -> None:
    """Trials are not each other's: with the same request recorded for another, no empty difference is shown."""
    lines = said(tmp_path, [request()], request(), trial=2)

    assert lines[1:] == [
        "request 1 of trial 1 is the same; it was recorded for another trial, or is asked more often now"
    ]


def test_numbers_and_switches_are_named(tmp_path: Path) -> None:
    """Limits of the request are lines of their own."""
    asked = replace(request(), max_output_tokens=98, parallel_tool_calls=False)

    lines = said(tmp_path, [request()], asked)

    assert lines[1] == "nearest is request 1 of trial 1; it differs in: max_output_tokens, parallel_tool_calls"
    assert lines[5:] == [
        "-max_output_tokens: 99",
        "-parallel_tool_calls: true",
        "+max_output_tokens: 98",
        "+parallel_tool_calls: false",
    ]
