"""Trials that run ahead: what is said of them, and which items follow."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.ahead import Ahead, AheadNotes
from pytest_codeact.ahead._upcoming import Upcoming

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = "test_a.py::test_a[code], because its mark skip may skip it"


def test_nothing_is_said_where_all_went_well() -> None:
    """A run whose trials all ran ahead and were judged has no line more."""
    assert AheadNotes().lines() == []


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        (AheadNotes(in_turn=1, first_in_turn=FIRST), f"1 trial did not run ahead; the first: {FIRST}"),
        (AheadNotes(in_turn=20, first_in_turn=FIRST), f"20 trials did not run ahead; the first: {FIRST}"),
        (AheadNotes(unjudged=1), "1 trial ran ahead and was not judged: the run ended before its test"),
        (AheadNotes(unjudged=3), "3 trials ran ahead and were not judged: the run ended before their tests"),
    ],
)
def test_what_is_said(notes: AheadNotes, said: str) -> None:
    """A line each."""
    assert notes.lines() == [said]


def test_notes_of_workers_add_up() -> None:
    """Counts are sums, and the first reason stays the first."""
    total = (
        AheadNotes() + AheadNotes(in_turn=1, first_in_turn="a") + AheadNotes(in_turn=2, first_in_turn="b", unjudged=3)
    )

    assert total == AheadNotes(in_turn=3, first_in_turn="a", unjudged=3)


def test_notes_survive_the_way_from_a_worker() -> None:
    """As ASCII: a node id may hold anything."""
    notes = AheadNotes(in_turn=1, first_in_turn="test_ü[\ud800]", unjudged=2)

    assert notes.to_json().isascii()
    assert AheadNotes.from_json(notes.to_json()) == notes


class Queue:
    """The queue of an xdist worker."""

    def __init__(self, *places: object) -> None:
        self._places = deque(places)

    @contextmanager
    def lock(self) -> Iterator[deque[object]]:
        yield self._places


def session(*plugins: object, worker: bool = True) -> Any:
    """Make a session of five items."""
    manager = SimpleNamespace(get_plugins=lambda: set(map(_Hashable, plugins)) | {object()})
    config = SimpleNamespace(pluginmanager=manager)
    if worker:
        config.workerinput = {}
    return SimpleNamespace(config=config, items=[f"item {number}" for number in range(5)])


def following(one: Any, place: int) -> list[Any]:
    """List what follows the item of a place."""
    return list(Upcoming(one).after(one.items[place]))


class _Hashable:
    def __init__(self, plugin: object) -> None:
        self._plugin = plugin

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugin, name)


def test_without_workers_the_items_follow_each_other() -> None:
    """In the order of the session, which may have been shuffled."""
    one = session(worker=False)

    assert following(one, 2) == ["item 3", "item 4"]
    assert following(one, 4) == []


def test_a_workers_queue_is_what_follows() -> None:
    """First what xdist has taken off the queue already; the mark at its end is no item."""
    one = session(SimpleNamespace(nextitem_index=3, torun=Queue(1, 4, "end"), sendevent=None))

    assert following(one, 0) == ["item 3", "item 1", "item 4"]


def test_the_end_of_a_workers_queue_may_be_taken_off_it() -> None:
    """Then nothing follows."""
    one = session(SimpleNamespace(nextitem_index="end", torun=Queue(), sendevent=None))

    assert following(one, 0) == []


@pytest.mark.parametrize(
    "plugin",
    [
        SimpleNamespace(nextitem_index=1),
        SimpleNamespace(nextitem_index=1, torun=[2], sendevent=None),
        SimpleNamespace(nextitem_index=1, torun=Queue(2)),
    ],
)
def test_nothing_is_known_to_follow_in_a_worker_of_another_xdist(plugin: object) -> None:
    """An xdist that keeps its queue elsewhere, or cannot be told of trials, runs every trial in its turn."""
    one = session(plugin)

    assert following(one, 0) == []


class Overdue:
    """The ticket of a trial in flight, in whose wait a time limit strikes."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.dropped = False

    def claim(self) -> bool:
        return False

    def wait(self) -> None:
        raise self.error

    def drop(self) -> None:
        self.dropped = True


@pytest.mark.parametrize(("error", "is_dropped"), [(TimeoutError(), True), (KeyboardInterrupt(), False)])
def test_trial_whose_test_is_over_is_let_go(error: BaseException, is_dropped: bool) -> None:
    """A time limit that strikes while its test waits drops it; after Ctrl-C the end of the run waits for it."""
    ahead, ticket = Ahead.__new__(Ahead), Overdue(error)
    tickets: Any = {"a": ticket}
    ahead._tickets = tickets
    item: Any = SimpleNamespace(nodeid="a")

    with pytest.raises(type(error)):
        ahead.take(item)
    assert (ticket.dropped, "a" in tickets) == (is_dropped, not is_dropped)
