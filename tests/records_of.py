"""Makes records for tests, with figures that are easy to add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_codeact.records import CallRecord, TrialRecord, Turn, Usage

if TYPE_CHECKING:
    from pytest_codeact.records import CodeStatus, Ended


def usage(
    input_tokens: int = 100, output_tokens: int = 10, *, counted_by: str | None = None, cost_usd: float | None = None
) -> Usage:
    """Make a usage that reports no cache."""
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens, counted_by=counted_by, cost_usd=cost_usd)


def turn(
    index: int = 0,
    *,
    tokens: Usage | None = None,
    model_s: float = 1.0,
    action_s: float = 0.5,
    waited_s: float = 0.0,
    visible: int = 20,
    statuses: tuple[CodeStatus, ...] = (),
) -> Turn:
    """Make a turn of one tool call."""
    return Turn(
        index=index,
        model_s=model_s,
        waited_s=waited_s,
        action_s=action_s,
        usage=tokens,
        tool_calls=1,
        visible_result_bytes=visible,
        code_statuses=statuses,
    )


def call(result: object = "ok", *, size: int = 4, error: str | None = None) -> CallRecord:
    """Make a call of a tool called "look"."""
    return CallRecord(
        name="look",
        arguments={"id": 1},
        result=result,  # type: ignore[arg-type]  # the tests pass JSON
        error=error,
        result_bytes=size,
        tool_s=0.25,
        origin="direct",
    )


def record(
    scenario: str = "test_a.py::test_one",
    arm: str = "direct",
    *,
    model: str = "reference",
    trial: int = 1,
    turns: tuple[Turn, ...] | None = None,
    calls: tuple[CallRecord, ...] = (),
    success: bool | None = True,
    ended: Ended = "answered",
) -> TrialRecord:
    """Make a record of one turn that passed."""
    return TrialRecord(
        scenario=scenario,
        arm=arm,
        model=model,
        trial=trial,
        mode="reference",
        turns=(turn(tokens=usage()),) if turns is None else turns,
        calls=calls,
        ended=ended,
        success=success,
    )
