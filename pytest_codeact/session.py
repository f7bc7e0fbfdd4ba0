"""
The controller's side of a run: collects the records, has them measured, stored, written and shown. One per run;
under xdist it lives in the process that the user started.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact import measure
from pytest_codeact.collection import SNAPSHOTS, case_id, make_cases, scenario_id
from pytest_codeact.kit import Kit
from pytest_codeact.records import TrialRecord
from pytest_codeact.reports.terminal import TableNotes, render_table
from pytest_codeact.shipping import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_codeact.records import Json
    from pytest_codeact.snapshots import Written
    from pytest_codeact.storage import RunInfo

_KEY: pytest.StashKey[Session] = pytest.StashKey()

_TOKENS_ADVICE: Final = "Tokens are n/a: the Tekken vocabulary is missing. Run:\n  pip install 'pytest-codeact[tokens]'"


class Session:
    """
    What the controller knows of the run. Get it with `Session.of` or `Session.get`.

    Attributes:
        records: One per trial that ended, in the order their reports came in.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._kit = Kit.of(config)
        self.records: list[TrialRecord] = []
        # Insertion orders them: what is printed of them must not depend on hashes.
        self._agreed: list[tuple[str, Json]] = []
        self._disagreed: dict[str, None] = {}
        self._written: Written | None = None
        self._interrupted = False

    @classmethod
    def of(cls, config: pytest.Config) -> Session:
        """Give the run's session, making it on the first call."""
        session = cls.get(config)
        if session is None:
            session = config.stash[_KEY] = cls(config)
        return session

    @classmethod
    def get(cls, config: pytest.Config) -> Session | None:
        """Give the run's session. None while no trial has been reported."""
        return config.stash.get(_KEY, None)

    def add(self, report: pytest.TestReport) -> None:
        """Take in the report of a trial: its record, and the ground truth it agrees with if snapshots are updated."""
        shipment = unpack(report)
        self.records.append(shipment.record)
        scenario = shipment.record.scenario
        if shipment.truth is not None and shipment.record.success:
            self._agreed.append((scenario, shipment.truth))
        else:
            self._disagreed[scenario] = None

    def finish(self, *, interrupted: bool, crashed: Iterable[str]) -> None:
        """
        Store what was measured, before pytest-benchmark ends, and write the snapshots that are to be updated.

        Args:
            interrupted: Whether the run ended before its last test.
            crashed: Node ids of the tests during which a worker died.
        """
        from pytest_codeact.storage import publish

        self._interrupted = interrupted
        modules = {record.scenario.partition("::")[0] for record in self.records}
        # All that is left of such a test is its id. One beside our scenarios that ends as theirs do is one of them.
        for node_id in crashed:
            if node_id.partition("::")[0] in modules:
                self._add_crash(node_id)
        publish(self._config, self.pools, self._kit.registry.metrics)
        if self._config.getoption("update_snapshots", default=False):
            self._write_snapshots()

    @property
    def pools(self) -> Sequence[measure.Pool]:
        """The trials by scenario, arm and model, in the order of the command line within a scenario."""
        settings = self._kit.settings
        return sorted(
            measure.pools(sorted(self.records, key=lambda record: record.trial)),
            key=lambda pool: (
                _natural(pool.scenario),
                # A model that a fixture put in another's place is none of the settings'.
                settings.models.index(pool.model) if pool.model in settings.models else len(settings.models),
                settings.arms.index(pool.arm),
            ),
        )

    @property
    def run_info(self) -> RunInfo:
        """What a stored run must say of itself, so that unlike runs are never compared."""
        from pytest_codeact.storage import run_info

        return run_info(
            self.pools,
            version=metadata.version("pytest-codeact"),
            models=self._kit.settings.models,
            tokenizers=measure.tokenizers(self.records),
            worker_count=len({record.worker for record in self.records if record.worker}),
            interrupted=self._interrupted,
        )

    def show(self, terminal: pytest.TerminalReporter) -> None:
        """Write the table and what must be said with it."""
        from pytest_codeact.storage import trim_table

        trim_table(self._config)
        columns = [self._kit.registry.metric(name) for name in self._kit.settings.metrics]
        terminal.ensure_newline()
        terminal.section("codeact", sep="-")
        for line in render_table(
            self.pools, columns, width=self._config.get_terminal_writer().fullwidth, notes=self._notes()
        ):
            terminal.write_line(line)
        if self._written is not None:
            terminal.write_line(str(self._written))

    def _add_crash(self, node_id: str) -> None:
        """Take in a trial whose worker died: an error, of which only the case is known."""
        for case in make_cases(self._kit.settings):
            own_part = case_id(case, self._kit.settings)
            if node_id.endswith((f"[{own_part}]", f"-{own_part}]")):
                scenario = scenario_id(node_id, own_part)
                self._disagreed[scenario] = None
                self.records.append(
                    TrialRecord(
                        scenario=scenario,
                        arm=case.arm,
                        model=case.model,
                        trial=case.trial,
                        mode=None,
                        turns=(),
                        calls=(),
                        ended="error",
                        error="the worker process died during this trial",
                    )
                )
                return

    def _notes(self) -> TableNotes:
        counted_by = measure.tokenizers(self.records)
        modes = {record.mode for record in self.records if record.mode}
        turns = [turn for record in self.records if record.mode == "reference" for turn in record.turns]
        return TableNotes(
            reference="reference" in modes,
            tokenizers=counted_by,
            advice=_TOKENS_ADVICE if any(turn.usage is None for turn in turns) else "",
        )

    def _write_snapshots(self) -> None:
        from pytest_codeact.snapshots import write_agreed

        self._written = write_agreed(
            self._config.rootpath / SNAPSHOTS, agreed=self._agreed, refused=list(self._disagreed)
        )


def _natural(scenario: str) -> list[tuple[int, str]]:
    """Give a sort key by which test_2 comes before test_10; the order of arrival depends on the workers."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", scenario)]
