"""
The provider seam: one method, our own types. SDK types never leave an adapter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from pytest_codeact.attempt import Attempt
    from pytest_codeact.errors import ProviderError
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
            `Request.max_output_tokens`, it refused, or its provider held it back.
        usage: Tokens of this request. None if unknown.
        mode: Where the reply came from.
        model_version: The version the provider reports. None if it does not.
        model_s: Seconds that the model took by the provider's own clock, where the caller's would count something
            else as well. None to have the caller's taken. Two replies that differ in it alone are equal.
        waited_s: Seconds before the attempt that brought the reply began; as in `Turn`.
        attempts: The failed attempts before it, in order.
        request_id: The provider's id of the request. None if it gave none.
        sdk: Name and version of the package that spoke to the provider. None if none did.
        prices: Name and date of the price table that `usage.cost_usd` is from. None if it is None.
    """

    message: Message
    stop: Literal["end", "tool_calls", "max_tokens", "refusal", "content_filter"]
    usage: Usage | None = None
    mode: Literal["reference", "live", "replay"] = "live"
    model_version: str | None = None
    model_s: float | None = field(default=None, compare=False)
    waited_s: float = field(default=0.0, compare=False)
    attempts: tuple[Attempt, ...] = field(default=(), compare=False)
    request_id: str | None = field(default=None, compare=False)
    sdk: str | None = None
    prices: str | None = None


class Provider(Protocol):
    """A model that can be asked. Stateless towards the trial: all it knows of it is in the request."""

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ProviderError: The model could not be asked or broke its protocol. The trial ends as an error.
            BudgetError: The run may ask no more. The trial is skipped.
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
        typescript: The same solution as a TypeScript program that ends in `final_answer`. None if there is none.
    """

    function: Callable[..., Json]
    parameters: dict[str, tuple[str, ...]]
    read_only: frozenset[str]
    typescript: str | None = None


class Connections:
    """What a process's clients share: one SDK client, with its open connections, for all trials. Safe for threads."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}
        self._making = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """
        Give what is shared under a key; the first call makes it.

        Args:
            key: Everything that tells it from others: provider, address, key, timeout.
            make: Makes it. It may have a `close()`.
        """
        with self._making:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def close(self) -> None:
        """Close everything that was made and can be closed."""
        with self._making:
            made, self._made = self._made, {}
        for each in made.values():
            if callable(close := getattr(each, "close", None)):
                close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext:
    """
    What a provider's factory is given to make the client of one trial.

    Attributes:
        model: What follows the first slash in PROVIDER/MODEL. "" if there is none.
        solution: The scenario's reference solution. None if it has none.
        seed: Seed of everything that is drawn. The same for every arm of a scenario.
        base_url: Where the provider's protocol is spoken. None for the vendor's own address.
        prompt_cache: Whether the provider is to cache prompts, where it does so only on demand.
        timeout_s: Seconds without a byte from the server after which a request has failed.
        environment: Environment variables: keys are read from here.
        connections: The process's connections, which its trials share.
    """

    model: str
    solution: Solution | None
    seed: int
    base_url: str | None = field(default=None, repr=False)
    prompt_cache: bool = False
    timeout_s: float = 300.0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    connections: Connections = field(default_factory=Connections, repr=False)


ProviderFactory: TypeAlias = Callable[[ModelContext], Provider]


class Admission(Protocol):
    """Leave to send one request, once. Exactly one of `settle` and `fail` ends it."""

    def settle(self, reply: Reply) -> Reply:
        """Take in what the request used; gives the reply, priced."""
        ...

    def fail(self, error: ProviderError | None) -> None:
        """Take in that no reply came; None for an error that is not the provider's. It may be billed all the same."""
        ...


class Gate(Protocol):
    """What every attempt at a live request must pass: rate limits, and what the run may spend."""

    def admit(self, request: Request) -> Admission:
        """
        Wait until a request may be sent, and set aside what it may cost.

        Raises:
            BudgetError: The run may send none any more.
        """
        ...
