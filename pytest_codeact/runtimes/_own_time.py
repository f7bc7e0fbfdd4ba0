"""
The time that a program has for itself: a clock that stands still inside tools, and a kill when it is over.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_GRACE_S: Final = 0.2
"""Seconds past the limit at which the watchdog kills, should the reader not have done so."""


class OwnTime:
    """
    What a program has left of its own time. Stands still while it is paused.

    Written by the thread that runs the program, read by the watchdog too: each change is one assignment.

    Args:
        budget_s: Seconds of its own time. The clock starts now.
    """

    __slots__ = ("_state",)

    def __init__(self, budget_s: float) -> None:
        self._state = (True, time.monotonic() + budget_s)

    def remaining_s(self) -> float:
        """Give the seconds left. Negative when they are used up."""
        running, amount_s = self._state
        return amount_s - time.monotonic() if running else amount_s

    def pause(self) -> None:
        """Stop the clock."""
        self._state = (False, self.remaining_s())

    def resume(self) -> None:
        """Let the clock run on."""
        self._state = (True, time.monotonic() + self.remaining_s())


class Watchdog:
    """
    Kills when a program's time is over, whatever the thread that reads from it is busy with.

    Args:
        own_time: The program's time.
        kill: How to kill it.
    """

    def __init__(self, own_time: OwnTime, kill: Callable[[], None]) -> None:
        self._own_time = own_time
        self._kill = kill
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="codeact-watchdog", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(max(0.0, self._own_time.remaining_s()) + _GRACE_S):
            if self._own_time.remaining_s() <= 0:
                self._kill()
                return
