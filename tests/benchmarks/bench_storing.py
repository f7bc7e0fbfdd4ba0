"""
Measure what a stored run costs: CPU seconds and bytes, against pytest-benchmark's own save of as many entries.

Ten thousand trials, as 100 scenarios in 2 arms with 50 trials, and as 1,000 scenarios in 2 arms with 5. They are set
against 10,000 entries of one round that carry the same figures as extra_info, which is what one keeps of as many trials
with pytest-benchmark alone; and, to see what the trials' figures add, against the very entries that we make, without
those figures. Scenarios with one trial each have no target: every one of them has five rows in pytest-benchmark's file,
and nothing is pooled. Also how long the gate takes to judge two such runs. Run it as a script::

    python tests/benchmarks/bench_storing.py
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_benchmark.stats import Metadata
from pytest_benchmark.storage.file import FileStorage

from pytest_codeact.gate import Rule, judge
from pytest_codeact.measure import METRICS, pools, sample
from pytest_codeact.records import CallRecord, TrialRecord, Turn, Usage
from pytest_codeact.storage import entries, update_json
from pytest_codeact.stored import StoredRun, read_run, run_info

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRIALS = 10_000
TARGET_RATIO = 1.1
"""
CPU of our save, in multiples of pytest-benchmark's save of as many entries: of one per trial, or of our own where
those are as many or more.
"""
TARGET_BYTES = 2_500
"""Per trial, of the whole file."""
REPEATS = 5


class _Silent:
    """A logger for a storage."""

    def info(self, _text: str) -> None:
        """Say nothing."""


def main() -> int:
    """Print the figures; 1 if a target is missed."""
    missed = [_measure(scenarios, trials) for scenarios, trials in ((100, 50), (1_000, 5), (5_000, 1))]
    return int(any(missed[:-1]))


def _measure(scenarios: int, trials: int) -> bool:
    draw = random.Random(1)
    records = [
        _record(f"test_all.py::test_{scenario}", arm, trial, draw)
        for scenario in range(scenarios)
        for arm in ("direct", "code")
        for trial in range(1, trials + 1)
    ]
    grouped = pools(records)
    run = StoredRun(
        name="this run",
        info=replace(run_info(grouped, version="0", models=("reference",), tokenizers=(), worker_count=0), failed=()),
        samples=tuple(sample(pool, METRICS) for pool in grouped),
        metrics=METRICS,
    )
    theirs_s, theirs_bytes, _ = min(_saved(lambda: _own_entries(records), None) for _ in range(REPEATS))
    bare_s, bare_bytes, _ = min(_saved(lambda: entries(grouped, METRICS, taken=set()), None) for _ in range(REPEATS))
    ours_s, ours_bytes, path = min(_saved(lambda: entries(grouped, METRICS, taken=set()), run) for _ in range(REPEATS))
    start = time.process_time()
    stored = read_run(Path(path))
    read_s = time.process_time() - start
    start = time.process_time()
    rules = [Rule.parse(text, METRICS) for text in ("tokens:mean:5%", "latency_s:median:20%", "success:rate:-0")]
    judge(stored, replace(run, samples=tuple(reversed(run.samples))), rules, own_rules={}, on_noise=False)
    judge_s = time.process_time() - start
    sys.stdout.write(
        f"{scenarios} scenarios x 2 arms x {trials} trials, {len(entries(grouped, METRICS, taken=set()))} entries\n"
        f"pytest-benchmark, an entry per trial  {theirs_s:7.3f} s  {theirs_bytes / TRIALS:7,.0f} B per trial\n"
        f"our entries without the trials        {bare_s:7.3f} s  {bare_bytes / TRIALS:7,.0f} B per trial\n"
        f"our entries and every trial           {ours_s:7.3f} s  {ours_bytes / TRIALS:7,.0f} B per trial\n"
        f"ratio to an entry per trial           {ours_s / theirs_s:7.3f}\n"
        f"ratio to our entries without trials   {ours_s / bare_s:7.3f}\n"
        f"{'':38}(target: at most {TARGET_RATIO} of one of them, and {TARGET_BYTES:,} B per trial)\n"
        f"reading it                            {read_s:7.3f} s\n"
        f"judging it by 3 rules                 {judge_s:7.3f} s\n\n"
    )
    return ours_s > TARGET_RATIO * max(theirs_s, bare_s) or ours_bytes > TARGET_BYTES * TRIALS


def _own_entries(records: Sequence[TrialRecord]) -> list[Any]:
    """Make an entry of one round per trial, as pytest-benchmark makes of a test that notes its figures."""
    make: Any = Metadata
    made = []
    for number, record in enumerate(records):
        name = f"test_{number}"
        fixture = SimpleNamespace(name=name, fullname=f"test_all.py::{name}", group=None, param=None, params=None)
        fixture.extra_info, fixture.cprofile_stats = {metric.name: metric.value(record) for metric in METRICS}, None
        made.append(make(fixture, iterations=1, options={"min_rounds": 5, "max_time": 1.0, "timer": "perf_counter"}))
        made[-1].update(0.25)
    return made


def _saved(make: Callable[[], list[Any]], run: StoredRun | None) -> tuple[float, int, str]:
    """Make entries and save them as pytest-benchmark does; with a run, put our part in as well."""
    directory = Path(tempfile.mkdtemp(prefix="bench-storing-"))
    storage: Any = FileStorage(directory, logger=_Silent(), default_machine_id="machine")  # type: ignore[no-untyped-call]  # it has no types
    start = time.process_time()
    output: dict[str, Any] = {"machine_info": {}, "benchmarks": [each.as_dict(include_data=False) for each in make()]}
    if run is not None:
        update_json(output, run)
    storage.save(output, "run")
    seconds = time.process_time() - start
    (path,) = directory.rglob("*.json")
    return seconds, path.stat().st_size, str(path)


def _record(scenario: str, arm: str, trial: int, draw: random.Random) -> TrialRecord:
    turns = tuple(
        Turn(
            index=index,
            model_s=draw.lognormvariate(0, 0.3),
            waited_s=0.0,
            action_s=draw.lognormvariate(-3, 0.3),
            usage=Usage(input_tokens=draw.randrange(500, 5_000), output_tokens=draw.randrange(50, 500)),
            tool_calls=1,
            visible_result_bytes=draw.randrange(2_000),
        )
        for index in range(4)
    )
    call = CallRecord(name="f", arguments={}, result=1, error=None, result_bytes=3_000, tool_s=0.0, origin="direct")
    return TrialRecord(
        scenario=scenario,
        arm=arm,
        model="reference",
        trial=trial,
        mode="reference",
        turns=turns,
        calls=(call,) * 4,
        ended="answered",
        success=draw.random() < 0.9,
    )


if __name__ == "__main__":
    sys.exit(main())
