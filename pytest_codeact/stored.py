"""
A stored run: what is kept of a run so that a later one can be compared with it, trial by trial, and how it is read.

It stands in the files that pytest-benchmark saves under a key of its own, and in baseline files. The figures of every
trial are kept, of every metric; each sample is one string of compact JSON, because pytest-benchmark writes one line
per figure otherwise.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import RecordError
from pytest_codeact.measure import METRICS, Metric, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_codeact.measure import Pool
    from pytest_codeact.records import Json, Mode

SCHEMA: Final = 1
"""Version of the stored form. Raised when a reader of the old form would misread the new."""

CONTROL: Final = "control"
"""Name of the arm that is another one run again, in a run whose `RunInfo.control` says that there is one."""

RUN_KEY: Final = "codeact"
"""Key of a stored run in the file that holds it."""

_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)

_METRIC_FIELDS: Final = ("title", "unit", "summed", "better")
"""What is kept of a metric, so that one that is not registered where the run is read can be compared as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """
    What a stored run says of itself as a whole.

    Attributes:
        version: Version of pytest-codeact.
        mode: Where the replies came from. None if no trial got one.
        models: PROVIDER/MODEL or "reference", in the order of the options.
        tokenizers: Names of the tokenizers that counted tokens here. Empty if all tokens were billed.
        worker_count: Number of xdist workers. 0 without xdist.
        complete: Ids of the scenarios of which every trial passed; of those with a `min_success`, enough.
        failed: Ids of the others, and of those of which a trial ended in an error. A run that has some is no baseline.
        interrupted: Whether the run ended early (Ctrl-C, -x, a lost worker): scenarios may be missing.
        order: How the arms of a scenario followed each other: "abba", "shuffled", or "other" if something else than
            the option decided it. "" if no trial said.
        seed: Seed of everything that was drawn.
        concurrency: Trials that one process ran at a time.
        control: Whether one arm ran twice, as an A/A pair.
        min_success: Share of a scenario's completed trials that had to pass where the scenario itself did not say.
            None: all.
        sandbox: Names of the runtimes of the run's arms. Empty if none ran programs, and in files written before it was
            kept.
        sandbox_level: The least level at which a trial's programs were held. None if none ran.
        prices: Names and dates of the price tables by which requests were priced. Empty if none was, and in files
            written before it was kept.
    """

    version: str
    mode: Mode | None
    models: tuple[str, ...]
    tokenizers: tuple[str, ...]
    worker_count: int
    complete: tuple[str, ...]
    failed: tuple[str, ...]
    interrupted: bool = False
    order: str = ""
    seed: int = 0
    concurrency: int = 1
    control: bool = False
    min_success: float | None = None
    sandbox: tuple[str, ...] = ()
    sandbox_level: str | None = None
    prices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """
    A run as it is compared.

    Attributes:
        name: What messages call it: the path of its file; "this run" for the one that is going on.
        info: What it says of itself.
        samples: One per scenario, arm and model.
        metrics: The metrics whose figures the samples hold, in order of registration. Of those read from a file,
            `Metric.value` knows nothing: the trials are gone.
    """

    name: str
    info: RunInfo
    samples: tuple[Sample, ...]
    metrics: tuple[Metric, ...]

    @property
    def arms(self) -> tuple[tuple[str, str], ...]:
        """Every arm with each of its models, in order; not the control, which is none that anybody compares."""
        found = dict.fromkeys((sample.arm, sample.model) for sample in self.samples)
        return tuple(each for each in found if not (self.info.control and each[0] == CONTROL))


def mode_of(pools: Iterable[Pool]) -> Mode | None:
    """Give where the replies came from: "mixed" if from several places, None if there was none."""
    modes = {trial.mode for pool in pools for trial in pool.trials} - {None}
    return "mixed" if len(modes) > 1 else next(iter(modes), None)


def run_info(
    pools: Sequence[Pool],
    *,
    version: str,
    models: tuple[str, ...],
    tokenizers: tuple[str, ...],
    worker_count: int,
    interrupted: bool = False,
    order: str = "",
    seed: int = 0,
    concurrency: int = 1,
    control: bool = False,
    min_success: float | None = None,
    shares: Mapping[str, float] = MappingProxyType({}),
    sandbox: tuple[str, ...] = (),
) -> RunInfo:
    """
    Sum up a run: find its mode, and tell the scenarios that failed from the others.

    Args:
        pools: All its pools.
        version: As in `RunInfo`.
        models: As in `RunInfo`.
        tokenizers: As in `RunInfo`.
        worker_count: As in `RunInfo`.
        interrupted: As in `RunInfo`.
        order: As in `RunInfo`.
        seed: As in `RunInfo`.
        concurrency: As in `RunInfo`.
        control: As in `RunInfo`.
        min_success: As in `RunInfo`.
        sandbox: As in `RunInfo`.
        shares: Of scenarios whose failed trials are data: the share that must pass, by id.
    """
    scenarios = dict.fromkeys(pool.scenario for pool in pools)
    failed = {pool.scenario for pool in pools if pool.error_count or not pool.meets(shares.get(pool.scenario))}
    return RunInfo(
        version=version,
        mode=mode_of(pools),
        models=models,
        tokenizers=tokenizers,
        worker_count=worker_count,
        complete=tuple(scenario for scenario in scenarios if scenario not in failed),
        failed=tuple(scenario for scenario in scenarios if scenario in failed),
        interrupted=interrupted,
        order=order,
        seed=seed,
        concurrency=concurrency,
        control=control,
        min_success=min_success,
        sandbox=sandbox,
        sandbox_level=max(filter(None, (trial.sandbox_level for pool in pools for trial in pool.trials)), default=None),
        prices=tuple(dict.fromkeys(trial.prices for pool in pools for trial in pool.trials if trial.prices)),
    )


def to_json(run: StoredRun) -> dict[str, Json]:
    """Give a run as what stands under `RUN_KEY`; every sample is a string of JSON in it."""
    return {
        "schema": SCHEMA,
        **json.loads(json.dumps(asdict(run.info))),
        "metrics": {
            metric.name: {field: getattr(metric, field) for field in (*_METRIC_FIELDS, "binary")}
            for metric in run.metrics
        },
        "samples": [_sample_text(sample) for sample in run.samples],
    }


def _sample_text(sample: Sample) -> str:
    content = {
        "scenario": sample.scenario,
        "arm": sample.arm,
        "model": sample.model,
        "errors": sample.error_count,
        "trials": sample.trials,
        "values": sample.values,
    }
    try:
        return _COMPACT.encode(content)
    except ValueError:
        return _COMPACT.encode({**content, "values": {name: _finite(each) for name, each in sample.values.items()}})


def _finite(column: Sequence[float | None]) -> list[float | None]:
    """Give figures as JSON can hold them: what is no finite number is unknown."""
    return [value if value is not None and math.isfinite(value) else None for value in column]


def read_run(path: Path) -> StoredRun:
    """
    Read the stored run in a file: one that pytest-benchmark saved, or a baseline file.

    Raises:
        RecordError: The file cannot be read, is damaged, holds no stored run or one of another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"cannot read the stored run {str(path)!r}: {error.strerror or error}") from error
    except ValueError as error:
        raise _damaged(str(path), f"it is no JSON: {error}") from error
    return from_json(content, name=str(path))


def from_json(content: Any, *, name: str) -> StoredRun:
    """
    Read a stored run out of a file's content.

    Args:
        content: The whole file, parsed.
        name: What messages call it.

    Raises:
        RecordError: As for `read_run`.
    """
    kept = content.get(RUN_KEY) if isinstance(content, dict) else None
    if not isinstance(kept, dict):
        raise RecordError(
            f"{name!r} holds no run of pytest-codeact: it has no {RUN_KEY!r} part; "
            "give a file that a run with scenarios saved"
        )
    if kept.get("schema") != SCHEMA:
        raise RecordError(
            f"the stored run {name!r} is of schema {kept.get('schema')!r}; this version reads {SCHEMA}; save it again"
            + _other_version(kept)
        )
    try:
        return StoredRun(
            name=name, info=_info(kept), metrics=_metrics(kept["metrics"]), samples=_samples(kept["samples"])
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(name, f"{type(error).__name__}: {error}") from error


def _other_version(kept: Mapping[str, Any]) -> str:
    """Name the version that wrote a stored run, if it is another than this one, which has refused it."""
    from importlib import metadata

    wrote = kept.get("version", "of then")
    return "" if wrote == metadata.version("pytest-codeact") else f", or read it with pytest-codeact {wrote}"


def _damaged(name: str, what: str) -> RecordError:
    return RecordError(f"the stored run {name!r} is damaged: {what}; save it again, or take it from version control")


def _info(kept: Mapping[str, Any]) -> RunInfo:
    values: dict[str, Any] = {field.name: kept[field.name] for field in fields(RunInfo) if field.name in kept}
    for name, value in values.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    return RunInfo(**values)


def _metrics(kept: Mapping[str, Mapping[str, Any]]) -> tuple[Metric, ...]:
    known = {metric.name: metric for metric in METRICS}
    return tuple(
        known.get(name)
        # Files written before a metric said whether it is binary are read as of metrics that are not.
        or Metric(
            name=name,
            value=_gone,
            binary=each.get("binary", False),
            **{field: each[field] for field in _METRIC_FIELDS},
        )
        for name, each in kept.items()
    )


def _gone(_record: object) -> None:
    """Give no figure: the record of a stored trial is gone."""


def _samples(kept: Sequence[str | Mapping[str, Any]]) -> tuple[Sample, ...]:
    samples = tuple(_sample(json.loads(each) if isinstance(each, str) else each) for each in kept)
    if len({(sample.scenario, sample.arm, sample.model) for sample in samples}) < len(samples):
        raise ValueError("two samples of one scenario, arm and model")
    return samples


def _sample(kept: Mapping[str, Any]) -> Sample:
    trials = tuple(kept["trials"])
    values = {name: tuple(column) for name, column in kept["values"].items()}
    for name, column in values.items():
        if len(column) != len(trials) or not all(each is None or type(each) in (int, float) for each in column):
            raise ValueError(f"{kept['scenario']}: {name} has not one figure per trial")
    return Sample(
        scenario=kept["scenario"],
        arm=kept["arm"],
        model=kept["model"],
        trials=trials,
        values=values,
        error_count=kept["errors"],
    )
