"""
What a worker lets its controller know of a trial before the trial's own test reports on it: that it begins, and that
it has ended. Should the worker die, the controller knows what it costs.

Of pytest-xdist are used, which it does not document, in a worker's process: the plugin that has the attributes `torun`
and `nextitem_index` (see `Upcoming`), its method `sendevent` with the event "testreport", and `workerid` and
`testrunuid`, which every such event carries.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.collection import case_of, scenario_id_of
from pytest_codeact.errors import RecordError
from pytest_codeact.kit import Kit
from pytest_codeact.records import TrialRecord

if TYPE_CHECKING:
    from pytest_codeact.trial import Case

BEGUN_KEY: Final = "codeact_begun"
"""Attribute of a report: a trial begins, and this is the record to take should its worker die."""

ENDED_KEY: Final = "codeact_ended"
"""Attribute of a report: a trial that ran ahead has ended, and this is its record, not judged yet. "" without one."""

JOURNAL_KEY: Final = "codeact_journal"
"""Attribute of a report: what `Journal.unsent` gave."""

PLAN_KEY: Final = "live_plan"
"""Attribute of a report: what the run is going to ask. No other report that passes it has to do with a trial."""


def worker_of(config: pytest.Config) -> Any:
    """Give the plugin by which a worker of xdist works. None if this process has none that is known here."""
    for plugin in config.pluginmanager.get_plugins():
        known = hasattr(plugin, "nextitem_index") and hasattr(plugin, "sendevent")
        if known and hasattr(getattr(plugin, "torun", None), "lock"):
            return plugin
    return None


def announce(item: pytest.Item) -> None:
    """
    Let the controller know that the trial of an item whose turn it is begins.

    A set-up report of its own that passed: nothing shows it, and it reaches the controller before the worker can die.
    Without xdist there is no worker to die.
    """
    case = case_of(item)
    if case is None or not hasattr(item.config, "workerinput"):
        return
    report = _passed_setup(item)
    vars(report)[BEGUN_KEY] = _begun(item, case).to_json()
    item.ihook.pytest_runtest_logreport(report=report)


def send_plan(item: pytest.Item, plan: str) -> None:
    """
    Let the controller show what the run is going to ask, before any test runs.

    Args:
        item: Any of the session's.
        plan: Whatever `planning` makes of it.
    """
    worker = worker_of(item.config)
    if worker is not None:
        form = item.config.hook.pytest_report_to_serializable(config=item.config, report=_passed_setup(item))
        worker.sendevent("testreport", data={**form, PLAN_KEY: plan})


class Notice:
    """
    Lets the controller know of a trial that runs ahead; does nothing where there is no worker.

    It is made in the main thread. What it sends it sends past pytest's hooks: they are for one thread, and xdist's
    for the item whose turn it is.

    Args:
        item: The item of the trial.
        place: Its index among the session's items.
    """

    def __init__(self, item: pytest.Item, place: int) -> None:
        self._kit = Kit.of(item.config)
        self._worker = worker_of(item.config) if hasattr(item.config, "workerinput") else None
        case = case_of(item)
        if self._worker is None or case is None:
            return
        form = item.config.hook.pytest_report_to_serializable(config=item.config, report=_passed_setup(item))
        sender = {"worker_id": self._worker.workerid, "testrun_uid": self._worker.testrunuid}
        self._form = {**form, **sender, "item_index": place}
        self._begun_text = _begun(item, case).to_json()

    def begin(self) -> None:
        """
        Say, from any thread, that the trial begins.

        Raises:
            OSError: Nobody listens any more.
        """
        if self._worker is not None:
            self._send(self._worker, {BEGUN_KEY: self._begun_text})

    def end(self, record: TrialRecord | None) -> None:
        """
        Say, from any thread, that the trial has ended, and hand over what the journal has for the controller.

        Args:
            record: That of the trial. None if there was none.

        Raises:
            OSError: Nobody listens any more.
        """
        if self._worker is None:
            return
        try:
            text = "" if record is None else replace(record, worker=self._worker.workerid).to_json()
            text = self._kit.redactor.record_text(text)
        except RecordError:
            # Its test will say so.
            text = ""
        unsent = self._kit.journal.unsent()
        self._send(self._worker, {ENDED_KEY: text, **({JOURNAL_KEY: unsent} if unsent else {})})

    def _send(self, worker: Any, fields: dict[str, str]) -> None:
        worker.sendevent("testreport", data={**self._form, **fields})


def lost_record(scenario: str, case: Case, error: str) -> TrialRecord:
    """Make the record of a trial of which nothing was measured."""
    return TrialRecord(
        scenario=scenario,
        arm=case.arm,
        model=case.model,
        trial=case.trial,
        mode=None,
        turns=(),
        calls=(),
        ended="error",
        error=error,
    )


def _begun(item: pytest.Item, case: Case) -> TrialRecord:
    scenario = scenario_id_of(item, Kit.of(item.config).settings)
    return lost_record(scenario, case, "the worker process died during this trial")


def _passed_setup(item: pytest.Item) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid, location=item.location, keywords={}, outcome="passed", longrepr=None, when="setup"
    )
