"""
The controller's side of a run: has what came in measured, stored, written and shown. One per run;
under xdist it lives in the process that the user started.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Final

import pytest

from pytest_codeact import measure
from pytest_codeact.collection import SNAPSHOTS
from pytest_codeact.gating import Gating, is_asked
from pytest_codeact.intake import Intake
from pytest_codeact.journal import DIRECTORY, FILE, prune
from pytest_codeact.kit import Kit
from pytest_codeact.options import CONTROL
from pytest_codeact.reports import wrapped
from pytest_codeact.reports.terminal import TableNotes, render_table, sandbox_warning
from pytest_codeact.stored import StoredRun, run_info

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.snapshots import Written
    from pytest_codeact.stored import RunInfo

_KEY: pytest.StashKey[Session] = pytest.StashKey()

_MAX_LISTED: Final = 10
"""Lost tests that are named."""

_COST: Final = "cost_usd"
"""The metric that is a column where it is known."""

_TOKENS_ADVICE: Final = "Tokens are n/a: the Tekken vocabulary is missing. Run:\n  pip install 'pytest-codeact[tokens]'"


class Session:
    """
    What the controller knows of the run. Get it with `Session.of` or `Session.get`.

    Attributes:
        intake: What the trials brought.
        problems: What went wrong while the run was measured, stored and written, a line each.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._kit = Kit.of(config)
        self._gating = Gating(config)
        self.intake = Intake(self._kit, self._gating)
        self._written: Written | None = None
        self._metrics: Sequence[measure.Metric] = ()
        self._interrupted = False
        self._worker_count = 0
        self._run: StoredRun | None = None
        self._shortfalls: list[str] = []
        self.problems: list[str] = []

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

    @classmethod
    def to_finish(cls, config: pytest.Config, *, cut_short: bool) -> Session | None:
        """
        Give the session of a run that ends. None if it has none, and nothing to say.

        Without a report of a trial it has something to say if it must answer for a gate; or if it was cut short and has
        a journal, from which a resumed run takes what had ended.

        Args:
            config: The controller's.
            cut_short: Whether the run ended before its last test.
        """
        kit = Kit.get(config) if cut_short else None
        is_begun = kit is not None and (config.rootpath / DIRECTORY / kit.journal.run / FILE).exists()
        return cls.of(config) if is_begun or is_asked(config) else cls.get(config)

    def finish(self, *, interrupted: bool, worker_count: int, lost: Sequence[str] = ()) -> None:
        """
        Store what was measured, before pytest-benchmark ends, and write the snapshots that are to be updated.

        What goes wrong here is put into `problems` and loses nothing else.

        Args:
            interrupted: Whether the run ended before its last test.
            worker_count: Number of xdist workers. 0 without xdist.
            lost: Node ids of tests that workers collected and never reported on.
        """
        from pytest_codeact.storage import guard_saving, publish

        self._interrupted = interrupted
        self._worker_count = worker_count
        self.problems += self.intake.problems
        faults = measure.faults(self._kit.registry.metrics, self.intake.records)
        self._metrics = [metric for metric in self._kit.registry.metrics if metric.name not in faults]
        self.problems += [f"metric {name!r} is left out: it raised {text}" for name, text in faults.items()]
        pools = self.pools
        self.problems += _lost_lines(lost)
        self._shortfalls = [
            _shortfall(pool, share)
            for pool in pools
            if (share := self.intake.min_success.get(pool.scenario)) is not None and not pool.meets(share)
        ]
        self._gating.judge(self.run)
        self._gating.save_baseline(self.run, pools, self._metrics)
        guard_saving(self._config, self.problems.append)
        publish(self._config, pools, self._metrics)
        self._end_journal()
        if self._config.getoption("update_snapshots", default=False):
            try:
                self._write_snapshots()
            except OSError as error:
                self.problems.append(f"the snapshots could not be written: {error}")

    def _end_journal(self) -> None:
        self.intake.hear_own()
        modes = {record.mode for record in self.intake.records if record.mode}
        self._kit.journal.end(interrupted=self._interrupted, modes=modes)
        if not self._interrupted and modes <= {"reference"}:
            prune(self._config.rootpath / DIRECTORY)

    @property
    def pools(self) -> Sequence[measure.Pool]:
        """The trials by scenario, arm and model, in the order of the command line within a scenario."""
        settings = self._kit.settings
        return sorted(
            measure.pools(sorted(self.intake.records, key=lambda record: record.trial)),
            key=lambda pool: (
                _natural(pool.scenario),
                # A model that a fixture put in another's place is none of the settings'.
                settings.models.index(pool.model) if pool.model in settings.models else len(settings.models),
                settings.columns.index(pool.arm),
            ),
        )

    @property
    def is_red(self) -> bool:
        """Whether something makes the run fail that no test says."""
        return bool(self.problems or self._shortfalls) or self._gating.is_red

    @property
    def run(self) -> StoredRun:
        """The run as it is stored and compared, once all records are in."""
        if self._run is None:
            pools = self.pools
            samples = tuple(measure.sample(pool, self._metrics) for pool in pools)
            self._run = StoredRun(
                name="this run", info=self._info(pools), samples=samples, metrics=tuple(self._metrics)
            )
        return self._run

    def _info(self, pools: Sequence[measure.Pool]) -> RunInfo:
        settings = self._kit.settings
        return run_info(
            pools,
            version=metadata.version("pytest-codeact"),
            models=settings.models,
            tokenizers=measure.tokenizers(self.intake.records),
            worker_count=self._worker_count,
            interrupted=self._interrupted,
            order=self.intake.order,
            seed=settings.seed,
            concurrency=settings.concurrency,
            control=settings.control,
            min_success=settings.min_success,
            shares=self.intake.min_success,
            sandbox=self._kit.used_runtimes,
        )

    def show(self, terminal: pytest.TerminalReporter) -> None:
        """Write the table and what must be said with it."""
        from pytest_codeact.storage import trim_table

        trim_table(self._config, gated=self._gating.has_rules)
        width = self._config.get_terminal_writer().fullwidth
        lines = [
            *([] if self._written is None else [str(self._written)]),
            *self.intake.ahead.lines(),
            *map(_unjudged_line, self.intake.ended_unjudged),
            *(line for said in self._skipped() for line in wrapped(said, width)),
            *self._journal_lines(),
        ]
        # Red, though a journal that lacks something changes no exit code: nothing that the run says is wrong.
        red = [*([self.intake.tally.incomplete] if self.intake.tally.incomplete else []), *self.problems]
        red += wrapped(warning, width) if (warning := sandbox_warning(self._level)) else []
        red += [line for shortfall in self._shortfalls for line in wrapped(shortfall, width)]
        if self.intake.records or lines or red:
            terminal.ensure_newline()
            terminal.section("codeact", sep="-")
        if self.intake.records:
            self._show_table(terminal)
        for line in lines:
            terminal.write_line(line)
        for line in red:
            terminal.write_line(line, red=True)
        self._gating.show(terminal)

    def _show_table(self, terminal: pytest.TerminalReporter) -> None:
        usable = {metric.name: metric for metric in self._metrics}
        columns = [usable[name] for name in self._columns if name in usable]
        width = self._config.get_terminal_writer().fullwidth
        plan = self._kit.plan_line + (f", level {self._level}" if self._level else "")
        # With workers nobody said it after collection.
        for line in wrapped(plan, width) if self._worker_count else ():
            terminal.write_line(line)
        pools = self.pools
        if pools:
            base, control = self._kit.settings.base_arm, CONTROL if self._kit.settings.control else ""
            for line in render_table(pools, columns, base=base, control=control, width=width, notes=self._notes()):
                terminal.write_line(line)

    @property
    def _columns(self) -> list[str]:
        """Names of the metrics that the table shows: what costs shows its cost, unless the user chose the columns."""
        settings = self._kit.settings
        usages = [turn.usage for record in self.intake.records for turn in record.turns if turn.usage is not None]
        costs = "metrics" not in settings.explicit and any(usage.cost_usd is not None for usage in usages)
        return [*settings.metrics, *([_COST] if costs else [])]

    @property
    def _level(self) -> str:
        """The least level at which a trial's programs were held. "" if none ran."""
        return max(filter(None, (record.sandbox_level for record in self.intake.records)), default="")

    def _skipped(self) -> list[str]:
        """Say, without -rs too, why trials were not run: a run of skips alone is green, and measured nothing."""
        return [
            f"{count} trial{' was' if count == 1 else 's were'} skipped: {reason}"
            for reason, count in self.intake.unavailable.items()
        ]

    def _journal_lines(self) -> list[str]:
        lines = self.intake.tally.lines(len(self.intake.records))
        # In a run that is to be repeated the name is what one looks for.
        if (
            self._interrupted
            or self._config.get_verbosity() > 0
            or not all(each.success for each in self.intake.records)
        ):
            lines.append(self._kit.journal.line)
        return list(filter(None, lines))

    def _notes(self) -> TableNotes:
        counted_by = measure.tokenizers(self.intake.records)
        modes = {record.mode for record in self.intake.records if record.mode}
        turns = [turn for record in self.intake.records if record.mode == "reference" for turn in record.turns]
        return TableNotes(
            reference="reference" in modes,
            stood_in_for=self._kit.replaced,
            tokenizers=counted_by,
            advice=_TOKENS_ADVICE if any(turn.usage is None for turn in turns) else "",
        )

    def _write_snapshots(self) -> None:
        from pytest_codeact.snapshots import write_agreed

        self._written = write_agreed(
            self._config.rootpath / SNAPSHOTS, agreed=self.intake.agreed, refused=list(self.intake.disagreed)
        )


def _unjudged_line(node_id: str) -> str:
    """Say that a trial had ended when its worker died before, or while, its test judged it."""
    return (
        f"{node_id}: its worker died after the trial had ended; a resumed run takes it from the journal and judges it"
    )


def _lost_lines(lost: Sequence[str]) -> list[str]:
    """Say which tests were collected and never reported on."""
    if not lost:
        return []
    more = [f"  ... and {len(lost) - _MAX_LISTED} more"] if len(lost) > _MAX_LISTED else []
    count, them = ("1 trial was", "it") if len(lost) == 1 else (f"{len(lost)} trials were", "them")
    return [
        f"{count} collected and never reported: no worker was left to run {them}, or one lost {them}; run again:",
        *(f"  {node_id}" for node_id in lost[:_MAX_LISTED]),
        *more,
    ]


def _shortfall(pool: measure.Pool, share: float) -> str:
    """Say that too few trials of a scenario passed."""
    passed, completed = pool.success_count, len(pool.trials)
    arm = pool.arm if pool.model == "reference" else f"{pool.arm}, {pool.model}"
    rate = f"{passed}/{completed} completed trials passed = {100 * passed / completed:.4g} %"
    return f"{pool.scenario} [{arm}]: {rate} < {100 * share:.4g} %, the least that min_success allows"


def _natural(scenario: str) -> list[tuple[int, str]]:
    """Give a sort key by which test_2 comes before test_10; the order of arrival depends on the workers."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", scenario)]
