"""
The arm seam. An arm says what a model is offered and how one of its replies is acted upon; it never counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pytest_codeact.errors import ToolError

if TYPE_CHECKING:
    from pytest_codeact.records import CodeStatus, Json, Message, ToolResult, ToolSpec
    from pytest_codeact.runtimes import Sandbox
    from pytest_codeact.tools import FinalAnswer, Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """
    What an arm works with: the parts of one trial.

    Attributes:
        toolbox: The tools of the trial's world.
        final: The scenario's `final_answer`.
        sandbox: Where programs run; nothing is started until the arm asks.
    """

    toolbox: Toolbox
    final: FinalAnswer
    sandbox: Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    What a model is offered, the same in every turn of a trial.

    Attributes:
        system: The system prompt.
        tools: The native tools, in order.
        parallel_tool_calls: Whether a reply may hold several tool calls.
    """

    system: str
    tools: tuple[ToolSpec, ...]
    parallel_tool_calls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    The model's final answer.

    Attributes:
        value: The answer; its text if it is not of the answer type.
        well_typed: Whether it is of the scenario's answer type.
    """

    value: Json
    well_typed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """
    What came of a reply.

    Attributes:
        results: One entry per tool call of the reply, in order; fewer if the answer came before them.
        answer: The final answer. None while the trial goes on.
        code_statuses: How each program that was run ended, in order.
    """

    results: tuple[ToolResult, ...] = ()
    answer: Answer | None = None
    code_statuses: tuple[CodeStatus, ...] = ()


class Arm(Protocol):
    """A way to act. An instance serves one trial and may keep that trial's state, such as an interpreter."""

    def offer(self, bench: Bench) -> Offer:
        """Say what the model is offered. Called once, before the first turn."""
        ...

    def act(self, reply: Message, bench: Bench) -> Observation:
        """
        Act upon a reply.

        Raises:
            SandboxError: The sandbox itself failed. The trial ends as an error.
        """
        ...


ArmFactory: TypeAlias = Callable[[], Arm]


def answer_from_text(text: str, final: FinalAnswer) -> Answer:
    """
    Take a reply without action as the answer: as it is, or as JSON where the scenario wants a structured one.

    Args:
        text: The reply.
        final: The scenario's `final_answer`.
    """
    if not final.structured:
        return Answer(value=text)
    try:
        return Answer(value=final.check_value(json.loads(text)))
    except (ValueError, RecursionError, ToolError):
        return Answer(value=text, well_typed=False)
