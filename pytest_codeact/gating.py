"""
The gate in a run: finds the baseline, has the run judged, says what came of it, and writes the next baseline.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.comparison import listed
from pytest_codeact.errors import RecordError
from pytest_codeact.gate import Rule, judge
from pytest_codeact.kit import Kit
from pytest_codeact.options import read_settings
from pytest_codeact.reports.gate import render_judgement
from pytest_codeact.stored import read_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.gate import Judgement
    from pytest_codeact.measure import Metric, Pool
    from pytest_codeact.storage import Baseline
    from pytest_codeact.stored import StoredRun

_BASELINE: pytest.StashKey[Baseline] = pytest.StashKey()


def claim(config: pytest.Config, *, gated: bool) -> None:
    """
    Find the baseline before the run saves anything; say so if there is none, which pytest-benchmark no longer does.

    Args:
        config: The controller's.
        gated: Whether the options hold rules; then it is read as well.

    Raises:
        pytest.UsageError: The options hold rules, and it cannot be read, or several files are meant.
    """
    from pytest_codeact.storage import claim_baseline

    found = config.stash[_BASELINE] = claim_baseline(config, gated=gated)
    if not gated and not found.count:
        # Capturing has not begun, and there is no terminal reporter yet.
        sys.stderr.write(f"cannot compare: {found.asked} names no stored run\n")


def refuse_target(asked: str) -> None:
    """
    Refuse a path for the next baseline that no file can have, before the run.

    Raises:
        pytest.UsageError: It is a directory, or its directory can neither be written to nor made.
    """
    from pytest_codeact.storage import unwritable

    reason = unwritable(Path(asked))
    if reason:
        raise pytest.UsageError(f"--codeact-save-baseline={asked}: {reason}; name a file that can be written")


def is_asked(config: pytest.Config) -> bool:
    """Tell whether the run must answer for a gate or a baseline file though no trial was reported."""
    settings = read_settings(config)
    if config.option.collectonly:
        return False
    return settings.save_baseline is not None or bool(settings.fail and _BASELINE in config.stash)


class Gating:
    """
    The gate of one run.

    Attributes:
        problems: What went wrong, a line each.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._kit = Kit.of(config)
        self._own: dict[str, tuple[str, ...]] = {}
        self._judgement: Judgement | None = None
        self._notice = ""
        self._saved = ""
        self.problems: list[str] = []

    def note_rules(self, scenario: str, rules: tuple[str, ...]) -> None:
        """Take in the rules of a scenario's own."""
        if rules:
            self._own[scenario] = rules

    @property
    def has_rules(self) -> bool:
        """Whether there is something to judge by."""
        return bool(self._kit.rules or self._own)

    @property
    def is_red(self) -> bool:
        """Whether the gate makes the run fail."""
        return bool(self.problems) or (self._judgement is not None and not self._judgement.is_passed)

    def judge(self, run: StoredRun) -> None:
        """Judge a run, if there are rules."""
        settings = self._kit.settings
        if not self.has_rules:
            return
        baseline = self._config.stash.get(_BASELINE, None)
        try:
            base = None if baseline is None else baseline.read()
        except RecordError as error:
            self.problems.append(f"the gate cannot judge: {error}")
            return
        if base is None:
            self._notice = _no_baseline("" if baseline is None else baseline.asked)
            if settings.require_baseline:
                self.problems.append(f"{self._notice}; --codeact-require-baseline asks for one")
            return
        known = {metric.name: metric for metric in self._kit.registry.metrics}
        own = {name: [Rule.parse(text, known.values()) for text in texts] for name, texts in self._own.items()}
        self._judgement = judge(base, run, self._kit.rules, own_rules=own, on_noise=settings.fail_on_noise)

    def save_baseline(self, run: StoredRun, pools: Sequence[Pool], metrics: Sequence[Metric]) -> None:
        """Write the baseline file that the options ask for, unless the run is none to be compared with."""
        asked = self._kit.settings.save_baseline
        if asked is None:
            return
        reason = self._no_baseline_of(run)
        if reason:
            self.problems.append(f"the baseline {asked!r} is not written: {reason}")
            return
        from pytest_codeact.storage import entries, save_baseline

        dropped = _dropped(Path(asked), run)
        try:
            save_baseline(Path(asked), run, entries(pools, metrics, taken=set()))
        except OSError as error:
            self.problems.append(
                f"the baseline {asked!r} could not be written: {error.strerror or error}; see to it, or name another "
                "path with --codeact-save-baseline, and run again"
            )
            return
        if dropped:
            self._saved = f"the baseline {asked!r} no longer holds: {dropped}; this run did not run it"

    def _no_baseline_of(self, run: StoredRun) -> str:
        """Say why a run is no baseline. "" if it is one."""
        if not any(sample.trials for sample in run.samples):
            return "no trial was completed"
        if run.info.interrupted:
            return "the run was interrupted"
        if run.info.failed:
            advice = "make it pass, or take failed trials as data with --codeact-min-success"
            return f"{listed(run.info.failed)} failed; {advice}"
        return "the gate failed; run it without --codeact-fail if the change is meant" if self.is_red else ""

    def _unused_options(self) -> str:
        """Name the options of the command line that mean nothing without a rule. "" if there is nothing to say."""
        sources = self._kit.settings.sources
        # An ini file may hold them for the runs that have rules.
        given = [
            flag for name in ("fail_on_noise", "require_baseline") if (flag := sources.get(name, "")).startswith("-")
        ]
        if self.has_rules or not given:
            return ""
        return (
            f"nothing is judged in spite of {' and '.join(given)}: there is no rule; "
            "give --codeact-fail=METRIC:STAT:LIMIT, or fail=... in a marker"
        )

    def show(self, terminal: pytest.TerminalReporter) -> None:
        """Write the section, if there is anything to say."""
        lines = []
        if self._judgement is not None:
            lines = render_judgement(self._judgement, width=self._config.get_terminal_writer().fullwidth)
        elif self._notice and not self._kit.settings.require_baseline:
            lines = [self._notice]
        elif unused := self._unused_options():
            lines = [unused]
        lines += [self._saved] if self._saved else []
        if not lines and not self.problems:
            return
        terminal.ensure_newline()
        terminal.section("codeact gate", sep="-")
        for line in lines:
            terminal.write_line(line)
        for problem in self.problems:
            terminal.write_line(problem, red=True)


def _dropped(path: Path, run: StoredRun) -> str:
    """Name what a baseline file holds that a run which is to replace it has not: scenarios, or else arms."""
    try:
        before = read_run(path)
    except RecordError:
        # There is none, or none that could lose something.
        return ""
    scenarios = {sample.scenario for sample in before.samples} - {sample.scenario for sample in run.samples}
    arms = [f"arm {arm!r} with model {model!r}" for arm, model in before.arms if (arm, model) not in run.arms]
    return listed(scenarios) if scenarios else ", ".join(arms)


def _no_baseline(asked: str) -> str:
    if not asked:
        return "nothing to compare with: name a stored run or a baseline file with --benchmark-compare"
    named = asked.partition("=")[2]
    file = named if named.endswith(".json") else "FILE"
    return f"no baseline yet: {asked} names no stored run; write one with --codeact-save-baseline={file}"
