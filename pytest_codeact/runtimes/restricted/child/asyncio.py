"""
What a program finds as `asyncio`, on the loop of `child.tasks`.
"""

from __future__ import annotations

from inspect import iscoroutine, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Self

from pytest_codeact.runtimes.restricted.child.sync import (
    Condition,
    Event,
    LifoQueue,
    PriorityQueue,
    Queue,
    QueueEmpty,
    QueueFull,
    Semaphore,
    TaskGroup,
    Timeout,
)
from pytest_codeact.runtimes.restricted.child.tasks import CancelledError, Future, InvalidStateError, Loop, Sleep, Task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator


class Asyncio:
    """
    The functions of the module.

    Args:
        loop: The program's loop.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def names(self) -> dict[str, Any]:
        """Give what the module holds."""
        own = (
            self.run, self.sleep, self.create_task, self.ensure_future, self.gather, self.wait, self.wait_for,
            self.as_completed, self.shield, self.to_thread, self.timeout, self.current_task, self.all_tasks,
        )  # fmt: skip
        classes = (Semaphore, Event, Condition, Queue, LifoQueue, PriorityQueue, TaskGroup)
        made = {kind.__name__: self._maker(kind) for kind in classes}
        return {
            **{method.__name__: method for method in own},
            **made,
            "Lock": self._maker(Semaphore),
            "BoundedSemaphore": made["Semaphore"],
            "iscoroutine": iscoroutine,
            "iscoroutinefunction": iscoroutinefunction,
            "Future": Future,
            "Task": Task,
            "TimeoutError": TimeoutError,
            "CancelledError": CancelledError,
            "InvalidStateError": InvalidStateError,
            "QueueEmpty": QueueEmpty,
            "QueueFull": QueueFull,
            "FIRST_COMPLETED": "FIRST_COMPLETED",
            "FIRST_EXCEPTION": "FIRST_EXCEPTION",
            "ALL_COMPLETED": "ALL_COMPLETED",
            "Runner": lambda **_options: _LoopView(self, self._loop),
            "get_event_loop": lambda: _LoopView(self, self._loop),
            "get_running_loop": lambda: _LoopView(self, self._loop),
            "new_event_loop": lambda: _LoopView(self, self._loop),
            "set_event_loop": lambda _loop: None,
        }

    def _maker(self, kind: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **keywords: kind(self._loop, *arguments, **keywords)

    def run(self, coroutine: Any, *, debug: bool | None = None) -> Any:  # noqa: ARG002  # asyncio's signature
        """As asyncio.run."""
        if isinstance(coroutine, Sleep):
            coroutine = self.wait_for(coroutine, None)
        if not iscoroutine(coroutine):
            raise ValueError(f"a coroutine was expected, got {coroutine!r}")
        return self._loop.run(coroutine)

    def sleep(self, delay: float, result: Any = None) -> Sleep:
        """As asyncio.sleep, on the clock that jumps."""
        return Sleep(self._loop, delay, result)

    def create_task(self, coroutine: Any, *, name: str | None = None) -> Future:
        """As asyncio.create_task."""
        if self._loop.current is None:
            coroutine.close()
            raise RuntimeError("no running event loop")
        return self._loop.task(coroutine, name)

    def ensure_future(self, value: Any) -> Future:
        """As asyncio.ensure_future."""
        return self._loop.task(value)

    async def gather(self, *values: Any, return_exceptions: bool = False) -> list[Any]:
        """As asyncio.gather; plain values, such as results of tools, are their own results."""
        tasks = [self._loop.task(value) for value in values]
        if not return_exceptions:
            await self._until(tasks, lambda: any(task.done() and task.exception() for task in tasks))
            failed = next((task for task in tasks if task.done() and task.exception()), None)
            return [task.result() for task in ([failed] if failed else tasks)]
        await self._until(tasks, lambda: False)
        return [task.exception() or task.result() for task in tasks]

    async def _until(self, tasks: list[Future], enough: Callable[[], bool]) -> None:
        changed = Event(self._loop)
        for task in tasks:
            task.add_done_callback(lambda _task: changed.set())
        while not all(task.done() for task in tasks) and not enough():
            changed.clear()
            await changed.wait()

    async def wait(
        self,
        values: Iterable[Any],
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # asyncio's signature
        return_when: str = "ALL_COMPLETED",
    ) -> tuple[set[Future], set[Future]]:
        """As asyncio.wait."""
        tasks = [self._loop.task(value) for value in values]
        late = Event(self._loop)
        if timeout is not None:
            self._loop.later(timeout, late.set)
            tasks_and_timer = [*tasks, self._loop.task(late.wait())]
        else:
            tasks_and_timer = tasks

        def enough() -> bool:
            if late.is_set() or all(task.done() for task in tasks):
                return True
            some = any(task.done() for task in tasks)
            failed = any(task.done() and task.exception() for task in tasks)
            return (return_when == "FIRST_COMPLETED" and some) or (return_when == "FIRST_EXCEPTION" and failed)

        await self._until(tasks_and_timer, enough)
        done = {task for task in tasks if task.done()}
        return done, set(tasks) - done

    async def wait_for(self, value: Any, timeout: float | None) -> Any:  # noqa: ASYNC109  # asyncio's signature
        """As asyncio.wait_for."""
        task = self._loop.task(value)
        done, _ = await self.wait([task], timeout=timeout)
        if not done:
            task.cancel()
            await self.wait([task])
            raise TimeoutError
        return task.result()

    def as_completed(self, values: Iterable[Any]) -> Iterator[Awaitable[Any]]:
        """As asyncio.as_completed."""
        waiting = [self._loop.task(value) for value in values]

        async def following() -> Any:
            await self._until(waiting, lambda: any(task.done() for task in waiting))
            task = next(task for task in waiting if task.done())
            waiting.remove(task)
            return task.result()

        return (following() for _ in list(waiting))

    def shield(self, value: Any) -> Future:
        """As asyncio.shield; nothing outside cancels here."""
        return self._loop.task(value)

    async def to_thread(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """As asyncio.to_thread, in the same thread."""
        return function(*arguments, **keywords)

    def timeout(self, delay: float | None) -> Timeout:
        """As asyncio.timeout, on the clock that jumps."""
        return Timeout(self._loop, delay)

    def all_tasks(self) -> set[Task]:
        """As asyncio.all_tasks."""
        return self._loop.running_tasks()

    def current_task(self) -> Task | None:
        """As asyncio.current_task."""
        return self._loop.current


class _LoopView:
    """What `get_event_loop` gives: as much of a loop as older programs use."""

    def __init__(self, module: Asyncio, loop: Loop) -> None:
        self._module = module
        self._loop = loop

    def run_until_complete(self, value: Any) -> Any:
        """Run to the end."""
        return self._module.run(self._module.gather(value))[0]

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine to its end."""
        return self._module.run(coroutine)

    def create_task(self, coroutine: Any, *, name: str | None = None) -> Future:
        """Start a task."""
        return self._module.create_task(coroutine, name=name)

    def create_future(self) -> Future:
        """Give a future."""
        return Future(self._loop)

    def call_soon(self, callback: Callable[..., Any], *arguments: Any) -> None:
        """Call back in the next turn."""
        self._loop.soon(lambda: callback(*arguments))

    def call_later(self, delay: float, callback: Callable[..., Any], *arguments: Any) -> None:
        """Call back once the clock has moved on by so much."""
        self._loop.later(delay, lambda: callback(*arguments))

    def time(self) -> float:
        """Give the time of the loop's clock."""
        return self._loop.now_s()

    def is_running(self) -> bool:
        """Say whether it runs."""
        return self._loop.current is not None

    async def run_in_executor(self, _executor: object, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function."""
        return function(*arguments)

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
