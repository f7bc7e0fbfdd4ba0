"""
What one trial needs, made; and the trial, run. The fixtures and the threads that run ahead of them share it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pytest_codeact.arms import Bench
from pytest_codeact.clients import make_client, settled
from pytest_codeact.deadline import Lane, OverdueError
from pytest_codeact.errors import DeadlineError
from pytest_codeact.journal import cell_of
from pytest_codeact.runtimes import Limits, Sandbox
from pytest_codeact.tools import FinalAnswer, Toolbox
from pytest_codeact.trial import run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.arms import Arm
    from pytest_codeact.kit import Kit
    from pytest_codeact.providers import Provider
    from pytest_codeact.records import TrialRecord
    from pytest_codeact.scenario import Scenario
    from pytest_codeact.trial import Case, Trial

T = TypeVar("T")

CUSTOM: Final = "custom"
"""Name in records of a model that a fixture of the user's own put in the reference model's place."""


class Slots:
    """
    Lets so many trials of a process run at a time, and counts them.

    Args:
        count: How many. From 1.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)
        self._lock = threading.Lock()
        self._taken = 0

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Wait for a slot and hold it; gives how many are then held, this one included."""
        with self._free:
            with self._lock:
                self._taken += 1
                taken = self._taken
            try:
                yield taken
            finally:
                with self._lock:
                    self._taken -= 1


@dataclass(slots=True, kw_only=True)
class Stage:
    """
    One trial and its parts. Each is made once, when it is first asked for; one that failed fails again.

    World and client are made in the lane in which the trial then runs: some things may only be used by the thread that
    made them.

    Attributes:
        kit: The process's.
        case: Arm, model and number of the trial.
        scenario: What is to be done.
        lane: Where it runs.
        slots: What it waits for before it runs. One that runs ahead waits before its world is made.
    """

    kit: Kit
    case: Case
    scenario: Scenario
    lane: Lane
    slots: Slots
    _made: dict[str, _Made] = field(default_factory=dict, init=False)

    def arm(self) -> Arm:
        """Give the arm."""
        return self._once("arm", lambda: self.kit.arm(self.case.arm))

    def toolbox(self) -> Toolbox:
        """
        Give the tools, over a world of the trial's own.

        Raises:
            ScenarioError: The world cannot be made, or its tools cannot be told to a model.
            DeadlineError: It was not made in time.
        """
        return self._once("world", lambda: self._within("world", lambda: Toolbox(self.scenario.make_world())))

    def client(self, toolbox: Toolbox) -> Provider:
        """
        Give the client of the trial's model.

        Raises:
            ScenarioError: The model needs what the scenario does not have; the text names the scenario.
            DeadlineError: It was not made in time.
        """
        return self._once(
            "client",
            lambda: self._within("client", lambda: make_client(self.kit, self.case, self.scenario, toolbox)),
        )

    def sandbox(self) -> Sandbox:
        """Give the sandbox; nothing runs in it yet. `close` ends what will."""
        return self._once("sandbox", lambda: make_sandbox(self.kit, self.scenario))

    def trial(self, *, arm: Arm, client: Provider, toolbox: Toolbox, sandbox: Sandbox) -> Trial:
        """
        Give the trial, run to its end with these parts. Each may be the stage's own, or another in its place.

        Args:
            arm: How it acts.
            client: The model.
            toolbox: The tools.
            sandbox: Where programs run.
        """

        def run() -> Trial:
            with self.slots.slot() as in_flight:
                return self._perform(arm, client, toolbox, sandbox, in_flight)

        return self._once("trial", run)

    def run_ahead(self, in_flight: int) -> None:
        """
        Make every part and run the trial, with no fixture between; up to the first that fails.

        What comes of it is kept for those who ask; nothing is raised. Programs' processes end with it: of trials that
        wait for their judge there may be many.

        Args:
            in_flight: How many slots are held, that of this trial included. The caller holds it.
        """
        try:
            arm, toolbox = self.arm(), self.toolbox()
            client, sandbox = self.client(toolbox), self.sandbox()
            self._once("trial", lambda: self._perform(arm, client, toolbox, sandbox, in_flight))
        except BaseException:  # noqa: BLE001, S110 - it is kept, and raised again to whoever asks for the part
            pass
        self.close()

    @property
    def record(self) -> TrialRecord | None:
        """The record of the trial. None if it was not run, or came to none."""
        made = self._made.get("trial")
        return made.value.record if made is not None and made.value is not None else None

    def close(self) -> None:
        """End the trial's programs. May be called twice."""
        made = self._made.get("sandbox")
        if made is not None:
            made.value.close()

    def _perform(self, arm: Arm, client: Provider, toolbox: Toolbox, sandbox: Sandbox, in_flight: int) -> Trial:
        return perform(
            self.kit,
            self.case,
            self.scenario,
            arm=arm,
            client=client,
            toolbox=toolbox,
            sandbox=sandbox,
            # A fixture that puts another in its place does not ask for it.
            own_client="client" in self._made,
            settle=partial(settled, self._made["client"].value if "client" in self._made else None),
            lane=self.lane,
            in_flight=in_flight,
        )

    def _once(self, part: str, make: Callable[[], T]) -> T:
        if part not in self._made:
            self._made[part] = _made(make)
        value: T = self._made[part].get()
        return value

    def _within(self, part: str, make: Callable[[], T]) -> T:
        deadline_s = self.scenario.budget(self.kit.settings.budget).deadline_s
        try:
            return self.lane.call(make, deadline_s)
        except OverdueError as error:
            raise DeadlineError(
                f"{self.scenario.id}: making the trial's {part} did not end within {deadline_s:g} s; "
                "if it only needs longer, allow more with --codeact-deadline or deadline_s=... in its marker"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """
    What came of making a part.

    Attributes:
        value: The part. None if making it failed.
        raised: What making it raised.
    """

    value: Any = None
    raised: BaseException | None = None

    def get(self) -> Any:
        if self.raised is not None:
            raise self.raised
        return self.value


def _made(make: Callable[[], object]) -> _Made:
    try:
        return _Made(value=make())
    except BaseException as error:  # noqa: BLE001 - it is raised again by `get`, in the thread that asks
        return _Made(raised=error)


def make_sandbox(kit: Kit, scenario: Scenario) -> Sandbox:
    """Make the sandbox of a trial; nothing runs in it yet. Whoever makes it closes it."""
    # What a program may show is what a tool result may show, unless the user says otherwise.
    shown = {"output_bytes": float(kit.settings.observation_bytes)}
    frozen_clock_s = scenario.frozen_clock_s
    return Sandbox(
        partial(kit.runtime_for, scenario.runtimes),
        Limits.of(shown, kit.settings.limits, scenario.limits or {}),
        frozen_clock_s=kit.settings.frozen_clock_s if frozen_clock_s is None else frozen_clock_s,
    )


def perform(
    kit: Kit,
    case: Case,
    scenario: Scenario,
    *,
    arm: Arm,
    client: Provider,
    toolbox: Toolbox,
    sandbox: Sandbox,
    own_client: bool,
    settle: Callable[[Trial], Trial],
    lane: Lane,
    in_flight: int,
) -> Trial:
    """
    Run a trial to its end, or take it from the journal.

    Args:
        kit: The process's.
        case: Arm, model and number of the trial.
        scenario: What is to be done.
        arm: How it acts.
        client: The model.
        toolbox: The tools.
        sandbox: Where programs run.
        own_client: Whether the client is that of the model asked for. A client of the user's own must not pass for
            the reference model: rows of unlike models must not meet.
        settle: Is given the trial once it has been run, and gives it as it is kept.
        lane: Where it runs.
        in_flight: Trials that run in this process now, itself included.
    """
    stands_in = not own_client and case.model.partition("/")[0] == "reference"
    case = replace(case, model=CUSTOM) if stands_in else case
    final = FinalAnswer(scenario.answer)
    run = partial(
        run_trial,
        scenario_id=scenario.id,
        prompt=scenario.prompt,
        case=case,
        arm=arm,
        provider=client,
        bench=Bench(toolbox=toolbox, final=final, sandbox=sandbox),
        budget=scenario.budget(kit.settings.budget),
        lane=lane,
        in_flight=in_flight,
    )
    trial = kit.journal.once(cell_of(case, scenario, toolbox, final, kit.settings), lambda: settle(run()))
    if trial.record.calls and not toolbox.journal:
        # It was run elsewhere. A validator may look at the world itself.
        toolbox.restore(trial.record.calls)
    return trial
