"""
The event loop of programs: one thread, no descriptors, and a clock that jumps instead of waiting.

A tool call blocks, so there is nothing to wait for but sleeps; they end at once, in the right order.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes.restricted.child.kinds import present_as

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator


class DeadlockError(RuntimeError):
    """Every task waits for another. Plain asyncio would wait for ever."""


class CancelledError(BaseException):
    """A task was cancelled."""


class InvalidStateError(Exception):
    """A future was asked for a result that it does not have."""


present_as(DeadlockError, "builtins", "RuntimeError")
present_as(CancelledError, "asyncio.exceptions", "CancelledError")
present_as(InvalidStateError, "asyncio.exceptions", "InvalidStateError")


class Future:
    """A result that may come later."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Future], None]] = []

    def done(self) -> bool:
        """Say whether the result is there."""
        return self._done

    def cancelled(self) -> bool:
        """Say whether it was cancelled."""
        return isinstance(self._error, CancelledError)

    def result(self) -> Any:
        """Give the result, or raise the error there is in its place."""
        if not self._done:
            raise InvalidStateError("Result is not ready.")
        if self._error is not None:
            raise self._error
        return self._result

    def exception(self) -> BaseException | None:
        """Give the error. None if there is a result."""
        if not self._done:
            raise InvalidStateError("Exception is not set.")
        return self._error

    def set_result(self, result: Any) -> None:
        """Set the result."""
        self._result = result
        self._finish()

    def set_exception(self, error: BaseException) -> None:
        """Set an error in place of the result."""
        self._error = error
        self._finish()

    def cancel(self) -> bool:
        """Cancel it, unless it is done."""
        if self._done:
            return False
        self.set_exception(CancelledError())
        return True

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call back when it is done."""
        if self._done:
            self._loop.soon(lambda: callback(self))
        else:
            self._callbacks.append(callback)

    def _finish(self) -> None:
        if self._done:
            raise InvalidStateError("invalid state")
        self._done = True
        for callback in self._callbacks:
            self._loop.soon(lambda callback=callback: callback(self))  # type: ignore[misc]  # bound per turn

    def __await__(self) -> Generator[Future, None, Any]:
        if not self._done:
            yield self
        return self.result()


class Task(Future):
    """A coroutine on its way."""

    def __init__(self, loop: Loop, coroutine: Coroutine[Any, Any, Any], name: str | None = None) -> None:
        super().__init__(loop)
        self._coroutine = coroutine
        self._name = name or f"Task-{loop.number_task()}"
        self._waits_for: Future | None = None
        self._must_cancel = False
        loop.add(self)
        loop.soon(self._step)

    def get_name(self) -> str:
        """Give its name."""
        return self._name

    def set_name(self, name: object) -> None:
        """Set its name."""
        self._name = str(name)

    def cancel(self) -> bool:
        """Raise CancelledError in the coroutine when it goes on."""
        if self._done:
            return False
        self._must_cancel = True
        if self._waits_for is not None:
            self._waits_for = None
            self._loop.soon(self._step)
        return True

    def _finish(self) -> None:
        super()._finish()
        self._loop.remove(self)

    def _step(self, woken_by: Future | None = None) -> None:
        if self._done or (woken_by is not None and woken_by is not self._waits_for):
            return
        self._waits_for = None
        before, self._loop.current = self._loop.current, self
        try:
            if self._must_cancel:
                self._must_cancel = False
                awaited = self._coroutine.throw(CancelledError())
            else:
                awaited = self._coroutine.send(None)
        except StopIteration as stop:
            self.set_result(stop.value)
        except DeadlockError:
            raise
        except BaseException as error:  # noqa: BLE001  # kept for whoever awaits it
            self.set_exception(error)
        else:
            self._waits_for = awaited
            awaited.add_done_callback(self._step)
        finally:
            self._loop.current = before


class Loop:
    """Runs tasks in turn, and is the clock of the program: `sleep` moves it on."""

    def __init__(self) -> None:
        self._ready: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._slept_s = 0.0
        self._tasks: set[Task] = set()
        self._numbers = 0
        self._clock: Callable[[], float] = time.monotonic
        self.current: Task | None = None

    def stand_still(self) -> None:
        """Let no time pass but what is slept."""
        self._clock = lambda: 0.0

    def slept_s(self) -> float:
        """Give the seconds slept so far: how far the program's clocks are ahead."""
        return self._slept_s

    def sleep(self, seconds: float) -> None:
        """Stand in for `time.sleep`: the clock moves on, nobody waits."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._slept_s += seconds

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back in a later turn."""
        self._ready.append(callback)

    def add(self, task: Task) -> None:
        """Know a task until it is done."""
        self._tasks.add(task)

    def remove(self, task: Task) -> None:
        """Know it no more."""
        self._tasks.discard(task)

    def running_tasks(self) -> set[Task]:
        """Give the tasks that are not done."""
        return set(self._tasks)

    def later(self, delay_s: float, callback: Callable[[], None]) -> None:
        """Call back once the clock has moved on by so much."""
        heapq.heappush(self._timers, (self.now_s() + max(delay_s, 0.0), self._number(), callback))

    def now_s(self) -> float:
        """Give the time of the clock, in seconds from an arbitrary start."""
        return self._clock() + self._slept_s

    def number_task(self) -> int:
        """Give the number of a new task."""
        return self._number()

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def awaitable(self, value: Any) -> Any:
        """Give what `await` can take: a plain value is its own result."""
        if isinstance(value, (Future, Sleep)) or iscoroutine(value) or hasattr(type(value), "__await__"):
            return value
        return _ready(value)

    def task(self, value: Any, name: str | None = None) -> Future:
        """Give a future of anything that can be awaited, plain values included."""
        if isinstance(value, Future):
            return value
        return Task(self, value if iscoroutine(value) else _await(self.awaitable(value)), name)

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine to its end, and the tasks that it started as far as it needs them."""
        if self.current is not None:
            coroutine.close()
            raise RuntimeError("asyncio.run() cannot be called from a running event loop")
        self._ready.clear()
        self._timers.clear()
        self._tasks.clear()
        main = Task(self, coroutine)
        try:
            while not main.done():
                self._turn()
            return main.result()
        finally:
            self.current = None

    def _turn(self) -> None:
        if self._ready:
            self._ready.popleft()()
        elif self._timers:
            due_s, _, callback = heapq.heappop(self._timers)
            self._slept_s += max(0.0, due_s - self.now_s())
            callback()
        else:
            raise DeadlockError("every task waits for another; plain asyncio would wait for ever")


class Sleep:
    """What `asyncio.sleep` gives; a class, so that a sleep that is never awaited leaves nothing behind."""

    def __init__(self, loop: Loop, delay_s: float, result: Any) -> None:
        self._loop = loop
        self._delay_s = delay_s
        self._result = result

    def __await__(self) -> Generator[Future, None, Any]:
        future = Future(self._loop)
        wake = lambda: None if future.done() else future.set_result(self._result)  # noqa: E731  # used once, below
        if self._delay_s > 0:
            self._loop.later(self._delay_s, wake)
        else:
            self._loop.soon(wake)
        return (yield from future.__await__())


async def _ready(value: Any) -> Any:
    return value


async def _await(value: Awaitable[Any]) -> Any:
    return await value
