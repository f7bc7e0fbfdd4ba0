"""
The journal of a run: every trial, written down the moment it ends, so that none is run or paid for twice.

A journal is `.codeact/RUN/trials.jsonl` below pytest's root directory, one JSON object a line. The first line says what
the run is. A "trial" line holds a whole trial before it was judged, written with one system call by the process that
ran it. What the kernel has is safe from the death of any process, not from a loss of power. "verdict" and "end" lines
are for readers; nothing is derived from a verdict, a trial that is taken from the journal is judged again.

A resumed run takes from it every trial that ended in anything but an error and whose fingerprint still holds; so does a
worker of a running one, after the death of another worker that had run ahead.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import threading
import zlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Protocol

from pytest_codeact.errors import CodeActError, RecordError, describe
from pytest_codeact.journal._arguments import blotted
from pytest_codeact.journal._file import FILE, LOCK, JournalFile
from pytest_codeact.journal._lines import (
    JOURNAL_SCHEMA,
    Cell,
    Header,
    cell_of,
    end_line,
    is_whole,
    read_head,
    read_trial,
    trial_line,
    verdict_line,
)
from pytest_codeact.journal._runs import DIRECTORY, KEPT_RUNS, new_name, prune, read_header, run_names
from pytest_codeact.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pytest_codeact.journal._lines import Key
    from pytest_codeact.records import TrialRecord
    from pytest_codeact.trial import Trial

__all__ = [
    "DIRECTORY",
    "FILE",
    "JOURNAL_SCHEMA",
    "KEPT_RUNS",
    "LOCK",
    "Cell",
    "Header",
    "Journal",
    "JournalFile",
    "Outbox",
    "Tally",
    "blotted",
    "cell_of",
    "interrupts_deferred",
    "new_name",
    "prune",
    "read_header",
    "run_names",
]


class Store(Protocol):
    """
    Where the lines of a journal are.

    Attributes:
        is_begun: Whether it has a first line, so that the run can be found and gone on with.
    """

    @property
    def is_begun(self) -> bool: ...

    def begin(self) -> None:
        """
        Make it, with its first line, unless that has been done.

        Raises:
            OSError: It cannot be made.
        """
        ...

    def append(self, line: bytes) -> None:
        """
        Append a line.

        Raises:
            OSError: It could not be written.
        """
        ...

    def added(self) -> Iterable[tuple[int, bytes]]:
        """Give the lines that were added since this was last asked, each with its place."""
        ...

    def read(self, place: int, length: int) -> bytes:
        """Give the bytes of a line that `added` told of."""
        ...


class Outbox:
    """
    The store of a worker that does not see the journal's file: lines leave it on test reports.

    Args:
        packed: The lines that the journal had when the worker began, as `pack` gives them.
    """

    def __init__(self, packed: bytes) -> None:
        self._held = zlib.decompress(packed)
        self._unread = True
        self._lines: list[bytes] = []
        self._mutex = threading.Lock()
        # The controller's to make, and to end.
        self.is_begun = False

    def begin(self) -> None:
        """Do nothing: the controller makes the journal when a line arrives."""

    @staticmethod
    def pack(journal: bytes) -> bytes:
        """Make a journal's bytes small for the way to a worker."""
        return zlib.compress(journal, level=1)

    def append(self, line: bytes) -> None:
        """Keep a line until it is sent."""
        with self._mutex:
            self._lines.append(line)

    def added(self) -> Iterator[tuple[int, bytes]]:
        """Give, once, the lines that the journal had when the worker began."""
        place = 0
        for line in self._held.split(b"\n") if self._unread else ():
            yield place, line
            place += len(line) + 1
        self._unread = False

    def read(self, place: int, length: int) -> bytes:
        """Give the bytes of one of them."""
        return self._held[place : place + length]

    def sent(self) -> list[str]:
        """Give the lines that were appended since this was last asked."""
        # A trial that ends in another thread at this moment must be in one list or the other.
        with self._mutex:
            lines, self._lines = self._lines, []
        return [line.decode("ascii") for line in lines]


@dataclass(slots=True, kw_only=True)
class Tally:
    """
    What must be said of a journal at the end of a run.

    Attributes:
        taken: Trials that were taken from it and not run.
        stale: Trials that it holds as they were before the scenario was changed; they were run again.
        withheld: Trials out of which a secret was taken, so that they cannot be judged again; they were run again.
        damaged: Lines of it that could not be read; their trials were run again.
        unwritten: Trials that could not be written; a resumed run will run them again.
        fault: Why not, for the last of them. "" if all were.
    """

    taken: int = 0
    stale: int = 0
    withheld: int = 0
    damaged: int = 0
    unwritten: int = 0
    fault: str = ""

    @property
    def incomplete(self) -> str:
        """Say that the journal lacks trials. "" if it does not."""
        if not self.unwritten:
            return ""
        return (
            f"the journal is incomplete: {_trials(self.unwritten)} could not be written ({self.fault}); "
            "a resumed run will run what is missing again"
        )

    def lines(self, of: int) -> list[str]:
        """
        Say what came out of the journal.

        Args:
            of: Number of trials of the run.
        """
        said = [f"{self.taken} of {_trials(of)} taken from the journal"] if self.taken else []
        if self.stale:
            said.append(f"{_trials(self.stale)} of the journal run again: the scenario has changed since")
        if self.withheld:
            said.append(f"{_trials(self.withheld)} of the journal run again: a secret was taken out of what they hold")
        if self.damaged:
            said.append(f"{self.damaged} damaged line{'' if self.damaged == 1 else 's'} of the journal left out")
        return said

    def add(self, other: Tally) -> None:
        """Add what another process counted."""
        self.taken += other.taken
        self.stale += other.stale
        self.withheld += other.withheld
        self.damaged += other.damaged
        self.unwritten += other.unwritten
        self.fault = other.fault or self.fault


class Journal:
    """
    The journal of a run, for one process of it. Safe to use from several threads.

    Args:
        store: Where its lines are.
        run: Name of the run.
        looks_up: Whether it may hold trials that this process is asked for: in a resumed run, and in a worker, whose
            predecessor may have died.
        hidden: What its lines must not hold. None for nothing that is secret by its value.
    """

    def __init__(self, store: Store, run: str, *, looks_up: bool, hidden: Secrets | None = None) -> None:
        self.run = run
        self._store = store
        self._looks_up = looks_up
        self._hidden = hidden or Secrets({})
        self._withheld: set[tuple[Key, str]] = set()
        self._writer = secrets.token_hex(4)
        self._mutex = threading.Lock()
        self._held: dict[Key, list[tuple[str, int, int]]] = {}
        self._tally = Tally()

    @property
    def line(self) -> str:
        """Where the journal is and how its run is gone on with, for the user."""
        return f"codeact: journal {DIRECTORY}/{self.run}; resume with --codeact-resume={self.run}"

    def directory(self) -> Path | None:
        """
        Give the directory of the run, made if need be. None for a worker that does not see it.

        Raises:
            OSError: It cannot be made.
        """
        return self._store.make_directory() if isinstance(self._store, JournalFile) else None

    @property
    def root(self) -> Path | None:
        """The root directory of pytest. None for a worker that does not see it."""
        return self._store.directory.parent.parent if isinstance(self._store, JournalFile) else None

    def once(self, cell: Cell, run: Callable[[], Trial]) -> Trial:
        """
        Give the trial of a cell: from the journal, or else run and written down before anything is done with it.

        A cell that was run several times (by a plugin that repeats failed tests) is taken as often, in that order.

        Args:
            cell: The place of the trial.
            run: Runs it; never called if the journal holds the trial.
        """
        taken = self._taken(cell) if self._looks_up else None
        if taken is not None:
            return taken
        # What is killed during its first trial is a run too, and not the one before it is the last. Why it could not be
        # made is told of the trial's own line.
        with contextlib.suppress(OSError):
            self._store.begin()
        trial = run()
        with interrupts_deferred():
            self._write(cell, trial)
        return trial

    def note_verdict(self, record: TrialRecord) -> None:
        """Write down what became of a trial, for readers; if it cannot be, nothing is lost."""
        with contextlib.suppress(OSError):
            self._store.append(verdict_line(record))

    def end(self, *, interrupted: bool, modes: Iterable[str]) -> None:
        """
        Write down that the run ended, for readers and for `prune`; of a run without a trial nothing is written.

        Args:
            interrupted: Whether it ended before its last test.
            modes: Where the replies of its trials came from.
        """
        if not self._store.is_begun:
            return
        with contextlib.suppress(OSError):
            self._store.append(end_line(interrupted=interrupted, modes=sorted(modes)))

    def unsent(self) -> str:
        """Give as JSON what the controller has not been told yet: counts, and lines of an `Outbox`. "" for nothing."""
        with self._mutex:
            tally, self._tally = self._tally, Tally()
        lines = self._store.sent() if isinstance(self._store, Outbox) else []
        return json.dumps({**asdict(tally), "lines": lines}) if lines or tally != Tally() else ""

    def receive(self, unsent: str) -> Tally:
        """
        Take in, as the controller, what a process gave as `unsent`.

        Returns:
            What it counted, and what could not be written here.
        """
        told = json.loads(unsent)
        tally = Tally(**{each.name: told[each.name] for each in fields(Tally)})
        for line in told["lines"]:
            try:
                self._store.append(line.encode("ascii"))
            except OSError as error:
                tally.add(Tally(unwritten=1, fault=describe(error)))
        return tally

    def look_through(self) -> None:
        """Find out what the journal holds, and count the lines that cannot be read."""
        with self._mutex:
            self._tally.damaged += self._refresh()

    def _taken(self, cell: Cell) -> Trial | None:
        with self._mutex:
            # Lines that cannot be read are counted by the controller alone: each worker meets the same.
            self._refresh()
            found = self._held.get(cell.key, [])
            for entry in found:
                if entry[0] == cell.fingerprint:
                    found.remove(entry)
                    return self._read(*entry[1:])
            is_withheld = (cell.key, cell.fingerprint) in self._withheld
            self._tally.withheld += is_withheld
            self._tally.stale += bool(found) and not is_withheld
            found.clear()
        return None

    def _read(self, place: int, length: int) -> Trial | None:
        try:
            trial = read_trial(self._store.read(place, length))
        except (RecordError, OSError):
            self._tally.damaged += 1
            return None
        self._tally.taken += 1
        return trial

    def _refresh(self) -> int:
        """Learn of the trials that were added; give the number of lines that cannot be read."""
        damaged = 0
        for place, line in self._store.added():
            try:
                head = read_head(line)
            except RecordError:
                damaged += 1
                continue
            damaged += bool(line) and not is_whole(line)
            # Its own trials are none that it would be asked for again, but to repeat a failed one on purpose.
            if head and is_whole(line) and head.ended != "error" and head.writer != self._writer:
                if head.is_redacted:
                    self._withheld.add((head.cell.key, head.cell.fingerprint))
                    continue
                self._held.setdefault(head.cell.key, []).append((head.cell.fingerprint, place, len(line)))
        return damaged

    def _write(self, cell: Cell, trial: Trial) -> None:
        try:
            self._store.append(trial_line(cell, trial, self._writer, self._hidden.redactor))
        except (OSError, TypeError, ValueError, RecursionError, CodeActError) as error:
            with self._mutex:
                self._tally.add(Tally(unwritten=1, fault=describe(error)))


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait for what belongs together: a trial that ended is written down, then the run is interrupted."""
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    met: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: met.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if met:
            signal.raise_signal(signal.SIGINT)
