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

    from pytest_codeact.registry import Registry

MARKER_HELP = (
    "scenario(prompt, *, tools, reference=None, answer=None, max_turns=None, tolerance=0.0, limits=None): "
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
    from pytest_codeact.options import read_settings

    config.addinivalue_line("markers", MARKER_HELP)
    config.pluginmanager.register(fixtures, "codeact-fixtures")
    if hasattr(config, "workerinput"):
        from pytest_codeact.storage import silence_worker

        silence_worker(config)
        return
    config.pluginmanager.register(_Controller(config), "codeact-controller")
    if read_settings(config).explicit & {"arms", "models", "metrics", "sandbox", "resume"}:
        # Here a wrong name is one line and exit code 4; found later, by a worker, it would be an internal error.
        from pytest_codeact.kit import Kit

        Kit.of(config)


@pytest.hookimpl(tryfirst=True)
def pytest_codeact_register(registry: Registry) -> None:
    """Register the built-ins, by the door that third parties use; first, so that theirs are the names that clash."""
    from pytest_codeact.registry import register_builtins

    register_builtins(registry)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize scenarios; last, so that our part of the node id is its end."""
    if metafunc.definition.get_closest_marker("scenario") is not None:
        from pytest_codeact.collection import parametrize
        from pytest_codeact.kit import Kit

        parametrize(metafunc, Kit.of(metafunc.config).settings)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a scenario that could not be made one; let the controller know that a trial begins."""
    if item.get_closest_marker("scenario") is not None:
        from pytest_codeact.collection import misuse
        from pytest_codeact.kit import Kit
        from pytest_codeact.shipping import announce

        problem = misuse(item, Kit.of(item.config).settings)
        if problem:
            pytest.fail(problem, pytrace=False)
        announce(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the record of a trial on the report that ends it."""
    report = yield
    if "codeact_case" in getattr(getattr(item, "callspec", None), "params", {}):
        from pytest_codeact.shipping import attach

        attach(item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell syrupy whose snapshots are whose, before any item is deselected."""
    scenarios = [item for item in items if item.get_closest_marker("scenario")]
    if scenarios and config.pluginmanager.has_plugin("syrupy"):
        from pytest_codeact.collection import SNAPSHOTS, scenario_id_of
        from pytest_codeact.kit import Kit
        from pytest_codeact.snapshots import keep

        settings = Kit.of(config).settings
        ids = [scenario_id_of(item, settings) for item in scenarios]
        keep(config, root=config.rootpath / SNAPSHOTS, scenarios=ids)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say what will run, if scenarios were collected."""
    if config.get_verbosity() < 0 or not any(item.get_closest_marker("scenario") for item in items):
        return []
    from pytest_codeact.kit import Kit

    kit = Kit.of(config)
    return [kit.plan_line, *([kit.journal.line] if config.get_verbosity() > 0 else [])]


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
        self._worker_count = 0

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a report of a trial carries."""
        if isinstance(report, pytest.SubtestReport):
            from pytest_codeact.session import Session

            # Without an xdist worker to announce it, a first trial has no session yet.
            if report.failed and "scenario" in report.keywords:
                Session.of(self._config).add_failed_part(report.nodeid)
        elif any(name.startswith("codeact") for name in vars(report)):
            from pytest_codeact.session import Session

            Session.of(self._config).add(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker to whose journal its trials belong."""
        from pytest_codeact.resume import hand_over

        hand_over(self._config, node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self) -> None:
        """Count the workers."""
        self._worker_count += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Count a trial whose worker died as an error."""
        from pytest_codeact.session import Session

        session = Session.get(self._config)
        if session is not None:
            session.add_crash(crashitem)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        """Keep a worker's death from making its snapshots look unused."""
        from pytest_codeact.session import Session

        if error and Session.get(self._config) and self._config.pluginmanager.has_plugin("syrupy"):
            from pytest_codeact.snapshots import distrust_unused

            distrust_unused(self._config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Measure and store before pytest-benchmark ends its session."""
        from pytest_codeact.session import Session

        ours = Session.get(self._config)
        if ours is not None:
            ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            cut_short = bool(session.shouldstop or session.shouldfail)
            interrupted = cut_short or not ended
            if interrupted and self._worker_count and self._config.pluginmanager.has_plugin("syrupy"):
                from pytest_codeact.snapshots import distrust_unused

                # Its warning of workers that were ended would, where warnings are errors, end the run as another one.
                distrust_unused(self._config)
            ours.finish(interrupted=interrupted, worker_count=self._worker_count)
            if ours.problems and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the table."""
        from pytest_codeact.session import Session

        session = Session.get(self._config)
        if session is not None:
            session.show(terminalreporter)

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Let a stored run say what kind of run it is."""
        from pytest_codeact.session import Session

        session = Session.get(self._config)
        if session is not None:
            from pytest_codeact.storage import update_json

            update_json(output_json, session.run_info)
