"""Names of cassettes' files, and how the files are changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_codeact.cassettes import (
    Cassette,
    any_cassette,
    cassette_files,
    cassette_path,
    change_cassette,
    draft_files,
    read_cassette,
)
from pytest_codeact.errors import RecordingError

ROOT = Path("cassettes")


def path_of(scenario: str = "t.py::test_x", arm: str = "direct", model: str = "fake/x") -> str:
    """Give a cassette's path as text."""
    return cassette_path(ROOT, scenario=scenario, arm=arm, model=model).as_posix()


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("test_x.py::test_y", "test_x/test_y"),
        ("dir/test_x.py::TestY::test_z[red]", "dir/test_x/TestY.test_z[red]"),
        ("test_x.py::test_y[a/b:c*?]", "test_x/test_y[a%2Fb%3Ac%2A%3F]"),
        ("../test_x.py::test_y[..]", "%2E./test_x/test_y[..]"),
        ("test_x.py::test_y[é]", "test_x/test_y[%C3%A9]"),
    ],
)
def test_path_is_that_of_the_scenario(scenario: str, expected: str) -> None:
    """Readable, and below the directory whatever the id holds."""
    assert path_of(scenario) == f"cassettes/{expected}/direct/fake/x.json"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5.json"),
        ("openai/Qwen/Qwen3-8B:free", "openai/Qwen%2FQwen3-8B%3Afree.json"),
        ("fake", "fake/%.json"),
        ("fake/", "fake/%%.json"),
        ("fake/..", "fake/%2E..json"),
    ],
)
def test_path_is_that_of_the_model(model: str, expected: str) -> None:
    """A slash in a model's name makes no directory."""
    assert path_of(model=model) == f"cassettes/t/test_x/direct/{expected}"


def test_unlike_names_never_meet() -> None:
    """Long names, names that look like quoted ones, and names that differ late have files of their own."""
    long = "m" * 500
    models = ["fake", "fake/", "fake/%", "fake/%25", "fake/~", "fake/a/b", "fake/a%2Fb", "fake/a b", "fake/a+b"]
    models += [f"fake/{long}", f"fake/{long}x", f"fake/{long[:200]}"]
    paths = {path_of(model=model) for model in models}

    assert len(paths) == len(models)
    assert max(len(part.encode()) for path in paths for part in path.split("/")) <= 255


def test_recordings_of_a_model_are_found(tmp_path: Path) -> None:
    """Only its own, however its name looks to a pattern."""
    for model in ("fake/x", "fake/[ab]", "fake"):
        path = cassette_path(tmp_path, scenario="dir/t.py::test_x", arm="code", model=model)
        change_cassette(path, lambda _, name=model: Cassette(scenario="s", arm="a", model=name), renews=False)  # type: ignore[misc]  # bound

    assert [any_cassette(tmp_path, model) for model in ("fake/x", "fake/[ab]", "fake")] == [True] * 3
    assert not any(any_cassette(tmp_path, model) for model in ("fake/a", "fake/y", "other/x", "fake/", "x"))
    assert not any_cassette(tmp_path / "none", "fake/x")
    assert len(cassette_files(tmp_path)) == 3


def test_change_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """A draft that cannot be finished is taken away."""
    path = tmp_path / "x.json"
    old = Cassette(scenario="s", arm="a", model="fake/x")
    change_cassette(path, lambda _: old, renews=False)
    bad = Cassette(scenario="s", arm="a", model="fake/x", offers={"x": {"y": object()}})

    with pytest.raises(TypeError):
        change_cassette(path, lambda _: bad, renews=False)
    assert read_cassette(path) == old
    assert draft_files(tmp_path) == []


def test_change_to_nothing_deletes(tmp_path: Path) -> None:
    """A cassette without trials needs no file."""
    path = tmp_path / "x.json"
    change_cassette(path, lambda _: Cassette(scenario="s", arm="a", model="fake/x"), renews=False)
    change_cassette(path, lambda _: None, renews=False)

    assert read_cassette(path) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"is no cassette, or a damaged one \("),
        ("[]", r"is no cassette, or a damaged one \("),
        ('{"schema": 0}', "is of schema 0, and this version reads 1"),
        ('{"schema": 2, "x": 1}', "is of schema 2, and this version reads 1"),
        ('{"schema": 1}', r"is a damaged cassette \(KeyError: 'scenario'\)"),
        (
            '{"schema": 1, "scenario": "s", "arm": "a", "model": "m", "offers": {}, "trials": [{"trial": 1}]}',
            r"is a damaged cassette \(KeyError: 'measured'\)",
        ),
    ],
)
def test_unreadable_file_says_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong with it, and three ways on."""
    path = tmp_path / "x.json"
    path.write_text(text)

    with pytest.raises(
        RecordingError,
        match=f"x.json {said}.*; record it anew with --codeact-mode=refresh, get it back from version control, or read",
    ):
        read_cassette(path)


def test_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    """Bytes of another kind are refused too."""
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(RecordingError, match="cannot be read: 'utf-8' codec"):
        read_cassette(path)
