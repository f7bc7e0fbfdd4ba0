"""What the tests of cassettes record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakes import ScriptedModel, calls

from pytest_codeact.attempt import Attempt
from pytest_codeact.cassettes import CassetteModel, Slot
from pytest_codeact.providers import Reply, Request
from pytest_codeact.records import CallRecord, Message, ToolResult, ToolSpec, TrialRecord, Turn, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_codeact.providers import Provider

TOOL = ToolSpec(name="look", description="Look.", parameters={"type": "object", "properties": {}})

FULL = Reply(
    message=Message(role="assistant", text="Four.", native={"fake": {"b": [1.5, None], "a": "é\ud800"}}),
    stop="end",
    usage=Usage(
        input_tokens=9, output_tokens=2, cached_input_tokens=3, cost_usd=0.1, cache_write_tokens=1, reasoning_tokens=2
    ),
    model_version="x-1",
    model_s=0.125,
    waited_s=2.5,
    attempts=(Attempt(error="busy", status=529, attempt_s=1.0, backoff_s=1.5),),
    request_id="req_1",
    sdk="fake 1.0",
    prices="bundled 2026-11-01",
)


def slot(root: Path, trial: int = 1, **changes: Any) -> Slot:
    """Make the place of a trial's recording."""
    return replace(Slot(root=root, scenario="t.py::test_x", arm="direct", model="fake/x", trial=trial), **changes)


def request(*messages: Message, **changes: Any) -> Request:
    """Make a request: the task, and what follows it."""
    task = Message(role="user", text="How many?")
    made = Request(
        system="Act.", messages=(task, *messages), tools=(TOOL,), parallel_tool_calls=True, max_output_tokens=99
    )
    return replace(made, **changes)


def record(model: Provider, *requests: Request, root: Path, trial: int = 1, **changes: Any) -> list[Reply]:
    """Record requests as one trial; give the replies."""
    client = CassetteModel(slot(root, trial, **changes), ask=lambda: model)
    return [client.complete(each) for each in requests]


def conversation(root: Path, trial: int = 1, **changes: Any) -> tuple[Request, Request]:
    """Record a trial of two requests, of which the second goes on with the first."""
    asked = calls(("look", {"z": 1, "a": 2}))
    shown = Message(role="tool", tool_results=(ToolResult(call_id="id0", name="look", content='{"count": 2}'),))
    first = request()
    second = request(asked.message, shown)
    record(ScriptedModel(asked, FULL), first, second, root=root, trial=trial, **changes)
    return first, second


def trial_record(*action_s: float, tool_s: float = 0.0, **changes: Any) -> TrialRecord:
    """Make the record of a trial, a turn for each of the seconds."""
    turns = tuple(
        Turn(index=index, model_s=1.0, waited_s=0.0, action_s=s, usage=None, tool_calls=0, visible_result_bytes=0)
        for index, s in enumerate(action_s)
    )
    call = CallRecord(name="look", arguments={}, result=2, error=None, result_bytes=1, tool_s=tool_s, origin="direct")
    made = TrialRecord(
        scenario="t.py::test_x",
        arm="direct",
        model="fake/x",
        trial=1,
        mode="live",
        turns=turns,
        calls=(call,),
        ended="answered",
    )
    return replace(made, **changes)
