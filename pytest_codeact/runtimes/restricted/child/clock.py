"""
What a program finds as `time` and `datetime`: the machine's clock, or one that stands still at a given instant.

Both are ahead by what the program slept, so that waiting for a time ends.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.runtimes.restricted.child.kinds import present_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.runtimes.restricted.child.tasks import Loop

_TICK_S: Final = 1e-6
"""How far a stopwatch moves with each look at it while the clock stands still: what took time took more than none."""


class Clock:
    """
    The clock of one interpreter.

    Args:
        loop: Knows what was slept.
        frozen_s: Seconds since the epoch at which time stands still. None for the machine's time.
    """

    def __init__(self, loop: Loop, frozen_s: float | None) -> None:
        self._loop = loop
        self._frozen_s = frozen_s
        self._looks = 0

    def time_s(self) -> float:
        """Give the seconds since the epoch."""
        now_s = time.time() if self._frozen_s is None else self._frozen_s
        return now_s + self._loop.slept_s()

    def time_ns(self) -> int:
        """Give the nanoseconds since the epoch."""
        now_ns = time.time_ns() if self._frozen_s is None else round(self._frozen_s * 1e6) * 1000
        return now_ns + round(self._loop.slept_s() * 1e9)

    def stopwatch_s(self, real: Callable[[], float]) -> float:
        """Give the seconds of a stopwatch, which counts from an arbitrary start."""
        if self._frozen_s is None:
            return real() + self._loop.slept_s()
        self._looks += 1
        return self._looks * _TICK_S + self._loop.slept_s()

    def time_names(self) -> dict[str, Any]:
        """Give what stands in for names of `time`."""

        def sleep(seconds: float) -> None:
            self._loop.sleep(seconds)

        def stopwatch(name: str) -> dict[str, Any]:
            real = getattr(time, name)
            return {
                name: lambda: self.stopwatch_s(real),
                f"{name}_ns": lambda: round(self.stopwatch_s(real) * 1e9),
            }

        return {
            "sleep": sleep,
            # A bound method would show the clock in its repr.
            "time": lambda: self.time_s(),  # noqa: PLW0108  # see above
            "time_ns": lambda: self.time_ns(),  # noqa: PLW0108  # see above
            **stopwatch("monotonic"),
            **stopwatch("perf_counter"),
            **stopwatch("process_time"),
            **{name: self._of_moment(getattr(time, name)) for name in ("gmtime", "localtime", "ctime")},
            "asctime": self._of_fields(time.asctime, 0),
            "strftime": self._of_fields(time.strftime, 1),
        }

    def _of_moment(self, real: Callable[[float], Any]) -> Callable[..., Any]:
        def read(seconds: float | None = None, /) -> Any:
            return real(self.time_s() if seconds is None else seconds)

        return read

    def _of_fields(self, real: Callable[..., Any], position: int) -> Callable[..., Any]:
        def read(*arguments: Any) -> Any:
            # Local time, as C has it: in UTC it differs in what the zone is called.
            return real(*arguments, *((time.localtime(self.time_s()),) if len(arguments) == position else ()))

        return read

    def datetime_names(self) -> dict[str, Any]:
        """Give what stands in for names of `datetime`: nothing, unless the clock stands still."""
        return {} if self._frozen_s is None else _frozen_kinds(self.time_s)


class _StandIn(type):
    """Makes a class answer for the real one that it refines: library functions give instances of that."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1]) if _is_stand_in(cls) else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.__mro__[1]) if _is_stand_in(cls) else type.__subclasscheck__(cls, kind)


def _is_stand_in(kind: type) -> bool:
    return kind.__module__ == "datetime"


def _frozen_kinds(now_s: Callable[[], float]) -> dict[str, Any]:
    # C reads the clock for these classes, so they are refined. What they give is theirs: `+`, `replace`, `strptime` and
    # the like give the class that they are called on.
    class FrozenDate(dt.date, metaclass=_StandIn):
        """A date that knows which day is today."""

        __slots__ = ()

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now_s())

        def __repr__(self) -> str:
            return _repr(self, FrozenDate, dt.date)

    class FrozenDatetime(dt.datetime, metaclass=_StandIn):
        """A moment that knows which one is now."""

        __slots__ = ()

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(now_s(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(now_s(), dt.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now_s())

        def date(self) -> Any:
            return FrozenDate(self.year, self.month, self.day)

        def __repr__(self) -> str:
            return _repr(self, FrozenDatetime, dt.datetime)

    present_as(FrozenDate, "datetime", "date")
    present_as(FrozenDatetime, "datetime", "datetime")
    return {"date": FrozenDate, "datetime": FrozenDatetime}


def _repr(moment: Any, stand_in: type, real: Any) -> str:
    # C shows the module of its own classes alone.
    text = real.__repr__(moment)
    return f"datetime.{text}" if type(moment) is stand_in else text
