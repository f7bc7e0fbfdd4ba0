"""Saving that two runs do at once, and saving that fails."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_benchmark.storage.file import FileStorage

from pytest_codeact.storage import guard_saving

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Quiet:
    """A logger."""

    def info(self, _text: str) -> None:
        """Say nothing."""


def files(directory: Path) -> Any:
    """Make a storage of pytest-benchmark."""
    make: Callable[..., Any] = FileStorage
    return make(directory, logger=Quiet(), default_machine_id="machine")


def guarded(storage: Any, tell: Callable[[str], None], save_json: Callable[[Any], None] = print) -> Any:
    """Give a session of pytest-benchmark whose saving is guarded."""
    session = SimpleNamespace(storage=storage, save_json=save_json)
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _name: session))
    guard_saving(config, tell)
    return session


def test_runs_that_save_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    """Eight runs that save ten times each leave eighty whole files with the numbers 1 to 80."""
    told: list[str] = []
    storages = [guarded(files(tmp_path), told.append).storage for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda storage: [storage.save({"benchmarks": []}, "x") for _ in range(10)], storages))

    saved = sorted(tmp_path.rglob("*.json"))
    assert [path.name for path in saved] == [f"{number:04}_x.json" for number in range(1, 81)]
    assert all(json.loads(path.read_text()) == {"benchmarks": []} for path in saved)
    assert told == []


def rescued(told: list[str]) -> Path:
    """Give the file that the one message names."""
    (message,) = told
    match = re.fullmatch(
        r"the run could not be saved: \[Errno \d+\] .+; it is in (\S+) instead; move it to a place of yours, its path "
        r"will do for --benchmark-compare",
        message,
    )
    assert match, message
    return Path(match[1])


def test_storage_that_cannot_be_made_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was to be saved below a regular file is elsewhere, and the message says where."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    told: list[str] = []

    guarded(files(tmp_path / "file" / "runs"), told.append).storage.save({"benchmarks": [1]}, "x")

    assert rescued(told).parent == tmp_path
    assert json.loads(rescued(told).read_text()) == {"benchmarks": [1]}


def test_torn_file_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a full disk cut short does not stay as the latest run; others of the storage do."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "runs").mkdir()
    told: list[str] = []

    class Full(FileStorage):
        def save(self, _output: object, save: str) -> None:
            (self.path / f"0002_{save}.json").write_text('{"benchm')
            (self.path / "0002_other.json").write_text("{}")
            raise OSError(28, "No space left on device")

    (tmp_path / "runs" / "0001_x.json").write_text("{}")
    make: Any = Full
    guarded(make(tmp_path / "runs", logger=Quiet()), told.append).storage.save({"benchmarks": []}, "x")

    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["0001_x.json", "0002_other.json"]
    assert rescued(told).exists()


def test_json_that_cannot_be_written_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--benchmark-json on a full device is rescued too."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[str] = []

    def save_json(_output: object) -> None:
        raise OSError(28, "No space left on device")

    guarded(None, told.append, save_json).save_json({"benchmarks": [2]})

    assert json.loads(rescued(told).read_text()) == {"benchmarks": [2]}


def test_disk_that_is_full_everywhere_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the temporary directory cannot be written either, the message says both and what to do."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    (tmp_path / "file").touch()
    told: list[str] = []

    guarded(files(tmp_path / "file" / "runs"), told.append).storage.save({}, "x")

    assert re.fullmatch(
        r"the run could not be saved: \[Errno \d+\] .+; nor could it be written elsewhere: \[Errno 2\] .+; make room "
        r"and run it again",
        told[0],
    )


def test_guard_stands_for_the_storage(tmp_path: Path) -> None:
    """All else is the storage's own; without pytest-benchmark there is nothing to guard."""
    storage = files(tmp_path)

    assert str(guarded(storage, print).storage) == str(storage)
    assert guarded(storage, print).storage.path == storage.path
    guard_saving(SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _name: None)), print)  # type: ignore[arg-type]  # what it asks of a config


def test_storage_of_no_files_saves_as_it_does() -> None:
    """One that is none of files is not locked and not looked into."""
    saved: list[Any] = []

    guarded(SimpleNamespace(save=lambda output, save: saved.append((output, save))), print).storage.save({}, "x")

    assert saved == [({}, "x")]
