"""Storage that fails: nothing is lost, and the run says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

ROOT = Path(__file__).parent.parent.parent


def rescued(result: pytest.RunResult) -> dict[str, object]:
    """Give what is in the file that the run names in place of the one it could not write."""
    (line,) = [line for line in result.outlines if line.startswith("the run could not be saved: ")]
    match = re.search(r"; it is in (\S+) instead; ", line)
    assert match, line
    content: dict[str, object] = json.loads(Path(match[1]).read_text())
    Path(match[1]).unlink()
    return content


@pytest.mark.parametrize("option", ["--benchmark-save=x", "--benchmark-autosave"])
def test_storage_that_cannot_be_written(project: pytest.Pytester, run: Run, option: str) -> None:
    """A storage below a regular file, which not even root can make: tests pass, the run is kept, the exit is 1."""
    (project.path / "file").touch()

    result = run(option, "--benchmark-storage=file/runs")

    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    content = rescued(result)
    assert len(content["codeact"]["samples"]) == 4  # type: ignore[index]  # JSON of a known form
    assert len(content["benchmarks"]) == 20  # type: ignore[arg-type]  # a list


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_disk_that_is_full(project: pytest.Pytester, once: Run) -> None:
    """--benchmark-json on a full disk: the run is kept elsewhere, the exit is 1."""
    result = once("--benchmark-json=/dev/full")

    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "No space left on device" in result.stdout.str()
    assert len(rescued(result)["codeact"]["samples"]) == 4  # type: ignore[index]  # JSON of a known form


def test_two_runs_that_save_at_once(project: pytest.Pytester) -> None:
    """Both runs are saved, whole, under numbers of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-save=x"]
    running = [
        subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)
    ]
    outputs = [each.communicate()[0].decode() for each in running]

    assert [each.returncode for each in running] == [0, 0], outputs
    stored = sorted((project.path / ".benchmarks").rglob("*.json"))
    assert [path.name for path in stored] == ["0001_x.json", "0002_x.json"]
    assert [len(json.loads(path.read_text())["codeact"]["samples"]) for path in stored] == [4, 4]


@pytest.mark.parametrize("option", ["--benchmark-compare=0001", "--benchmark-compare"])
def test_corrupt_stored_run(project: pytest.Pytester, once: Run, option: str) -> None:
    """A stored run that is torn is named and no baseline; without a gate pytest-benchmark warns of it."""
    project.runpytest_subprocess("--benchmark-save=x").assert_outcomes(passed=4)
    (stored,) = (project.path / ".benchmarks").rglob("*.json")
    stored.write_text(stored.read_text()[:5000])

    gated = once(option, "--codeact-fail=tokens:mean:5%")
    plain = once(option, "-W", "default")

    assert gated.ret == pytest.ExitCode.USAGE_ERROR
    gated.stderr.fnmatch_lines([f"ERROR: {option}: the stored run *0001_x.json' is damaged: it is no JSON: *"])
    plain.assert_outcomes(passed=4)
    assert plain.ret == 0
