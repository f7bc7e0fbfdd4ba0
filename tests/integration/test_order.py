"""--codeact-order: how the arms of a scenario follow each other in a run, and what the stored run says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import stored

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

BACKWARDS = """
def pytest_collection_modifyitems(items):
    items.reverse()
"""

WORKERS = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if report.when == "call" and hasattr(report, "node"):
        with open("workers.txt", "a") as log:
            log.write(f"{report.node.gateway.id} {report.nodeid}\\n")
"""


def collected(project: pytest.Pytester, *args: str) -> list[str]:
    """List the names of the tests in the order they would run."""
    result = project.runpytest_subprocess("--collect-only", "-q", *args)
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_arms_run_in_abba_blocks(project: pytest.Pytester) -> None:
    """Other tests keep their places."""
    project.makepyfile(test_a="def test_first(): pass", test_z="def test_last(): pass")

    assert collected(project, "--codeact-trials=2") == [
        "test_first",
        "test_fill[direct-t1]",
        "test_fill[code-t1]",
        "test_fill[code-t2]",
        "test_fill[direct-t2]",
        "test_double[code-t1]",
        "test_double[direct-t1]",
        "test_double[direct-t2]",
        "test_double[code-t2]",
        "test_last",
    ]


def test_parameters_of_the_author_make_scenarios_of_their_own(project: pytest.Pytester) -> None:
    """Each has its blocks, and they begin with the arms in turn."""
    shelf = project.path / "test_shelf.py"
    mark = "@pytest.mark.parametrize('colour', ['red', 'blue'])\n@pytest.mark.scenario(\"Put"
    text = shelf.read_text().replace('@pytest.mark.scenario("Put', mark)
    shelf.write_text(text.replace("test_fill(codeact_trial", "test_fill(colour, codeact_trial"))

    assert collected(project, "-k", "fill") == [
        "test_fill[red-direct]", "test_fill[red-code]", "test_fill[blue-code]", "test_fill[blue-direct]",
    ]  # fmt: skip


def test_shuffled_order_follows_the_seed(project: pytest.Pytester) -> None:
    """The same seed gives the same order in another process, another seed another."""
    arguments = ("--codeact-trials=20", "--codeact-order=shuffled")
    first, again = (collected(project, *arguments, "--codeact-seed=1") for _ in range(2))

    assert first == again
    assert first != collected(project, *arguments, "--codeact-seed=2")
    assert sorted(first) == sorted(collected(project, "--codeact-trials=20"))


@pytest.mark.parametrize("order", ["abba", "shuffled"])
def test_order_is_stored_with_the_run(project: pytest.Pytester, run: Run, order: str) -> None:
    """With and without workers; leaving some trials out leaves the others in order."""
    arguments = (f"--codeact-order={order}", "--codeact-trials=3", "--codeact-seed=5", "--benchmark-json=run.json")
    # Of what workers deselect, their controller does not know.
    assert run(*arguments, "--deselect=test_shelf.py::test_fill[code-t2]").parseoutcomes()["passed"] == 11
    info = stored(project)["codeact"]

    assert (info["order"], info["seed"]) == (order, 5)


def test_stored_order_is_other_where_another_plugin_had_the_last_word(project: pytest.Pytester, run: Run) -> None:
    """The file does not claim an order that was not kept."""
    project.makeconftest(BACKWARDS)
    run("--benchmark-json=run.json", "--codeact-trials=2").assert_outcomes(passed=8)

    assert stored(project)["codeact"]["order"] == "other"


def test_failed_first_is_another_order(project: pytest.Pytester) -> None:
    """The user who asks for it gets it."""
    shelf = project.path / "test_shelf.py"
    body = "def test_fill(codeact_trial, codeact_case, codeact_snapshot):\n    assert codeact_case.trial < 3\n"
    shelf.write_text(shelf.read_text().replace("def test_fill(codeact_trial, codeact_snapshot):\n", body))
    project.runpytest_subprocess("--codeact-trials=3").assert_outcomes(passed=10, failed=2)

    assert collected(project, "--codeact-trials=3", "--failed-first")[:2] == [
        "test_fill[code-t3]",
        "test_fill[direct-t3]",
    ]
    project.runpytest_subprocess("--codeact-trials=3", "--failed-first", "--benchmark-json=run.json")
    assert stored(project)["codeact"]["order"] == "other"


@pytest.mark.parametrize("mode", ["-n2", "-n3"])
def test_pair_of_blocks_runs_on_one_worker_in_order(project: pytest.Pytester, mode: str) -> None:
    """Two consecutive trial numbers of a scenario, all arms, never part."""
    project.makeconftest(WORKERS)
    project.runpytest_subprocess(mode, "--codeact-trials=6").assert_outcomes(passed=24)
    lines = [line.split() for line in (project.path / "workers.txt").read_text().splitlines()]
    order = collected(project, "--codeact-trials=6")
    for start in range(0, 24, 4):
        pair = order[start : start + 4]
        at = [(worker, node_id.partition("::")[2]) for worker, node_id in lines if node_id.partition("::")[2] in pair]

        assert len({worker for worker, _ in at}) == 1
        assert [name for _, name in at] == pair


def test_unknown_order_is_a_usage_error(project: pytest.Pytester) -> None:
    """One line and exit code 4."""
    result = project.runpytest_subprocess("--codeact-order=random")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --codeact-order: unknown order 'random'; known orders: abba, shuffled"])
