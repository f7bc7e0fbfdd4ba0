"""Tests of calls with a deadline."""

from __future__ import annotations

import contextvars
import queue
import signal
import sys
import threading
import traceback

import pytest

from pytest_codeact.deadline import STOP_ATTEMPTS, Lane, OverdueError, _Run, _serve, _Stop, call_within


def _spin() -> None:
    while True:
        pass


_EARLIER: set[threading.Thread] = set()
"""Threads that other tests left behind in this process, as they may."""


@pytest.fixture(autouse=True)
def _note_earlier() -> None:
    _EARLIER.clear()
    _EARLIER.update(threading.enumerate())


def _runaways() -> list[threading.Thread]:
    alive = [thread for thread in threading.enumerate() if thread not in _EARLIER]
    return [thread for thread in alive if thread.name == "codeact-deadline" and thread.is_alive()]


def _join_runaways() -> None:
    for thread in _runaways():
        thread.join(timeout=5)


def test_call_within_gives_what_the_function_returns() -> None:
    """A function that ends in time is just called."""
    value = call_within(lambda: {"answer": 42}, 5)

    assert value == {"answer": 42}


def test_call_within_runs_in_a_thread_of_its_own() -> None:
    """The caller's thread is left alone, so no signal is needed and any thread may call."""
    name = call_within(lambda: threading.current_thread().name, 5)

    assert name == "codeact-deadline"


def test_call_within_passes_exceptions_with_their_traceback() -> None:
    """What the function raises reaches the caller, and still shows where it was raised."""

    def fails() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost") as caught:
        call_within(fails, 5)

    assert "fails" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), TimeoutError("its own")])
def test_call_within_passes_exceptions_of_every_kind(raised: BaseException) -> None:
    """Not even an exception that ends threads silently is lost."""

    def fails() -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        call_within(fails, 5)

    assert caught.value is raised


def test_call_within_stops_a_runaway() -> None:
    """A loop without end costs its time limit, and its thread does not live on."""
    with pytest.raises(TimeoutError) as caught:
        call_within(_spin, 0.05)
    _join_runaways()

    assert str(caught.value) == "the function did not end within 0.05 s"
    assert _runaways() == []


def test_call_within_stops_a_function_that_catches_the_first_stop() -> None:
    """The stop is sent again until it ends the function."""
    caught: list[str] = []
    release = threading.Event()

    def stubborn() -> None:
        try:
            _spin()
        except BaseException as stop:  # noqa: BLE001 - what a careless function does
            caught.append(type(stop).__name__)
        while not release.is_set():
            pass

    with pytest.raises(TimeoutError):
        call_within(stubborn, 0.05)
    left = _runaways()
    release.set()
    _join_runaways()

    assert caught == ["_Stop"]
    assert left == []


def test_call_within_goes_on_under_a_tracer_when_it_leaves_a_function_behind() -> None:
    """A debugger or a coverage run does not hang on a stop that cannot be delivered."""
    release = threading.Event()
    rescue = threading.Timer(20, release.set)
    rescue.start()
    before = sys.gettrace()
    sys.settrace(lambda _frame, _event, _arg: None)
    try:
        with pytest.raises(TimeoutError):
            call_within(release.wait, 0.05)
        hung = release.is_set()
    finally:
        sys.settrace(before)
        rescue.cancel()
        release.set()
    _join_runaways()

    assert not hung
    assert _runaways() == []


def test_call_within_leaves_a_function_behind_that_catches_every_stop() -> None:
    """Its caller gets on after half a second, whether or not one of the stops got through."""
    caught: list[str] = []
    release = threading.Event()

    def stubborn() -> None:
        while not release.is_set():
            try:
                while not release.is_set():
                    pass
            except BaseException as stop:  # noqa: BLE001 - what a careless function does
                caught.append(type(stop).__name__)

    with pytest.raises(TimeoutError):
        call_within(stubborn, 0.05)
    release.set()
    _join_runaways()

    assert set(caught) <= {"_Stop"}
    assert len(caught) <= STOP_ATTEMPTS
    assert _runaways() == []


def test_call_within_leaves_an_unstoppable_function_behind() -> None:
    """A blocking C call keeps its thread and not its caller; its late outcome is nobody's."""
    release = threading.Event()
    with pytest.raises(TimeoutError):
        call_within(release.wait, 0.05)
    left = _runaways()
    release.set()
    _join_runaways()

    assert len(left) == 1
    assert _runaways() == []


def test_call_within_stops_handlers_of_exception() -> None:
    """The stop is no `Exception`, so an honest handler does not see it."""
    handled: list[Exception] = []

    def careful() -> None:
        while True:
            try:
                _spin()
            except Exception as error:  # noqa: BLE001 - the handler under test
                handled.append(error)

    with pytest.raises(TimeoutError):
        call_within(careful, 0.05)
    _join_runaways()

    assert handled == []
    assert _runaways() == []


def test_call_within_works_from_any_thread() -> None:
    """A worker thread may set a deadline too."""
    outcomes: list[str] = []

    def waits() -> None:
        try:
            call_within(_spin, 0.05)
        except TimeoutError as error:
            outcomes.append(str(error))

    thread = threading.Thread(target=waits)
    thread.start()
    thread.join(timeout=5)

    assert outcomes == ["the function did not end within 0.05 s"]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to one thread")
def test_call_within_lets_an_interrupt_through() -> None:
    """Ctrl-C ends the wait at once, and the function with it."""

    def interrupts() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        _spin()

    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread is interrupted")
    # A process that was started in the background ignores the signal unless told otherwise.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            call_within(interrupts, 60)
    finally:
        signal.signal(signal.SIGINT, before)
    _join_runaways()

    assert _runaways() == []


def test_call_within_leaves_no_trace_when_deadline_and_end_meet() -> None:
    """A stop that comes just as the function ends escapes into no other code."""
    for _ in range(200):
        try:
            outcome = call_within(lambda: sum(range(5000)), 0.0001)
        except TimeoutError:
            outcome = 12_497_500

        assert outcome == 12_497_500
    _join_runaways()

    assert _runaways() == []


def test_stop_is_not_sent_to_a_function_that_has_ended() -> None:
    """A stop sent too late would end whatever the thread does next."""
    run = _Run(lambda: 1)
    run.work()
    run.stop(threading.current_thread())

    assert run.outcome() == 1


def test_stop_is_not_sent_to_a_thread_that_never_started() -> None:
    """An interrupt may come before the thread does."""
    run = _Run(lambda: 1)
    run.stop(threading.Thread())

    assert run.done.locked()


class _StoppingGate:
    """A gate at which a stop arrives."""

    def __enter__(self) -> None:
        raise _Stop

    def __exit__(self, *_: object) -> None: ...


def test_a_stop_that_meets_the_end_stays_in_the_thread() -> None:
    """The thread ends without a word, and its waiter learns that it has ended."""
    run = _Run(lambda: 1)
    run._gate = _StoppingGate()  # type: ignore[assignment]  # stands in for the lock
    run.work()

    assert not run.done.locked()


def test_lane_is_one_thread() -> None:
    """What one call makes another may use, though it belongs to its thread."""
    lane = Lane()
    threads = {lane.call(threading.get_ident, 5) for _ in range(3)}
    lane.close()
    _join_runaways()

    assert len(threads) == 1
    assert threads != {threading.get_ident()}
    assert _runaways() == []


def test_lane_goes_on_after_a_function_that_does_not_end() -> None:
    """The next call finds another thread; the old one ends as soon as its function lets it."""
    release = threading.Event()
    lane = Lane()
    before = lane.call(threading.get_ident, 5)
    with pytest.raises(OverdueError):
        lane.call(release.wait, 0.05)
    after = lane.call(threading.get_ident, 5)
    release.set()
    lane.close()
    _join_runaways()

    assert before != after
    assert _runaways() == []


def test_lane_goes_on_after_a_function_that_raises() -> None:
    """An exception is an outcome like another."""

    def fails() -> None:
        raise SystemExit(3)

    lane = Lane()
    before = lane.call(threading.get_ident, 5)
    with pytest.raises(SystemExit):
        lane.call(fails, 5)
    after = lane.call(threading.get_ident, 5)
    lane.close()

    assert before == after


def test_lane_may_be_closed_before_its_first_call_and_twice() -> None:
    """It may be used again, too."""
    lane = Lane()
    lane.close()
    value = lane.call(lambda: 1, 5)
    lane.close()
    lane.close()
    _join_runaways()

    assert value == 1
    assert _runaways() == []


def test_lane_takes_any_number_of_seconds() -> None:
    """More than a lock can wait for is as good as no deadline."""
    assert call_within(lambda: 1, 1e300) == 1


def test_time_out_of_the_functions_own_is_not_the_deadlines() -> None:
    """A socket's timeout is told apart from the deadline."""

    def fails() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError) as caught:
        call_within(fails, 5)

    assert not isinstance(caught.value, OverdueError)


def test_lane_carries_context_variables() -> None:
    """The function sees the caller's, and what it sets stays with it."""
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(1)

    def changes() -> int:
        seen = variable.get()
        variable.set(2)
        return seen

    assert call_within(changes, 5) == 1
    assert variable.get() == 1


def test_stop_of_an_idle_lane_ends_it_quietly() -> None:
    """A stop may come before the function has begun."""

    class _Stopping(queue.SimpleQueue):  # type: ignore[type-arg]  # of anything
        def get(self, *_args: object) -> None:
            raise _Stop

    _serve(_Stopping())


def test_function_that_runs_can_be_stopped_from_another_thread() -> None:
    """Its caller gets an exception that no handler of `Exception` takes for one of its own."""
    lane, begun, met = Lane(), threading.Event(), []

    def spin() -> None:
        begun.set()
        while True:
            threading.Event().wait(0.001)

    def call() -> None:
        try:
            lane.call(spin, 3600)
        except BaseException as error:  # noqa: BLE001 - its kind is what is under test
            met.append(error)

    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    begun.wait()
    lane.stop()
    caller.join(60)

    assert [isinstance(error, Exception) for error in met] == [False]


def test_idle_lane_has_nothing_to_stop() -> None:
    """What is called afterwards runs."""
    lane = Lane()
    assert lane.call(lambda: 1, 60) == 1
    lane.stop()

    assert lane.call(lambda: 2, 60) == 2
