"""What a trial needs, made once; and how many run at a time."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import ScriptedModel, ScriptedRuntime, Shelf, calls, says

from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.deadline import Lane
from pytest_codeact.errors import DeadlineError, ScenarioError
from pytest_codeact.journal import Journal, Outbox
from pytest_codeact.kit import Kit
from pytest_codeact.options import Settings
from pytest_codeact.registry import Registry
from pytest_codeact.scenario import Scenario
from pytest_codeact.stage import CUSTOM, Slots, Stage
from pytest_codeact.trial import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.providers import ModelContext

ID = "test_a.py::test_a"


class Log:
    """Notes what is made, and in which thread."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.threads: set[int] = set()

    def note(self, what: str) -> None:
        self.made.append(what)
        self.threads.add(threading.get_ident())


class Made(Shelf):
    """A shelf that says that it was made."""

    log: Log

    def __init__(self) -> None:
        super().__init__()
        self.log.note("world")


@pytest.fixture
def log() -> Log:
    """Make a log."""
    return Log()


@pytest.fixture
def lane() -> Iterator[Lane]:
    """Make a lane."""
    lane = Lane()
    yield lane
    lane.close()


def stage(
    log: Log,
    lane: Lane,
    *,
    tools: Callable[[], object] | None = None,
    model: Callable[[], Any] | None = None,
    deadline_s: float = 20,
    slots: Slots | None = None,
) -> Stage:
    """Make a stage over a world, a client and a runtime that say when they are made."""

    def client(_context: ModelContext) -> Any:
        log.note("client")
        return model() if model else ScriptedModel(calls(("put", {"name": "cup"})), says("done"))

    registry = Registry()
    registry.add_arm("plain", lambda: DirectArm(parallel=True))
    registry.add_provider("scripted", client)
    registry.add_runtime("scripted", lambda: ScriptedRuntime({}))
    settings = Settings(arms=("plain",), models=("scripted/a",), sandbox=("scripted",), deadline_s=deadline_s)
    return Stage(
        kit=Kit(settings, registry, Journal(Outbox(Outbox.pack(b"")), "run", looks_up=False)),
        case=Case(arm="plain", model="scripted/a", trial=3),
        scenario=Scenario(id=ID, prompt="Go.", tools=tools or type("World", (Made,), {"log": log})),
        lane=lane,
        slots=slots or Slots(1),
    )


def performed(one: Stage) -> Any:
    """Run a stage's trial as the fixtures do."""
    toolbox = one.toolbox()
    return one.trial(arm=one.arm(), client=one.client(toolbox), toolbox=toolbox, sandbox=one.sandbox())


def test_each_part_is_made_once(log: Log, lane: Lane) -> None:
    """Whoever asks again is given the same, the trial included."""
    one = stage(log, lane)
    trial = performed(one)

    assert performed(one) is trial
    assert log.made == ["world", "client"]
    assert (trial.record.ended, trial.record.model, trial.record.trial) == ("answered", "scripted/a", 3)


def test_world_and_client_are_made_in_the_lane(log: Log, lane: Lane) -> None:
    """And the tools are called there: what belongs to a thread may be used."""
    seen: set[int] = set()

    class Watched(Made):
        def end_state(self) -> dict[str, int]:
            seen.add(threading.get_ident())
            return {}

    Watched.log = log
    performed(stage(log, lane, tools=Watched))

    assert log.threads == seen
    assert threading.get_ident() not in seen


def test_what_ran_ahead_is_what_the_fixtures_get(log: Log, lane: Lane) -> None:
    """Nothing is made or run a second time."""
    one = stage(log, lane)
    one.run_ahead(in_flight=7)
    trial = performed(one)

    assert log.made == ["world", "client"]
    assert (trial.record.ended, trial.record.in_flight) == ("answered", 7)
    assert trial.state == {"cup": 3}


def test_trial_says_how_many_are_in_flight(log: Log, lane: Lane) -> None:
    """Itself included."""
    slots = Slots(3)
    with slots.slot(), slots.slot():
        trial = performed(stage(log, lane, slots=slots))

    assert trial.record.in_flight == 3


@pytest.mark.parametrize("raised", [OSError("no room"), SystemExit(3), KeyboardInterrupt()])
def test_part_that_failed_ahead_fails_again(log: Log, lane: Lane, raised: BaseException) -> None:
    """Its exception waits for whoever asks for the part; what comes before it is there."""

    def fails() -> object:
        raise raised

    one = stage(log, lane, model=fails)
    one.run_ahead(in_flight=1)

    assert one.toolbox().tools
    for _ in range(2):
        with pytest.raises(type(raised)) as caught:
            one.client(one.toolbox())
        assert caught.value is raised


def test_world_that_cannot_be_made_names_its_scenario(log: Log, lane: Lane) -> None:
    """The error is the scenario's."""

    def fails() -> object:
        raise OSError("no room")

    with pytest.raises(ScenarioError) as caught:
        stage(log, lane, tools=fails).toolbox()

    assert str(caught.value) == (
        f"{ID}: making the world failed: OSError: no room; 'tools' is called without arguments, once per trial"
    )


@pytest.mark.parametrize("part", ["world", "client"])
def test_part_that_is_never_made_ends_at_the_deadline(log: Log, lane: Lane, part: str) -> None:
    """The text says which part, and what to do."""
    never = threading.Event()
    hang: Any = lambda: never.wait()  # noqa: E731, PLW0108 - both seams take any function
    one = stage(log, lane, deadline_s=0.05, **{"tools" if part == "world" else "model": hang})
    with pytest.raises(DeadlineError) as caught:
        performed(one)
    never.set()

    assert str(caught.value) == (
        f"{ID}: making the trial's {part} did not end within 0.05 s; if it only needs longer, "
        "allow more with --codeact-deadline or deadline_s=... in its marker"
    )


def test_client_in_place_of_the_reference_model_is_called_custom(log: Log, lane: Lane) -> None:
    """A client that the stage was not asked for is not that of the model asked for."""
    one = stage(log, lane)
    one.case = Case(arm="plain", model="reference")
    trial = one.trial(arm=one.arm(), client=ScriptedModel(says("done")), toolbox=one.toolbox(), sandbox=one.sandbox())

    assert trial.record.model == CUSTOM


def test_close_ends_the_programs(log: Log, lane: Lane) -> None:
    """It may be called before there are any, and twice."""
    one = stage(log, lane)
    one.close()
    closed: list[int] = []
    one.sandbox()._interpreters.append(SimpleNamespace(close=lambda: closed.append(1)))
    one.close()
    one.close()

    assert closed == [1]


def test_slots_let_so_many_through() -> None:
    """The next waits until one is free, and each is told how many are held."""
    slots = Slots(2)
    third: list[int] = []

    def wait() -> None:
        with slots.slot() as held:
            third.append(held)

    with slots.slot() as first, slots.slot() as second:
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.05)
        waited = not third
    thread.join(20)

    assert (first, second, waited) == (1, 2, True)
    assert third[0] in {1, 2}


def test_a_slot_is_free_again_after_a_failure() -> None:
    """Whatever happens in it."""
    slots = Slots(1)
    held: list[int] = []

    def fails() -> None:
        with slots.slot() as number:
            held.append(number)
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fails()

    assert held == [1, 1]


def test_switch_interval_is_not_touched_by_a_stage(log: Log, lane: Lane) -> None:
    """Only threads that run ahead lower it."""
    before = sys.getswitchinterval()
    performed(stage(log, lane))

    assert sys.getswitchinterval() == before
