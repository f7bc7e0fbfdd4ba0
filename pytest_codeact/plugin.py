"""
The pytest entry point: hooks that delegate, nothing else.

Every pytest run in the environment imports this module, so it imports only the standard library and pytest;
what a run without scenarios does not need is imported inside the hooks.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_codeact.dist import Distribution
    from pytest_codeact.registry import Registry
    from pytest_codeact.session import Session

MARKER_HELP = (
    "scenario(prompt, *, tools, reference=None, reference_ts=None, answer=None, max_turns=None, tolerance=0.0, "
    "limits=None, sandbox=(), frozen_clock=None, deadline_s=None, min_success=None, fail=()): "
    "a task for an agent; the test runs once per arm, model and trial (pytest-codeact)."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    from pytest_codeact.options import add_options

    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the plugin's own hooks."""
    from pytest_codeact import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register marker and fixtures; refuse option values that are wrong whatever is collected."""
    from pytest_codeact import fixtures
    from pytest_codeact.masking import Mask
    from pytest_codeact.options import read_settings

    config.addinivalue_line("markers", MARKER_HELP)
    config.pluginmanager.register(fixtures, "codeact-fixtures")
    config.pluginmanager.register(Mask(config), "codeact-mask")
    if hasattr(config, "workerinput"):
        from pytest_codeact.storage import silence_worker
        from pytest_codeact.worker import Worker

        silence_worker(config)
        config.pluginmanager.register(Worker(config), "codeact-worker")
        return
    settings = read_settings(config)
    may_ask = any(model.partition("/")[0] != "reference" for model in settings.models)
    # A run that is gone on with has its own models.
    if settings.dry_run or settings.resume is not None or may_ask:
        from pytest_codeact.planning import plan_ahead

        # Before the controller asks whether there are workers.
        plan_ahead(config)
    config.pluginmanager.register(_Controller(config), "codeact-controller")
    if settings.explicit & {"arms", "models", "base_urls", "metrics", "sandbox", "fail", "resume"}:
        # Here a wrong name is one line and exit code 4; found later, by a worker, it would be an internal error.
        from pytest_codeact.kit import Kit

        Kit.of(config)
    if config.getoption("benchmark_compare", default=None):
        from pytest_codeact.gating import claim

        claim(config, gated=bool(settings.fail))
    if settings.save_baseline is not None:
        from pytest_codeact.gating import refuse_target

        refuse_target(settings.save_baseline)


@pytest.hookimpl(tryfirst=True)
def pytest_codeact_register(registry: Registry) -> None:
    """Register the built-ins, by the door that third parties use; first, so that theirs are the names that clash."""
    from pytest_codeact.registry import register_builtins

    register_builtins(registry)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize scenarios; last, so that our part of the node id is its end."""
    if metafunc.definition.get_closest_marker("scenario") is not None:
        from pytest_codeact.collection import check_names, parametrize
        from pytest_codeact.kit import Kit

        kit = Kit.of(metafunc.config)
        parametrize(metafunc, kit.settings)
        check_names(metafunc, kit.registry.metrics, kit.registry.runtimes)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a scenario that could not be made one; let the controller know that a trial begins; after skip marks."""
    if item.get_closest_marker("scenario") is not None:
        from pytest_codeact.collection import misuse
        from pytest_codeact.kit import Kit
        from pytest_codeact.notices import announce
        from pytest_codeact.shipping import forget, refusal

        forget(item)
        problem = refusal(item.config) or misuse(item, Kit.of(item.config).settings)
        if problem:
            pytest.fail(problem, pytrace=False)
        announce(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note the end of a scenario's test: what is reported before it is a subtest."""
    try:
        return (yield)
    finally:
        if "codeact_case" in getattr(getattr(item, "callspec", None), "params", {}):
            from pytest_codeact.shipping import BODY_ENDED

            item.stash[BODY_ENDED] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the record of a trial on the report that ends it."""
    report = yield
    if "codeact_case" in getattr(getattr(item, "callspec", None), "params", {}):
        from pytest_codeact.shipping import attach
        from pytest_codeact.worker import IS_SCENARIO

        vars(report)[IS_SCENARIO] = True
        attach(item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put trials into their order and tell syrupy whose snapshots are whose, before any item is deselected."""
    scenarios = [item for item in items if item.get_closest_marker("scenario")]
    if not scenarios:
        return
    from pytest_codeact.collection import SNAPSHOTS, arrange, scenario_id_of
    from pytest_codeact.kit import Kit

    settings = Kit.of(config).settings
    # Before other plugins: whoever reorders on purpose, --failed-first say, shall have the last word.
    arrange(items, settings)
    if config.pluginmanager.has_plugin("syrupy"):
        from pytest_codeact.snapshots import keep

        ids = [scenario_id_of(item, settings) for item in scenarios]
        keep(config, root=config.rootpath / SNAPSHOTS, scenarios=ids)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note whether another plugin has changed the order of the trials; refuse what would make their figures void."""
    config, items = session.config, session.items
    if not any(item.get_closest_marker("scenario") for item in items):
        return
    from pytest_codeact.collection import SNAPSHOTS, note_order, scenario_id_of
    from pytest_codeact.kit import Kit

    settings = Kit.of(config).settings
    note_order(config, items, settings)
    if config.pluginmanager.has_plugin("syrupy"):
        from pytest_codeact.snapshots import refuse_shared

        compared = [item for item in items if "codeact_snapshot" in getattr(item, "fixturenames", ())]
        refuse_shared(config, config.rootpath / SNAPSHOTS, [scenario_id_of(item, settings) for item in compared])
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        from pytest_codeact.collection import runtimes_of

        kit = Kit.of(config)
        # A worker's own trials say so: raised there, it would be an internal error.
        if refused := kit.refused_runtimes(runtimes_of(items, kit.runtime_names)):
            raise pytest.UsageError("\n".join(refused))


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say what will run, if scenarios were collected."""
    if config.get_verbosity() < 0 or not any(item.get_closest_marker("scenario") for item in items):
        return []
    from pytest_codeact.kit import Kit
    from pytest_codeact.reports import wrapped

    kit, width = Kit.of(config), config.get_terminal_writer().fullwidth
    said = [kit.plan_line]
    if not config.option.collectonly:
        from pytest_codeact.collection import runtimes_of

        said += kit.sandbox_lines(runtimes_of(items, kit.runtime_names))
    lines = [line for each in said for line in wrapped(each, width)]
    return [*lines, *([kit.journal.line] if config.get_verbosity() > 0 else [])]


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say where an outcome and its snapshot differ."""
    snapshots = sys.modules.get("pytest_codeact.snapshots")
    if op != "==" or snapshots is None:
        return None
    if isinstance(left, snapshots.GroundTruth):
        left, right = right, left
    if not isinstance(right, snapshots.GroundTruth):
        return None
    explanation: list[str] = right.explain(left)
    return explanation


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_scale_unit(
    config: pytest.Config, unit: str, benchmarks: list[dict[str, Any]], best: Any, worst: Any, sort: str
) -> tuple[str, float] | None:
    """Give pytest-benchmark's tables the units of our rows."""
    from pytest_codeact import storage

    return storage.pytest_benchmark_scale_unit(config, unit, benchmarks, best, worst, sort)


class _Controller:
    """The hooks of the process that collects the reports; under xdist the one that the user started."""

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

                Session.of(self._config).add_failed_part(report.nodeid)
        elif any(name.startswith("codeact") for name in vars(report)):
            from pytest_codeact.session import Session

            Session.of(self._config).add(report)

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
            self._session.add_crash(crashitem)

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

            Session.of(self._config).hear_worker(ahead=ahead, journal=journal)

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
                ours.add_ahead(notes)
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
