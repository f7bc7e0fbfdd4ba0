"""
The command `compare`: two stored runs, outside pytest.
"""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_codeact.cli._exit import FAILED, PASSED, misused, written
from pytest_codeact.comparison import compare_runs
from pytest_codeact.errors import RecordError, RuleError, UnknownNameError
from pytest_codeact.gate import Rule, judge
from pytest_codeact.reports._cells import as_json
from pytest_codeact.reports.comparison import comparison_as_json, comparison_as_markdown, render_comparison
from pytest_codeact.reports.gate import judgement_as_json, judgement_as_markdown, render_judgement
from pytest_codeact.stored import read_run

if TYPE_CHECKING:
    from pytest_codeact.comparison import RunComparison
    from pytest_codeact.gate import Judgement
    from pytest_codeact.measure import Metric
    from pytest_codeact.stored import StoredRun

DEFAULT_METRICS: Final = ("success", "round_trips", "tokens", "latency_s")
"""What is compared unless the user says."""

_DESCRIPTION: Final = """\
Compare two stored runs, arm by arm. A stored run is what --benchmark-save,
--benchmark-autosave or --benchmark-json wrote, or a baseline file of
--codeact-save-baseline."""

_EPILOG: Final = """\
examples:
  python -m pytest_codeact compare baselines/main.json 0007
  python -m pytest_codeact compare 0001 0002 --fail tokens:mean:5%
  python -m pytest_codeact compare 0001 0002 --format markdown > summary.md

exit codes:
  0  compared, and every rule passed
  1  a rule failed, or something cannot be compared
  2  an argument or a file cannot be read, or the output not be written"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command and its arguments."""
    compare = commands.add_parser(
        "compare",
        help="compare two stored runs",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        usage="%(prog)s A B [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.set_defaults(run=run)
    where = "a file, or a number or name in the storage"
    compare.add_argument("base", metavar="A", help=f"the earlier run: {where}")
    compare.add_argument("now", metavar="B", help="the later run")
    compare.add_argument(
        "--fail",
        metavar="RULE",
        action="append",
        default=[],
        help="exit 1 if B is worse than A by more than METRIC:STAT:LIMIT, for example tokens:mean:5%% or "
        "success:rate:-0; may be repeated",
    )
    compare.add_argument(
        "--fail-on-noise", action="store_true", help="let --fail count what is within the noise of the trials"
    )
    compare.add_argument("--format", choices=("table", "markdown", "json"), default="table", help="default: table")
    compare.add_argument(
        "--metrics",
        metavar="METRIC[,METRIC]",
        default=",".join(DEFAULT_METRICS),
        help="what is compared; default: %(default)s",
    )
    compare.add_argument(
        "--storage",
        metavar="DIR",
        default=os.environ.get("PYTEST_BENCHMARK_STORAGE", ".benchmarks"),
        help="pytest-benchmark's storage; default: %(default)s",
    )


def run(given: argparse.Namespace) -> int:
    """Compare; gives the exit code."""
    if given.fail_on_noise and not given.fail:
        return misused("--fail-on-noise says how rules decide; give one with --fail RULE")
    try:
        base, now = (_run(name, given.storage) for name in (given.base, given.now))
        known = {metric.name: metric for metric in (*base.metrics, *now.metrics)}
        metrics = [_metric(name, known) for name in given.metrics.split(",")]
        rules = [Rule.parse(text, known.values()) for text in given.fail]
    except (RecordError, RuleError, UnknownNameError) as error:
        return misused(str(error))
    compared = compare_runs(base, now, metrics)
    judgement = judge(base, now, rules, own_rules={}, on_noise=given.fail_on_noise) if rules else None
    is_passed = not compared.refusals if judgement is None else judgement.is_passed
    return written(_rendered(given.format, compared, judgement), PASSED if is_passed else FAILED)


def _run(name: str, storage: str) -> StoredRun:
    path = Path(name)
    if path.is_file():
        return read_run(path)
    # pytest-benchmark, which knows its storage, imports pytest; a path needs neither.
    from pytest_codeact.storage import find_run

    return find_run(name, storage)


def _metric(name: str, known: dict[str, Metric]) -> Metric:
    try:
        return known[name.strip()]
    except KeyError:
        raise UnknownNameError("metric", name, known, "these are what the two runs hold") from None


def _rendered(form: str, compared: RunComparison, judgement: Judgement | None) -> list[str]:
    if form == "json":
        gate = None if judgement is None else judgement_as_json(judgement)
        return [as_json({**comparison_as_json(compared), "gate": gate})]
    if judgement is not None:
        # What is said of the comparison need not be said twice.
        fresh = tuple(remark for remark in judgement.remarks if remark not in compared.remarks)
        judgement = replace(judgement, remarks=fresh)
    if form == "markdown":
        gate_lines = [] if judgement is None else ["", "### gate", "", *judgement_as_markdown(judgement)]
        return comparison_as_markdown(compared) + gate_lines
    width = shutil.get_terminal_size().columns
    lines = render_comparison(compared, width=width)
    return lines if judgement is None else [*lines, "", "gate", *render_judgement(judgement, width=width)]
