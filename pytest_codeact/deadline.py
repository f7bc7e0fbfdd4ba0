"""
Calls with a deadline, from any thread and without signals.

The function runs in a daemon thread of its own; at the deadline an exception is raised inside it. That ends
pure Python within a few bytecodes, and a blocking C call when it returns.
"""

from __future__ import annotations

import contextvars
import ctypes
import queue
import threading
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

STOP_ATTEMPTS: Final = 25
"""How often a function that catches everything is told to stop before its thread is left to itself."""

STOP_INTERVAL_S: Final = 0.02
"""Seconds between two of these attempts. The product, 0.5 s, is what an unstoppable function costs on top."""


class OverdueError(TimeoutError):
    """A function did not end in time. A `TimeoutError` that the function raised by itself is none."""


class Lane:
    """
    A thread that carries out one function after the other, for one caller at a time.

    What belongs together and may only be used by the thread that made it, as a connection of `sqlite3`, is made and
    used in one lane. The thread is started by the first call; one that a function does not leave in time is left
    to that function, and the next call starts another.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._inbox: queue.SimpleQueue[_Run[Any] | None] = queue.SimpleQueue()
        self._current: tuple[_Run[Any], threading.Thread] | None = None

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """
        Call a function and give what it returns, if it does so in time.

        What the function raises passes through with its traceback. A function that neither returns to the
        interpreter nor lets the stop through keeps the thread; what it does later is ignored.

        Args:
            function: Runs in the lane's thread, in a copy of the caller's context variables; no thread-local variable
                of the caller reaches it.
            seconds: Seconds of wall-clock time it may take.

        Raises:
            OverdueError: It did not end within `seconds`.
        """
        context = contextvars.copy_context()
        run = _Run(lambda: context.run(function))
        thread, inbox = self._started()
        ended = False
        self._current = run, thread
        try:
            inbox.put(run)
            ended = run.done.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        finally:
            self._current = None
            # In `finally`, so that an interrupted caller leaves no runaway behind.
            if not ended:
                self.close()
                run.stop(thread)
        if not ended:
            raise OverdueError(f"the function did not end within {seconds:g} s")
        return run.outcome()

    def stop(self) -> None:
        """
        Tell the function that runs now to stop, once and without waiting for it. From any thread.

        A blocking C call is left first. The caller of the function gets what the stop made of it: an exception that is
        no `Exception`.
        """
        current = self._current
        if current is not None:
            run, thread = current
            run.tell(thread)

    def close(self) -> None:
        """Let the thread end once it is idle. The next call would start another. May be called twice."""
        self._thread = None
        self._inbox.put(None)

    def _started(self) -> tuple[threading.Thread, queue.SimpleQueue[_Run[Any] | None]]:
        if self._thread is None:
            self._inbox = queue.SimpleQueue()
            self._thread = threading.Thread(target=_serve, args=(self._inbox,), name="codeact-deadline", daemon=True)
            self._thread.start()
        return self._thread, self._inbox


def _serve(inbox: queue.SimpleQueue[_Run[Any] | None]) -> None:
    try:
        while (run := inbox.get()) is not None:
            run.work()
            # An idle thread keeps nothing alive.
            del run
    except _Stop:
        # Sent before the function had begun.
        pass


def call_within(function: Callable[[], T], seconds: float) -> T:
    """
    Call a function in a lane of its own: `Lane.call`.

    Raises:
        OverdueError: It did not end within `seconds`.
    """
    lane = Lane()
    try:
        return lane.call(function, seconds)
    finally:
        lane.close()


class _Stop(BaseException):
    """Ends a function whose time is up. No `Exception`, so that the function does not handle it by chance."""


class _Run(Generic[T]):
    """One call: what the two threads share."""

    def __init__(self, function: Callable[[], T]) -> None:
        self.done = threading.Lock()
        self.done.acquire()
        self._function = function
        self._returned: list[T] = []
        self._raised: BaseException | None = None
        self._gate = threading.Lock()
        self._closed = False

    def work(self) -> None:
        """Run the function and keep its outcome. The body of the thread."""
        try:
            try:
                self._returned.append(self._function())
            except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
                self._raised = error
            # Once closed, no stop can be sent any more, so none can escape from this method.
            with self._gate:
                self._closed = True
        except _Stop:
            # Sent while the function was just ending: the caller has given up on it already.
            pass
        finally:
            self.done.release()

    def tell(self, thread: threading.Thread) -> None:
        """Tell the function to stop, once."""
        with self._gate:
            if not self._closed and thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))

    def stop(self, thread: threading.Thread) -> None:
        """Tell the function to stop, until its thread ends or the attempts are used up."""
        if thread.ident is None:
            return
        send = ctypes.pythonapi.PyThreadState_SetAsyncExc
        target, caller = ctypes.c_ulong(thread.ident), ctypes.c_ulong(threading.get_ident())
        stop = ctypes.py_object(_Stop)
        # Up to the end, nothing may call a Python function: while a stop waits for a thread that is blocked, such a
        # call never begins in Python 3.11 under a tracer (https://github.com/coveragepy/coveragepy/issues/1626).
        for _ in range(STOP_ATTEMPTS):
            with self._gate:
                if self._closed:
                    return
                send(target, stop)
            if self.done.acquire(timeout=STOP_INTERVAL_S):
                return
        # Taking a stop of one's own lowers the flag that causes this. The other one stays where it is: the thread
        # looks for it when it wakes up.
        try:  # noqa: SIM105 - `suppress` is a Python function
            send(caller, stop)
        except _Stop:
            pass

    def outcome(self) -> T:
        """Give what the function returned, or raise what it raised."""
        if self._raised is None:
            return self._returned[0]
        try:
            raise self._raised
        finally:
            # The traceback refers to this frame, and this frame to the exception.
            self._raised = None
