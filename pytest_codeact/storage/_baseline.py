"""
Baselines: found by what `--benchmark-compare` names, and written as a small file to commit.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.errors import RecordError
from pytest_codeact.measure import METRICS
from pytest_codeact.stored import RUN_KEY, read_run, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.stored import StoredRun

_LATEST: Final = "[0-9][0-9][0-9][0-9]_"
"""What pytest-benchmark looks for when it is to compare with the latest run."""

_ROW: Final = ("fullname", "group", "name", "param", "params")
"""What a row of a baseline file keeps beside figures and unit: the names by which pytest-benchmark finds and groups."""

_STATS: Final = ("min", "max", "mean", "median", "stddev", "iqr", "outliers", "rounds", "iterations")
"""The figures of a row that pytest-benchmark compares or shows in columns. It works out "ops" if it is left out."""

_BOX: Final = ("ld15iqr", "q1", "q3", "hd15iqr")
"""Those that its histogram needs besides."""

_DIGITS: Final = 6
"""Significant digits of a time in a baseline file: a clock knows no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """
    The stored run that a run is to be compared with.

    Attributes:
        asked: What the user named, as the option was written. "" if nothing was named.
        path: The file. None if there is none, or several are meant.
        count: How many are meant.
    """

    asked: str
    path: Path | None
    count: int

    def read(self) -> StoredRun | None:
        """
        Read it. None if there is none.

        Raises:
            RecordError: It is there and cannot be read.
        """
        return None if self.path is None else read_run(self.path)


def claim_baseline(config: pytest.Config, *, gated: bool) -> Baseline:
    """
    Find what `--benchmark-compare` names, before the run saves anything that it could be taken for.

    Call it in a `pytest_configure` before pytest-benchmark's, which is marked trylast. Of a baseline that is not there
    pytest-benchmark warns, or dies if it is a path of several directories or warnings are errors. It is told nothing of
    such a one: the first run of a project has none, and whether a marker has rules is not known yet.

    Args:
        config: The controller's.
        gated: Whether the options hold rules. Then the file is read here, so that a run is refused before it is paid.

    Raises:
        pytest.UsageError: There are rules, and it cannot be read, is a directory, or several files are meant.
    """
    asked = config.getoption("benchmark_compare", default=None)
    if not asked:
        return Baseline(asked="", path=None, count=0)
    text = "--benchmark-compare" if asked is True else f"--benchmark-compare={asked}"
    paths = _matching(config.getoption("benchmark_storage"), _LATEST if asked is True else asked)
    if asked is True:
        paths = paths[-1:]
    if not paths:
        paths = [] if asked is True else _saved_as(config.getoption("benchmark_storage"), asked)
        config.option.benchmark_compare = str(paths[0]) if len(paths) == 1 else []
    if not gated:
        return Baseline(asked=text, path=paths[0] if len(paths) == 1 else None, count=len(paths))
    if len(paths) > 1:
        raise pytest.UsageError(f"{text} names {_counted(paths)}; --codeact-fail compares with one; name it")
    if not paths and asked is not True and Path(asked).is_dir():
        raise pytest.UsageError(f"{text} is a directory; name a file in it, or a stored run")
    found = Baseline(asked=text, path=paths[0] if paths else None, count=len(paths))
    try:
        found.read()
    except RecordError as error:
        raise pytest.UsageError(f"{text}: {error}") from error
    return found


def find_run(asked: str, storage: str) -> StoredRun:
    """
    Read the stored run of a number or name in a storage, as `--benchmark-compare` takes them.

    Args:
        asked: For example "0003" or "0003_main"; "main" will do.
        storage: Path or file:// address of the storage.

    Raises:
        RecordError: There is none, there are several, or it cannot be read.
    """
    paths = _matching(storage, asked) or _saved_as(storage, asked)
    if not paths and Path(asked).is_dir():
        raise RecordError(f"{asked!r} is a directory; name a file in it, or a stored run")
    if not paths:
        known = ", ".join(each.stem for each in _matching(storage, "*")[-5:]) or "nothing"
        raise RecordError(
            f"there is no stored run {asked!r}, as a file or in the storage {storage!r}, which has {known}"
        )
    if len(paths) > 1:
        raise RecordError(f"{asked!r} names {_counted(paths)}; name one")
    return read_run(paths[0])


def _saved_as(storage: str, name: str) -> list[Path]:
    """Give the stored runs that `--benchmark-save` gave a name; each has a number before it."""
    numbered = [path for path in _matching(storage, "*") if path.stem.partition("_")[0].isdecimal()]
    return [path for path in numbered if path.stem.partition("_")[2] == name]


def _counted(paths: Sequence[Path]) -> str:
    return f"{len(paths)} stored runs: {', '.join(str(path) for path in paths[:5])}{', ...' if len(paths) > 5 else ''}"  # noqa: PLR2004 - a handful


def _matching(storage: str, asked: str) -> list[Path]:
    directory = Path(storage.removeprefix("file://"))
    if not directory.is_dir():
        # To ask pytest-benchmark would make it.
        return [path] if (path := Path(asked)).is_file() else []
    from pytest_benchmark import utils

    load: Callable[..., Any] = utils.load_storage
    machine: Callable[[], str] = utils.get_machine_id
    files = load(storage, logger=None, default_machine_id=machine(), netrc="")
    try:
        return list(files.query(asked))
    except (ValueError, NotImplementedError):
        # A path that is no file, of several directories or from the root.
        return []


def unwritable(path: Path) -> str:
    """Say why a baseline cannot be written to a path. "" if nothing is known to be in its way."""
    if path.is_dir():
        return "it is a directory"
    nearest = next(parent for parent in path.absolute().parents if parent.exists())
    if not nearest.is_dir():
        return f"{str(nearest)!r} is no directory"
    return "" if os.access(nearest, os.W_OK) else f"the directory {str(nearest)!r} cannot be written to"


def forgive_machine(machine_info: dict[str, Any], compared: dict[str, Any]) -> None:
    """
    Let a baseline file pass for one of this machine: it says of none, so that it does not change with it.

    Call it in a `pytest_benchmark_compare_machine_info` that is marked tryfirst; pytest-benchmark's own, which comes
    after, warns of another machine, and a warning at that time ends a run that makes errors of warnings.
    """
    if not compared["machine_info"] and RUN_KEY in compared:
        compared["machine_info"] = machine_info


def save_baseline(path: Path, run: StoredRun, rows: Sequence[Any]) -> None:
    """
    Write a baseline file: small, the same for the same figures, one line per row and sample.

    pytest-benchmark reads it too. It says nothing of the machine, the commit and the time of day. Times are rounded to
    six significant digits.

    Args:
        path: Where to; its directories are made.
        run: The run.
        rows: Its entries, as `entries` made them.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    kept = to_json(run)
    # What is built in is known where it is read.
    built_in = {metric.name for metric in METRICS}
    described: Any = kept["metrics"]
    kept["metrics"] = {name: {} if name in built_in else described[name] for name in described}
    times = {metric.name for metric in run.metrics if metric.unit == "s"}
    samples = [json.loads(str(text)) for text in kept.pop("samples")]  # type: ignore[union-attr]  # a list of texts
    for sample in samples:
        sample["values"] = {
            name: [_short(figure, is_time=name in times) for figure in column]
            for name, column in sample["values"].items()
        }
    text = (
        '{\n"benchmarks": [\n'
        + ",\n".join(_compact(_row(row)) for row in rows)
        + f'\n],\n"{RUN_KEY}": {{\n'
        + "".join(f"{_line(name)}: {_line(kept[name])},\n" for name in sorted(kept))
        + '"samples": [\n'
        + ",\n".join(_compact(sample) for sample in samples)
        + '\n]\n},\n"machine_info": {}\n}\n'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _row(entry: Any) -> dict[str, Any]:
    row: dict[str, Any] = entry.as_dict(include_data=False)
    unit, stats = row["extra_info"]["unit"], row["stats"]
    # What it would work out from a mean of 0 is an error.
    names = (*_STATS, *_BOX) if stats["mean"] else (*_STATS, *_BOX, "ops")
    return {
        **{name: row[name] for name in _ROW},
        "extra_info": {"unit": unit},
        "stats": {name: _short(stats[name], is_time=unit == "s") for name in names},
    }


def _short(figure: Any, *, is_time: bool) -> Any:
    """Give a figure as briefly as JSON can hold it; what is no number as it is."""
    if not isinstance(figure, float):
        return figure
    shown = float(f"{figure:.{_DIGITS}g}") if is_time else figure
    return int(shown) if shown.is_integer() else shown


def _compact(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _line(content: Any) -> str:
    return json.dumps(content, sort_keys=True)
