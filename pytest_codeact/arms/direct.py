"""
The arms `direct` and `direct-serial`: native tool calling.
"""

from __future__ import annotations

from typing import Final

from pytest_codeact.arms import Answer, Bench, Observation, Offer, answer_from_text
from pytest_codeact.errors import ToolError
from pytest_codeact.records import ONE_CALL_PER_TURN, Message, ToolCall, ToolResult
from pytest_codeact.tools import result_text

_SYSTEM: Final = "Carry out the user's task with the tools. "
_FINISH_TEXT: Final = "When the task is done, reply with the answer as text."
_FINISH_STRUCTURED: Final = "When the task is done, call final_answer with the answer; it ends the task."


class DirectArm:
    """
    The model calls the tools itself.

    Args:
        parallel: Whether one reply may hold several calls. If not, the first is carried out and the others get
            an error result, should a model not keep to it.
    """

    def __init__(self, *, parallel: bool) -> None:
        self._parallel = parallel

    def offer(self, bench: Bench) -> Offer:
        """Offer every tool, and `final_answer` where the scenario has an answer type."""
        structured = bench.final.structured
        return Offer(
            system=_SYSTEM + (_FINISH_STRUCTURED if structured else _FINISH_TEXT),
            tools=bench.toolbox.specs + ((bench.final.spec,) if structured else ()),
            parallel_tool_calls=self._parallel,
        )

    def act(self, reply: Message, bench: Bench) -> Observation:
        """Carry out the calls in order, up to a `final_answer` that is accepted."""
        if not reply.tool_calls:
            return Observation(answer=answer_from_text(reply.text, bench.final))
        results: list[ToolResult] = []
        for call in reply.tool_calls:
            if results and not self._parallel:
                results.append(_failed(call, ONE_CALL_PER_TURN))
            elif call.name == bench.final.spec.name and bench.final.structured:
                try:
                    return Observation(results=tuple(results), answer=Answer(value=bench.final.check(call.arguments)))
                except ToolError as error:
                    results.append(_failed(call, str(error)))
            else:
                record = bench.toolbox.call(call.name, call.arguments, origin="direct")
                results.append(
                    ToolResult(
                        call_id=call.id,
                        name=call.name,
                        content=result_text(record),
                        is_error=record.error is not None,
                    )
                )
        return Observation(results=tuple(results))


def _failed(call: ToolCall, text: str) -> ToolResult:
    return ToolResult(call_id=call.id, name=call.name, content=text, is_error=True)
