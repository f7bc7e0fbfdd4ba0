"""
The hooks of the process that collects the reports; under xdist the one that the user started. Every run has one, so it
is light: what a run without scenarios does not need is imported inside the hooks.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_codeact.dist import Distribution
    from pytest_codeact.session import Session


class Controller:
    """
    The plugin that a controller registers.

    Args:
        config: The controller's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_interrupted = False
        self._nodes: list[Any] = []
        self._alive: set[Any] = set()
        self._worker_count = 0
        self._distribution: Distribution | None = None
        if config.getoption("dist", "no") != "no" and config.getoption("tx", None):
            from pytest_codeact.dist import Distribution, limit_restarts

            limit_restarts(config)
            self._distribution = Distribution(config)
            config.pluginmanager.register(self._distribution, "codeact-distribution")

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        """Say which run is gone on with, below pytest's header and with -q too."""
        result = yield
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._config.getoption("codeact_resume") is not None and terminal is not None:
            from pytest_codeact.resume import notice

            terminal.ensure_newline()
            terminal.write_line(notice(self._config))
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a report of a trial carries."""
        if isinstance(report, pytest.SubtestReport):
            from pytest_codeact.worker import IS_SCENARIO

            # Without an xdist worker to announce it, a first trial has no session yet.
            if (report.failed or "codeact_failed" in vars(report)) and IS_SCENARIO in vars(report):
                from pytest_codeact.session import Session

                Session.of(self._config).intake.add_failed_part(report.nodeid)
        elif any(name.startswith("codeact") for name in vars(report)):
            from pytest_codeact.session import Session

            Session.of(self._config).intake.add(report)

    def pytest_keyboard_interrupt(self) -> None:
        """Note that the run ends before its last test: `pytest.exit` may give it any exit code."""
        self._is_interrupted = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker to whose journal its trials belong."""
        from pytest_codeact import modes, resume

        self._nodes.append(node)
        resume.hand_over(self._config, node)
        modes.hand_over(self._config, node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Count the workers: those that work at a time, not those that took a dead one's place."""
        self._alive.add(node)
        self._worker_count = max(self._worker_count, len(self._alive))

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Count a trial whose worker died as an error."""
        if self._session is not None:
            self._session.intake.add_crash(crashitem)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take in what a worker says at its end; keep its death from making its snapshots look unused."""
        self._alive.discard(node)
        self._hear(node)
        if error and self._session is not None:
            self._distrust_unused()

    def _hear(self, node: Any) -> None:
        # A worker that died left no such attribute, and one that ran no scenario no such keys. They are taken once.
        said = getattr(node, "workeroutput", {})
        ahead, journal = said.pop("codeact_ahead", ""), said.pop("codeact_journal", "")
        if ahead or journal:
            from pytest_codeact.session import Session

            Session.of(self._config).intake.hear_worker(ahead=ahead, journal=journal)

    @property
    def _session(self) -> Session | None:
        """The run's session. It has none, and imports nothing for it, while nothing was heard of a trial."""
        module = sys.modules.get("pytest_codeact.session")
        return None if module is None else module.Session.get(self._config)

    def _to_finish(self, *, cut_short: bool) -> Session | None:
        """Give the session of a run that ends: also one without a report if it must answer for something."""
        from pytest_codeact.options import read_settings

        settings, kit = read_settings(self._config), sys.modules.get("pytest_codeact.kit")
        if settings.dry_run:
            return None
        is_begun = cut_short and kit is not None and kit.Kit.get(self._config) is not None
        if self._session is None and not settings.fail and settings.save_baseline is None and not is_begun:
            return None
        from pytest_codeact.session import Session

        return Session.to_finish(self._config, cut_short=cut_short)

    def _distrust_unused(self) -> None:
        if self._config.pluginmanager.has_plugin("syrupy"):
            from pytest_codeact.snapshots import distrust_unused

            distrust_unused(self._config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Measure and store before pytest-benchmark ends its session."""
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        planning = sys.modules.get("pytest_codeact.planning")
        ended = ended and not (planning is not None and planning.is_cut_short(self._config))
        cut_short = self._is_interrupted or bool(session.shouldstop or session.shouldfail) or not ended
        ahead = sys.modules.get("pytest_codeact.ahead")
        # Before anything else: nothing may begin once the run is over.
        notes = None if ahead is None else ahead.end_ahead(self._config)
        lost = [] if cut_short or self._distribution is None else self._distribution.unreported
        if lost:
            from pytest_codeact.session import Session

            Session.of(self._config)
        ours = self._to_finish(cut_short=cut_short)
        if ours is not None:
            if notes is not None:
                ours.intake.add_ahead(notes)
            if cut_short and self._worker_count:
                self._distrust_unused()
            ours.finish(interrupted=cut_short, worker_count=self._worker_count, lost=lost)
            if ours.is_red and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        result = yield
        self._hear_all()
        if ours is not None and ours.is_red and session.exitstatus == pytest.ExitCode.OK:
            # Saving happened just now, and went wrong.
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the table."""
        self._hear_all()
        if self._session is not None:
            self._session.show(terminalreporter)

    def _hear_all(self) -> None:
        # Of an interrupted run's workers xdist handles no end; what they say arrives while it waits for them.
        for node in self._nodes:
            self._hear(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Put the trials' figures into a run that is being stored, and what kind of run it is."""
        if self._session is not None:
            from pytest_codeact.storage import update_json

            update_json(output_json, self._session.run)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_benchmark_compare_machine_info(
        self, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
    ) -> None:
        """Let a baseline file, which knows of no machine, be one of this machine."""
        from pytest_codeact.storage import forgive_machine

        forgive_machine(machine_info, compared_benchmark)
