"""
Which items follow.

Of pytest-xdist a worker's queue is read, which it does not document: the plugin of a worker's process that has the
attributes `torun` (whose `lock()` gives the queued indices of `session.items`, and something else at the end) and
`nextitem_index` (what was taken off that queue last). Where they are missing, nothing runs ahead.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pytest_codeact.notices import worker_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


class Upcoming:
    """
    The items that this process runs, in their order.

    Args:
        session: The session whose items they are; all are collected.
    """

    def __init__(self, session: pytest.Session) -> None:
        self._items = session.items
        self._places = {id(item): place for place, item in enumerate(session.items)}
        self._is_worker = hasattr(session.config, "workerinput")
        self._queue = worker_of(session.config) if self._is_worker else None

    def place(self, item: pytest.Item) -> int:
        """Give the index of an item among those of the session."""
        return self._places[id(item)]

    def after(self, item: pytest.Item) -> Iterable[pytest.Item]:
        """Give the items that follow one, as far as they are known."""
        if not self._is_worker:
            return islice(self._items, self.place(item) + 1, None)
        if self._queue is None:
            return ()
        with self._queue.torun.lock() as queued:
            places = [self._queue.nextitem_index, *queued]
        return (self._items[place] for place in places if isinstance(place, int))
