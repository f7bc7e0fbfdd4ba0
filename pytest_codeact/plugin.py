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
    from pytest_codeact.controller import Controller
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
    config.pluginmanager.register(Controller(config), "codeact-controller")
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
