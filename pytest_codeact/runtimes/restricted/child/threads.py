"""
What a program finds as `threading`: a thread runs to its end when it is started, so nothing ever waits.
"""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes.restricted.child.kinds import present_as
from pytest_codeact.runtimes.restricted.child.trace import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Threads:
    """The count of an interpreter's threads, and the one that runs."""

    __slots__ = ("count", "current")

    def __init__(self) -> None:
        self.count = 0
        self.current: Any = SimpleNamespace(name="MainThread", ident=1, daemon=False, is_alive=lambda: True)


class Event:
    """As threading.Event, which here is either set or would wait for ever."""

    def __init__(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        """Say whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it."""
        self._set = True

    def clear(self) -> None:
        """Unset it."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Say whether it is set; nobody could set it meanwhile."""
        if not self._set and timeout is None:
            raise RuntimeError("the event is not set and no other thread runs; plain threading would wait for ever")
        return self._set


class Semaphore:
    """As threading.Semaphore."""

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._value = value

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT001, FBT002  # the library's signature
        """Take one."""
        if self._value == 0 and blocking and timeout is None:
            raise RuntimeError("nobody holds the semaphore that could release it; plain threading would wait for ever")
        taken = self._value > 0
        self._value -= taken
        return taken

    def release(self, n: int = 1) -> None:
        """Give some back."""
        self._value += n

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_exception: object) -> None:
        self.release()


for _kind in (Event, Semaphore):
    present_as(_kind, "threading", _kind.__name__)


def _suffix(target: Any) -> str:
    return f" ({target.__name__})" if hasattr(target, "__name__") else ""


def threading_names() -> dict[str, Any]:  # noqa: C901  # the class belongs to one interpreter
    """Give what the module holds, for one interpreter."""
    state = Threads()

    class Thread:
        """As threading.Thread."""

        def __init__(
            self,
            group: None = None,  # noqa: ARG002  # the library's signature
            target: Callable[..., Any] | None = None,
            name: str | None = None,
            args: Iterable[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
            *,
            daemon: bool | None = None,
        ) -> None:
            state.count += 1
            self.name = name or f"Thread-{state.count}{_suffix(target)}"
            self.daemon = bool(daemon)
            self.ident: int | None = None
            self._call = (target, tuple(args), dict(kwargs or {}))

        def run(self) -> None:
            """Call the target."""
            target, arguments, keywords = self._call
            if target is not None:
                target(*arguments, **keywords)

        def start(self) -> None:
            """Run it to its end. Its error is told, and ends nothing but it."""
            if self.ident is not None:
                raise RuntimeError("threads can only be started once")
            self.ident = state.count + 1
            before, state.current = state.current, self
            try:
                self.run()
            except SystemExit:
                pass
            except Exception as error:  # noqa: BLE001  # what plain Python does with it
                sys.stderr.write(f"Exception in thread {self.name}:\n{error_text(error)}\n")
            finally:
                state.current = before

        def join(self, timeout: float | None = None) -> None:  # noqa: ARG002  # the library's signature
            """Do nothing: it has ended."""
            if self.ident is None:
                raise RuntimeError("cannot join thread before it is started")

        def is_alive(self) -> bool:
            """Say that it has ended, or not begun."""
            return state.current is self

    present_as(Thread, "threading", "Thread")
    return {
        "Thread": Thread,
        "Event": Event,
        "Semaphore": Semaphore,
        "BoundedSemaphore": Semaphore,
        "Lock": threading.Lock,
        "RLock": threading.RLock,
        "local": SimpleNamespace,
        "current_thread": lambda: state.current,
        "main_thread": lambda: Threads().current,
        "active_count": lambda: 1,
        "get_ident": lambda: state.current.ident,
        "ThreadError": RuntimeError,
    }
