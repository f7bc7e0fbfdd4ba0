"""
Storage, through pytest-benchmark in a session of its own and on its command line.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.storage import pytest_benchmark_scale_unit

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent

CONFTEST = """
import pytest
from pytest_codeact import storage
from pytest_codeact.measure import METRICS, Pool, sample
from pytest_codeact.records import TrialRecord, Turn, Usage
from pytest_codeact.stored import StoredRun, run_info

def pytest_addoption(parser):
    parser.addoption("--tokens", type=float, default=1.0)
    parser.addoption("--pools", default="usual")

def trial(scenario, arm, tokens, **fields):
    turns = [
        Turn(
            index=index,
            model_s=0.25,
            waited_s=0.0,
            action_s=0.25,
            usage=None if tokens is None else Usage(input_tokens=tokens, output_tokens=1),
            tool_calls=0,
            visible_result_bytes=0,
        )
        for index in range(2)
    ]
    defaults = dict(model="reference", trial=1, mode="reference", calls=(), ended="answered", success=True)
    return TrialRecord(scenario=scenario, arm=arm, turns=tuple(turns), **(defaults | fields))

def usual(config):
    scale = config.getoption("--tokens")
    for scenario in ("test_it.py::test_one", "test_it.py::test_two"):
        for arm, tokens in (("direct", 2000), ("code", 500)):
            trials = tuple(trial(scenario, arm, int(tokens * scale) + extra) for extra in (0, 100))
            yield Pool(scenario=scenario, arm=arm, model="reference", trials=trials, error_count=0)

def one(**fields):
    return Pool(**(dict(scenario="test_it.py::test_one", arm="code", model="reference", error_count=0) | fields))

def names(config):
    for scenario, arm, model in (
        ("a/test_it.py::TestA::test_one[red::x]", "code", "reference"),
        ("a/test_it.py::test_one[red]", "code-x", "reference"),
        ("a/test_it.py::test_one[red-code]", "x", "reference"),
        ("a[1]/test_it.py::test_one", "code", "acme/big-1"),
    ):
        yield one(scenario=scenario, arm=arm, model=model, trials=(trial(scenario, arm, 10),))

def unknown(config):
    ok = trial("test_it.py::test_one", "code", 10)
    bad = trial("test_it.py::test_one", "code", None, success=False, mode="live")
    yield one(trials=(ok, bad), error_count=3)
    yield one(scenario="test_it.py::test_dark", trials=(bad,))
    yield one(scenario="test_it.py::test_down", trials=(), error_count=1)

def none(config):
    return []

def pytest_configure(config):
    storage.silence_worker(config)

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    config = session.config
    if not hasattr(config, "workerinput"):
        pools = tuple(globals()[config.getoption("--pools")](config))
        config.pools = pools
        print("published", storage.publish(config, pools, METRICS))
    return (yield)

@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    storage.trim_table(terminalreporter.config)

@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config, benchmarks, output_json):
    info = run_info(config.pools, version="0.1", models=("reference",), tokenizers=("tekken",), worker_count=0)
    samples = tuple(sample(pool, METRICS) for pool in config.pools)
    storage.update_json(output_json, StoredRun(name="this run", info=info, samples=samples, metrics=METRICS))

@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_scale_unit(config, unit, benchmarks, best, worst, sort):
    return storage.pytest_benchmark_scale_unit(config, unit, benchmarks, best, worst, sort)
"""
"""Plays the plugin's part, with pools made up."""

TESTS = """
def test_one():
    pass

def test_own(benchmark):
    benchmark(lambda: None)
"""


class Project:
    """A project with the conftest above, and how to run it."""

    def __init__(self, pytester: pytest.Pytester, *options: str) -> None:
        self.pytester = pytester
        self.options = options
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(test_it="def test_one():\n    pass\n")

    def run(self, *args: str) -> pytest.RunResult:
        fixed = ("-p", "no:cacheprovider", "-p", "no:codeact", "-s")
        return self.pytester.runpytest_subprocess(*fixed, *self.options, *args)

    def saved(self, number: str = "0001") -> dict[str, Any]:
        (path,) = (self.pytester.path / ".benchmarks").rglob(f"{number}_*.json")
        content: dict[str, Any] = json.loads(path.read_text())
        return content

    def entries(self, number: str = "0001") -> dict[str, dict[str, Any]]:
        return {entry["fullname"]: entry for entry in self.saved(number)["benchmarks"]}


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let inner runs import the package under test, and give their tables room."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture(params=[("-n0",), ("-n2",)], ids=["n0", "n2"])
def project(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Project:
    """A project that runs in one process, then over two workers."""
    return Project(pytester, *request.param)


@pytest.fixture
def plain(pytester: pytest.Pytester) -> Project:
    """A project that runs in one process."""
    return Project(pytester)


def test_save_holds_one_entry_per_stored_metric(project: Project) -> None:
    """Every scenario, arm and stored metric is an entry, whose data are the trials."""
    project.run("--benchmark-save=main", "--benchmark-save-data").assert_outcomes(passed=1)

    entries = project.entries()
    tokens = entries["test_it.py::test_one:tokens[code]"]
    metrics = ("round_trips", "input_tokens", "output_tokens", "tokens")
    assert set(entries) == {
        f"test_it.py::{test}{metric}[{arm}]"
        for test in ("test_one", "test_two")
        for arm in ("direct", "code")
        for metric in ("", *(f":{name}" for name in metrics))
    }
    assert {key: tokens[key] for key in ("name", "group", "param", "params", "extra_info", "options")} == {
        "name": "test_one:tokens[code]",
        "group": "codeact tokens",
        "param": "code",
        "params": {"arm": "code", "metric": "tokens", "model": "reference"},
        "extra_info": {"scenario": "test_it.py::test_one", "unit": "token"},
        "options": {},
    }
    assert tokens["stats"]["data"] == [1002, 1202]
    assert (tokens["stats"]["mean"], tokens["stats"]["rounds"], tokens["stats"]["iterations"]) == (1102, 2, 1)


def test_latency_entry_carries_what_is_no_metric_of_its_own(plain: Project) -> None:
    """The entry named as the test has the counts and the means of the other metrics, known and unknown."""
    plain.run("--benchmark-save=main", "--pools=unknown", "--benchmark-save-data")

    extra = plain.entries()["test_it.py::test_one[code]"]["extra_info"]
    means = extra.pop("means")
    assert extra == {
        "scenario": "test_it.py::test_one",
        "unit": "s",
        "mode": "mixed",
        "trials": 2,
        "errors": 3,
        "success_rate": 0.5,
    }
    assert means["tool_calls"] == {"value": 0.0, "known": 2, "of": 2}
    assert means["suppression"] == {"value": None, "known": 0, "of": 2}
    assert "tokens" not in means


def test_unknown_is_no_entry_and_never_zero(plain: Project) -> None:
    """An unknown figure is left out, a metric without a known one is no entry, nor is a pool of errors."""
    plain.run("--benchmark-save=main", "--pools=unknown", "--benchmark-save-data")

    entries = plain.entries()
    assert entries["test_it.py::test_one:tokens[code]"]["stats"]["data"] == [22]
    assert entries["test_it.py::test_one[code]"]["stats"]["data"] == [1.0, 1.0]
    assert sorted(name for name in entries if "test_one" not in name) == [
        "test_it.py::test_dark:round_trips[code]",
        "test_it.py::test_dark[code]",
    ]


def test_names_are_unique_and_keep_author_parameters(plain: Project) -> None:
    """The author's parameters come first in the bracket, a model but "reference" last, and no name comes twice."""
    plain.run("--benchmark-save=main", "--pools=names")

    entries = plain.entries()
    assert [(name, entry["name"]) for name, entry in entries.items() if "latency" in entry["group"]] == [
        ("a/test_it.py::TestA::test_one[red::x-code]", "test_one[red::x-code]"),
        ("a/test_it.py::test_one[red-code-x]", "test_one[red-code-x]"),
        ("a/test_it.py::test_one#2[red-code-x]", "test_one#2[red-code-x]"),
        ("a[1]/test_it.py::test_one[code-acme/big-1]", "test_one[code-acme/big-1]"),
    ]
    assert entries["a/test_it.py::TestA::test_one:tokens[red::x-code]"]["param"] == "red::x-code"
    assert len(entries) == len(plain.saved()["benchmarks"]) == 20


def test_one_file_has_the_run(project: Project) -> None:
    """--benchmark-json, -save and -autosave write once each, with the run under its key."""
    result = project.run("--benchmark-autosave", "--benchmark-json=out.json", "--pools=unknown")

    info = {
        "version": "0.1",
        "mode": "mixed",
        "models": ["reference"],
        "tokenizers": ["tekken"],
        "worker_count": 0,
        "complete": [],
        "failed": ["test_it.py::test_one", "test_it.py::test_dark", "test_it.py::test_down"],
        "interrupted": False,
        "order": "",
        "seed": 0,
    }
    assert result.ret == 0
    saved = project.saved()["codeact"]
    assert {name: saved[name] for name in info} == info
    assert json.loads((project.pytester.path / "out.json").read_text())["codeact"] == saved
    assert [json.loads(each)["scenario"] for each in saved["samples"]] == info["failed"]
    assert len(list((project.pytester.path / ".benchmarks").rglob("*.json"))) == 1


def test_compare_finds_the_baseline(project: Project) -> None:
    """A comparison is loaded once, shows both runs in our units, and its gate fails only beyond its limit."""
    project.run("--benchmark-save=main")

    same = project.run("--benchmark-compare=0001", "--benchmark-compare-fail=mean:5%")
    worse = project.run("--benchmark-compare=0001", "--benchmark-compare-fail=mean:5%", "--tokens=1.2")

    assert (same.ret, worse.ret) == (0, 1)
    same.stdout.fnmatch_lines(
        [
            "*- benchmark 'codeact latency_s': 8 tests -*",
            "Name (time in s)*",
            "*- benchmark 'codeact round_trips': 8 tests -*",
            "Name (time in round trips)*",
            "*- benchmark 'codeact tokens': 8 tests -*",
            "Name (time in tokens)*",
            "test_one:tokens?code? (0001_main) *1,002.0000 *",
        ]
    )
    assert len([line for line in same.errlines if "Comparing against" in line]) == 1
    worse.stderr.fnmatch_lines(["*test_one:tokens?code? (0001_main) - Field 'mean' has failed*: 18.* > 5.0*"])
    assert "latency" not in worse.stderr.str()


def test_tables_of_others_stay_and_ours_go(plain: Project) -> None:
    """A run that compares nothing prints pytest-benchmark's table of other tests alone."""
    plain.pytester.makepyfile(test_it=TESTS)

    result = plain.run()

    result.stdout.fnmatch_lines(["*- benchmark: 1 tests -*", "Name (time in ns)*", "test_own *"])
    result.stdout.no_fnmatch_line("*codeact*")


@pytest.mark.parametrize(
    "option", ["--benchmark-columns=mean", "--benchmark-group-by=fullfunc", "--benchmark-histogram=out/plot"]
)
def test_tables_are_there_when_asked_for(project: Project, option: str) -> None:
    """Who chooses columns, groups or a histogram gets them for our entries too."""
    result = project.run(option)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["Name (time in tokens)*"])


def test_histogram_names_the_unit(plain: Project) -> None:
    """A histogram of tokens is titled so."""
    plain.run("--benchmark-histogram=plot")

    titles = (plain.pytester.path / "plot-codeact_tokens.svg").read_text()
    assert "Speed in tokens of codeact tokens" in titles
    assert (plain.pytester.path / "plot-codeact_round_trips.svg").exists()


def test_mixed_units_say_so(plain: Project) -> None:
    """A table whose rows have several units claims none of them."""
    result = plain.run("--benchmark-group-by=param:arm")

    result.stdout.fnmatch_lines(["*- benchmark 'arm=code': 10 tests -*", "Name (time in mixed units)*"])


@pytest.mark.parametrize(
    ("args", "published"),
    [
        (("--benchmark-disable",), False),
        (("--benchmark-disable", "--benchmark-enable"), True),
        (("--benchmark-skip",), False),
    ],
)
def test_benchmarks_switched_off_are_not_published(project: Project, args: tuple[str, ...], *, published: bool) -> None:
    """Who switches benchmarks off saves none, which pytest-benchmark alone would do all the same."""
    result = project.run("--benchmark-save=main", *args)

    result.stdout.fnmatch_lines([f"*published {published}"])
    assert bool(list((project.pytester.path / ".benchmarks").rglob("*.json"))) == published


def test_run_without_pytest_benchmark(project: Project) -> None:
    """Without pytest-benchmark nothing is published, compared or trimmed, and the run passes."""
    result = project.run("-p", "no:benchmark", "-W", "error")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*published False"])


def test_import_needs_no_pytest_benchmark() -> None:
    """Importing the module imports neither pytest-benchmark nor anything of it."""
    code = (
        "import sys; sys.modules['pytest_benchmark'] = None; import pytest_codeact.storage; "
        "print([name for name in sys.modules if name.startswith(('pytest_benchmark.', 'syrupy', 'pygal'))])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


OURS: dict[str, Any] = {"group": "codeact tokens", "extra_info": {"unit": "token"}}
TRIPS: dict[str, Any] = {"group": "codeact round_trips", "extra_info": {"unit": "round trip"}}
SECONDS: dict[str, Any] = {"group": "codeact latency_s", "extra_info": {"unit": "s"}}
OTHER: dict[str, Any] = {"group": None, "extra_info": {"unit": "token"}, "min": 0.5}
ALIKE: dict[str, Any] = {"group": "codeact it yourself", "extra_info": {}}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([OURS], ("token", 1.0)),
        ([TRIPS, TRIPS], ("round trip", 1.0)),
        ([OURS, TRIPS], ("mixed unit", 1.0)),
        ([OURS, SECONDS], ("mixed unit", 1.0)),
        ([OURS, OTHER], ("mixed unit", 1.0)),
        ([SECONDS], None),
        ([SECONDS, OTHER], None),
        ([OTHER], None),
        ([ALIKE], None),
    ],
)
def test_scale_unit_answers_for_our_rows_alone(
    rows: list[dict[str, Any]], expected: tuple[str, float] | None, pytestconfig: pytest.Config
) -> None:
    """In a test run our units are never scaled, and seconds and the rows of others are left to others."""
    assert pytest_benchmark_scale_unit(pytestconfig, "seconds", rows, {}, {}, "min") == expected


def test_scale_unit_leaves_operations_bare() -> None:
    """The OPS column of our tables has no prefix."""
    assert pytest_benchmark_scale_unit(None, "operations", [OURS], {}, {}, "min") == ("", 1.0)


def test_scale_unit_always_answers_the_command_line() -> None:
    """The tool is told what pytest-benchmark says of rows that are not ours."""
    answer = pytest_benchmark_scale_unit(None, "seconds", [OTHER], {"min": 0.5}, {}, "min")

    assert answer == ("m", 1e3)


def test_top_level_conftest_leaves_tables_of_others_alone(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by pytest too, the function answers for our rows alone, so that other plugins are asked."""
    plain.pytester.makepyfile(test_it=TESTS)
    shutil.copy(ROOT / "conftest.py", plain.pytester.path / "conftest.py")
    plain.pytester.makepyfile(
        other="""
        import pytest
        @pytest.hookimpl(optionalhook=True)
        def pytest_benchmark_scale_unit(config, unit, benchmarks, best, worst, sort):
            return "parsec", 1.0
    """
    )

    # By -p it would come before pytest-benchmark, and be asked after it.
    monkeypatch.setenv("PYTEST_PLUGINS", "other")

    asked = plain.run()
    without = plain.run("-p", "no:benchmark", "-k", "test_one")

    asked.stdout.fnmatch_lines(["Name (time in parsecs)*"])
    assert without.ret == 0


@pytest.fixture
def compare(plain: Project) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Save two runs in a project set up as this one is, and give its `pytest-benchmark compare 0001 0002`."""
    plain.run("--benchmark-save=main")
    plain.run("--benchmark-save=new", "--tokens=1.2")
    shutil.copy(ROOT / "conftest.py", plain.pytester.path / "conftest.py")
    shutil.copy(ROOT / "pyproject.toml", plain.pytester.path / "pyproject.toml")
    plain.pytester.mkdir("scenarios")

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        tool = Path(sys.executable).with_name("pytest-benchmark")
        return subprocess.run(
            [tool, "compare", "0001", "0002", *args],
            cwd=plain.pytester.path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_command_line_shows_units(compare: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """`pytest-benchmark compare` knows our units through the top-level conftest, and scales seconds itself."""
    done = compare()

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("  ")[0] for line in done.stdout.splitlines() if line.startswith("Name")] == [
        "Name (time in tokens)",
        "Name (time in s)",
        "Name (time in tokens)",
        "Name (time in round trips)",
        "Name (time in tokens)",
    ]


def test_command_line_sets_arms_side_by_side(compare: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Grouped by fullfunc, a table is one metric of one scenario, with a row per arm and run."""
    done = compare("--group-by=fullfunc", "-k", "one", "--columns=mean")

    lines = done.stdout.splitlines()
    (start,) = (index for index, line in enumerate(lines) if "'test_it.py::test_one:tokens': 4 tests" in line)
    assert lines[start + 1].startswith("Name (time in tokens)")
    assert sorted(line.split("(")[0].strip() for line in lines[start + 3 : start + 7]) == [
        "test_one:tokens[code]",
        "test_one:tokens[code]",
        "test_one:tokens[direct]",
        "test_one:tokens[direct]",
    ]


def test_command_line_compares_between_runs(compare: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """The change of one metric is a percentage."""
    done = compare("--between=mean", "-k", ":tokens and code")

    assert "+18.1%" in done.stdout


def test_command_line_writes_csv(compare: Callable[..., subprocess.CompletedProcess[str]], plain: Project) -> None:
    """A CSV has a column for arm, metric and model."""
    compare("--csv=out.csv", "--columns=mean")

    with (plain.pytester.path / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0].keys() == {"name", "param:arm", "param:metric", "param:model", "mean"}
    assert len(rows) == 40
    assert {row["param:arm"] for row in rows} == {"direct", "code"}


def test_command_line_draws(compare: Callable[..., subprocess.CompletedProcess[str]], plain: Project) -> None:
    """A histogram of tokens is titled so."""
    done = compare("--histogram=plot", "--group-by=fullfunc")

    assert done.returncode == 0
    titles = [path.read_text() for path in plain.pytester.path.glob("plot-*tokens.svg")]
    assert len(titles) == 6
    assert all("Speed in tokens of" in title for title in titles)
