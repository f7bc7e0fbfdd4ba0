"""
What coroutines wait for, as `asyncio` has it, on the loop of `child.tasks`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self

from pytest_codeact.runtimes.restricted.child.kinds import RaisedGroup
from pytest_codeact.runtimes.restricted.child.tasks import CancelledError, Future

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.runtimes.restricted.child.tasks import Loop


class QueueEmpty(Exception):  # noqa: N818  # asyncio's own name
    """`get_nowait` found nothing."""


class QueueFull(Exception):  # noqa: N818  # asyncio's own name
    """`put_nowait` found no room."""


class Semaphore:
    """As asyncio's."""

    def __init__(self, loop: Loop, value: int = 1) -> None:
        if value < 0:
            raise ValueError("Semaphore initial value must be >= 0")
        self._loop = loop
        self._value = value
        self._waiters: deque[Future] = deque()

    def locked(self) -> bool:
        """Say whether `acquire` would wait."""
        return self._value == 0

    async def acquire(self) -> bool:
        """Take one, once there is one."""
        while self._value == 0:
            waiter = Future(self._loop)
            self._waiters.append(waiter)
            await waiter
        self._value -= 1
        return True

    def release(self) -> None:
        """Give one back."""
        self._value += 1
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_exception: object) -> None:
        self.release()


class Event:
    """As asyncio's."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._set = False
        self._waiters: list[Future] = []

    def is_set(self) -> bool:
        """Say whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it and wake whoever waits."""
        self._set = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Unset it."""
        self._set = False

    async def wait(self) -> bool:
        """Wait until it is set."""
        if not self._set:
            waiter = Future(self._loop)
            self._waiters.append(waiter)
            await waiter
        return True


class Condition(Semaphore):
    """As asyncio's."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop)
        self._sleepers: deque[Future] = deque()

    async def wait(self) -> bool:
        """Let go until notified."""
        sleeper = Future(self._loop)
        self._sleepers.append(sleeper)
        self.release()
        try:
            await sleeper
        finally:
            await self.acquire()
        return True

    async def wait_for(self, predicate: Callable[[], Any]) -> Any:
        """Wait until something is so."""
        while not (result := predicate()):
            await self.wait()
        return result

    def notify(self, n: int = 1) -> None:
        """Wake some."""
        for _ in range(min(n, len(self._sleepers))):
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)

    def notify_all(self) -> None:
        """Wake all."""
        self.notify(len(self._sleepers))


class Queue:
    """As asyncio's."""

    def __init__(self, loop: Loop, maxsize: int = 0) -> None:
        self._loop = loop
        self._items: deque[Any] = deque()
        self._maxsize = maxsize
        self._changed = Event(loop)
        self._unfinished = 0

    def qsize(self) -> int:
        """Give the number of items."""
        return len(self._items)

    def empty(self) -> bool:
        """Say whether there is no item."""
        return not self._items

    def full(self) -> bool:
        """Say whether there is no room."""
        return 0 < self._maxsize <= len(self._items)

    def put_nowait(self, item: Any) -> None:
        """Add an item."""
        if self.full():
            raise QueueFull
        self._put(item)
        self._unfinished += 1
        self._changed.set()

    def get_nowait(self) -> Any:
        """Take an item."""
        if not self._items:
            raise QueueEmpty
        self._changed.set()
        return self._take()

    def _take(self) -> Any:
        return self._items.popleft()

    def _put(self, item: Any) -> None:
        self._items.append(item)

    async def put(self, item: Any) -> None:
        """Add an item, once there is room."""
        while self.full():
            await self._change()
        self.put_nowait(item)

    async def get(self) -> Any:
        """Take an item, once there is one."""
        while not self._items:
            await self._change()
        return self.get_nowait()

    def task_done(self) -> None:
        """Say that an item taken is worked off."""
        if self._unfinished <= 0:
            raise ValueError("task_done() called too many times")
        self._unfinished -= 1
        self._changed.set()

    async def join(self) -> None:
        """Wait until every item is worked off."""
        while self._unfinished:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class LifoQueue(Queue):
    """As asyncio's: the last one put is the first one taken."""

    def _take(self) -> Any:
        return self._items.pop()


class PriorityQueue(Queue):
    """As asyncio's: the smallest one is the first one taken."""

    def _take(self) -> Any:
        smallest = min(self._items)
        self._items.remove(smallest)
        return smallest


class Timeout:
    """As asyncio's: ends a block that waits too long."""

    def __init__(self, loop: Loop, delay_s: float | None) -> None:
        self._loop = loop
        self._delay_s = delay_s
        self._left = False
        self._expired = False

    def expired(self) -> bool:
        """Say whether the block was ended."""
        return self._expired

    async def __aenter__(self) -> Self:
        task = self._loop.current
        if task is None:
            raise RuntimeError("Timeout should be used inside a task")

        def expire() -> None:
            if not self._left:
                self._expired = task.cancel()

        if self._delay_s is not None:
            self._loop.later(self._delay_s, expire)
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, _traceback: object) -> None:
        self._left = True
        if self._expired and kind is CancelledError:
            raise TimeoutError from error


class TaskGroup:
    """As asyncio's."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._tasks: list[Future] = []

    def create_task(self, coroutine: Any, *, name: str | None = None) -> Future:
        """Start a task that the group waits for."""
        task = self._loop.task(coroutine, name)
        self._tasks.append(task)
        return task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        errors: list[Exception] = []
        for task in self._tasks:
            if error is not None or errors:
                task.cancel()
            try:
                await task
            except CancelledError:
                continue
            except Exception as raised:  # noqa: BLE001  # handed on, in the group
                errors.append(raised)
        if errors:
            raise RaisedGroup.of("unhandled errors in a TaskGroup", errors) from None
