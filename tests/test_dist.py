"""Scheduling of trials over workers, with nodes that are no processes; refused modes; the roll call."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from xdist.scheduler import LoadScheduling

from pytest_codeact.collection import CaseNames, case_id, run_order
from pytest_codeact.dist import REFUSED, BlockScheduling, Distribution, limit_restarts, read_cases, refusal
from pytest_codeact.options import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN = [f"test_p.py::test_{index}" for index in range(23)]


def chances(seed: int) -> random.Random:
    """Give what draws the same every time."""
    return random.Random(seed)


def scenario_ids(settings: Settings, count: int) -> list[str]:
    """Give the ids of scenarios' tests in the order they run."""
    return [
        f"test_s.py::test_{number}[{case_id(case, settings)}]"
        for number in range(count)
        for case in run_order(settings, f"test_s.py::test_{number}", number)
    ]


def config(workers: int, maxschedchunk: int | None = None) -> pytest.Config:
    """Make what a scheduler asks of a configuration."""
    options = {"tx": [f"{workers}*popen"], "maxschedchunk": maxschedchunk}
    return cast("pytest.Config", SimpleNamespace(getvalue=options.get, getoption=options.get, hook=None))


class Node:
    """A worker that keeps its queue."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.queue: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.queue += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def can_run(self) -> bool:
        """As xdist's worker: a test is run when the next one is known, or that there is none."""
        return len(self.queue) > 1 or (self.shutting_down and bool(self.queue))


@dataclass
class Farm:
    """
    xdist's controller and its workers, reduced to what a scheduler sees of them.

    Attributes:
        scheduler: The one under test.
        ids: What the workers collected.
        chance: Draws whose turn it is, how long tests take, and when a new worker is ready.
        crashes: Numbers of the tests, in the order they begin, in which a worker dies.
        sent: Chunks in the order they were sent: worker and indices.
        ran: Worker and index of every test that ended.
        charged: Index of every test that a crash was charged to.
    """

    scheduler: Any
    ids: list[str]
    chance: random.Random
    crashes: frozenset[int] = frozenset()
    nodes: list[Node] = field(default_factory=list)
    starting: list[Node] = field(default_factory=list)
    sent: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    ran: list[tuple[str, int]] = field(default_factory=list)
    charged: list[int] = field(default_factory=list)
    made: int = 0
    shutting_down: bool = False

    def new_node(self) -> Node:
        node = Node(f"gw{self.made}")
        self.made += 1
        take = node.send_runtest_some

        def send(indices: list[int]) -> None:
            self.sent.append((node.gateway.id, tuple(indices)))
            take(indices)

        node.send_runtest_some = send  # type: ignore[method-assign]  # a fake that also keeps a log
        return node

    def join(self, node: Node) -> None:
        if self.shutting_down:
            return
        self.nodes.append(node)
        self.scheduler.add_node(node)
        self.scheduler.add_node_collection(node, self.ids)
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()

    def run(self, workers: int) -> None:
        """Run everything, and fail if nothing moves on."""
        for _ in range(workers):
            self.join(self.new_node())
        begun = 0
        while self.step(begun):
            begun += 1

    def step(self, begun: int) -> bool:
        """Run one test somewhere, or let a worker die in it. False when all is done."""
        self.settle()
        ready = [node for node in self.nodes if node.can_run]
        if not ready:
            assert not self.scheduler.has_pending, "hang"
            return False
        node = self.chance.choice(ready)
        if begun in self.crashes:
            self.crash(node)
        else:
            index = node.queue.pop(0)
            self.ran.append((node.gateway.id, index))
            self.scheduler.mark_test_complete(node, index, self.chance.choice([0, 0.2]))
        return True

    def settle(self) -> None:
        """Let what takes its time happen: new workers join, and what is done is ended."""
        while self.starting and (self.chance.random() < 0.3 or not any(node.can_run for node in self.nodes)):
            self.join(self.starting.pop())
        if self.scheduler.tests_finished:
            self.shutting_down = True
            for node in self.nodes:
                node.shutdown()

    def crash(self, node: Node) -> None:
        self.nodes.remove(node)
        crashed = self.scheduler.remove_node(node)
        if crashed:
            self.charged.append(self.ids.index(crashed))
        self.shutting_down = False
        self.starting.append(self.new_node())


def farm(
    settings: Settings,
    ids: list[str],
    workers: int,
    *,
    seed: int = 0,
    maxschedchunk: int | None = None,
    crashes: frozenset[int] = frozenset(),
) -> Farm:
    """Run tests on workers with the plugin's scheduler."""
    scheduler = BlockScheduling(config(workers, maxschedchunk), None, settings)
    made = Farm(scheduler=scheduler, ids=ids, chance=chances(seed), crashes=crashes)
    made.run(workers)
    return made


def pairs(ids: list[str], settings: Settings) -> dict[tuple[str, int], set[int]]:
    """Group the indices of scenarios' tests by scenario and pair of blocks."""
    names, groups = CaseNames(settings), cast("dict[tuple[str, int], set[int]]", {})
    for index, node_id in enumerate(ids):
        found = names.read(node_id)
        if found:
            groups.setdefault((found[0], (found[1].trial - 1) // 2), set()).add(index)
    return groups


SHAPES = [
    (Settings(), 8),
    (Settings(trials=5), 3),
    (Settings(trials=40), 1),
    (Settings(trials=4, arms=("a", "b", "c"), models=("x/y", "z/y")), 3),
    (Settings(trials=6, concurrency=7), 4),
]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("maxschedchunk", [None, 1])
@pytest.mark.parametrize(("settings", "count"), SHAPES)
def test_pair_of_blocks_stays_on_one_worker(
    settings: Settings, count: int, maxschedchunk: int | None, workers: int
) -> None:
    """Two consecutive trial numbers of a scenario, with all arms and models, are run by one worker, in order."""
    ids = [*PLAIN[:5], *scenario_ids(settings, count), *PLAIN[5:]]
    for seed in range(5):
        done = farm(settings, ids, workers, seed=seed, maxschedchunk=maxschedchunk)
        at = {index: (node, place) for place, (node, index) in enumerate(done.ran)}

        assert sorted(at) == list(range(len(ids)))
        for pair in pairs(ids, settings).values():
            assert len({at[index][0] for index in pair}) == 1
            assert [index for _, index in sorted((at[index][1], index) for index in pair)] == sorted(pair)


def test_one_scenario_of_many_trials_spreads_over_the_workers() -> None:
    """1,000 trials of one scenario keep four workers equally busy."""
    settings = Settings(trials=1000)
    done = farm(settings, scenario_ids(settings, 1), 4)
    counts = [sum(node == f"gw{number}" for node, _ in done.ran) for number in range(4)]

    assert sum(counts) == 2000
    assert min(counts) > 350


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("concurrency", [2, 10, 25])
def test_worker_has_enough_for_its_threads(concurrency: int, workers: int) -> None:
    """While tests are left to send, every worker holds more of them than it runs trials at a time."""
    settings = Settings(trials=60, concurrency=concurrency)
    ids = scenario_ids(settings, 2)
    made = Farm(
        scheduler=BlockScheduling(config(workers), None, settings),
        ids=ids,
        chance=chances(1),
        crashes=frozenset(),
    )
    for _ in range(workers):
        made.join(made.new_node())
    begun = 0
    while made.scheduler.pending:
        assert min(len(node.queue) for node in made.nodes) >= concurrency + 4
        made.step(begun)
        begun += 1
    assert begun > 100


def test_few_tests_are_shared_out_though_a_worker_could_take_them_all() -> None:
    """Room for 50 trials at a time does not give one worker everything."""
    settings = Settings(trials=10, concurrency=50)
    made = Farm(BlockScheduling(config(2), None, settings), scenario_ids(settings, 1), chances(1))
    for _ in range(2):
        made.join(made.new_node())

    assert sorted(len(node.queue) for node in made.nodes) == [8, 12]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("maxschedchunk", [None, 1, 3])
def test_run_without_scenarios_is_scheduled_as_by_xdist(maxschedchunk: int | None, workers: int) -> None:
    """Every chunk is the same, with many workers or few tests, and whatever ends when."""
    for count in (0, 1, 2, 7, 23, 200):
        ids = [f"test_p.py::test_{index}[param]" for index in range(count)]
        sent = []
        for scheduler in (
            LoadScheduling(config(workers, maxschedchunk)),
            BlockScheduling(config(workers, maxschedchunk), None, Settings(concurrency=20, trials=3)),
        ):
            made = Farm(scheduler=scheduler, ids=ids, chance=chances(count), crashes=frozenset({3, 11}))
            made.run(workers)
            sent.append((made.sent, made.ran, made.charged))

        assert sent[0] == sent[1]


def crash_plans() -> Iterator[tuple[int, Settings, int, int | None, int]]:
    """Vary shape, workers and chunk over many seeds."""
    for seed in range(400):
        settings, count = SHAPES[seed % len(SHAPES)]
        yield seed, settings, count, (None, 1)[seed // 5 % 2], seed % 3 + 1


def test_crash_is_charged_once_and_nothing_hangs() -> None:
    """Wherever workers die, each crash costs one test, and every other test is run exactly once."""
    for seed, settings, count, maxschedchunk, workers in crash_plans():
        ids = [*PLAIN[:7], *scenario_ids(settings, count)]
        crashes = frozenset(chances(seed).sample(range(len(ids)), min(seed % 9, len(ids))))
        done = farm(settings, ids, workers, seed=seed, maxschedchunk=maxschedchunk, crashes=crashes)

        assert len(done.charged) == len(crashes), seed
        assert sorted([*(index for _, index in done.ran), *done.charged]) == list(range(len(ids))), seed


def test_worker_with_one_test_left_does_not_wait_for_the_others() -> None:
    """A worker that replaces another and gets the one test that is left is told that none follows."""
    settings = Settings(arms=("code",))
    made = Farm(BlockScheduling(config(2), None, settings), scenario_ids(settings, 4), chances(1))
    for _ in range(2):
        made.join(made.new_node())
    assert [node.queue for node in made.nodes] == [[0, 1], [2, 3]]
    made.crash(made.nodes[1])
    made.join(made.starting.pop())

    assert (made.charged, made.nodes[1].queue, made.nodes[1].can_run) == ([2], [3], True)


def test_what_a_dead_worker_had_begun_ahead_is_not_run_by_another() -> None:
    """Of its tests the first is charged, those in flight are left out, and the others are run once."""
    settings = Settings(trials=10, arms=("direct",), concurrency=4)
    ids = scenario_ids(settings, 1)
    lost = ids[2:4]
    made = Farm(BlockScheduling(config(1), None, settings, lambda _node: lost), ids, chances(1))
    made.join(made.new_node())
    made.crash(made.nodes[0])
    made.scheduler._in_flight = lambda _node: ()
    while made.step(-1):
        pass

    assert made.charged == [0]
    assert sorted(index for _, index in made.ran) == [1, *range(4, 10)]


def test_worker_that_died_before_its_reports_were_read_takes_nothing() -> None:
    """What could not be sent to it is run by the one that takes its place."""
    settings = Settings(trials=20, arms=("direct",), concurrency=2)
    made = Farm(BlockScheduling(config(1), None, settings), scenario_ids(settings, 1), chances(1))
    made.join(made.new_node())
    dead = made.nodes[0]
    held = list(dead.queue)

    def send(_indices: list[int]) -> None:
        raise OSError("cannot send (already closed?)")

    setattr(dead, "send_runtest_some", send)  # noqa: B010 - mypy lets no method be replaced
    for index in held[:-2]:
        made.scheduler.mark_test_complete(dead, index, 0.2)
    made.crash(dead)
    while made.step(-1):
        pass

    assert made.charged == [held[-2]]
    assert sorted(index for _, index in made.ran) == [index for index in range(20) if index not in held[:-1]]


def test_many_crashes_at_once_are_survived() -> None:
    """A run in which every second test kills its worker ends."""
    settings = Settings(trials=25)
    ids = scenario_ids(settings, 2)
    done = farm(settings, ids, 2, crashes=frozenset(range(0, 100, 2)))

    assert (len(done.ran), len(done.charged)) == (50, 50)


def test_scenarios_are_found_among_other_tests() -> None:
    """Per index the scenario and the trial."""
    settings = Settings(trials=2)
    ids = ["t.py::test_a[direct-t1]", "t.py::test_b", "t.py::test_a[code-t2]", "t.py::test_c[code]"]

    assert read_cases(ids, settings) == {0: ("t.py::test_a", 1), 2: ("t.py::test_a", 2)}
    assert read_cases(["t.py::test_b", "t.py::test_c[x]"], settings) == {}


@pytest.mark.parametrize("mode", ["load", "no"])
def test_mode_that_is_made_right_is_not_refused(mode: str) -> None:
    """There is nothing to say."""
    assert refusal(mode) == ""


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("each", "every worker would run, and pay for, every trial"),
        ("loadscope", "a trial whose worker dies would be run, and paid for, again and again"),
        ("loadfile", "a trial whose worker dies would be run, and paid for, again and again"),
        ("loadgroup", "pytest 9 ignores its groups, and a trial whose worker dies would be run again and again"),
        ("worksteal", "trials are moved from worker to worker, which tears apart the arms that are to be compared"),
    ],
)
def test_refusal_says_why_and_what_to_do(mode: str, reason: str) -> None:
    """Mode, reason, way out."""
    assert refusal(mode) == f"scenarios do not run with --dist={mode}: {reason}; use --dist=load, which -n N means"
    assert mode in REFUSED


@pytest.mark.parametrize(
    ("tx", "numprocesses", "given", "expected"),
    [
        (["2*popen", "3*ssh=host", "ssh=other"], None, None, "24"),
        (["popen"], None, None, "4"),
        (["popen", "popen"], 2, None, None),
        (["2*popen"], None, "0", "0"),
    ],
)
def test_tx_has_a_limit_on_restarts(
    tx: list[str], numprocesses: int | None, given: str | None, expected: str | None
) -> None:
    """Four per worker, as xdist has it for -n, unless the user says otherwise."""
    option = SimpleNamespace(tx=tx, numprocesses=numprocesses, maxworkerrestart=given)
    limit_restarts(cast("pytest.Config", SimpleNamespace(option=option)))

    assert option.maxworkerrestart == expected


def reported(node_id: str, when: str) -> pytest.TestReport:
    """Make a report of a phase."""
    return cast("pytest.TestReport", SimpleNamespace(nodeid=node_id, when=when))


@pytest.fixture
def call_the_roll(pytestconfig: pytest.Config) -> Callable[..., list[str]]:
    """Give a function that says which of some tests are missing after some reports."""

    def unreported(ids: list[str], *reports: tuple[str, str]) -> list[str]:
        distribution = Distribution(pytestconfig)
        distribution.pytest_xdist_node_collection_finished(ids)
        for node_id, when in reports:
            distribution.pytest_runtest_logreport(reported(node_id, when))
        return distribution.unreported

    return unreported


def test_roll_call_finds_scenarios_that_nobody_reported_on(call_the_roll: Callable[..., list[str]]) -> None:
    """A test has answered when its teardown was reported, or the death of its worker; others' tests are theirs."""
    ids = ["t.py::test_a[code]", "t.py::test_a[direct]", "t.py::test_b[code]", "t.py::test_other"]

    assert call_the_roll(ids) == ids[:3]
    assert call_the_roll(ids, (ids[0], "call"), (ids[1], "teardown"), (ids[2], "???")) == [ids[0]]
