"""
Every option: its name on the command line and in ini files, its help, and how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from pytest_codeact.options._parse import (
    parse_count,
    parse_limits,
    parse_names,
    parse_order,
    parse_rules,
    parse_seconds,
    parse_seed,
    parse_share,
    parse_text,
)
from pytest_codeact.options._settings import DEFAULT_ARMS, DEFAULT_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """
    What the user set.

    Attributes:
        source: Where: the flag, or the ini key.
        value: What, read.
    """

    source: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """
    One option: how it is declared and read.

    Attributes:
        name: The field of `Settings`.
        flag: On the command line; the ini key is the same with underscores.
        metavar: What the help calls its value. "" for a flag.
        help: What the help says.
        parse: Reads a value.
        ini: Type of the ini key. None for an option of one run, which has none.
        repeated: Whether it may be given several times.
        flag_only: Whether it takes no value.
    """

    name: str
    flag: str
    metavar: str
    help: str
    parse: Callable[[str, Any], Any]
    ini: Literal["args", "int", "float", "string", "bool"] | None
    repeated: bool = False
    flag_only: bool = False

    @property
    def dest(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")

    def declare(self, parser: pytest.Parser, group: pytest.OptionGroup) -> None:
        if self.flag_only:
            group.addoption(self.flag, dest=self.dest, action="store_true", default=None, help=self.help)
        else:
            action = "append" if self.repeated else "store"
            group.addoption(
                self.flag, dest=self.dest, metavar=self.metavar, default=None, action=action, help=self.help
            )
        if self.ini is not None:
            parser.addini(self.dest, help=f"Default of {self.flag}.", type=self.ini, default=None)

    def given(self, config: pytest.Config) -> Given | None:
        """
        Give what the user set. None if nothing.

        Raises:
            pytest.UsageError: It cannot be read.
        """
        source, raw = self.flag, config.getoption(self.dest)
        if raw is None and self.ini is not None:
            source, raw = self.dest, _ini_value(config, self.dest)
        return None if raw is None else Given(source=source, value=self.parse(source, raw))

    def as_given(self, value: Any) -> str:
        """Write a value as it is given on the command line."""
        if self.flag_only:
            return self.flag if value else f"no {self.flag}"
        if isinstance(value, Mapping):
            values = [f"{name}={number:.12g}" for name, number in value.items()]
        else:
            values = [",".join(value) if isinstance(value, list | tuple) else str(value)]
        return " ".join(f"{self.flag}={each}" for each in values) or f"no {self.flag}"


def _ini_value(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (pytest.UsageError, ValueError, TypeError) as error:
        raise pytest.UsageError(f"{name}: {error}") from error


OPTIONS: Final = (
    Option(
        name="arms",
        flag="--codeact-arms",
        metavar="ARM[,ARM]",
        help=f"Arms that every scenario runs in. Default: {','.join(DEFAULT_ARMS)}.",
        parse=parse_names,
        ini="args",
    ),
    Option(
        name="models",
        flag="--codeact-model",
        metavar="PROVIDER/MODEL",
        help="Model to run with; may be repeated. Default: reference, which needs no key and no network.",
        parse=parse_names,
        ini="args",
        repeated=True,
    ),
    Option(
        name="trials",
        flag="--codeact-trials",
        metavar="N",
        help="Trials of every scenario in every arm, each a test of its own. Default: 1.",
        parse=parse_count,
        ini="int",
    ),
    Option(
        name="metrics",
        flag="--codeact-metrics",
        metavar="METRIC[,METRIC]",
        help=f"Columns of the table. Default: {', '.join(DEFAULT_METRICS)}.",
        parse=parse_names,
        ini="args",
    ),
    Option(
        name="seed",
        flag="--codeact-seed",
        metavar="N",
        help="Seed of everything that is drawn: a shuffled order, the faults of the reference model. Default: 0.",
        parse=parse_seed,
        ini="int",
    ),
    Option(
        name="sandbox",
        flag="--codeact-sandbox",
        metavar="RUNTIME",
        help="Where model-written programs run. Default: restricted.",
        parse=lambda _source, raw: raw,
        ini="string",
    ),
    Option(
        name="max_turns",
        flag="--codeact-max-turns",
        metavar="N",
        help="Model requests of one trial, where the scenario does not say. Default: 50.",
        parse=parse_count,
        ini="int",
    ),
    Option(
        name="max_output_tokens",
        flag="--codeact-max-output-tokens",
        metavar="N",
        help="Tokens of one reply. Default: 4096.",
        parse=parse_count,
        ini="int",
    ),
    Option(
        name="observation_bytes",
        flag="--codeact-observation-bytes",
        metavar="N",
        help="Bytes of one tool result or program output that the model is shown. Default: 65536.",
        parse=parse_count,
        ini="int",
    ),
    Option(
        name="limits",
        flag="--codeact-limit",
        metavar="NAME=VALUE",
        help="Limit of each program in the sandbox, for example wall_s=2; may be repeated.",
        parse=parse_limits,
        ini="args",
        repeated=True,
    ),
    Option(
        name="min_success",
        flag="--codeact-min-success",
        metavar="SHARE",
        help="Take failed trials as data: a scenario fails when fewer of its completed trials than this share pass. "
        "Default: every failed trial is red.",
        parse=parse_share,
        ini="float",
    ),
    Option(
        name="order",
        flag="--codeact-order",
        metavar="ORDER",
        help="How the arms of a scenario follow each other: abba, or shuffled in each trial by the seed. "
        "Default: abba.",
        parse=parse_order,
        ini="string",
    ),
    Option(
        name="concurrency",
        flag="--codeact-concurrency",
        metavar="C",
        help="Trials that one process runs at a time, in threads ahead of the tests that judge them. Default: 1.",
        parse=parse_count,
        ini="int",
    ),
    Option(
        name="deadline_s",
        flag="--codeact-deadline",
        metavar="SECONDS",
        help="Seconds that one trial may take; one that takes longer is an error. Default: 900.",
        parse=parse_seconds,
        ini="float",
    ),
    Option(
        name="control",
        flag="--codeact-control",
        metavar="",
        help="Run the base arm (direct, or the first) a second time, as an A/A pair: a difference that is not beyond "
        "the one between the two is no verdict.",
        parse=lambda _source, raw: raw,
        ini="bool",
        flag_only=True,
    ),
    Option(
        name="fail",
        flag="--codeact-fail",
        metavar="METRIC:STAT:LIMIT",
        help="Fail on a regression against --benchmark-compare, for example tokens:mean:5%% or success:rate:-0; may "
        "be repeated.",
        parse=parse_rules,
        ini="args",
        repeated=True,
    ),
    Option(
        name="fail_on_noise",
        flag="--codeact-fail-on-noise",
        metavar="",
        help="Let --codeact-fail count what is beyond the limit though it is within the noise.",
        parse=lambda _source, raw: raw,
        ini="bool",
        flag_only=True,
    ),
    Option(
        name="require_baseline",
        flag="--codeact-require-baseline",
        metavar="",
        help="Fail when --codeact-fail has no baseline to compare with.",
        parse=lambda _source, raw: raw,
        ini="bool",
        flag_only=True,
    ),
    Option(
        name="save_baseline",
        flag="--codeact-save-baseline",
        metavar="FILE",
        help="Write a small baseline file to commit, for --benchmark-compare=FILE.",
        parse=parse_text,
        ini=None,
    ),
    Option(
        name="resume",
        flag="--codeact-resume",
        metavar="RUN",
        help="Go on with a run that was cut short: a name in .codeact, or last. Its finished trials are not run again. "
        "Arms, models and all else that make the experiment are the run's; --codeact-fail and what goes with it, "
        "--codeact-save-baseline and --codeact-metrics are not: give them again.",
        parse=parse_text,
        ini=None,
    ),
)
