"""
A trial's way from the process that ran it to the controller: attributes of the test report, each ONE string of
JSON. xdist carries any attribute, but a value that execnet cannot dump would kill the worker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact.collection import case_of, scenario_id_of
from pytest_codeact.errors import describe
from pytest_codeact.fixtures import GROUND_TRUTH, RECORD, TRUTH
from pytest_codeact.kit import Kit
from pytest_codeact.records import Json, TrialRecord

if TYPE_CHECKING:
    from pytest_codeact.trial import Case


_BEGUN_KEY: Final = "codeact_begun"
_RECORD_KEY: Final = "codeact"
_TRUTH_KEY: Final = "codeact_truth"
_JOURNAL_KEY: Final = "codeact_journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    What a report carries.

    Attributes:
        begun: Of a trial that begins: the record to take should its worker die. None otherwise.
        record: The record of a trial that ended, verdict included. None otherwise.
        truth: The ground truth that the outcome agrees with, in a run that updates snapshots. None otherwise.
        journal: What `Journal.unsent` gave since the report before. "" for nothing.
    """

    begun: TrialRecord | None
    record: TrialRecord | None
    truth: Json
    journal: str = ""


def attach(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """
    Put an item's record on the report of the phase that decides it: the call, or a set-up that failed.

    Args:
        item: Any item; one without a case is left alone.
        call: The phase; its exception is the verdict.
        report: The report of the phase.
    """
    case = case_of(item)
    if case is None:
        return
    skipped = call.excinfo is not None and call.excinfo.errisinstance((pytest.skip.Exception, pytest.xfail.Exception))
    if call.when == "teardown" or (call.when == "setup" and call.excinfo is None):
        return
    if call.when == "setup":
        if skipped and RECORD not in item.stash:
            return
        record = _failed_setup(item, case, call)
    else:
        if RECORD not in item.stash:
            return
        unjudged = skipped or (GROUND_TRUTH in item.stash and not item.stash[GROUND_TRUTH].is_known)
        # A trial that nobody could judge is neither passed nor failed: without a truth nothing is the model's doing.
        record = replace(item.stash[RECORD], success=None if unjudged else call.excinfo is None)
    record = replace(record, worker=getattr(item.config, "workerinput", {}).get("workerid", ""))
    # TestReport takes any attribute and carries it to the controller; its type does not say so.
    vars(report)[_RECORD_KEY] = record.to_json()
    unsent = Kit.of(item.config).journal.unsent()
    if unsent:
        vars(report)[_JOURNAL_KEY] = unsent
    if TRUTH in item.stash:
        vars(report)[_TRUTH_KEY] = json.dumps(item.stash[TRUTH])


def announce(item: pytest.Item) -> None:
    """
    Let the controller know that a trial begins, so that one whose worker dies can be counted.

    A set-up report of its own that passed: nothing shows it, and it reaches the controller before the worker can die.
    Without xdist there is no worker to die.
    """
    case = case_of(item)
    if case is None or not hasattr(item.config, "workerinput"):
        return
    report = pytest.TestReport(
        nodeid=item.nodeid, location=item.location, keywords={}, outcome="passed", longrepr=None, when="setup"
    )
    begun = _record_of_error(item, case, "the worker process died during this trial")
    vars(report)[_BEGUN_KEY] = begun.to_json()
    item.ihook.pytest_runtest_logreport(report=report)


def unpack(report: pytest.TestReport) -> Shipment:
    """
    Read what `attach` put there.

    Raises:
        RecordError: Another version of the plugin wrote it.
    """
    carried = vars(report)
    begun, record = carried.get(_BEGUN_KEY), carried.get(_RECORD_KEY)
    return Shipment(
        begun=begun and TrialRecord.from_json(begun),
        record=record and TrialRecord.from_json(record),
        truth=json.loads(carried.get(_TRUTH_KEY, "null")),
        journal=carried.get(_JOURNAL_KEY, ""),
    )


def _failed_setup(item: pytest.Item, case: Case, call: pytest.CallInfo[None]) -> TrialRecord:
    """Give the record of a trial that ended in an error, or one that says that it never began."""
    record = item.stash.get(RECORD, None)
    if record is not None:
        # Another fixture failed or skipped after the trial: it was run and paid for, and nobody judged it.
        return record
    error = None if call.excinfo is None else call.excinfo.value
    # `pytest.fail` is how our own fixtures speak: its text is complete.
    said = str(error) if isinstance(error, pytest.fail.Exception) else error and describe(error)
    return _record_of_error(item, case, said or "")


def _record_of_error(item: pytest.Item, case: Case, error: str) -> TrialRecord:
    return TrialRecord(
        scenario=scenario_id_of(item, Kit.of(item.config).settings),
        arm=case.arm,
        model=case.model,
        trial=case.trial,
        mode=None,
        turns=(),
        calls=(),
        ended="error",
        error=error,
    )
