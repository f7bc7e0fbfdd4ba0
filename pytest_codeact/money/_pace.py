"""
A model's rates, requests and tokens per minute, kept over all processes of a run by the run's ledger.

A request is given its place in a queue: the first moment at which, with it, no minute holds more than is allowed. It
then sleeps until that moment. So nobody asks again and again, and whoever came first goes first. The window slides: a
minute is any sixty seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

WINDOW_S: Final = 60.0

PACE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS pace (
    model TEXT, number INTEGER, at REAL, upto INTEGER, PRIMARY KEY (model, number)
) WITHOUT ROWID
"""
"""
One row per request, numbered by model: when it is sent, and the tokens of all up to it.
"""

_CLEAN_EVERY: Final = 64


@dataclass(slots=True, kw_only=True)
class Pace:
    """
    The rates of one model, and the place of one request in its queue.

    Attributes:
        model: The model.
        rpm: Requests per minute at most. None for any number.
        tpm: Tokens per minute at most. None for any number.
        tokens: Tokens that the request may use, input and output.
    """

    model: str
    rpm: int | None
    tpm: int | None
    tokens: int
    _number: int = field(default=0, init=False)

    def place(self, db: sqlite3.Connection, now: float) -> float:
        """
        Give the request its place; within a transaction of the caller's.

        Args:
            db: The ledger.
            now: The clock.

        Returns:
            When it may be sent, by the same clock.
        """
        last = db.execute(
            "SELECT number, at, upto FROM pace WHERE model = ? ORDER BY number DESC LIMIT 1", (self.model,)
        ).fetchone()
        number, at, upto = last or (0, now, 0)
        at = max(now, at)
        if self.rpm is not None:
            at = max(at, self._free_at(db, "number = ?", number + 1 - self.rpm))
        if self.tpm is not None and last:
            # A request larger than a minute's tokens waits until it is alone; it could wait for ever otherwise.
            too_many = min(upto + self.tokens - self.tpm, upto)
            at = max(at, self._free_at(db, "upto >= ? ORDER BY number LIMIT 1", too_many) if too_many > 0 else at)
        self._number = number + 1
        db.execute("INSERT INTO pace VALUES (?, ?, ?, ?)", (self.model, self._number, at, upto + self.tokens))
        if self._number % _CLEAN_EVERY == 0:
            # The last of those that have left the window stays: it holds the sum of all before.
            db.execute(
                "DELETE FROM pace WHERE model = :model AND number <"
                " (SELECT max(number) FROM pace WHERE model = :model AND at < :left)",
                {"model": self.model, "left": now - WINDOW_S},
            )
        return at

    def _free_at(self, db: sqlite3.Connection, which: str, value: int) -> float:
        """Say when a request of before leaves the window: the place is free from then on."""
        found = db.execute(f"SELECT at FROM pace WHERE model = ? AND {which}", (self.model, value)).fetchone()  # noqa: S608 - a text of our own
        return found[0] + WINDOW_S if found else float("-inf")

    def correct(self, db: sqlite3.Connection, tokens: int) -> None:
        """Put the tokens that the request used in the place of those that it might have used."""
        db.execute(
            "UPDATE pace SET upto = upto + ? WHERE model = ? AND number >= ?",
            (tokens - self.tokens, self.model, self._number),
        )
