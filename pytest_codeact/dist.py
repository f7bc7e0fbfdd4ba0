"""
Trials over many processes: the only room that knows pytest-xdist. Imported by a controller that distributes, where
xdist is loaded already.

Used beyond xdist's documented hooks: `scheduler.LoadScheduling` with its `check_schedule`, `schedule`, `_send_tests`,
`collection`, `pending`, `node2pending` and `nodes`; of a node `gateway.id`, `shutdown`, `shutting_down` and
`workerinput`; the options `dist`, `tx`, `numprocesses` and `maxworkerrestart`.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import pytest
from xdist.scheduler import LoadScheduling

from pytest_codeact.options import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

    from pytest_codeact.options import Settings

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "each": "every worker would run, and pay for, every trial",
        "loadscope": "a trial whose worker dies would be run, and paid for, again and again",
        "loadfile": "a trial whose worker dies would be run, and paid for, again and again",
        "loadgroup": "pytest 9 ignores its groups, and a trial whose worker dies would be run again and again",
        "worksteal": "trials are moved from worker to worker, which tears apart the arms that are to be compared",
    }
)
"""Why scenarios are not run with a mode of --dist. The modes that are not here are made right."""

_AHEAD: Final = 4
"""Items that a worker gets beyond those whose trials it runs at a time: what is judged now, and what comes next."""

_RESTARTS_PER_WORKER: Final = 4
"""xdist's own default of --max-worker-restart for -n; for --tx alone it has none and restarts without end."""


def limit_restarts(config: pytest.Config) -> None:
    """Give --tx the limit on restarts that -n has: a remote that cannot even start would be started for ever."""
    option = config.option
    if option.maxworkerrestart is None and not option.numprocesses:
        option.maxworkerrestart = str(_RESTARTS_PER_WORKER * _worker_count(option.tx))


def _worker_count(specs: Sequence[str]) -> int:
    counts = [spec.partition("*")[0] for spec in specs]
    return sum(int(count) if count.isdecimal() else 1 for count in counts)


def refusal(mode: str) -> str:
    """Say why scenarios are not run with a mode of --dist, and what to do. "" if they are."""
    reason = REFUSED.get(mode, "")
    return reason and f"scenarios do not run with --dist={mode}: {reason}; use --dist=load, which -n N means"


class BlockScheduling(LoadScheduling):  # type: ignore[misc]  # xdist comes without types
    """
    xdist's `load`, but what belongs together goes to one worker: two consecutive trial numbers of a scenario, with all
    their arms and models. Within such a pair of blocks a drift cancels, so it must meet them all.

    Each worker also keeps as many items as `--codeact-concurrency` can be busy with, while there are any.

    Tests that are no scenarios are distributed as `load` does it; a run of nothing else is the same to the last
    message.
    """

    def __init__(
        self,
        config: pytest.Config,
        log: Producer | None,
        settings: Settings,
        in_flight: Callable[[WorkerController], Collection[str]] = lambda _node: (),
    ) -> None:
        """
        Make it.

        Args:
            config: The controller's.
            log: xdist's.
            settings: The run's.
            in_flight: Gives the node ids of the trials that a worker had begun and not ended when it died.
        """
        super().__init__(config, log)
        self._settings = settings
        self._in_flight = in_flight

    def schedule(self) -> None:
        """Distribute what there is; then fill every worker up."""
        super().schedule()
        for node in self.nodes:
            self._fill_up(node)

    def check_schedule(self, node: WorkerController, duration: float = 0) -> None:
        """Send a worker more, if it is time."""
        super().check_schedule(node, duration)
        self._fill_up(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Take a worker out. What it had begun to run ahead is not sent to another, to be paid for again."""
        lost = self._in_flight(node)
        if lost and node in self.node2pending:
            charged, *others = self.node2pending[node]
            self.node2pending[node] = [charged, *(index for index in others if self.collection[index] not in lost)]
        crashed: str | None = super().remove_node(node)
        return crashed

    def _fill_up(self, node: WorkerController) -> None:
        if self.pending and not node.shutting_down:
            missing = self._floor - len(self.node2pending[node])
            if missing > 0:
                self._send_tests(node, missing)

    def _send_tests(self, node: WorkerController, num: int) -> None:
        while 0 < num < len(self.pending) and self._belong_together(*self.pending[num - 1 : num + 1]):
            num += 1
        # A worker that has died takes nothing any more: it is removed as soon as its last reports are read, and what
        # was assigned to it is then another's.
        with contextlib.suppress(OSError):
            super()._send_tests(node, num)
        if self._pairs and not self.pending and len(self.node2pending[node]) == 1:
            # A worker runs its last item when it knows that none follows. Without this it would wait for the others.
            node.shutdown()

    def _belong_together(self, index: int, following: int) -> bool:
        pair = self._pairs.get(index)
        return pair is not None and pair == self._pairs.get(following)

    @cached_property
    def _pairs(self) -> dict[int, tuple[str, int]]:
        """Per index of an item that is a scenario's: the scenario and the number of its pair of blocks."""
        cases = read_cases(self.collection or (), self._settings)
        return {index: (scenario, (trial - 1) // 2) for index, (scenario, trial) in cases.items()}

    @cached_property
    def _floor(self) -> int:
        """How many items a worker keeps. The last ones are shared out evenly."""
        if self._settings.concurrency == 1 or not self._pairs:
            return 0
        share = -(-len(self.collection or ()) // max(1, len(self.nodes)))
        return min(self._settings.concurrency + _AHEAD, share)


def read_cases(node_ids: Sequence[str], settings: Settings) -> dict[int, tuple[str, int]]:
    """
    Find the scenarios among the tests that workers have collected.

    Args:
        node_ids: What they collected, in order.
        settings: The run's.

    Returns:
        Per index of a scenario's test: the scenario's id and the trial's number.
    """
    if not any(node_id.endswith("]") and any(arm in node_id for arm in settings.arms) for node_id in node_ids):
        # What reads them need not be imported by a controller that has none.
        return {}
    from pytest_codeact.collection import CaseNames

    names = CaseNames(settings)
    read = ((index, names.read(node_id)) for index, node_id in enumerate(node_ids))
    return {index: (found[0], found[1].trial) for index, found in read if found is not None}


class Distribution:
    """The hooks of a controller that distributes: schedules scenarios, tells workers how, and calls the roll."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._collected: dict[str, None] = {}
        self._reported: set[str] = set()
        # Insertion orders them: the crash is reported in the order in which the trials began.
        self._in_flight: dict[WorkerController, dict[str, None]] = {}

    @property
    def unreported(self) -> list[str]:
        """Node ids of scenarios that the workers collected and never reported on, in the order of collection."""
        lost = [node_id for node_id in self._collected if node_id not in self._reported]
        settings = read_settings(self._config)
        return [lost[index] for index in read_cases(lost, settings)]

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> LoadScheduling | None:
        """Take the place of `load` alone: other modes are refused for scenarios and are others' for other tests."""
        return (
            BlockScheduling(config, log, read_settings(config), lambda node: self._in_flight.get(node, ()))
            if config.option.dist == "load"
            else None
        )

    @pytest.hookimpl
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a worker what to say of scenarios, if they do not run: xdist hides the mode from it; and who asks."""
        workerinput: dict[str, Any] = node.workerinput
        workerinput["codeact_version"] = metadata.version("pytest-codeact")
        workerinput["codeact_refusal"] = refusal(self._config.option.dist)

    @pytest.hookimpl
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note what is to be reported."""
        self._collected.update(dict.fromkeys(ids))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was reported to its end; "???" is xdist's word for the test that a worker died in."""
        if report.when in ("teardown", "???"):
            self._reported.add(report.nodeid)
        carried = vars(report)
        if "codeact_begun" in carried:
            self._in_flight.setdefault(carried["node"], {})[report.nodeid] = None
        elif "codeact_ended" in carried or report.when == "teardown":
            self._in_flight.get(carried.get("node"), {}).pop(report.nodeid, None)

    @pytest.hookimpl
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: LoadScheduling) -> None:
        """Report every trial that was in flight in a worker that died, as xdist reports the one that it charges."""
        node: WorkerController = vars(report)["node"]
        for node_id in self._in_flight.pop(node, {}):
            if node_id != crashitem:
                _report_crash(self._config, node_id, node, sched)


def _report_crash(config: pytest.Config, node_id: str, node: WorkerController, sched: LoadScheduling) -> None:
    path = node_id.partition("::")[0]
    when: Any = "???"
    report = pytest.TestReport(
        nodeid=node_id,
        location=(path, None, path),
        keywords={},
        outcome="failed",
        longrepr=f"worker {node.gateway.id!r} crashed while running {node_id!r}",
        when=when,
    )
    vars(report)["node"] = node
    config.hook.pytest_handlecrashitem(crashitem=node_id, report=report, sched=sched)
    config.hook.pytest_runtest_logreport(report=report)
