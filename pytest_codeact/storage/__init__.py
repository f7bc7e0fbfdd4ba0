"""
pytest-benchmark as the store: our pools become entries of its session. Only this room knows pytest-benchmark.

It is imported on first use; this room imports without it. What is used beyond its documented hooks: the plugin name
"pytest-benchmark" and the session behind it, whose `benchmarks`, `groups`, `storage` and `save_json`; the options
`benchmark_*`; `stats.Metadata` and the attributes that it reads off its first argument, and its `as_dict`;
`utils.TIME_UNITS`, `utils.load_storage` and `utils.get_machine_id`; of a storage of files `path`, `query` and `save`;
`plugin.pytest_benchmark_scale_unit`.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.storage._baseline import (
    Baseline,
    claim_baseline,
    find_run,
    forgive_machine,
    save_baseline,
    unwritable,
)
from pytest_codeact.storage._saving import guard_saving
from pytest_codeact.stored import RUN_KEY, mode_of, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_codeact.measure import Mean, Metric, Pool
    from pytest_codeact.records import Json
    from pytest_codeact.stored import StoredRun

__all__ = [
    "GROUP_PREFIX",
    "Baseline",
    "claim_baseline",
    "entries",
    "find_run",
    "forgive_machine",
    "guard_saving",
    "publish",
    "pytest_benchmark_scale_unit",
    "save_baseline",
    "silence_worker",
    "trim_table",
    "unwritable",
    "update_json",
]

GROUP_PREFIX: Final = "codeact "
"""Begins the group of every entry of ours; the metric's name follows."""

_NODE_METRIC: Final = "latency_s"
"""The metric whose entry is named as the test is, and carries what is no metric of its own."""

_MIXED_UNITS: Final = "mixed unit"

_CONTROLLER_OPTIONS: Final = ("compare", "compare_fail", "save", "autosave", "json")
"""Options of pytest-benchmark, without "benchmark_", that one process must heed for all."""


def publish(config: pytest.Config, pools: Sequence[Pool], metrics: Sequence[Metric]) -> bool:
    """
    Add one entry per scenario, arm, model and stored metric to pytest-benchmark's session.

    Call it once, on the controller, in a `pytest_sessionfinish(wrapper=True, tryfirst=True)` before its yield:
    pytest-benchmark then saves, compares and checks them as its own, with xdist too.

    Names: "dir/test_x.py::test_y[code]" for `latency_s`, as the test is called, and
    "dir/test_x.py::test_y:tokens[code]" for another metric, so that grouping by func or fullfunc sets the arms
    of a scenario side by side. The bracket holds the author's parameters, the arm and, unless it is
    "reference", the model. A trial whose figure is unknown is left out; an entry without one is not made.

    Args:
        config: The controller's.
        pools: What was measured.
        metrics: Every metric: the stored ones become entries, the means of the others go with `latency_s`.

    Returns:
        False if nothing could be added: pytest-benchmark is not active, or the user switched benchmarks off
        with --benchmark-disable (without --benchmark-enable) or --benchmark-skip (without --benchmark-only).
    """
    session = _session(config)
    if session is None or _switched_off(config):
        return False
    session.benchmarks.extend(entries(pools, metrics, taken={entry.fullname for entry in session.benchmarks}))
    return True


def entries(pools: Sequence[Pool], metrics: Sequence[Metric], *, taken: set[str]) -> list[Any]:
    """
    Make the entries that `publish` adds.

    Args:
        pools: As for `publish`.
        metrics: As for `publish`.
        taken: Full names that other entries have; those made here are added to it.
    """
    made = []
    stored = [metric for metric in metrics if metric.stored]
    for pool in pools:
        for metric in stored:
            values = [value for value in pool.values(metric) if value is not None]
            if values:
                made.append(_entry(pool, metric, metrics, values, taken))
    return made


def silence_worker(config: pytest.Config) -> None:
    """
    Keep an xdist worker from loading baselines and saving: the controller does both. Elsewhere do nothing.

    Call it in `pytest_configure`, before pytest-benchmark's, which is marked trylast.
    """
    if hasattr(config, "workerinput"):
        for name in _CONTROLLER_OPTIONS:
            setattr(config.option, f"benchmark_{name}", None)


def trim_table(config: pytest.Config, *, gated: bool = False) -> None:
    """
    Take our entries out of what pytest-benchmark is about to print; other entries stay.

    Not if the user asked for its tables: by comparing, by a histogram, or by choosing groups or columns.
    Call it in a `pytest_terminal_summary(tryfirst=True)`.

    Args:
        config: The controller's.
        gated: Whether our own gate says what came of comparing: then to compare is not to ask for tables.
    """
    session = _session(config)
    asked = ("compare_fail", "histogram", "columns", *(() if gated else ("compare",)))
    if session is None or not session.groups or any(config.getoption(f"benchmark_{name}") for name in asked):
        return
    if config.getoption("benchmark_group_by") == "group":
        session.groups = [group for group in session.groups if not _unit(group[1][0])]


def update_json(output_json: dict[str, Any], run: StoredRun) -> None:
    """
    Put the run into a file that is about to be saved, under the key "codeact".

    Call it in `pytest_benchmark_update_json`, marked optionalhook.
    """
    output_json[RUN_KEY] = to_json(run)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_scale_unit(
    config: pytest.Config | None,
    unit: str,
    benchmarks: Sequence[Mapping[str, Any]],
    best: Mapping[str, Any],
    worst: Mapping[str, Any],
    sort: str,
) -> tuple[str, float] | None:
    """
    Tell pytest-benchmark the unit of a table of ours; it appends the plural's "s".

    A hook for the plugin, and a plain function for the `conftest.py` of the directory in which the command line tool
    `pytest-benchmark` is run: the tool loads no plugin and looks there. All that such a conftest needs is
    `from pytest_codeact.storage import pytest_benchmark_scale_unit`.

    Args:
        config: The session's, or what the tool has in its place.
        unit: "seconds" for the table's figures, "operations" for its OPS column.
        benchmarks: The rows.
        best: Best figure of each column.
        worst: Worst figure of each column.
        sort: The column by which the rows are sorted.

    Returns:
        Unit and factor; no unit but the second is scaled, and rows of several units have none in common and say so.
        None for seconds and for rows that are not ours, so that others are asked. But the tool asks nobody
        else: it is told what pytest-benchmark itself would say.
    """
    units = {_unit(row) for row in benchmarks}
    if units <= {None, "s"}:
        if config is not None and config.pluginmanager.has_plugin("pytest-benchmark"):
            return None
        from pytest_benchmark import plugin

        native: Callable[..., tuple[str, float]] = plugin.pytest_benchmark_scale_unit
        return native(config, unit, benchmarks, best, worst, sort)
    if unit == "operations":
        return "", 1.0
    name = str(units.pop()) if len(units) == 1 else _MIXED_UNITS
    _name_for_histograms(name)
    return name, 1.0


def _name_for_histograms(unit: str) -> None:
    """Make the title of a histogram know a unit, or it ends in a KeyError."""
    with contextlib.suppress(ImportError, AttributeError):
        from pytest_benchmark.utils import TIME_UNITS

        TIME_UNITS.setdefault(unit, f"{unit}s")


def _session(config: pytest.Config) -> Any | None:
    """Give pytest-benchmark's session, or None if the plugin is not active."""
    return config.pluginmanager.get_plugin("pytest-benchmark")


def _switched_off(config: pytest.Config) -> bool:
    """Tell what the user asked for: the session's own `disabled` is always set under xdist."""
    disabled = config.getoption("benchmark_disable") and not config.getoption("benchmark_enable")
    skipped = config.getoption("benchmark_skip") and not config.getoption("benchmark_only")
    return bool(disabled or skipped)


def _entry(pool: Pool, metric: Metric, metrics: Sequence[Metric], values: Sequence[float], taken: set[str]) -> Any:
    from pytest_benchmark import stats

    path, test, bracket = _names(pool, metric)
    fullname = f"{path}{test}{bracket}"
    # pytest-benchmark finds the baseline of an entry by its full name.
    repeat = 1
    while fullname in taken:
        repeat += 1
        fullname = f"{path}{test}#{repeat}{bracket}"
    taken.add(fullname)
    make: Callable[..., Any] = stats.Metadata
    entry = make(
        SimpleNamespace(
            name=fullname.removeprefix(path),
            fullname=fullname,
            group=f"{GROUP_PREFIX}{metric.name}",
            param=bracket[1:-1],
            params={"arm": pool.arm, "metric": metric.name, "model": pool.model},
            extra_info={
                "scenario": pool.scenario,
                "unit": metric.unit,
                **(_extra(pool, metrics) if metric.name == _NODE_METRIC else {}),
            },
            cprofile_stats=None,
            has_error=False,
        ),
        iterations=1,
        options={},
    )
    for value in values:
        entry.update(value)
    return entry


def _names(pool: Pool, metric: Metric) -> tuple[str, str, str]:
    """Give what comes before the test's name, that name with the metric, and the bracket."""
    module, separator, rest = pool.scenario.partition("::")
    node, _, parameters = rest.partition("[")
    *classes, test = node.split("::")
    path = "::".join([module, *classes]) + separator
    parts = [parameters.removesuffix("]"), pool.arm, "" if pool.model == "reference" else pool.model]
    metric_part = "" if metric.name == _NODE_METRIC else f":{metric.name}"
    return path, test + metric_part, f"[{'-'.join(part for part in parts if part)}]"


def _extra(pool: Pool, metrics: Sequence[Metric]) -> dict[str, Json]:
    """Give what is no entry of its own."""
    return {
        "mode": mode_of([pool]),
        "trials": len(pool.trials),
        "errors": pool.error_count,
        "success_rate": pool.success_count / len(pool.trials),
        "means": {metric.name: _mean(pool.mean(metric)) for metric in metrics if not metric.stored},
    }


def _mean(mean: Mean) -> dict[str, Json]:
    return {"value": mean.value, "known": mean.known, "of": mean.of}


def _unit(entry: Mapping[str, Any]) -> str | None:
    """Give the unit of an entry of ours, singular. None for any other entry."""
    if not str(entry["group"]).startswith(GROUP_PREFIX):
        return None
    unit = (entry["extra_info"] or {}).get("unit")
    return unit if isinstance(unit, str) else None
