"""
What coroutines wait for, as `asyncio` has it, on the loop of `child.tasks`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self

from pytest_codeact.runtimes.restricted.child.tasks import CancelledError, Future

if TYPE_CHECKING:
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
        self._items.append(item)
        self._unfinished += 1
        self._changed.set()

    def get_nowait(self) -> Any:
        """Take an item."""
        if not self._items:
            raise QueueEmpty
        self._changed.set()
        return self._items.popleft()

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
            raise BaseExceptionGroup("unhandled errors in a TaskGroup", errors) from None
