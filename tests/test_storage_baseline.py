"""Baselines, found and written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from records_of import record
from runs_of import sample, stored_run

from pytest_codeact.errors import RecordError
from pytest_codeact.measure import METRICS, Metric, pools
from pytest_codeact.storage import claim_baseline, entries, find_run, forgive_machine, save_baseline
from pytest_codeact.stored import RUN_KEY, read_run, to_json

RUN = stored_run(sample("one", {"tokens": [1000, 1001]}))


def put(path: Path, content: object = None) -> Path:
    """Write a stored run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({RUN_KEY: to_json(RUN)} if content is None else content))
    return path


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage of two runs, in the working directory."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "runs" / "0001_main.json")
    put(tmp_path / "runs" / "0002_new.json")
    return tmp_path / "runs"


def config(compare: object, storage: str = "runs") -> Any:
    """Make what a baseline is claimed of."""
    options = {"benchmark_compare": compare, "benchmark_storage": storage}
    return SimpleNamespace(
        option=SimpleNamespace(benchmark_compare=compare),
        getoption=lambda name, default=None: options.get(name, default),
    )


@pytest.mark.parametrize(
    ("compare", "name"),
    [("0001", "0001_main.json"), ("0002_new", "0002_new.json"), (True, "0002_new.json"), ("main.json", "main.json")],
)
def test_baseline_is_what_is_named(compare: object, name: str, storage: Path) -> None:
    """A number, a name, nothing for the latest, or a path, in a storage or not."""
    put(Path("main.json"))

    claimed = claim_baseline(config(compare), gated=True)

    assert claimed.path is not None
    assert claimed.path.name == name
    assert claimed.read() is not None


def test_path_is_found_without_a_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first run has a baseline file and no storage yet, and looking makes none."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "main.json")

    assert claim_baseline(config("main.json"), gated=True).path == Path("main.json")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("compare", ["0007", "none.json", "a/b/none.json", "/a/b/none.json", "/none", "/", True])
@pytest.mark.parametrize("made", [True, False])
def test_baseline_that_is_not_there_is_kept_from_pytest_benchmark(
    compare: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, made: bool
) -> None:
    """Pytest-benchmark, which would warn or die, is told nothing of it: a marker may have rules."""
    monkeypatch.chdir(tmp_path)
    if made:
        (tmp_path / "runs").mkdir()
    asked, without = config(compare), config(compare)

    assert claim_baseline(without, gated=False).count == 0
    if compare != "/":
        assert claim_baseline(asked, gated=True).read() is None
        assert asked.option.benchmark_compare == []
    assert without.option.benchmark_compare == []


def test_directory_is_no_baseline(storage: Path) -> None:
    """A gate that is given a directory says so before the run, and so does the command."""
    with pytest.raises(pytest.UsageError) as gated:
        claim_baseline(config(str(storage)), gated=True)
    with pytest.raises(RecordError) as command:
        find_run(str(storage), "runs")

    assert str(gated.value) == (f"--benchmark-compare={storage} is a directory; name a file in it, or a stored run")
    assert str(command.value) == f"{str(storage)!r} is a directory; name a file in it, or a stored run"


def test_nothing_named_is_no_baseline() -> None:
    """Without --benchmark-compare, and without pytest-benchmark, there is none."""
    assert claim_baseline(config([]), gated=True).asked == ""
    assert claim_baseline(config(None), gated=True).read() is None


def test_several_runs_are_no_baseline(storage: Path) -> None:
    """A name that fits several runs is refused by a gate, and left to pytest-benchmark without one."""
    with pytest.raises(pytest.UsageError) as caught:
        claim_baseline(config("000"), gated=True)

    assert str(caught.value) == (
        f"--benchmark-compare=000 names 2 stored runs: {storage / '0001_main.json'}, {storage / '0002_new.json'}; "
        "--codeact-fail compares with one; name it"
    )
    assert claim_baseline(config("000"), gated=False).path is None


def test_baseline_that_cannot_be_read_ends_the_run_before_it_starts(storage: Path) -> None:
    """With rules a bad baseline is a usage error: nothing is run, nothing is paid."""
    put(storage / "0003_bad.json", {"benchmarks": []})

    with pytest.raises(pytest.UsageError) as caught:
        claim_baseline(config("0003"), gated=True)

    assert str(caught.value) == (
        f"--benchmark-compare=0003: {str(storage / '0003_bad.json')!r} holds no run of pytest-codeact: it has no "
        "'codeact' part; give a file that a run with scenarios saved"
    )
    assert claim_baseline(config("0003"), gated=False).path == storage / "0003_bad.json"


def test_run_is_found_by_the_name_it_was_saved_under(storage: Path) -> None:
    """The name alone will do where no number or file has it; one that two runs have is refused."""
    put(storage / "0003_a_b.json")
    put(storage / "0004_new.json")
    claimed = config("a_b")

    assert find_run("a_b", "runs").name == str(storage / "0003_a_b.json")
    assert claim_baseline(claimed, gated=True).path == storage / "0003_a_b.json"
    assert claimed.option.benchmark_compare == str(storage / "0003_a_b.json")
    with pytest.raises(RecordError) as caught:
        find_run("new", "runs")
    assert str(caught.value) == (
        f"'new' names 2 stored runs: {storage / '0002_new.json'}, {storage / '0004_new.json'}; name one"
    )
    with pytest.raises(RecordError, match="there is no stored run 'b'"):
        find_run("b", "runs")


def test_run_is_found_by_number(storage: Path) -> None:
    """The command line takes what --benchmark-compare takes."""
    assert find_run("0002", "runs").samples == RUN.samples
    assert find_run("0002", f"file://{storage}").samples == RUN.samples


@pytest.mark.parametrize(
    ("asked", "storage_name", "message"),
    [
        (
            "0009",
            "runs",
            "there is no stored run '0009', as a file or in the storage 'runs', which has 0001_main, 0002_new",
        ),
        ("0009", "none", "there is no stored run '0009', as a file or in the storage 'none', which has nothing"),
        ("0", "runs", "'0' names 2 stored runs: {runs}/0001_main.json, {runs}/0002_new.json; name one"),
    ],
)
def test_run_that_is_not_found_says_what_there_is(asked: str, storage_name: str, message: str, storage: Path) -> None:
    """A name that fits none or several says so, and what it could have been."""
    with pytest.raises(RecordError) as caught:
        find_run(asked, storage_name)

    assert str(caught.value) == message.replace("{runs}", str(storage))


def test_machine_of_a_baseline_file_is_this_one() -> None:
    """A file that says of no machine passes for one of this; a stored run keeps the machine it names."""
    file: dict[str, Any] = {"machine_info": {}, RUN_KEY: {}}
    stored: dict[str, Any] = {"machine_info": {"node": "other"}, RUN_KEY: {}}
    foreign: dict[str, Any] = {"machine_info": {}}

    for compared in (file, stored, foreign):
        forgive_machine({"node": "this"}, compared)

    assert [each["machine_info"] for each in (file, stored, foreign)] == [{"node": "this"}, {"node": "other"}, {}]


GROUPED = pools([record("test_a.py::test_one", trial=trial) for trial in (1, 2)])


def test_baseline_file_is_small_and_sorted(tmp_path: Path) -> None:
    """One line per row and sample, keys in order, no word of machine, commit and time; what was there is replaced."""
    path = tmp_path / "deep" / "main.json"
    for _ in range(2):
        save_baseline(path, RUN, entries(GROUPED, METRICS, taken=set()))

    content = json.loads(path.read_text())
    lines = path.read_text().splitlines()
    assert read_run(path).samples == RUN.samples
    assert content.keys() == {"benchmarks", RUN_KEY, "machine_info"}
    assert content["machine_info"] == {}
    assert len([line for line in lines if '"fullname"' in line]) == len(content["benchmarks"]) == 5
    assert len([line for line in lines if '"trials"' in line]) == 1
    assert list(content[RUN_KEY]) == [*sorted(content[RUN_KEY].keys() - {"samples"}), "samples"]
    assert content["benchmarks"][0]["stats"].keys() == dict.fromkeys(sorted(content["benchmarks"][0]["stats"])).keys()
    assert [each.name for each in path.parent.iterdir()] == ["main.json"]


def test_times_of_a_baseline_file_have_six_digits(tmp_path: Path) -> None:
    """Seconds are rounded, to digits and not to decimals; what is counted is kept to the last one."""
    run = stored_run(sample("one", {"latency_s": [0.0012345678, 12.0], "tokens": [1234567.0, None]}))

    save_baseline(tmp_path / "main.json", run, [])

    assert '"values":{"latency_s":[0.00123457,12],"tokens":[1234567,null]}' in (tmp_path / "main.json").read_text()


def test_metrics_of_others_are_described_in_a_baseline_file(tmp_path: Path) -> None:
    """What is built in is known by its name; what is not is kept with title, unit and direction, and read again."""
    tips = Metric(name="tips", title="tips", unit="tip", value=lambda _record: 1.0, better="higher")
    run = replace(stored_run(sample("one", {"tips": [1.0]})), metrics=(*METRICS, tips))

    save_baseline(tmp_path / "main.json", run, [])

    content = json.loads((tmp_path / "main.json").read_text())[RUN_KEY]["metrics"]
    read = {metric.name: metric for metric in read_run(tmp_path / "main.json").metrics}
    assert [name for name, described in content.items() if described] == ["tips"]
    assert {metric.name: metric for metric in METRICS}.items() <= read.items()
    assert (read["tips"].title, read["tips"].unit, read["tips"].better) == ("tips", "tip", "higher")


def test_rows_of_zeros_keep_what_cannot_be_worked_out(tmp_path: Path) -> None:
    """Of a mean of 0 pytest-benchmark would work out operations per unit by a division."""
    zero = Metric(name="zero", title="zero", unit="call", value=lambda _record: 0.0, stored=True)

    save_baseline(tmp_path / "main.json", RUN, entries(GROUPED, [zero, *METRICS], taken=set()))

    rows = json.loads((tmp_path / "main.json").read_text())["benchmarks"]
    assert [row["params"]["metric"] for row in rows if "ops" in row["stats"]] == ["zero"]


def test_baseline_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    """A path that is a directory is not replaced, and no half file stays beside it."""
    (tmp_path / "main.json").mkdir()

    with pytest.raises(OSError, match=r"main\.json"):
        save_baseline(tmp_path / "main.json", RUN, [])

    assert [each.name for each in tmp_path.iterdir()] == ["main.json"]
