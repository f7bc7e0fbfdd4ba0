"""A program's own time, and the watchdog that kills when it is over."""

from __future__ import annotations

import time

from pytest_codeact.runtimes._own_time import OwnTime, Watchdog


def test_own_time_stands_still_while_paused() -> None:
    """A pause costs nothing; the clock runs on where it stopped."""
    own_time = OwnTime(100)
    own_time.pause()
    before_s = own_time.remaining_s()

    assert before_s == own_time.remaining_s()
    own_time.resume()
    assert own_time.remaining_s() <= before_s


def test_watchdog_kills_without_the_reader() -> None:
    """Nobody else looks at the clock, and still the kill comes."""
    kills: list[float] = []
    watchdog = Watchdog(OwnTime(0.05), lambda: kills.append(time.monotonic()))
    with watchdog:
        watchdog._thread.join(10)

    assert len(kills) == 1


def test_watchdog_spares_a_paused_program() -> None:
    """A program whose tool takes long is not killed, and a program that is done neither."""
    kills: list[float] = []
    own_time = OwnTime(0.05)
    own_time.pause()
    watchdog = Watchdog(own_time, lambda: kills.append(time.monotonic()))
    with watchdog:
        watchdog._thread.join(0.7)

    assert kills == []
