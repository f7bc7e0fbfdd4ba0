"""
A trial's way from the process that ran it to the controller: attributes of the test report, each a number or ONE
string. xdist carries any attribute, but a value that its channel cannot dump would kill the worker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.collection import case_of, min_success_of, order_of, rules_of, scenario_id_of
from pytest_codeact.errors import BudgetError, RecordError, UnavailableError, describe
from pytest_codeact.fixtures import GROUND_TRUTH, RECORD, TRUTH
from pytest_codeact.kit import Kit
from pytest_codeact.notices import BEGUN_KEY, ENDED_KEY, JOURNAL_KEY, lost_record
from pytest_codeact.records import Json, TrialRecord

if TYPE_CHECKING:
    from pytest_codeact.trial import Case


_RECORD_KEY: Final = "codeact"
_RULES_KEY: Final = "codeact_rules"
_TRUTH_KEY: Final = "codeact_truth"
_ORDER_KEY: Final = "codeact_order"
_MIN_SUCCESS_KEY: Final = "codeact_min_success"
_FAILED_KEY: Final = "codeact_failed"
_UNAVAILABLE_KEY: Final = "codeact_unavailable"

REFUSED_KEY: Final = "codeact_refused"
"""Attribute of a report: its trial was not run, or not to its end, because the run may ask no more; and why."""

BODY_ENDED: Final[pytest.StashKey[bool]] = pytest.StashKey()
"""Set for an item whose test function has ended: a report of a call before that is one of a subtest."""

_PART_FAILED: Final[pytest.StashKey[bool]] = pytest.StashKey()
"""Set for an item of which a subtest failed and was taken as data."""

_MAX_DEPTH: Final = 40
"""Containers inside containers that a report may carry to the controller; what lies deeper is sent as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    What a report carries.

    Attributes:
        begun: Of a trial that begins: the record to take should its worker die. None otherwise.
        ended: Of a trial that ran ahead and has ended: its record, not judged yet. None otherwise.
        record: The record of a trial that ended, verdict included. None otherwise.
        rules: The rules of its scenario's own, as they were given.
        truth: The ground truth that the outcome agrees with, in a run that updates snapshots. None otherwise.
        order: Name of the order in which the process runs its trials. "" without a record.
        min_success: Share of the scenario's trials that must pass. None if every one must.
        unavailable: Why the trial was skipped: what its model needs to be asked. "" for none that was.
        journal: What `Journal.unsent` gave since the report before. "" for nothing.
    """

    begun: TrialRecord | None
    ended: TrialRecord | None
    record: TrialRecord | None
    rules: tuple[str, ...]
    truth: Json
    order: str
    min_success: float | None
    journal: str = ""
    unavailable: str = ""


def attach(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """
    Put an item's record on the report of the phase that decides it: the call, or a set-up that failed.

    Args:
        item: Any item; one without a case is left alone.
        call: The phase; its exception is the verdict.
        report: The report of the phase.
    """
    case = case_of(item)
    refused = None if call.excinfo is None else call.excinfo.value.__cause__
    if isinstance(refused, BudgetError | UnavailableError):
        vars(report)[REFUSED_KEY if isinstance(refused, BudgetError) else _UNAVAILABLE_KEY] = str(refused)
    record = None if case is None else _decided(item, case, call)
    if case is None or record is None:
        return
    record = replace(record, worker=getattr(item.config, "workerinput", {}).get("workerid", ""))
    try:
        text = record.to_json()
        if record.success is False:
            _take_as_data(item, report)
    except RecordError as error:
        report.outcome, report.longrepr = "failed", str(error)
        text = _record_of_error(item, case, str(error)).to_json()
    kit = Kit.of(item.config)
    text = kit.redactor.record_text(text)
    # TestReport takes any attribute and carries it to the controller; its type does not say so.
    carried = vars(report)
    carried[_RECORD_KEY] = text
    carried[_ORDER_KEY] = order_of(item.config)
    carried[_MIN_SUCCESS_KEY] = min_success_of(item, kit.settings)
    rules, unsent = rules_of(item), kit.journal.unsent()
    if rules:
        carried[_RULES_KEY] = json.dumps(rules)
    if unsent:
        carried[JOURNAL_KEY] = unsent
    if TRUTH in item.stash:
        carried[_TRUTH_KEY] = json.dumps(item.stash[TRUTH])


def refusal(config: pytest.Config) -> str:
    """Say why the controller cannot take what this process makes of scenarios. "" if it can, or there is none."""
    told: dict[str, str] = getattr(config, "workerinput", {})
    here = metadata.version("pytest-codeact")
    theirs = told.get("codeact_version", here)
    if theirs == here:
        return told.get("codeact_refusal", "")
    return (
        f"this worker has pytest-codeact {here} and its controller has {theirs}: what they measure is not alike; "
        "install the same version on every host"
    )


def forget(item: pytest.Item) -> None:
    """Take off an item what a run of it left there: a plugin that repeats failed tests runs it again."""
    keys: tuple[pytest.StashKey[Any], ...] = (RECORD, TRUTH, GROUND_TRUTH, BODY_ENDED, _PART_FAILED)
    for key in keys:
        if key in item.stash:
            del item.stash[key]


def _decided(item: pytest.Item, case: Case, call: pytest.CallInfo[None]) -> TrialRecord | None:
    """Give the record of an item, verdict included, if this phase decides it."""
    skipped = call.excinfo is not None and call.excinfo.errisinstance((pytest.skip.Exception, pytest.xfail.Exception))
    if call.when == "teardown" or (call.when == "setup" and call.excinfo is None):
        return None
    if call.when == "setup":
        return None if skipped and RECORD not in item.stash else _failed_setup(item, case, call)
    if RECORD not in item.stash:
        return None
    no_truth = GROUND_TRUTH in item.stash and not item.stash[GROUND_TRUTH].is_known
    # A test may ask for its trial in its body, where an error of the provider's meets it.
    unjudged = skipped or no_truth or item.stash[RECORD].ended == "error"
    passed = call.excinfo is None and not (_PART_FAILED in item.stash and BODY_ENDED in item.stash)
    # A trial that nobody could judge is neither passed nor failed: without a truth nothing is the model's doing.
    return replace(item.stash[RECORD], success=None if unjudged else passed)


def _take_as_data(item: pytest.Item, report: pytest.TestReport) -> None:
    """Show a failed trial as xfailed where its scenario is judged by the share of trials that pass."""
    share = min_success_of(item, Kit.of(item.config).settings)
    # With --runxfail the user asks to see failures as failures; one that is xfailed already is the author's doing.
    if share is None or item.config.getoption("runxfail") or hasattr(report, "wasxfail"):
        return
    report.outcome = "skipped"
    report.wasxfail = f"failed trial, counted: its scenario needs {100 * share:.4g} % (min_success)"
    vars(report)[_FAILED_KEY] = True
    item.stash[_PART_FAILED] = True


def unpack(report: pytest.TestReport) -> Shipment:
    """
    Read what `attach` put there.

    Raises:
        RecordError: Another version of the plugin wrote it.
    """
    carried = vars(report)
    begun, ended, record = carried.get(BEGUN_KEY), carried.get(ENDED_KEY), carried.get(_RECORD_KEY)
    return Shipment(
        begun=TrialRecord.from_json(begun) if begun else None,
        ended=TrialRecord.from_json(ended) if ended else None,
        rules=tuple(json.loads(carried.get(_RULES_KEY, "[]"))),
        record=TrialRecord.from_json(record) if record else None,
        truth=json.loads(carried.get(_TRUTH_KEY, "null")),
        order=carried.get(_ORDER_KEY, ""),
        min_success=carried.get(_MIN_SUCCESS_KEY),
        journal=carried.get(JOURNAL_KEY, ""),
        unavailable=carried.get(_UNAVAILABLE_KEY, ""),
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
    return lost_record(scenario_id_of(item, Kit.of(item.config).settings), case, error)


def sendable(value: object, depth: int = 0) -> Any:
    r"""
    Copy a value into what xdist's channel can carry.

    It carries None, bool, int, float, str, bytes and containers of them, but exactly these types, and no text with a
    lone surrogate. Anything else kills the worker, and the reports that it was about to send are lost.

    Args:
        value: Anything that a report holds.
        depth: Containers around it.

    Returns:
        The same with lone surrogates escaped (`\udc80`), subclasses made the plain thing, and everything else as the
        text that `repr` gives.
    """
    plain: Any
    match value:
        case _ if depth > _MAX_DEPTH:
            plain = _text(value)
        case None | bool():
            plain = value
        case str():
            plain = _escaped(str.__str__(value))
        case int():
            plain = int.__int__(value)
        case float():
            plain = float.__float__(value)
        case bytes():
            plain = bytes(value)
        case dict():
            plain = {sendable(key, depth + 1): sendable(each, depth + 1) for key, each in value.items()}
        case list():
            plain = [sendable(each, depth + 1) for each in value]
        case tuple():
            plain = tuple(sendable(each, depth + 1) for each in value)
        case _:
            plain = _text(value)
    return plain


def sendable_warning(warning: Warning) -> Warning:
    """Copy a warning into one that can be sent; a UserWarning if its class takes its text from elsewhere."""
    kind = type(warning)
    copied = kind.__new__(kind)
    vars(copied).update(vars(warning))
    copied.args = tuple(sendable(each) for each in warning.args)
    text = _escaped(str(warning))
    return copied if str(copied) == text else UserWarning(text)


def _text(value: object) -> str:
    try:
        return _escaped(repr(value))
    except Exception:  # noqa: BLE001 - a foreign __repr__ may do anything
        return f"<{type(value).__name__}>"


def _escaped(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
