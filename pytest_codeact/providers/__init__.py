"""
The provider seam: one method, our own types. SDK types never leave an adapter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from pytest_codeact.records import Json, Message, ToolSpec, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    What a model is asked.

    Attributes:
        system: The system prompt. "" for none.
        messages: The conversation, oldest first; the first is the task, from the user.
        tools: The tools offered, in order.
        parallel_tool_calls: Whether one reply may hold several tool calls.
        max_output_tokens: The most tokens the reply may have.
    """

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    parallel_tool_calls: bool
    max_output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    What a model answered.

    Attributes:
        message: The assistant's message.
        stop: Why it stopped: it was done, it waits for its tool calls, it ran into
            `Request.max_output_tokens`, or it refused.
        usage: Tokens of this request. None if unknown.
        mode: Where the reply came from.
        model_version: The version the provider reports. None if it does not.
        model_s: Seconds that the model took by the provider's own clock, where the caller's would count something
            else as well. None to have the caller's taken. Two replies that differ in it alone are equal.
    """

    message: Message
    stop: Literal["end", "tool_calls", "max_tokens", "refusal"]
    usage: Usage | None = None
    mode: Literal["reference", "live", "replay"] = "live"
    model_version: str | None = None
    model_s: float | None = field(default=None, compare=False)


class Provider(Protocol):
    """A model that can be asked. Stateless towards the trial: all it knows of it is in the request."""

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ProviderError: The model could not be asked or broke its protocol. The trial ends as an error.
            SolutionError: From the reference model: the scenario's reference solution is at fault.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """
    A scenario's reference solution, for the reference model.

    Attributes:
        function: Takes an object whose attributes are the tools (keyword or positional arguments) and
            returns the answer.
        parameters: Per tool, its parameter names in order; the keys are all the tools.
        read_only: Names of the tools that change nothing.
    """

    function: Callable[..., Json]
    parameters: dict[str, tuple[str, ...]]
    read_only: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext:
    """
    What a provider's factory is given to make the client of one trial.

    Attributes:
        model: What follows the first slash in PROVIDER/MODEL. "" if there is none.
        solution: The scenario's reference solution. None if it has none.
        seed: Seed of everything that is drawn. The same for every arm of a scenario.
    """

    model: str
    solution: Solution | None
    seed: int


ProviderFactory: TypeAlias = Callable[[ModelContext], Provider]
