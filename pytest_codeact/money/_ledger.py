"""
The ledger of a run: what it has spent and what is in flight, in one SQLite file that all its processes share.

A request's worst price is set aside, and committed, BEFORE the request is sent; what it cost takes its place
afterwards. So the file never says less than what was spent, whenever any process dies. What a dead process had in
flight was sent: it is counted as spent. A process is known to be alive by a lock on one byte of a file beside the
ledger, which the kernel lifts however the process ends.

Money is in pico-dollars, whole numbers. Nothing is synced to the disk: it is safe from the death of any process, not
from a loss of power.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import BudgetError
from pytest_codeact.money._pace import PACE_TABLE, Pace
from pytest_codeact.money._rates import usd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

BUSY_S: Final = 30.0
"""Seconds for which another process's hold on the file is waited out; a hold lasts some microseconds."""

_TABLES: Final = f"""
CREATE TABLE IF NOT EXISTS holder (
    id INTEGER PRIMARY KEY, spent INTEGER DEFAULT 0, held INTEGER DEFAULT 0, in_flight INTEGER DEFAULT 0,
    requests INTEGER DEFAULT 0, doubtful INTEGER DEFAULT 0, doubts INTEGER DEFAULT 0, unpriced INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value);
{PACE_TABLE}
"""

_TAKE: Final = (
    "UPDATE holder SET held = held + :worst, in_flight = in_flight + 1, requests = requests + 1 WHERE id = :holder"
)

_WITHIN: Final = (
    " AND (:budget IS NULL OR (SELECT sum(spent + held) FROM holder) + :worst <= :budget)"
    " AND (:requests IS NULL OR (SELECT sum(requests) FROM holder) < :requests)"
)

_SETTLE: Final = (
    "UPDATE holder SET held = held - :worst, in_flight = in_flight - 1, spent = spent + :spent,"
    " doubtful = doubtful + :doubtful, doubts = doubts + :doubts, unpriced = unpriced + :unpriced WHERE id = :holder"
)

_BURY: Final = (
    "UPDATE holder SET spent = spent + held, doubtful = doubtful + held, doubts = doubts + in_flight,"
    " held = 0, in_flight = 0 WHERE id = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """
    What a run has spent.

    Attributes:
        spent: Pico-dollars: of settled requests what they cost; of those of which nobody knows whether they are paid
            for, and of those that a dead process had in flight, the most that they may have cost.
        held: Pico-dollars set aside for requests in flight.
        requests: Requests that were sent or are about to be, failed attempts included.
        doubtful: The part of `spent` of which nobody knows whether it is paid for.
        doubts: Number of those requests.
        unpriced: Requests whose price nobody knows; they are in no sum.
    """

    spent: int = 0
    held: int = 0
    requests: int = 0
    doubtful: int = 0
    doubts: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    What a run may do. None anywhere for no limit.

    Attributes:
        budget: Pico-dollars that it may spend, over all its sessions.
        requests: Requests that it may send, over all its sessions.
        seconds: Seconds from the session's beginning after which it sends none.
    """

    budget: int | None = None
    requests: int | None = None
    seconds: float | None = None


class Ledger:
    """
    One process's hand in the ledger. Safe for threads.

    Args:
        directory: Of the run. It must be there. None for a ledger of this process alone, in memory.
        bounds: What the run may do.
        began: When the session began, in seconds of a clock that all processes of the run share.

    Raises:
        sqlite3.Error: The file cannot be made or opened.
        OSError: The same, of the file beside it.
    """

    FILE: Final = "ledger.sqlite"
    ALIVE: Final = "ledger.alive"

    def __init__(self, directory: Path | None, bounds: Bounds, began: float) -> None:
        self._bounds = bounds
        self._began = began
        self._mutex = threading.Lock()
        self._alive: FileIO | None = None
        if directory is not None:
            self._alive = (directory / self.ALIVE).open("ab+", buffering=0)
        try:
            with _only_one_opens(self._alive):
                self._db = _opened(":memory:" if directory is None else directory / self.FILE)
        except BaseException:
            if self._alive is not None:
                self._alive.close()
            raise
        try:
            self._enrol()
        except BaseException:
            self.close()
            raise

    def _enrol(self) -> None:
        with _transaction(self._db):
            for statement in filter(str.strip, _TABLES.split(";")):
                self._db.execute(statement)
            self._id = int(self._db.execute("INSERT INTO holder DEFAULT VALUES").lastrowid or 0)
            # Before others can see the row, or they would take this process for a dead one.
            _lock_byte(self._alive, self._id)

    def reserve(self, worst: int, pace: Pace | None, now: float) -> float | None:
        """
        Set aside what a request may cost, and its place in the queue; committed when this returns.

        Args:
            worst: Pico-dollars that it costs at most. 0 if no price is known.
            pace: The rates that its model keeps. None for none.
            now: The clock.

        Returns:
            Seconds to wait before it is sent. None if it may not be sent yet: what is in flight may cost so much that
            the budget would not hold; ask again when that has ended.

        Raises:
            BudgetError: It may not be sent at all.
        """
        with self._mutex, self._sound():
            if pace is None:
                if self._taken(worst, now):
                    return 0.0
                self._check_left(worst)
                return None
            with _transaction(self._db):
                if not self._taken(worst, now):
                    self._check_left(worst)
                    return None
                wait_s = pace.place(self._db, now) - now
                # Within the transaction: one that is refused takes no place, and its money is not set aside.
                self._check_time(now + wait_s)
            return wait_s

    def settle(self, worst: int, cost: int | None, *, is_known: bool) -> None:
        """
        Put what a request cost in the place of what was set aside for it.

        Args:
            worst: What was set aside.
            cost: Pico-dollars. None for all that was set aside.
            is_known: Whether that is what is paid: a bill, and not the fear of one.
        """
        spent = worst if cost is None else cost
        self._settle(worst=worst, spent=spent, doubtful=0 if is_known else spent, doubts=0 if is_known else 1)

    def settle_unpriced(self) -> None:
        """Take in that a request was answered whose price nobody knows."""
        self._settle(unpriced=1)

    def correct(self, pace: Pace, tokens: int) -> None:
        """Let a rate know how many tokens a request used, which was placed with an estimate."""
        import sqlite3

        with self._mutex, contextlib.suppress(sqlite3.Error):
            pace.correct(self._db, tokens)

    def close_run(self, reason: str) -> None:
        """Let no trial of the run begin any more; the first reason stays."""
        self._write("INSERT OR IGNORE INTO state VALUES ('closed', :reason)", {"reason": reason})

    @property
    def closed(self) -> str:
        """Why no trial may begin any more. "" if one may."""
        with self._mutex, self._sound():
            found = self._db.execute("SELECT value FROM state WHERE name = 'closed'").fetchone()
        return found[0] if found else ""

    def bury_the_dead(self) -> None:
        """Count as spent what dead processes had in flight."""
        with self._mutex, self._sound():
            rows = self._db.execute("SELECT id FROM holder WHERE in_flight > 0 AND id != ?", (self._id,)).fetchall()
            for (holder,) in rows:
                if _is_free(self._alive, holder):
                    self._db.execute(_BURY, (holder,))

    def totals(self) -> Totals:
        """Give what the run has spent up to now."""
        with self._mutex, self._sound():
            return _totals(self._db)

    def close(self) -> None:
        """Let go of the file, for good: a thread that was left behind writes no more."""
        with self._mutex:
            self._db.close()
            if self._alive is not None:
                self._alive.close()

    def _taken(self, worst: int, now: float) -> bool:
        self._check_time(now)
        bounds = self._bounds
        statement = _TAKE if bounds.budget is None and bounds.requests is None else _TAKE + _WITHIN
        values = {"holder": self._id, "worst": worst, "budget": bounds.budget, "requests": bounds.requests}
        return self._db.execute(statement, values).rowcount > 0

    def _check_left(self, worst: int) -> None:
        """
        Tell a request that must wait for others to end from one that is never admitted.

        Raises:
            BudgetError: It is one of the latter.
        """
        totals, bounds = _totals(self._db), self._bounds
        if bounds.requests is not None and totals.requests >= bounds.requests:
            raise BudgetError(
                f"the run has sent its {bounds.requests:,} requests (--codeact-max-requests); "
                "go on with --codeact-resume=last and allow more"
            )
        if bounds.budget is not None and totals.spent + worst > bounds.budget:
            left = max(0, bounds.budget - totals.spent)
            raise BudgetError(
                f"the budget of ${usd(bounds.budget):.2f} is used up: ${usd(left):.4f} is left, and the next request "
                f"may cost ${usd(worst):.4f}; go on with --codeact-resume=last and a larger --codeact-budget"
            )

    def _check_time(self, at: float) -> None:
        if self._bounds.seconds is not None and at - self._began >= self._bounds.seconds:
            raise BudgetError(
                f"the run's {self._bounds.seconds:g} s are over (--codeact-max-seconds); "
                "go on with --codeact-resume=last"
            )

    def _settle(self, *, worst: int = 0, spent: int = 0, doubtful: int = 0, doubts: int = 0, unpriced: int = 0) -> None:
        values = {"worst": worst, "spent": spent, "doubtful": doubtful, "doubts": doubts, "unpriced": unpriced}
        self._write(_SETTLE, {"holder": self._id, **values})

    def _write(self, statement: str, values: dict[str, object]) -> None:
        # What cannot be written stays set aside: the ledger never says less than what was spent. A thread that
        # was left behind meets a closed file.
        import sqlite3

        with self._mutex, contextlib.suppress(sqlite3.Error):
            self._db.execute(statement, values)

    @contextlib.contextmanager
    def _sound(self) -> Iterator[None]:
        """Make a ledger that fails a reason to ask no more."""
        import sqlite3

        try:
            yield
        except sqlite3.Error as error:
            raise BudgetError(
                f"the ledger of the run cannot be used ({error}), so no budget can be held; "
                "free the disk or mend the file system, then go on with --codeact-resume=last"
            ) from error


def read_totals(directory: Path) -> tuple[Totals, str] | None:
    """
    Give what a run has spent and why it was closed ("" if it was not). None if it has no ledger that can be read.

    What is still set aside counts as spent: of a run that has ended it was in flight.
    """
    import sqlite3

    path = directory / Ledger.FILE
    if not path.exists():
        return None
    try:
        with contextlib.closing(_opened(path)) as db:
            found = _totals(db)
            closed = db.execute("SELECT value FROM state WHERE name = 'closed'").fetchone()
    except sqlite3.Error:
        return None
    return found, closed[0] if closed else ""


def reopen(directory: Path) -> None:
    """Let a run that is gone on with ask again: what closed it is forgotten."""
    import sqlite3

    path = directory / Ledger.FILE
    if path.exists():
        with contextlib.suppress(sqlite3.Error), contextlib.closing(_opened(path)) as db, _transaction(db):
            db.execute("DELETE FROM state")
            # Seconds of another boot of the machine mean nothing now.
            db.execute("DELETE FROM pace")
            # Whoever goes on with a run is its only user: no process of the session before is left.
            for (holder,) in db.execute("SELECT id FROM holder").fetchall():
                db.execute(_BURY, (holder,))


def _opened(path: Path | str) -> sqlite3.Connection:
    import sqlite3

    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        # Where a file system cannot do it, SQLite stays with its rollback journal, which is as safe and slower.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _totals(db: sqlite3.Connection) -> Totals:
    names = ("spent", "held", "requests", "doubtful", "doubts", "unpriced")
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    found = db.execute(f"SELECT {sums} FROM holder").fetchone()  # noqa: S608 - names of our own
    return Totals(**dict(zip(names, found, strict=True)))


@contextlib.contextmanager
def _only_one_opens(file: FileIO | None) -> Iterator[None]:
    """Open after each other: SQLite does not wait where two processes change a new file's mode at once."""
    import fcntl

    if file is None:
        yield
        return
    # Holders are numbered from 1.
    fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, 0)


def _lock_byte(file: FileIO | None, place: int) -> None:
    import fcntl

    if file is not None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)


def _is_free(file: FileIO | None, place: int) -> bool:
    import fcntl

    try:
        _lock_byte(file, place)
    except OSError:
        return False
    if file is not None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
    return True
