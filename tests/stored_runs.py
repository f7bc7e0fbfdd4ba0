"""Reads stored runs of the small project, for tests that compare them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

TIMES = {"latency_s", "model_s", "action_s", "waited_s"}


def stored(project: pytest.Pytester, name: str = "run.json") -> dict[str, Any]:
    """Read a file that a run wrote."""
    run: dict[str, Any] = json.loads((project.path / name).read_text())
    return run


def counted(run: dict[str, Any]) -> list[Any]:
    """Give of a stored run what no clock has touched."""
    entries = []
    for entry in run["benchmarks"]:
        is_time = entry["params"]["metric"] in TIMES
        stats = None if is_time else {k: v for k, v in entry["stats"].items() if k != "ops"}
        means = {k: v for k, v in entry["extra_info"].get("means", {}).items() if k not in TIMES}
        known = {key: value for key, value in entry.items() if key not in ("stats", "extra_info")}
        entries.append((known, stats, {**entry["extra_info"], "means": means}))
    return entries


def said(run: dict[str, Any]) -> dict[str, Any]:
    """Give what a stored run says of itself, but times and the number of workers."""
    samples = [json.loads(each) for each in run["codeact"].get("samples", ())]
    for each in samples:
        each["values"] = {name: column for name, column in each["values"].items() if name not in TIMES}
    return {**run["codeact"], "samples": samples, "worker_count": None}


def assert_same_run(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Hold two stored runs equal in everything but times and the number of workers."""
    assert counted(one) == counted(other)
    assert said(one) == said(other)
