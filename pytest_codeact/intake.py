"""What the controller is told of the trials of a run, by reports and by the workers' last words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_codeact.ahead import AheadNotes
from pytest_codeact.collection import OTHER_ORDER, CaseNames
from pytest_codeact.errors import RecordError
from pytest_codeact.journal import Tally, interrupts_deferred
from pytest_codeact.notices import lost_record
from pytest_codeact.shipping import unpack

if TYPE_CHECKING:
    import pytest

    from pytest_codeact.gating import Gating
    from pytest_codeact.kit import Kit
    from pytest_codeact.records import Json, TrialRecord


class Intake:
    """
    What has come in so far.

    Args:
        kit: The controller's.
        gating: What takes in the rules that scenarios bring along.

    Attributes:
        records: One per trial that ended, in the order their reports came in.
        agreed: Per trial that passed, its scenario and the ground truth it agrees with.
        disagreed: Scenarios with a trial that failed or has no truth, as keys: what is printed of them must not depend
            on hashes.
        ended_unjudged: Node ids of trials that had ended when their worker died.
        min_success: Per scenario that says so, the least share of its trials that must pass.
        order: In what order the trials ran. "" while none has ended.
        unavailable: Per reason for which trials were skipped, how many.
        ahead: What was run ahead, over all processes.
        tally: What the journal took in.
        problems: What could not be read, a line each.
    """

    def __init__(self, kit: Kit, gating: Gating) -> None:
        self._kit = kit
        self._gating = gating
        self._begun: dict[str, TrialRecord] = {}
        self._failed_inside: set[str] = set()
        self._recorded: set[str] = set()
        self.records: list[TrialRecord] = []
        self.agreed: list[tuple[str, Json]] = []
        self.disagreed: dict[str, None] = {}
        self.ended_unjudged: list[str] = []
        self.min_success: dict[str, float] = {}
        self.unavailable: Counter[str] = Counter()
        self.order = ""
        self.ahead = AheadNotes()
        self.tally = Tally()
        self.problems: list[str] = []

    def add(self, report: pytest.TestReport) -> None:
        """Take in what a report carries: that a trial begins, or its record and the ground truth it agrees with."""
        try:
            shipment = unpack(report)
        except RecordError as error:
            self._lose(report.nodeid, error)
            return
        self._hear(shipment.journal)
        if shipment.unavailable:
            self.unavailable[shipment.unavailable] += 1
        if shipment.begun is not None:
            # What ended ahead stays ended when its turn comes.
            self._begun.setdefault(report.nodeid, shipment.begun)
        if shipment.ended is not None:
            self._begun[report.nodeid] = shipment.ended
        if shipment.record is not None:
            self._begun.pop(report.nodeid, None)
            self._gating.note_rules(shipment.record.scenario, shipment.rules)
            self._recorded.add(report.nodeid)
            # One process whose order is another is enough to make the run's another.
            if self.order != OTHER_ORDER:
                self.order = shipment.order
            if shipment.min_success is not None:
                self.min_success[shipment.record.scenario] = shipment.min_success
            record = shipment.record
            if record.success and report.nodeid in self._failed_inside:
                record = replace(record, success=False)
            self._take(record, shipment.truth)

    def add_failed_part(self, node_id: str) -> None:
        """Note that a subtest of a test failed: pytest fails the test, though its function ends well."""
        self._failed_inside.add(node_id)

    def add_crash(self, node_id: str) -> None:
        """
        Take in that a worker died during a test: a trial of it is an error, also one that it had not begun.

        It will not be run again: a worker that dies between two tests is charged with the second. One that had ended
        ahead keeps its record, which nobody has judged.
        """
        crashed = self._begun.pop(node_id, None) or self._not_begun(node_id)
        if crashed is not None:
            self.ended_unjudged += [] if crashed.ended == "error" else [node_id]
            self._take(crashed, None)

    def add_ahead(self, notes: AheadNotes) -> None:
        """Take in what a process says of the trials that it ran ahead."""
        self.ahead += notes

    def hear_worker(self, *, ahead: str, journal: str) -> None:
        """
        Take in what a worker says at its end.

        Args:
            ahead: Its `AheadNotes` as JSON. "" for nothing.
            journal: What `Journal.unsent` gave. "" for nothing.
        """
        if ahead:
            self.add_ahead(AheadNotes.from_json(ahead))
        self._hear(journal)

    def hear_own(self) -> None:
        """Take in what this process's journal counted and no report has carried."""
        self._hear(self._kit.journal.unsent())

    def _hear(self, unsent: str) -> None:
        if unsent:
            self.tally.add(self._kit.journal.receive(unsent))

    def _lose(self, node_id: str, error: RecordError) -> None:
        problem = f"{node_id}: what its worker sent cannot be read: {error}; install the same version on every host"
        if problem not in self.problems:
            self.problems.append(problem)
        found = CaseNames(self._kit.settings).read(node_id)
        if found is not None and node_id not in self._recorded:
            self._recorded.add(node_id)
            self._take(lost_record(*found, str(error)), None)

    def _not_begun(self, node_id: str) -> TrialRecord | None:
        """Give the record of a trial that is known by its id alone. None if that is none of a scenario seen before."""
        found = CaseNames(self._kit.settings).read(node_id)
        seen = {record.scenario for record in (*self.records, *self._begun.values())}
        if node_id in self._recorded or found is None or found[0] not in seen:
            return None
        return lost_record(*found, "the worker process died before this trial began")

    def _take(self, record: TrialRecord, truth: Json) -> None:
        with interrupts_deferred():
            self.records.append(record)
            self._kit.journal.note_verdict(record)
        if truth is not None and record.success:
            self.agreed.append((record.scenario, truth))
        else:
            self.disagreed[record.scenario] = None
