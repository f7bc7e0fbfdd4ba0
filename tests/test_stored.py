"""Stored runs, written and read."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from records_of import record
from runs_of import sample, stored_run

from pytest_codeact.errors import RecordError
from pytest_codeact.measure import METRICS, Metric, pools
from pytest_codeact.stored import RUN_KEY, from_json, read_run, run_info, to_json

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_codeact.records import Mode

RUN = stored_run(
    sample("one", {"tokens": [1000.5, None], "success": [1.0, 0.0]}),
    sample("two", {"tokens": [7, 8], "success": [1.0, 1.0]}, arm="direct"),
    worker_count=2,
    concurrency=5,
    order="shuffled",
    seed=3,
    control=True,
    min_success=0.5,
    failed=("test_a.py::test_one",),
)


def content(**changes: Any) -> dict[str, Any]:
    """Give what a file with the run holds, with changes to our part."""
    return {"benchmarks": [], RUN_KEY: {**to_json(RUN), **changes}}


def test_run_survives_its_file(tmp_path: Path) -> None:
    """What is read is what was written, every figure of every trial and all that the run says of itself."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(content(), indent=4))

    assert read_run(path) == replace(RUN, name=str(path))


def test_sample_is_one_line_however_it_is_indented() -> None:
    """Figures of trials do not become lines of their own: 10,000 trials would be hundreds of thousands."""
    assert len(json.dumps(content(), indent=4).splitlines()) < 160


def test_figure_that_is_no_number_is_unknown() -> None:
    """Of a metric that gave infinity or nan, the file holds that it is unknown, and stays JSON."""
    run = stored_run(sample("one", {"tokens": [math.inf, math.nan, 3.0, None]}))

    read = from_json(json.loads(json.dumps({RUN_KEY: to_json(run)}, allow_nan=False)), name="x")

    assert read.samples[0].values["tokens"] == (None, None, 3.0, None)


def test_metric_of_a_third_party_is_read_by_what_is_kept() -> None:
    """A metric that is not registered here has its unit and direction, and of a record it knows nothing."""
    stars = Metric(
        name="stars", title="stars", unit="", value=lambda _: 1.0, summed=False, better="higher", binary=True
    )

    kept: Any = to_json(replace(RUN, metrics=(METRICS[0], stars)))
    read = from_json({RUN_KEY: kept}, name="x").metrics

    assert read[0] is METRICS[0]
    assert (read[1].name, read[1].unit, read[1].summed, read[1].better) == ("stars", "", False, "higher")
    assert read[1].binary
    assert read[1].value(record()) is None
    # An older file does not know whether a metric is binary.
    del kept["metrics"]["stars"]["binary"]
    assert not from_json({RUN_KEY: kept}, name="x").metrics[1].binary


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{",
            "the stored run {path!r} is damaged: it is no JSON: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1); save it again, or take it from version control",
        ),
        (
            "[]",
            "{path!r} holds no run of pytest-codeact: it has no 'codeact' part; give a file that a run with scenarios "
            "saved",
        ),
        (
            json.dumps({"benchmarks": []}),
            "{path!r} holds no run of pytest-codeact: it has no 'codeact' part; give a file that a run with scenarios "
            "saved",
        ),
        (
            json.dumps({RUN_KEY: {"version": "0.0.9"}}),
            "the stored run {path!r} is of schema None; this version reads 1; save it again, or read it with "
            "pytest-codeact 0.0.9",
        ),
        (
            json.dumps(content(schema=2, version=metadata.version("pytest-codeact"))),
            "the stored run {path!r} is of schema 2; this version reads 1; save it again",
        ),
        (
            json.dumps(content(schema=2, version="9.0")),
            "the stored run {path!r} is of schema 2; this version reads 1; save it again, or read it with "
            "pytest-codeact 9.0",
        ),
        (
            json.dumps(content(samples=["{"])),
            "the stored run {path!r} is damaged: JSONDecodeError: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1); save it again, or take it from version control",
        ),
        (
            json.dumps(content(samples=[{"scenario": "s", "trials": [1], "values": {"tokens": [1, 2]}}])),
            "the stored run {path!r} is damaged: ValueError: s: tokens has not one figure per trial; save it again, or "
            "take it from version control",
        ),
        (
            json.dumps(content(samples=[{"scenario": "s", "trials": [1], "values": {"tokens": ["many"]}}])),
            "the stored run {path!r} is damaged: ValueError: s: tokens has not one figure per trial; save it again, or "
            "take it from version control",
        ),
        (
            json.dumps(content(samples=to_json(RUN)["samples"] * 2)),  # type: ignore[operator]  # a list
            "the stored run {path!r} is damaged: ValueError: two samples of one scenario, arm and model; save it "
            "again, or take it from version control",
        ),
        (
            json.dumps(content(metrics={"x": {}})),
            "the stored run {path!r} is damaged: KeyError: 'title'; save it again, or take it from version control",
        ),
    ],
)
def test_bad_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    """What cannot be read says which file, what is wrong with it and the way out."""
    path = tmp_path / "run.json"
    path.write_text(text)

    with pytest.raises(RecordError) as caught:
        read_run(path)

    assert str(caught.value) == message.replace("{path!r}", repr(str(path)))


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A file that cannot be opened says why."""
    with pytest.raises(RecordError) as caught:
        read_run(tmp_path / "none.json")

    assert str(caught.value) == f"cannot read the stored run {str(tmp_path / 'none.json')!r}: No such file or directory"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A binary file is a damaged one, not a traceback."""
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(RecordError, match="is damaged: it is no JSON: "):
        read_run(tmp_path / "x.json")


def test_info_tells_scenarios_that_failed() -> None:
    """A scenario is complete if every trial in every arm passed; an error counts against it."""
    found = run_info(
        pools(
            [
                record("a"),
                record("a", "code"),
                record("b"),
                record("b", "code", success=False),
                record("c", success=None, ended="error"),
            ]
        ),
        version="1",
        models=("reference",),
        tokenizers=(),
        worker_count=0,
    )

    assert (found.complete, found.failed, found.mode) == (("a",), ("b", "c"), "reference")


@pytest.mark.parametrize(
    ("modes", "expected"), [((), None), (("live",), "live"), (("live", "replay"), "mixed"), (("mixed",), "mixed")]
)
def test_info_names_the_mode(modes: tuple[Mode, ...], expected: Mode | None) -> None:
    """A run of several modes is mixed, one without trials has none."""
    trials = [replace(record(str(index)), mode=mode) for index, mode in enumerate(modes)]

    assert run_info(pools(trials), version="1", models=(), tokenizers=(), worker_count=0).mode == expected
