"""
Trials that run in threads, ahead of the tests that judge them.

A live trial waits and hardly computes. While one test waits for its trial, the trials of the tests that follow run as
well, in the order of the tests and at most so many at a time. Each has its own world, client, sandbox and clock; when
a test's turn comes, its fixtures hand out what was made for it. What fails ahead fails in that test.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
import time
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact.ahead._turn import Reason, TurnRules
from pytest_codeact.ahead._upcoming import Upcoming
from pytest_codeact.collection import case_of, scenario_of
from pytest_codeact.deadline import Lane
from pytest_codeact.errors import ScenarioError
from pytest_codeact.kit import Kit
from pytest_codeact.notices import Notice
from pytest_codeact.stage import Slots, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.scenario import Scenario
    from pytest_codeact.trial import Case

AHEAD_FACTOR: Final = 4
"""Trials begun and not judged yet, in multiples of those that run at a time: a slow validator does not pile them up."""

GRACE_S: Final = 5.0
"""Seconds that trials in flight are given to end when the run is over before its last test."""

WINDOW_FACTOR: Final = 16
"""Items looked at for trials that may begin, in multiples of those that run at a time: the look must stay cheap."""

SWITCH_INTERVAL_S: Final = 0.0002
"""
`sys.setswitchinterval` while threads run ahead. A reply that has come waits so long, and not Python's 0.005 s, for a
thread that computes, before its clock is read.
"""

_KEY: pytest.StashKey[Ahead] = pytest.StashKey()


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadNotes:
    """
    What a run must say of its threads.

    Attributes:
        in_turn: Tests whose trial had to wait for its turn.
        first_in_turn: The first of them, and why. "" if there is none.
        unjudged: Trials that ran ahead and that no test took.
    """

    in_turn: int = 0
    first_in_turn: str = ""
    unjudged: int = 0

    def __add__(self, other: AheadNotes) -> AheadNotes:
        return AheadNotes(
            in_turn=self.in_turn + other.in_turn,
            first_in_turn=self.first_in_turn or other.first_in_turn,
            unjudged=self.unjudged + other.unjudged,
        )

    def to_json(self) -> str:
        """Give it as one line of ASCII, as a worker sends it to the controller."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> AheadNotes:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))

    def lines(self) -> list[str]:
        """Give what is to be said, a line each."""
        said = []
        if self.in_turn:
            said.append(f"{_trials(self.in_turn)} did not run ahead; the first: {self.first_in_turn}")
        if self.unjudged:
            was, test = ("was", "its test") if self.unjudged == 1 else ("were", "their tests")
            said.append(f"{_trials(self.unjudged)} ran ahead and {was} not judged: the run ended before {test}")
        return said


def stage_of(item: pytest.Item, case: Case, scenario: Scenario) -> Stage:
    """
    Give the stage of an item whose turn it is: where its trial ran ahead, or one where it will run.

    Args:
        item: The item that is being set up.
        case: Its case.
        scenario: Its scenario.
    """
    kit = Kit.of(item.config)
    if kit.settings.concurrency == 1:
        return Stage(kit=kit, case=case, scenario=scenario, lane=kit.lane, slots=Slots(1))
    ahead = item.config.stash.get(_KEY, None)
    if ahead is None:
        ahead = item.config.stash[_KEY] = Ahead(item.session, kit)
    ahead.advance(item)
    return ahead.take(item) or Stage(kit=kit, case=case, scenario=scenario, lane=kit.lane, slots=ahead.slots)


def end_ahead(config: pytest.Config) -> AheadNotes:
    """
    End what still runs ahead in this process, and say what is to be said. May be called in any run.

    Ctrl-C ends only the wait for what is in flight: what the run has must still be stored and shown.
    """
    ahead = config.stash.get(_KEY, None)
    terminal = config.pluginmanager.get_plugin("terminalreporter")

    def say(text: str) -> None:
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(text)

    return AheadNotes() if ahead is None else ahead.end(say)


class _Ticket:
    """A trial that is to run ahead. Whoever claims it runs it: a thread, or the test itself that came first."""

    def __init__(self, stage: Stage, notice: Notice) -> None:
        self.stage = stage
        self._notice = notice
        self._unclaimed = threading.Lock()
        self._running = threading.Lock()
        self._running.acquire()

    def claim(self) -> bool:
        return self._unclaimed.acquire(blocking=False)

    def run(self, slots: Slots, lane: Lane) -> None:
        try:
            # Without a controller that hears of it, nothing is paid for any more.
            with contextlib.suppress(OSError), slots.slot() as in_flight:
                self._notice.begin()
                self.stage.lane = lane
                self.stage.run_ahead(in_flight)
                self._notice.end(self.stage.record)
        finally:
            self._running.release()

    @property
    def has_ended(self) -> bool:
        return not self._running.locked()

    def wait(self, timeout_s: float = -1) -> None:
        """Wait until it has run."""
        if self._running.acquire(timeout=timeout_s):
            self._running.release()

    def drop(self) -> None:
        """Let go of a trial that nobody will judge: one in flight is stopped where it is, once it computes."""
        if not self.has_ended:
            self.stage.lane.stop()
        self.stage.close()


class Ahead:
    """
    The trials of one process that run ahead.

    Args:
        session: The session whose items they are of.
        kit: The process's.
    """

    def __init__(self, session: pytest.Session, kit: Kit) -> None:
        self.slots = Slots(kit.settings.concurrency)
        self._count = kit.settings.concurrency
        self._session = session
        self._kit = kit
        self._rules = TurnRules(session.config, kit.settings)
        self._upcoming = Upcoming(session)
        self._reasons: dict[str, Reason | None] = {}
        self._tickets: dict[str, _Ticket] = {}
        self._queue: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._thread_count = 0
        self._ending = False
        self._in_turn_count = 0
        self._first_in_turn = ""
        self._switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(min(SWITCH_INTERVAL_S, self._switch_interval_s))

    def advance(self, item: pytest.Item) -> None:
        """
        Let the trials of an item and of those that follow it begin, as far as there is room.

        No further than to the first item that cannot run ahead: an ordinary test, or one that something of the user's
        comes before, may change what a trial in flight meets (the environment, standard output), or catch what it
        prints. What is in flight was taken before such an item's turn.
        """
        reason = self._settle(item)
        if reason is not None:
            self._in_turn_count += 1
            self._first_in_turn = self._first_in_turn or f"{item.nodeid}, because {reason.text}"
            return
        for each in islice(self._upcoming.after(item), WINDOW_FACTOR * self._count):
            if len(self._tickets) >= AHEAD_FACTOR * self._count or self._is_over:
                return
            if case_of(each) is None or self._settle(each) is not None:
                return

    def take(self, item: pytest.Item) -> Stage | None:
        """Give the stage of an item, once its trial has run ahead. None if it must run now."""
        ticket = self._tickets.get(item.nodeid)
        if ticket is None:
            return None
        try:
            if not ticket.claim():
                ticket.wait()
        except KeyboardInterrupt:
            # The run ends, and its end waits for what is in flight.
            raise
        except BaseException:
            # A time limit on tests, say, that raises where it strikes: nobody will ask for this trial again.
            del self._tickets[item.nodeid]
            ticket.drop()
            raise
        del self._tickets[item.nodeid]
        return ticket.stage

    def end(self, say: Callable[[str], None]) -> AheadNotes:
        """
        Let nothing begin any more, give what is in flight a few seconds to end, stop it, and say what there was.

        Args:
            say: Tells the user what is being waited for. Ctrl-C ends the wait.
        """
        self._ending = True
        for _ in range(self._thread_count):
            self._queue.put(None)
        sys.setswitchinterval(self._switch_interval_s)
        begun = [ticket for ticket in self._tickets.values() if not ticket.claim()]
        with contextlib.suppress(KeyboardInterrupt):
            _wait_for([ticket for ticket in begun if not ticket.has_ended], say)
        for ticket in begun:
            ticket.drop()
        self._tickets.clear()
        return AheadNotes(in_turn=self._in_turn_count, first_in_turn=self._first_in_turn, unjudged=len(begun))

    @property
    def _is_over(self) -> bool:
        return bool(self._ending or self._session.shouldstop or self._session.shouldfail)

    def _settle(self, item: pytest.Item) -> Reason | None:
        """Queue an item's trial, once, or say why it has to wait for its turn."""
        case = case_of(item)
        if case is None or item.nodeid in self._reasons:
            return self._reasons.get(item.nodeid)
        reason = self._rules.reason(item)
        if reason is None:
            try:
                scenario = scenario_of(item, self._kit.settings)
            except ScenarioError:
                reason = Reason(text="its marker is wrong")
            else:
                self._queue_up(item, case, scenario)
        if reason is None or reason.lasts:
            self._reasons[item.nodeid] = reason
        return reason

    def _queue_up(self, item: pytest.Item, case: Case, scenario: Scenario) -> None:
        """Queue a trial, and have a thread for each that may run."""
        stage = Stage(kit=self._kit, case=case, scenario=scenario, lane=self._kit.lane, slots=self.slots)
        self._tickets[item.nodeid] = ticket = _Ticket(stage, Notice(item, self._upcoming.place(item)))
        self._queue.put(ticket)
        if self._thread_count < min(self._count, len(self._tickets)):
            self._thread_count += 1
            threading.Thread(target=self._work, name="codeact-ahead", daemon=True).start()

    def _work(self) -> None:
        """Run trials, one after the other. The body of a thread."""
        lane = Lane()
        while (ticket := self._queue.get()) is not None:
            if not self._is_over and ticket.claim():
                ticket.run(self.slots, lane)
        lane.close()


def _wait_for(tickets: Sequence[_Ticket], say: Callable[[str], None]) -> None:
    if tickets:
        say(f"waiting up to {GRACE_S:g} s for {_trials(len(tickets))} in flight; Ctrl-C ends the wait")
    deadline_s = time.monotonic() + GRACE_S
    for ticket in tickets:
        ticket.wait(max(0.0, deadline_s - time.monotonic()))


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"
