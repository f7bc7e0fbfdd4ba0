"""--snapshot-update: only the reference solution writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def files(project: pytest.Pytester) -> Callable[[], dict[str, str]]:
    """Give a function that reads all snapshots."""

    def read() -> dict[str, str]:
        return {path.stem: path.read_text() for path in (project.path / "snapshots").rglob("*.json")}

    return read


def test_update_writes_what_was_missing(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], files: Callable[[], dict[str, str]]
) -> None:
    """A missing file is written as it was, from the reference solution; a changed one is put right."""
    before = files()
    (project.path / "snapshots/test_shelf/test_fill.json").unlink()
    (project.path / "snapshots/test_shelf/test_double.json").write_text('{"answer": 99}\n')
    missing = run()
    updated = run("--snapshot-update")

    missing.assert_outcomes(failed=4)
    missing.stdout.fnmatch_lines_random(
        ["*Snapshot 'snapshots/test_shelf/test_fill.json' does not exist!", "*run: pytest --snapshot-update"]
    )
    updated.assert_outcomes(passed=4)
    updated.stdout.fnmatch_lines(["snapshots: 2 written, 0 unchanged, 0 refused"])
    assert files() == before
    run("--snapshot-update").stdout.fnmatch_lines(["snapshots: 0 written, 2 unchanged, 0 refused"])


def test_update_refuses_when_an_arm_disagrees(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult], files: Callable[[], dict[str, str]]
) -> None:
    """One arm that ends otherwise keeps the scenario's file as it is; other scenarios are written."""
    project.makeconftest(
        """
        import pytest

        @pytest.fixture
        def codeact_tools(codeact_case, codeact_scenario):
            from pytest_codeact.tools import Toolbox

            world = codeact_scenario.make_world()
            if codeact_case.arm == "code" and "fill" in codeact_scenario.id:
                world.items["jug"] = 9
            return Toolbox(world)
        """
    )
    for path in (project.path / "snapshots").rglob("*.json"):
        path.write_text('{"answer": 99}\n')
    result = run("--snapshot-update")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*the arm disagrees with the reference solution; the snapshot is not written",
            "snapshots: 1 written, 0 unchanged, 1 refused because a trial disagreed, failed or ended in an error:",
            "  test_shelf.py::test_fill",
        ]
    )
    assert files()["test_fill"] == '{"answer": 99}\n'
    assert '"answer": 4' in files()["test_double"]


def test_update_without_a_reference_is_refused(project: pytest.Pytester, files: Callable[[], dict[str, str]]) -> None:
    """Ground truth needs a solution; a model's answer is none."""
    project.makeconftest(
        """
        import pytest
        from pytest_codeact.providers import Reply
        from pytest_codeact.records import Message

        class Model:
            def complete(self, request):
                return Reply(message=Message(role="assistant", text="6"), stop="end")

        @pytest.fixture
        def codeact_client():
            return Model()
        """
    )
    shelf = project.path / "test_shelf.py"
    shelf.write_text(shelf.read_text().replace("reference=fill, ", ""))
    before = files()
    result = project.runpytest_subprocess("-k", "fill", "--codeact-arms=direct", "--snapshot-update")

    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*test_fill has no reference solution*add reference=... to its marker*"])
    assert files() == before


def test_orphan_is_reported_and_the_readme_is_not(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """A snapshot without a test is unused; other files in the directory are nobody's business."""
    (project.path / "snapshots/test_shelf/test_gone.json").write_text("{}\n")
    (project.path / "snapshots/README.md").write_text("Ground truth.\n")
    result = run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*1 snapshot unused*"])
    run("--snapshot-update")
    assert not (project.path / "snapshots/test_shelf/test_gone.json").exists()
    assert (project.path / "snapshots/README.md").exists()


@pytest.mark.parametrize("selection", ["test_shelf.py::test_fill[code]", "-kfill", "--codeact-arms=direct-serial"])
def test_part_of_the_suite_reports_nothing_unused(run: Callable[..., pytest.RunResult], selection: str) -> None:
    """Snapshots of scenarios that were not selected are not missed."""
    result = run(selection)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*snapshot* unused*")


def test_worker_that_dies_costs_its_trial_and_no_snapshot(
    project: pytest.Pytester, files: Callable[[], dict[str, str]]
) -> None:
    """The trial is an error, the others are stored and shown, and no snapshot is lost or called unused."""
    shelf = project.path / "test_shelf.py"
    dying = "def test_fill(codeact_trial, codeact_snapshot, codeact_case):\n"
    dying += "    import os\n    if codeact_case.arm == 'code': os._exit(1)\n"
    shelf.write_text(shelf.read_text().replace("def test_fill(codeact_trial, codeact_snapshot):\n", dying))
    before = files()
    result = project.runpytest_subprocess("-n2", "--max-worker-restart=2", "--snapshot-update")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["fill *direct *0 *1/1*", "*code *1 *0/0 *n/a*"])
    result.stdout.no_fnmatch_line("*snapshot* unused*")
    assert files() == before
