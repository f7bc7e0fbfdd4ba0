"""The journal of a run: when it is made, what stands in it, and runs that cannot write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.journal import FILE, run_names

if TYPE_CHECKING:
    from collections.abc import Callable

ELSEWHERE = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_configure_node(node):
    spec = node.gateway.spec
    spec.popen = None
    yield
    spec.popen = True
    node.workerinput["codeact"]["place"] = ["another host", "", 0, 0]
"""

FULL_DISK = """
import resource

SOFT, HARD = resource.getrlimit(resource.RLIMIT_FSIZE)

def pytest_runtest_setup(item):
    if "direct" in item.name:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SOFT, HARD))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, HARD))

def pytest_runtest_teardown():
    resource.setrlimit(resource.RLIMIT_FSIZE, (SOFT, HARD))
"""


def journals(project: pytest.Pytester) -> list[list[dict[str, Any]]]:
    """Read every journal, the newest run's first."""
    root = project.path / ".codeact"
    return [[json.loads(line) for line in (root / name / FILE).read_text().splitlines()] for name in run_names(root)]


def test_every_trial_has_a_line_and_a_verdict(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """The first line is the run's, the last its end; the directory ignores itself."""
    run("--codeact-trials=2").assert_outcomes(passed=8)
    (lines,) = journals(project)
    cells = {
        kind: sorted((each["scenario"], each["arm"], each["trial"]) for each in lines if each["kind"] == kind)
        for kind in ("trial", "verdict")
    }

    assert lines[0]["kind"] == "run"
    assert lines[0]["settings"]["trials"] == 2
    assert lines[-1] == {"kind": "end", "interrupted": False, "modes": ["reference"]}
    assert len(set(cells["trial"])) == 8
    assert cells["trial"] == cells["verdict"]
    assert {each["verdict"] for each in lines if each["kind"] == "verdict"} == {"passed"}
    assert (project.path / ".codeact" / ".gitignore").exists()


def test_trial_is_written_before_it_is_judged(project: pytest.Pytester) -> None:
    """A validator finds the trial that it judges in the journal."""
    path = project.path / "test_shelf.py"
    path.write_text(
        path.read_text()
        + """

@pytest.mark.scenario("Any.", tools=Shelf, reference=double)
def test_written(codeact_trial):
    import pathlib
    (journal,) = pathlib.Path(".codeact").glob("*/trials.jsonl")
    last = journal.read_text().splitlines()[-1]
    assert last.startswith('{"kind":"trial","scenario":"test_shelf.py::test_written","arm":"code"')
"""
    )

    project.runpytest_subprocess("-k", "written", "--codeact-arms=code").assert_outcomes(passed=1, deselected=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--collect-only",),
        ("-k", "nothing"),
        ("--codeact-seed=x",),
        ("-n2", "-k", "no"),
        ("--codeact-save-baseline=main.json", "-k", "nothing"),
    ],
)
def test_run_without_trials_makes_nothing(project: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """Looking at tests, deselecting them all or mistyping an option leaves no run behind."""
    project.runpytest_subprocess(*arguments)

    assert not (project.path / ".codeact").exists()


def test_run_of_skipped_scenarios_makes_nothing(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """What is skipped before its trial begins leaves nothing to go on with."""
    project.makeconftest("import pytest\n\ndef pytest_runtest_setup():\n    pytest.skip('no key')\n")
    run().assert_outcomes(skipped=4)

    assert not (project.path / ".codeact").exists()


def test_verdicts_are_told_apart(project: pytest.Pytester) -> None:
    """Passed, failed, error, and what nobody could judge."""
    path = project.path / "test_shelf.py"
    path.write_text(
        path.read_text()
        + """

@pytest.mark.scenario("Any.", tools=Shelf, reference=double)
def test_wrong(codeact_trial):
    assert not codeact_trial

@pytest.mark.scenario("Any.", tools=Shelf)
def test_broken(codeact_trial):
    pass

@pytest.mark.scenario("Any.", tools=Shelf, reference=double)
def test_skipped(codeact_trial):
    pytest.skip("cannot tell")
"""
    )
    project.runpytest_subprocess("--codeact-arms=code", "-k", "fill or wrong or broken or skipped")
    (lines,) = journals(project)
    verdicts = {each["scenario"]: each["verdict"] for each in lines if each["kind"] == "verdict"}

    assert verdicts == {
        "test_shelf.py::test_fill": "passed",
        "test_shelf.py::test_wrong": "failed",
        "test_shelf.py::test_broken": "error",
        "test_shelf.py::test_skipped": "unjudged",
    }


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), False),
        (("-v",), True),
        (("-v", "-n2"), True),
        (("-x", "--codeact-model=reference/early-answer"), True),
        (("--codeact-model=reference/early-answer", "-n2"), True),
    ],
)
def test_name_is_shown_where_it_is_of_use(project: pytest.Pytester, arguments: tuple[str, ...], shown: bool) -> None:
    """After a run that failed or was cut short, and with -v; a good run ends as it always did."""
    result = project.runpytest_subprocess(*arguments)
    (name,) = run_names(project.path / ".codeact")
    line = f"codeact: journal .codeact/{name}; resume with --codeact-resume={name}"

    assert (line in result.outlines) == shown


def test_secrets_of_the_command_line_are_blotted_out(project: pytest.Pytester) -> None:
    """The first line holds the command as it was given, but for what could be a secret."""
    project.makeconftest("def pytest_addoption(parser): parser.addoption('--my-api-key'); parser.addoption('--free')")
    project.runpytest_subprocess(
        "--my-api-key=abc//def",
        "--free",
        "hunter2",
        "--codeact-max-output-tokens=500",
        "--tx=popen//env:SOME=geheim//id=one",
        "--dist=load",
    )
    (name,) = run_names(project.path / ".codeact")
    text = (project.path / ".codeact" / name / FILE).read_text()
    given = [each for each in journals(project)[0][0]["args"] if not each.startswith(("--basetemp", "-p"))]

    assert given == [
        "--my-api-key=***",
        "--free",
        "***",
        "--codeact-max-output-tokens=500",
        "--tx=***",
        "--dist=load",
    ]
    assert not any(secret in text for secret in ("abc//", "hunter2", "geheim"))


def test_worker_that_does_not_see_the_file_sends_its_trials(project: pytest.Pytester) -> None:
    """The controller writes them; such a worker takes from the journal what the controller gave it."""
    project.makeconftest(ELSEWHERE)
    project.runpytest_subprocess("-n2", "-k", "fill").assert_outcomes(passed=2)
    first = [each["kind"] for each in journals(project)[0]]
    again = project.runpytest_subprocess("--codeact-resume=last", "-n2")
    whole = [each["kind"] for each in journals(project)[0]]

    assert sorted(first) == ["end", "run", "trial", "trial", "verdict", "verdict"]
    again.assert_outcomes(passed=4)
    again.stdout.fnmatch_lines(["2 of 4 trials taken from the journal"])
    assert whole.count("trial") == 4


def test_full_disk_costs_the_journal_and_not_the_run(project: pytest.Pytester) -> None:
    """Results and exit code are those of any run; one red line says what the journal lacks."""
    project.makeconftest(FULL_DISK)
    result = project.runpytest_subprocess("--benchmark-json=run.json", "--color=yes")
    stored = json.loads((project.path / "run.json").read_text())

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=4)
    assert len(stored["benchmarks"]) == 20
    result.stdout.fnmatch_lines(
        [
            "*31mthe journal is incomplete: 2 trials could not be written (OSError: ?Errno 27? File too large); "
            "a resumed run will run what is missing again*"
        ]
    )
    project.makeconftest("")
    again = project.runpytest_subprocess("--codeact-resume=last")
    again.assert_outcomes(passed=4)
    again.stdout.fnmatch_lines(["2 of 4 trials taken from the journal"])


def test_directory_that_cannot_be_made_costs_the_journal_and_not_the_run(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """A file in its place: the run is good, and says that it cannot be resumed."""
    (project.path / ".codeact").touch()
    result = run()

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["the journal is incomplete: 4 trials could not be written (NotADirectoryError: *"])


def test_runs_that_cost_nothing_are_not_kept_for_ever(project: pytest.Pytester) -> None:
    """Of many runs of the reference policy the newest twenty stay; one that failed to end stays whatever its age."""
    project.runpytest_subprocess("--codeact-arms=code", "-x", "--codeact-model=reference/early-answer")
    (cut_short,) = run_names(project.path / ".codeact")
    project.runpytest_subprocess("--codeact-arms=code").assert_outcomes(passed=2)
    newest = run_names(project.path / ".codeact")[0]
    source = project.path / ".codeact" / newest / FILE
    for number in range(30):
        copy = project.path / ".codeact" / f"20200101-000000-{number:04}"
        copy.mkdir()
        (copy / FILE).write_bytes(source.read_bytes())
    project.runpytest_subprocess("--codeact-arms=code").assert_outcomes(passed=2)
    left = run_names(project.path / ".codeact")

    assert len(left) == 21
    assert {cut_short, newest, "20200101-000000-0029", "20200101-000000-0012"} <= set(left)
    assert "20200101-000000-0011" not in left


def test_failed_test_that_is_repeated_is_run_again(project: pytest.Pytester) -> None:
    """A plugin that repeats a test gets a new trial, with workers too; a resumed run repeats the same story."""
    project.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for _ in range(2):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
        """
    )
    project.runpytest_subprocess("-n2").assert_outcomes(passed=4)
    project.runpytest_subprocess("--codeact-resume=last").assert_outcomes(passed=4)
    (lines,) = journals(project)

    assert sum(each["kind"] == "trial" for each in lines) == 8
