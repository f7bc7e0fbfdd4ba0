"""
The emulator: a server on 127.0.0.1 that speaks the vendors' protocols, with the reference model behind them.

The vendors' own SDKs run against it without a key. It is no evidence about a language model.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_codeact.emulator._answering import Answering
from pytest_codeact.emulator._faults import KINDS, Fault, Order, Seen
from pytest_codeact.emulator._routes import BASES
from pytest_codeact.emulator._server import App, LoopbackServer, Speed
from pytest_codeact.emulator._solutions import Solutions
from pytest_codeact.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from pytest_codeact.providers import Solution

__all__ = ["BASES", "KINDS", "Emulator", "Fault", "Order", "Seen", "Solutions", "Speed"]


class Emulator:
    """
    An emulator. As a context manager it serves in a thread until its end.

    Args:
        port: TCP port. 0 for any that is free.
        speed: The simulated speed of its model. None for as fast as it can.

    Raises:
        UnavailableError: uvicorn or the tokenizer is not installed.
        OSError: The port is taken.
    """

    def __init__(self, *, port: int = 0, speed: Speed | None = None) -> None:
        self._solutions = Solutions()
        self._answering = Answering(self._solutions)
        self._server = LoopbackServer(App(self._answering, speed or Speed()), port)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()

    def run(self) -> None:
        """Serve in this thread; in the main thread until SIGINT or SIGTERM."""
        self._server.run()

    @contextmanager
    def closing(self) -> Iterator[Emulator]:
        """Close the port at the end, without having served in a thread."""
        try:
            yield self
        finally:
            self._server.close()

    @property
    def url(self) -> str:
        """Where it is: scheme, host and port. Every protocol is spoken there."""
        return self._server.url

    def base_url(self, provider: str) -> str:
        """
        Give the base URL that a provider's SDK is to be given.

        Args:
            provider: "anthropic", "mistral", "openai" or "google".

        Raises:
            UnknownNameError: There is no such provider here.
        """
        if provider not in BASES:
            raise UnknownNameError("provider", provider, BASES)
        return self.url + BASES[provider]

    def learn(self, prompt: str, solution: Solution) -> None:
        """
        Let it know a task's solution; it takes the place of another one of the same task.

        Args:
            prompt: The task, word for word as a client sends it as its first message.
            solution: What carries it out.

        Raises:
            SolutionError: The solution cannot drive every arm.
        """
        self._solutions.learn(prompt, solution)

    @property
    def task_count(self) -> int:
        """How many tasks it knows a solution for."""
        return len(self._solutions)

    @property
    def requests(self) -> tuple[Seen, ...]:
        """The last thousand requests for replies, oldest first; keys are masked."""
        return tuple(self._answering.requests)

    def order(
        self,
        fault: str,
        *,
        first: int = 1,
        times: int | None = 1,
        turn: int | None = None,
        task: str = "",
        when: Callable[[Seen], bool] | None = None,
    ) -> None:
        """
        Order a fault for requests to come. A request has at most one: that of the first order that is for it.

        Args:
            fault: KIND[:NAME=VALUE[,...]], as docs/emulator.md lists them.
            first: The first request that it is for, counted from 1 among those that fit what follows.
            times: How many requests it is for. None for all.
            turn: The model's turn in the conversation that it is for. None for any.
            task: What the task's text must hold. "" for any task.
            when: Says of a request whether it is for that. None for any.

        Raises:
            ChoiceError: There is no such fault, or it takes no such argument.
        """
        self._answering.orders.add(
            Order(fault=Fault.parse(fault), first=first, times=times, turn=turn, task=task, when=when)
        )

    def place(self, order: Order) -> None:
        """Order what `Order.parse` read."""
        self._answering.orders.add(order)

    def clear_orders(self) -> None:
        """Forget every fault that is ordered."""
        self._answering.orders.clear()
